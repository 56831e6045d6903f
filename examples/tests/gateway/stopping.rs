//! Tests for stopping the gateway.

use std::{future::pending, sync::Arc, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    program::{LONG, Program, client, until},
    upstream::{RESET_S, Upstream, last, ok},
    wire::read_until,
};

#[tokio::test]
async fn stopping_ends_queued_calls_and_finishes_sent_ones() {
    let are_told = Arc::new(Notify::new());
    let answers = Arc::clone(&are_told);
    let upstream = Upstream::start(move |request| {
        let answers = Arc::clone(&answers);
        async move {
            if request.uri() == "/slow" {
                answers.notified().await;
                return ok();
            }
            last(RESET_S)
        }
    })
    .await;
    let mut gateway = Program::start(&upstream, &["--grace", "1h"]);
    let client = client();
    assert_eq!(
        gateway.get("one").send().await.unwrap().status(),
        StatusCode::OK
    );
    let mut waiting = JoinSet::new();
    for id in 0..200 {
        let request = client
            .post(gateway.url("/orders"))
            .header("authorization", "one")
            .header("x-id", id);
        waiting.spawn(request.send());
    }
    gateway.until_waiting(200).await;
    let slow = client
        .get(gateway.url("/slow"))
        .header("authorization", "another");
    let slow = tokio::spawn(slow.send());
    until(async || upstream.seen().len() == 2).await;

    gateway.signal("-TERM");
    let told = timeout(LONG, waiting.join_all()).await;
    for response in told.expect("callers got no response") {
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let seconds: u64 = response.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((100..=RESET_S + 1).contains(&seconds), "{seconds}");
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(body["error"], "stopping");
    }
    are_told.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(gateway.ended().await.code(), Some(0));
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn unanswered_call_gets_504_after_grace() {
    for signals in [&["-TERM"][..], &["-INT", "-INT"]] {
        let upstream = Upstream::start(|_| pending()).await;
        let grace = if signals.len() == 1 { "200ms" } else { "1h" };
        let mut gateway = Program::start(&upstream, &["--grace", grace]);
        let call = tokio::spawn(client().post(gateway.url("/")).header("x-id", "1").send());
        until(async || !upstream.seen().is_empty()).await;
        let mut idle = TcpStream::connect(gateway.addr).await.unwrap();
        let head = "HEAD /-/status HTTP/1.1\r\nHost: h\r\n\r\n";
        idle.write_all(head.as_bytes()).await.unwrap();
        read_until(&mut idle, "\r\n\r\n").await;

        let (first, second) = signals.split_first().unwrap();
        gateway.signal(first);
        // Two signals at once count as one. Idle connections close after the first, so the test
        // waits for that before it sends the second.
        let closed = timeout(LONG, idle.read_u8()).await;
        assert!(closed.expect("the idle connection stayed open").is_err());
        for signal in second {
            gateway.signal(signal);
        }
        let response = call.await.unwrap().unwrap();
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        assert!(
            response
                .text()
                .await
                .unwrap()
                .contains("may have been executed")
        );
        assert_eq!(gateway.ended().await.code(), Some(0));
        assert_eq!(upstream.times("1"), 1);
    }
}

#[tokio::test]
async fn idle_connections_do_not_delay_stopping() {
    let upstream = Upstream::start(|_| async { ok() }).await;
    let mut gateway = Program::start(&upstream, &["--grace", "1h"]);
    let client = client();
    client
        .get(gateway.url("/"))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    gateway.signal("-INT");
    assert_eq!(gateway.ended().await.code(), Some(0));
}

/// A DNS lookup cannot be cancelled. This one waits on a pipe that never gets any data.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[tokio::test]
async fn pending_name_lookup_does_not_delay_stopping() {
    let file = std::env::temp_dir().join(format!("gateway-aliases-{}", std::process::id()));
    // A process with the same ID may have left the file.
    let _ = std::fs::remove_file(&file);
    let made = std::process::Command::new("mkfifo")
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    let mut gateway = Program::with_aliases(&file, "http://nowhere", &["--grace", "100ms"]);
    let call = tokio::spawn(gateway.get("one").send());
    let writer = loop {
        // Opening for writing succeeds when the resolver has opened the pipe for reading.
        match tokio::net::unix::pipe::OpenOptions::new().open_sender(&file) {
            Ok(writer) => break Some(writer),
            // This system's resolver does not read the file, so the lookup cannot be held up.
            Err(_) if call.is_finished() => break None,
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    };
    std::fs::remove_file(&file).unwrap();
    gateway.signal("-TERM");
    assert_eq!(gateway.ended().await.code(), Some(0));
    drop(writer);
}
