//! Tests for an upstream that fails.

use std::{future::pending, sync::Arc};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Channel};
use reqwest::StatusCode;
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use crate::{
    program::{LONG, Program, client, until},
    upstream::{RESET_S, Upstream, left, ok},
};

#[tokio::test]
async fn killed_upstream_fails_every_call_and_doubles_none() {
    let mut upstream = Upstream::start(|_| pending()).await;
    let gateway = Program::start(&upstream, &[]);
    let client = client();
    let mut callers = JoinSet::new();
    for id in 0..40 {
        let request = client
            .post(gateway.url("/orders"))
            .header("x-id", id)
            .body("an order");
        callers.spawn(async move { request.send().await.unwrap().status() });
    }
    // In a scope without history the pacer sends 30 attempts at first and queues the others.
    until(async || upstream.seen().len() >= 30).await;
    upstream.kill().await;
    let told = timeout(LONG, callers.join_all()).await;
    for status in told.expect("callers got no response") {
        assert_eq!(status, StatusCode::BAD_GATEWAY);
    }
    for id in 0..40 {
        assert!(upstream.times(&id.to_string()) <= 1, "{id}");
    }

    let response = client.get(gateway.url("/")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["x-breather-attempts"], "4");
    let body: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["error"], "unreachable");
    assert_eq!(body["status"], 502);
}

#[tokio::test]
async fn slow_upstream_gets_504_after_attempt_timeout() {
    let upstream = Upstream::start(|_| pending()).await;
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
        // If an attempt times out before it is written, the upstream never sees it.
        assert!(upstream.times(&id) <= sends);
    }
}

#[tokio::test]
async fn truncated_body_is_an_error_for_the_caller() {
    for has_length in [true, false] {
        let has_part = Arc::new(Notify::new());
        let cuts = Arc::clone(&has_part);
        let upstream = Upstream::start(move |_| {
            let cuts = Arc::clone(&cuts);
            async move {
                let (mut sender, body) = Channel::<Bytes, _>::new(1);
                tokio::spawn(async move {
                    sender.send_data("a part".into()).await.unwrap();
                    cuts.notified().await;
                    sender.abort("cut off".into());
                });
                let mut response = Response::new(body.boxed());
                if has_length {
                    response
                        .headers_mut()
                        .insert("content-length", 1_000.into());
                }
                response
            }
        })
        .await;
        let gateway = Program::start(&upstream, &[]);
        for request in [
            client().post(gateway.url("/")),
            client().get(gateway.url("/")),
        ] {
            let mut response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.chunk().await.unwrap().unwrap(), "a part");
            has_part.notify_one();
            assert!(
                response.bytes().await.is_err(),
                "has a length: {has_length}"
            );
        }
        assert_eq!(upstream.seen().len(), 2);
    }
}

#[tokio::test]
async fn upload_broken_off_by_upstream_is_sent_once() {
    let upstream = Upstream::start(|mut request| async move {
        let _ = request.body_mut().frame().await;
        // The panic ends the connection's task and closes the connection.
        panic!("the upstream breaks off the upload");
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let body = vec![7; 8 << 20];
    let request = client()
        .post(gateway.url("/"))
        .header("x-id", "1")
        .body(body)
        .send();
    // hyper's client may fail to write the body before it reads the response.
    if let Ok(response) = request.await {
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    }
    assert_eq!(upstream.times("1"), 1);
}

#[tokio::test]
async fn abandoned_call_is_not_sent() {
    let (spends, tells) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (spent, told) = (Arc::clone(&spends), Arc::clone(&tells));
    let upstream = Upstream::start(move |request| {
        let (spent, told) = (Arc::clone(&spent), Arc::clone(&told));
        async move {
            match request.headers()["x-id"].to_str().unwrap() {
                "spends" => {
                    spent.notified().await;
                    left(0, RESET_S)
                }
                "tells" => {
                    told.notified().await;
                    left(10, RESET_S)
                }
                _ => ok(),
            }
        }
    })
    .await;
    let gateway = Program::start(&upstream, &[]);
    let call = |id| tokio::spawn(gateway.get("a").header("x-id", id).send());
    let spending = call("spends");
    until(async || upstream.seen().len() == 1).await;
    let telling = call("tells");
    until(async || upstream.seen().len() == 2).await;
    spends.notify_one();
    spending.await.unwrap().unwrap();

    let gone = call("gone");
    gateway.until_waiting(1).await;
    gone.abort();
    gateway.until_waiting(0).await;

    // A response with remaining quota ends the hold.
    tells.notify_one();
    telling.await.unwrap().unwrap();
    let next = call("next").await.unwrap().unwrap();
    assert_eq!(next.status(), StatusCode::OK);
    assert_eq!((upstream.times("gone"), upstream.times("next")), (0, 1));
}
