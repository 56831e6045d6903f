//! Tests of requests that reqwest resends below the middleware, over HTTP/2 and sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use breather_reqwest::RetryMiddleware;
use breather_reqwest::breather::{Backoff, Breather, Policy, ReportSlot};
use h2::Reason;
use http::{Method, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::net::TcpListener;

/// Starts an HTTP/2 server that resets its first `refused` streams and responds to all others.
async fn serve(refused: u32, reason: Reason) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let streams = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&streams);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    if count.fetch_add(1, Ordering::SeqCst) < refused {
                        respond.send_reset(reason);
                    } else {
                        respond.send_response(Response::new(()), true).unwrap();
                    }
                }
            });
        }
    });
    (url, streams)
}

fn client(builder: reqwest::ClientBuilder) -> (ClientWithMiddleware, Breather) {
    let backoff = Backoff::exponential(Duration::from_millis(1));
    let breather = Breather::new(Policy::new().with_backoff(backoff));
    let plain = builder.no_proxy().http2_prior_knowledge().build().unwrap();
    let retry = RetryMiddleware::new(breather.clone());
    (ClientBuilder::new(plain).with(retry).build(), breather)
}

/// Returns the number of streams and of attempts, and whether the call succeeded.
async fn ask(
    builder: reqwest::ClientBuilder,
    method: Method,
    refused: u32,
    reason: Reason,
) -> (u32, u32, bool) {
    let (url, streams) = serve(refused, reason).await;
    let (client, breather) = client(builder);
    let slot = ReportSlot::new();
    let request = client.request(method, &url).body("a row");
    let result = request.with_extension(slot.clone()).send().await;
    // Each attempt has one permit and returns it, even if reqwest resends requests.
    let snapshot = breather.snapshot(url.trim_end_matches('/')).unwrap();
    assert_eq!((snapshot.in_flight(), snapshot.queued()), (0, 0));
    let attempts = slot.report().unwrap().attempts();
    (streams.load(Ordering::SeqCst), attempts, result.is_ok())
}

#[tokio::test]
async fn reqwest_resends_refused_streams_twice_per_attempt() {
    let ask = |refused| {
        let builder = reqwest::Client::builder();
        ask(builder, Method::POST, refused, Reason::REFUSED_STREAM)
    };
    assert_eq!(ask(0).await, (1, 1, true));
    assert_eq!(ask(1).await, (2, 1, true));
    assert_eq!(ask(2).await, (3, 1, true));
    // The third refusal reaches the middleware as an error.
    assert_eq!(ask(3).await.0, 3);
}

#[tokio::test]
async fn breather_retries_after_reqwest_gives_up() {
    let builder = reqwest::Client::builder();
    let asked = ask(builder, Method::GET, 4, Reason::REFUSED_STREAM).await;
    // Three streams in the first attempt, and two in the second.
    assert_eq!(asked, (5, 2, true));
}

#[tokio::test]
async fn without_reqwest_retries_report_counts_every_stream() {
    let builder = || reqwest::Client::builder().retry(reqwest::retry::never());
    let asked = ask(builder(), Method::GET, 2, Reason::REFUSED_STREAM).await;
    assert_eq!(asked, (3, 3, true));
}

#[tokio::test]
async fn reqwest_does_not_resend_possibly_processed_requests() {
    for reason in [
        Reason::INTERNAL_ERROR,
        Reason::CANCEL,
        Reason::ENHANCE_YOUR_CALM,
    ] {
        let builder = reqwest::Client::builder();
        let asked = ask(builder, Method::POST, 1, reason).await;
        assert_eq!(asked, (1, 1, false), "{reason:?}");
    }
}
