//! Tests for holds on tokens, and for calls that cannot wait.

use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::{
    program::Program,
    upstream::{RESET_S, Upstream, last, rejection},
    wire::exchange,
};

#[tokio::test]
async fn spent_token_does_not_hold_other_tokens() {
    let upstream = Upstream::start(|_| async { last(RESET_S) }).await;
    let gateway = Program::start(&upstream, &[]);
    for token in ["one", "two", "three"] {
        let response = gateway.get(token).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["x-breather-waited-ms"], "0");
    }
    let waits = tokio::spawn(gateway.get("one").send());
    gateway.until_waiting(1).await;
    assert_eq!(
        gateway.get("four").send().await.unwrap().status(),
        StatusCode::OK
    );
    waits.abort();
}

#[tokio::test]
async fn token_header_option_separates_quotas() {
    let upstream = Upstream::start(|_| async { last(RESET_S) }).await;
    let gateway = Program::start(
        &upstream,
        &["--token-header", "X-Api-Key", "--deadline", "100s"],
    );
    for (key, status) in [("one", 200), ("two", 200), ("one", 503)] {
        let response = gateway
            .get("same")
            .header("x-api-key", key)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{key}");
    }
}

#[tokio::test]
async fn full_queue_returns_503_queue_full() {
    let upstream = Upstream::start(|_| async { last(RESET_S) }).await;
    let gateway = Program::start(&upstream, &["--queue", "3"]);
    for token in ["one", "two"] {
        gateway.get(token).send().await.unwrap();
    }
    let waiting: Vec<_> = (0..3)
        .map(|_| tokio::spawn(gateway.get("one").send()))
        .collect();
    gateway.until_waiting(3).await;
    // The queue is full for all scopes, but a call that need not wait passes.
    for token in ["one", "two"] {
        let response = gateway.get(token).send().await.unwrap();
        failure(response, "queue_full", 100..=RESET_S).await;
    }
    assert_eq!(
        gateway.get("three").send().await.unwrap().status(),
        StatusCode::OK
    );
    for call in &waiting {
        call.abort();
    }
    gateway.until_waiting(0).await;
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn early_503_reaches_client_still_uploading() {
    let upstream = Upstream::start(|_| async { last(RESET_S) }).await;
    let gateway = Program::start(&upstream, &["--queue", "0"]);
    gateway.get("one").send().await.unwrap();
    let body = "x".repeat(20 << 20);
    let length = body.len();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: h\r\nAuthorization: one\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let answer = exchange(gateway.addr, &request).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    // A client that sends `Expect: 100-continue` need not send the body.
    let request = "POST / HTTP/1.1\r\nHost: h\r\nAuthorization: one\r\nContent-Length: 9\r\n\
                   Expect: 100-continue\r\nConnection: close\r\n\r\n";
    let answer = exchange(gateway.addr, request).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn wait_beyond_deadline_returns_503_immediately() {
    let upstream = Upstream::start(|_| async { last(RESET_S) }).await;
    let gateway = Program::start(&upstream, &["--deadline", "100s"]);
    gateway.get("one").send().await.unwrap();
    let response = gateway.get("one").send().await.unwrap();
    assert_eq!(response.headers()["x-breather-attempts"], "0");
    failure(response, "deadline", 100..=RESET_S + 1).await;
}

#[tokio::test]
async fn too_long_retry_after_is_passed_on() {
    let upstream = Upstream::start(|_| async { rejection(3_600) }).await;
    let gateway = Program::start(&upstream, &[]);
    let response = gateway.get("one").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "3600");
    assert_eq!(response.text().await.unwrap(), "too many");
    // The gateway rejects later calls itself, without a request to the upstream.
    let response = gateway.get("one").send().await.unwrap();
    failure(response, "retry_after_too_long", 3_500..=3_601).await;
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn policy_file_is_applied() {
    let upstream = Upstream::start(|_| async { rejection(7) }).await;
    let file = std::env::temp_dir().join(format!("gateway-policy-{}.toml", std::process::id()));
    std::fs::write(&file, "max_retry_after = \"5s\"\n").unwrap();
    let gateway = Program::start(&upstream, &["--policy", file.to_str().unwrap()]);
    let response = gateway.get("one").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    std::fs::remove_file(file).unwrap();
}

async fn failure(response: Response, error: &str, retry_after: std::ops::RangeInclusive<u64>) {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let seconds: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(retry_after.contains(&seconds), "{seconds}");
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["error"], error, "{body}");
    assert_eq!(body["status"], 503);
    assert_eq!(body["retry_after_s"], seconds);
    assert!(!body["message"].as_str().unwrap().is_empty());
}
