//! The web handler that sheds load, over real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse as _;
use axum::routing::get;
use breather_examples::web_handler::{Api, routes};
use tokio::net::TcpListener;

/// Serves `app` until the test ends, and returns its URL.
async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn calls_that_would_wait_are_answered_at_once() {
    let served = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&served);
    // Two calls in a minute, as the headers say.
    let api = get(move || async move {
        let served = count.fetch_add(1, Ordering::Relaxed) + 1;
        let headers = [
            ("x-ratelimit-limit", "2".to_owned()),
            (
                "x-ratelimit-remaining",
                2_u32.saturating_sub(served).to_string(),
            ),
            ("x-ratelimit-reset", "60".to_owned()),
        ];
        match served {
            1 | 2 => (headers, "1 EUR = 1.16 USD").into_response(),
            _ => (StatusCode::TOO_MANY_REQUESTS, headers).into_response(),
        }
    });
    let api = serve(Router::new().route("/", api)).await;
    let web = serve(routes(Api::new(api))).await + "/rates";

    let client = reqwest::Client::new();
    for _ in 0..2 {
        let response = client.get(&web).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.text().await.unwrap(), "1 EUR = 1.16 USD");
    }
    let start = Instant::now();
    for _ in 0..20 {
        let response = client.get(&web).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let seconds: u64 = response.headers()[RETRY_AFTER]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    // None of them waited for the minute, and none reached the API.
    assert!(start.elapsed() < Duration::from_secs(30));
    assert_eq!(served.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn call_that_is_throttled_itself_says_when_to_try_again() {
    let api = get(|| async { (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "30")]) });
    let api = serve(Router::new().route("/", api)).await;
    let web = serve(routes(Api::new(api))).await + "/rates";
    for _ in 0..2 {
        let response = reqwest::get(&web).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let seconds: u64 = response.headers()[RETRY_AFTER]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((25..=30).contains(&seconds), "{seconds}");
    }
}

#[tokio::test]
async fn api_that_is_down_is_no_reason_to_try_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let web = serve(routes(Api::new(url))).await + "/rates";
    let response = reqwest::get(&web).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(!response.headers().contains_key(RETRY_AFTER));
}
