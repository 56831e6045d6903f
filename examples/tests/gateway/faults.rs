//! What callers have of an upstream that fails.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Channel};
use reqwest::StatusCode;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    program::{LONG, Program, client},
    upstream::{Upstream, full, ok},
};

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_the_upstream_is_killed() {
    let mut upstream = Upstream::start(|_| async {
        sleep(Duration::from_secs(30)).await;
        ok()
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let client = client();
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for id in 0..40 {
        let request = client
            .post(gateway.url("/orders"))
            .header("x-id", id)
            .body("an order");
        callers.spawn(async move { request.send().await.unwrap().status() });
    }
    // What nothing is known of is sent 30 at first; all others wait.
    while upstream.seen().len() < 30 {
        assert!(start.elapsed() < LONG);
        sleep(Duration::from_millis(5)).await;
    }
    upstream.kill().await;
    for status in callers.join_all().await {
        assert_eq!(status, StatusCode::BAD_GATEWAY);
    }
    for id in 0..40 {
        assert!(upstream.times(&id.to_string()) <= 1, "{id}");
    }
    assert!(start.elapsed() < LONG);

    let response = client.get(gateway.url("/")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["x-breather-attempts"], "4");
    let body: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["error"], "unreachable");
    assert_eq!(body["status"], 502);
}

#[tokio::test]
async fn a_slow_upstream_is_not_waited_for_beyond_its_time() {
    let upstream = Upstream::start(|_| async {
        sleep(Duration::from_secs(30)).await;
        ok()
    })
    .await;
    let gateway = Program::start(&upstream, &["--attempt-timeout", "200ms", "--retries", "1"]);
    let client = client();
    for (request, sends) in [
        (client.post(gateway.url("/")), 1),
        (client.get(gateway.url("/")), 2),
    ] {
        let id = sends.to_string();
        let response = request.header("x-id", &id).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(response.headers()["x-breather-attempts"], &*id);
        assert!(
            response
                .text()
                .await
                .unwrap()
                .contains(r#""error":"timeout""#)
        );
        assert_eq!(upstream.times(&id), sends);
    }
}

#[tokio::test]
async fn what_is_cut_off_is_not_taken_for_whole() {
    for has_length in [true, false] {
        let upstream = Upstream::start(move |_| async move {
            let (mut sender, body) = Channel::<Bytes, _>::new(1);
            tokio::spawn(async move {
                sender.send_data("a part".into()).await.unwrap();
                sleep(Duration::from_millis(50)).await;
                sender.abort("cut off".into());
            });
            let mut response = Response::new(body.boxed());
            if has_length {
                response
                    .headers_mut()
                    .insert("content-length", 1_000.into());
            }
            response
        })
        .await;
        let gateway = Program::start(&upstream, &[]);
        for request in [
            client().post(gateway.url("/")),
            client().get(gateway.url("/")),
        ] {
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert!(
                response.bytes().await.is_err(),
                "has a length: {has_length}"
            );
        }
        assert_eq!(upstream.seen().len(), 2);
    }
}

#[tokio::test]
async fn an_upload_that_the_upstream_breaks_off_is_sent_once() {
    let upstream = Upstream::start(|mut request| async move {
        let _ = request.body_mut().frame().await;
        // The connection's task ends, and with it the connection.
        panic!("the upstream breaks off");
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let body = vec![7; 8 << 20];
    let request = client()
        .post(gateway.url("/"))
        .header("x-id", "1")
        .body(body)
        .send();
    // hyper's client may see its own write fail before it reads the answer.
    if let Ok(response) = request.await {
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    }
    assert_eq!(upstream.times("1"), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_is_not_sent() {
    let upstream = Upstream::start(|request| async move {
        let slow = request.uri() == "/slow";
        sleep(Duration::from_millis(if slow { 300 } else { 0 })).await;
        let mut response = crate::upstream::last(1);
        *response.body_mut() = full("rows");
        response
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    gateway.get("a").send().await.unwrap();
    let gone = tokio::spawn(gateway.get("a").header("x-id", "gone").send());
    gateway.until_waiting(1).await;
    gone.abort();
    gateway.until_waiting(0).await;
    let response = gateway
        .get("a")
        .header("x-id", "next")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((upstream.times("gone"), upstream.times("next")), (0, 1));
}
