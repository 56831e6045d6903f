//! Tests the analytics API, mostly over real sockets.
//!
//! The headers must report the decisions of its gate.

use std::{
    io,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use breather_examples::analytics::{InProcess, Options, Server};
use reqwest::{Client, Response, StatusCode};
use reqwest_middleware::ClientBuilder;
use serde_json::Value;
#[cfg(target_os = "linux")]
use tokio::net::TcpSocket;
use tokio::{
    task::JoinSet,
    time::{self, sleep},
};

#[tokio::test]
async fn accepted_call_reports_remaining_quota() {
    let server = Server::start(options(5, 50)).unwrap();
    let response = client().get(server.url()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "x-rate-limit-limit"), "5");
    assert_eq!(header(&response, "x-rate-limit-remaining"), "4");
    // The first request starts the window.
    assert_eq!(header(&response, "x-rate-limit-reset"), "3600");
    assert_eq!(header(&response, "inin-ratelimit-allowed"), "5");
    assert_eq!(header(&response, "inin-ratelimit-count"), "1");
    assert_eq!(header(&response, "inin-ratelimit-reset"), "3600");
    assert!(response.headers().contains_key("date"));
    assert!(!response.headers().contains_key("retry-after"));
    assert!(json(response).await.is_object());
}

#[tokio::test(start_paused = true)]
async fn spent_quota_rejection_reports_reset() {
    let window = Duration::from_secs(10);
    let api = InProcess::new(&options(1, 50).with_window(window));
    let client = ClientBuilder::new(Client::new()).with(api.clone()).build();
    client.get(InProcess::url()).send().await.unwrap();
    sleep(Duration::from_millis(1100)).await;

    let response = client.get(InProcess::url()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&response, "x-rate-limit-remaining"), "0");
    assert_eq!(header(&response, "inin-ratelimit-count"), "1");
    assert_eq!(header(&response, "x-rate-limit-reset"), "9");
    assert_eq!(header(&response, "retry-after"), "9");

    let body = json(response).await;
    assert_eq!(body["status"], 429);
    assert_eq!(body["code"], "too.many.requests");
    assert_eq!(
        body["message"],
        "Rate limit exceeded the maximum. Retry the request in [9] seconds"
    );
    assert_eq!(api.stats().throttled_by_quota, 1);
}

#[tokio::test]
async fn cap_rejection_leaves_quota() {
    let server = Server::start(options(10, 1).with_service_time(FOREVER)).unwrap();
    let client = client();
    let first = tokio::spawn(client.get(server.url()).send());
    until(|| server.stats().in_flight == 1).await;

    let response = client.get(server.url()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&response, "x-rate-limit-remaining"), "9");
    assert_eq!(header(&response, "inin-ratelimit-count"), "1");
    assert_eq!(header(&response, "retry-after"), "1");
    assert!(response.headers().contains_key("date"));
    assert_eq!(server.stats().throttled_by_cap, 1);
    first.abort();
}

#[tokio::test]
async fn disconnected_client_frees_its_place() {
    let server = Server::start(options(10, 1).with_service_time(FOREVER)).unwrap();
    let client = client();
    let call = tokio::spawn(client.get(server.url()).send());
    until(|| server.stats().in_flight == 1).await;
    call.abort();
    until(|| server.stats().in_flight == 0).await;

    // The abandoned call has still spent quota.
    let next = tokio::spawn(client.get(server.url()).send());
    until(|| server.stats().in_flight == 1).await;
    let throttled = client.get(server.url()).send().await.unwrap();
    assert_eq!(header(&throttled, "x-rate-limit-remaining"), "8");
    next.abort();
}

#[tokio::test(start_paused = true)]
async fn next_window_restores_quota() {
    let window = Duration::from_millis(1500);
    let api = InProcess::new(&options(1, 50).with_window(window));
    let client = ClientBuilder::new(Client::new()).with(api).build();
    let start = time::Instant::now();
    let mut accepted = Vec::new();
    while accepted.len() < 3 {
        let sent = start.elapsed();
        let response = client.get(InProcess::url()).send().await.unwrap();
        if response.status() == StatusCode::OK {
            accepted.push(sent.as_millis() / window.as_millis());
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(accepted, [0, 1, 2]);
}

#[tokio::test]
async fn thousand_simultaneous_connections_are_served() {
    rlimit::increase_nofile_limit(4_096).unwrap();
    let server = Server::start(options(50, 50)).unwrap();
    let client = client();
    let mut calls: JoinSet<_> = (0..1000).map(|_| client.get(server.url()).send()).collect();
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    let stats = server.stats();
    assert_eq!(stats.sends, 1000);
    assert_eq!(stats.sends - stats.throttled(), 50);
}

#[tokio::test]
async fn taken_port_error_names_address() {
    let server = Server::start(options(1, 1)).unwrap();
    let port = server.addr().port();
    let error = Server::start(options(1, 1).with_port(port)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")));
}

/// A bound socket that doesn't listen reserves the port, so the system doesn't give it to others.
/// On other systems than Linux, the socket would also keep the port from the server.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn port_is_free_after_shutdown() {
    let keeper = TcpSocket::new_v4().unwrap();
    keeper.set_reuseaddr(true).unwrap();
    keeper.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = keeper.local_addr().unwrap().port();
    let options = options(10, 1).with_port(port);

    let server = Server::start(options).unwrap();
    client().get(server.url()).send().await.unwrap();
    server.shutdown().await.unwrap();
    Server::start(options).unwrap();
}

/// Returns options with a window that outlasts the test.
fn options(quota: u32, cap: u32) -> Options {
    Options::default()
        .with_window(FOREVER)
        .with_quota(NonZeroU32::new(quota).unwrap())
        .with_cap(NonZeroU32::new(cap).unwrap())
        .with_service_time(Duration::from_millis(20))
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers()[name].to_str().unwrap()
}

async fn json(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

async fn until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < HANGS, "waited too long");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Ends a test that hangs. It is long enough for a machine that stalls for seconds.
const HANGS: Duration = Duration::from_secs(120);

/// Longer than any test runs.
const FOREVER: Duration = Duration::from_secs(3600);
