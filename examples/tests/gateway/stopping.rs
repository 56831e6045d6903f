//! What callers have of a gateway that ends.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    program::{LONG, Program, client},
    upstream::{Upstream, last, ok},
};

#[tokio::test]
async fn those_who_wait_are_told_and_what_is_sent_goes_on() {
    let upstream = Upstream::start(|request| async move {
        if request.uri() == "/slow" {
            sleep(Duration::from_secs(1)).await;
            return ok();
        }
        last(60)
    })
    .await;
    let mut gateway = Program::start(&upstream, &[]);
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
    while upstream.seen().len() < 2 {
        sleep(Duration::from_millis(5)).await;
    }

    let start = Instant::now();
    gateway.signal("-TERM");
    for response in waiting.join_all().await {
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let seconds: u64 = response.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((50..=61).contains(&seconds), "{seconds}");
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(body["error"], "stopping");
    }
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(gateway.ended().await.code(), Some(0));
    assert!(start.elapsed() < LONG);
    assert!(
        client
            .get(gateway.url("/"))
            .send()
            .await
            .unwrap_err()
            .is_connect()
    );
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn who_is_not_answered_in_the_time_of_grace_is_told() {
    for signals in [&["-TERM"][..], &["-INT", "-INT"]] {
        let upstream = Upstream::start(|_| async {
            sleep(Duration::from_secs(60)).await;
            ok()
        })
        .await;
        let grace = if signals.len() == 1 { "200ms" } else { "60s" };
        let mut gateway = Program::start(&upstream, &["--grace", grace]);
        let call = tokio::spawn(client().post(gateway.url("/")).header("x-id", "1").send());
        while upstream.seen().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        for signal in signals {
            gateway.signal(signal);
            // Two at once are one.
            sleep(Duration::from_millis(100)).await;
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
async fn idle_connections_hold_nothing_up() {
    let upstream = Upstream::start(|_| async { ok() }).await;
    let mut gateway = Program::start(&upstream, &["--grace", "60s"]);
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

/// A resolver cannot be called off. This one waits for a file that nobody writes to.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[tokio::test]
async fn a_name_that_is_still_looked_up_holds_nothing_up() {
    let file = std::env::temp_dir().join(format!("gateway-aliases-{}", std::process::id()));
    let made = std::process::Command::new("mkfifo")
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    let mut gateway = Program::with_aliases(&file, "http://nowhere", &["--grace", "100ms"]);
    let call = tokio::spawn(gateway.get("one").send());
    let writer = loop {
        // There is a writer as soon as there is a reader.
        match tokio::net::unix::pipe::OpenOptions::new().open_sender(&file) {
            Ok(writer) => break Some(writer),
            // This system's resolver has other ways, and none that a test could hold up.
            Err(_) if call.is_finished() => break None,
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    };
    std::fs::remove_file(&file).unwrap();
    gateway.signal("-TERM");
    assert_eq!(gateway.ended().await.code(), Some(0));
    drop(writer);
}
