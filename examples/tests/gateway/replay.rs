//! Tests for the bodies of throttled calls.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use reqwest::StatusCode;

use crate::{
    program::{Program, client},
    upstream::{Upstream, ok, rejection},
};

#[tokio::test]
async fn recorded_body_is_sent_again_whole() {
    let (upstream, bodies) = throttling_first().await;
    let gateway = Program::start(&upstream, &["--replay-limit", "1000"]);
    let request = client().post(gateway.url("/orders")).body(vec![7; 1_000]);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-breather-attempts"], "2");
    let waited = &response.headers()["x-breather-waited-ms"];
    assert!(waited.to_str().unwrap().parse::<u64>().unwrap() >= 1_000);
    assert_eq!(*bodies.lock().unwrap(), [vec![7; 1_000], vec![7; 1_000]]);
    for seen in upstream.seen() {
        assert_eq!(seen.header("content-length"), ["1000"]);
    }
}

#[tokio::test]
async fn body_over_replay_limit_is_sent_once() {
    let (upstream, bodies) = throttling_first().await;
    let gateway = Program::start(&upstream, &["--replay-limit", "1000"]);
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::OK] {
        let request = client().post(gateway.url("/orders")).body(vec![7; 1_001]);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-breather-attempts"], "1");
    }
    // The second call waited because the first was throttled.
    assert_eq!(*bodies.lock().unwrap(), [vec![7; 1_001], vec![7; 1_001]]);
}

type Bodies = Arc<Mutex<Vec<Bytes>>>;

/// Starts an upstream that throttles its first request for a second.
///
/// It reads each body whole before it responds. Also returns the bodies.
async fn throttling_first() -> (Upstream, Bodies) {
    let (bodies, throttles) = (Bodies::default(), Arc::new(AtomicBool::new(true)));
    let log = Arc::clone(&bodies);
    let upstream = Upstream::start(move |request| {
        let (log, throttles) = (Arc::clone(&log), Arc::clone(&throttles));
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            log.lock().unwrap().push(body);
            if throttles.swap(false, Ordering::Relaxed) {
                return rejection(1);
            }
            ok()
        }
    });
    (upstream.await, bodies)
}
