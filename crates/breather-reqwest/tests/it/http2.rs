//! Tests of requests that reqwest resends below the middleware, over HTTP/2 and sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use breather_reqwest::RetryMiddleware;
use breather_reqwest::breather::{Backoff, Breather, Policy, Redirects, ReportSlot};
use h2::Reason;
use http::{Method, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
    let plain = builder.no_proxy().http2_prior_knowledge();
    let plain = plain.redirect(reqwest::redirect::Policy::none()).build();
    // Without redirects, an error tells about the first request.
    let retry = RetryMiddleware::new(breather.clone()).with_redirects(Redirects::Never);
    (
        ClientBuilder::new(plain.unwrap()).with(retry).build(),
        breather,
    )
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
    // The third refusal reaches the middleware as an error, which says that the request was not processed.
    assert_eq!(ask(3).await, (4, 2, true));
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

#[tokio::test]
async fn refused_post_is_retried_because_it_was_not_processed() {
    let builder = reqwest::Client::builder().retry(reqwest::retry::never());
    let asked = ask(builder, Method::POST, 2, Reason::REFUSED_STREAM).await;
    assert_eq!(asked, (3, 3, true));
}

#[tokio::test]
async fn enhance_your_calm_throttles_requests_that_may_be_repeated() {
    let builder = || reqwest::Client::builder().retry(reqwest::retry::never());
    let asked = ask(builder(), Method::GET, 1, Reason::ENHANCE_YOUR_CALM).await;
    assert_eq!(asked, (2, 2, true));
    let asked = ask(builder(), Method::POST, 1, Reason::ENHANCE_YOUR_CALM).await;
    assert_eq!(asked, (1, 1, false));
}

/// Starts a server that ends its first connection with a `GOAWAY` that covers the streams up to `last`.
async fn serve_once_until(last: u32) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        count.fetch_add(1, Ordering::SeqCst);
        // The preface, and frames until the headers of the first request.
        let mut preface = [0; 24];
        first.read_exact(&mut preface).await.unwrap();
        first.write_all(&frame(4, &[])).await.unwrap();
        loop {
            let mut head = [0; 9];
            first.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            first.read_exact(&mut payload).await.unwrap();
            if head[3] == 1 {
                break;
            }
        }
        let [a, b, c, d] = last.to_be_bytes();
        first
            .write_all(&frame(7, &[a, b, c, d, 0, 0, 0, 0]))
            .await
            .unwrap();
        first.shutdown().await.unwrap();
        drop(first);
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_response(Response::new(()), true).unwrap();
            }
        }
    });
    (url, connections)
}

/// Returns an HTTP/2 frame of the connection, without flags.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, payload.len() as u8, kind, 0, 0, 0, 0, 0];
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn post_above_the_last_stream_of_a_goaway_is_retried() {
    for (last, retried) in [(0, true), (1, false)] {
        let (url, connections) = serve_once_until(last).await;
        let builder = reqwest::Client::builder().retry(reqwest::retry::never());
        let (client, _) = client(builder);
        let slot = ReportSlot::new();
        let request = client.post(&url).body("a row").with_extension(slot.clone());
        let result = request.send().await;
        assert_eq!(result.is_ok(), retried, "{last}: {result:?}");
        let attempts = slot.report().unwrap().attempts();
        let expected = if retried { 2 } else { 1 };
        assert_eq!(
            (attempts, connections.load(Ordering::SeqCst)),
            (expected, expected)
        );
    }
}
