//! Tests of the bodies of requests and responses, over sockets.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response};
use axum::routing::any;
use breather_reqwest::breather::{
    AttemptResult, Backoff, Breather, ClassifyHttp as _, DefaultClassifier, EndReason, Executed,
    Jitter, Outcome, Policy, Report, ReportSlot,
};
use breather_reqwest::{RequestBuilderExt as _, RetryMiddleware};
use http::Extensions;
use http_body::{Body as HttpBody, Frame, SizeHint};
use reqwest::Request;
use reqwest::multipart::Form;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

fn client() -> (ClientWithMiddleware, reqwest::Client) {
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let policy = Policy::new().with_backoff(Backoff::constant(Duration::from_millis(1)));
    let retry = RetryMiddleware::new(Breather::new(policy));
    (ClientBuilder::new(plain.clone()).with(retry).build(), plain)
}

type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// Starts a server that reads all requests and fails the first `failures`.
async fn failing(failures: usize) -> (String, Received) {
    let received = Received::default();
    let log = received.clone();
    let left = Arc::new(AtomicUsize::new(failures));
    let handler = move |headers: HeaderMap, body: Bytes| async move {
        log.lock().unwrap().push((headers, body));
        let fails = left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        let status = if fails { 500 } else { 200 };
        Response::builder()
            .status(status)
            .body(Body::empty())
            .unwrap()
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().fallback(any(handler));
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, received)
}

fn stream() -> reqwest::Body {
    let chunks = ["a ", "row ", "more"].map(Ok::<_, io::Error>);
    reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))
}

#[tokio::test]
async fn request_fn_runs_once_per_retry() {
    // See reqwest-middleware#44 and #214, reqwest#2416 and octocrab#835.
    let (url, received) = failing(2).await;
    let (client, plain) = client();
    let made = Arc::new(AtomicUsize::new(0));
    let (count, target) = (Arc::clone(&made), url.clone());
    let response = client
        .put(&url)
        .header("x-of-the-caller", "kept")
        .body(stream())
        .with_request_fn(move || {
            count.fetch_add(1, Ordering::Relaxed);
            plain.put(&target).body(stream()).build()
        })
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let received = received.lock().unwrap();
    assert_eq!(received.len(), 3);
    for (headers, body) in received.iter() {
        assert_eq!(&body[..], b"a row more");
        assert_eq!(headers["x-of-the-caller"], "kept");
    }
    assert_eq!(made.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn multipart_form_is_resent_with_its_new_boundary() {
    let (url, received) = failing(1).await;
    let (client, plain) = client();
    let form = || Form::new().part("rows", reqwest::multipart::Part::stream(stream()));
    let target = url.clone();
    let response = client
        .put(&url)
        .multipart(form())
        .with_request_fn(move || plain.put(&target).multipart(form()).build())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let received = received.lock().unwrap();
    assert_eq!(received.len(), 2);
    for (headers, body) in received.iter() {
        let kind = headers["content-type"].to_str().unwrap();
        let boundary = kind.split_once("boundary=").unwrap().1;
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            body.contains(boundary) && body.contains("a row more"),
            "{kind}: {body}"
        );
    }
}

#[tokio::test]
async fn request_fn_is_unused_for_cloneable_body_and_its_error_ends_the_call() {
    let (url, received) = failing(9).await;
    let (client, plain) = client();
    let put = client.put(&url).body("a row");
    let put = put.with_request_fn(|| panic!("the body can be cloned"));
    assert_eq!(put.send().await.unwrap().status(), 500);
    assert_eq!(received.lock().unwrap().len(), 4);

    let put = client.put(&url).body(stream());
    let error = put
        .with_request_fn(move || plain.put("no URL").build())
        .send()
        .await
        .unwrap_err();
    assert!(error.is_builder(), "{error}");
    assert_eq!(received.lock().unwrap().len(), 5);
}

/// Starts a server that returns `answers` in order, and counts its connections.
///
/// It sends the body of a response after `was_read` is notified.
async fn counting(answers: Vec<String>, was_read: Arc<Notify>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, answers) = (
        Arc::clone(&connections),
        Arc::new(Mutex::new(answers.into_iter())),
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let (answers, was_read) = (Arc::clone(&answers), Arc::clone(&was_read));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while let Ok(byte) = stream.read_u8().await {
                    head.push(byte);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        let answer = answers.lock().unwrap().next().unwrap();
                        let (first, rest) = answer.split_at(answer.find("\r\n\r\n").unwrap() + 4);
                        stream.write_all(first.as_bytes()).await.unwrap();
                        was_read.notified().await;
                        if stream.write_all(rest.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                }
            });
        }
    });
    (url, connections)
}

fn answer(status: u16, body: usize) -> String {
    let body = "x".repeat(body);
    format!(
        "HTTP/1.1 {status} .\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(start_paused = true)]
async fn short_failed_response_is_drained_to_reuse_its_connection() {
    for (length, expected) in [(0, 1), (20_000, 1), (64 * 1024, 1), (64 * 1024 + 1, 2)] {
        let clock = StoppedClock::new();
        let tap = Tap::default();
        let answers = vec![answer(503, length), answer(200, 0)];
        let (url, connections) = counting(answers, Arc::clone(&tap.heads)).await;
        let plain = reqwest::Client::builder().no_proxy().build().unwrap();
        let policy = Policy::new()
            .with_jitter(Jitter::none())
            .with_backoff(Backoff::constant(Duration::from_millis(400)));
        let retry = RetryMiddleware::new(Breather::new(policy));
        let client = ClientBuilder::new(plain).with(retry).with(tap.clone());
        let call = tokio::spawn(client.build().get(&url).send());
        tap.bodies.notified().await;
        // The clock moves again, so the backoff passes.
        drop(clock);
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
        assert_eq!(
            connections.load(Ordering::SeqCst),
            expected,
            "{length} bytes"
        );
    }
}

/// Keeps tokio's paused clock from advancing while only sockets are at work.
///
/// tokio advances the clock when a runtime is idle, but not while it waits for a blocking task.
struct StoppedClock(#[expect(dead_code, reason = "dropping it ends the task")] mpsc::Sender<()>);

impl StoppedClock {
    fn new() -> Self {
        let (end, stopped) = mpsc::channel();
        tokio::task::spawn_blocking(move || stopped.recv());
        Self(end)
    }
}

/// A middleware that notifies when it gets the head of a response, and when the body is dropped.
#[derive(Clone, Default)]
struct Tap {
    heads: Arc<Notify>,
    bodies: Arc<Notify>,
}

#[async_trait::async_trait]
impl Middleware for Tap {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let response = next.run(request, extensions).await?;
        self.heads.notify_one();
        let tell = Arc::clone(&self.bodies);
        let response = Response::<reqwest::Body>::from(response);
        let tapped = response.map(|body| reqwest::Body::wrap(Tapped { body, tell }));
        Ok(tapped.into())
    }
}

/// A body that notifies when it is dropped.
struct Tapped {
    body: reqwest::Body,
    tell: Arc<Notify>,
}

impl HttpBody for Tapped {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        self.tell.notify_one();
    }
}

fn buffering(limit: usize) -> (ClientWithMiddleware, Breather) {
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let policy = Policy::new().with_backoff(Backoff::constant(Duration::from_millis(1)));
    let breather = Breather::new(policy);
    let retry = RetryMiddleware::new(breather.clone()).with_buffered_bodies(limit);
    (ClientBuilder::new(plain).with(retry).build(), breather)
}

/// Returns a response that is shorter than its `Content-Length` and whose connection then closes.
fn cut(status: u16) -> String {
    format!("HTTP/1.1 {status} .\r\ncontent-length: 100\r\nconnection: close\r\n\r\nhalf a row")
}

/// Starts a server that returns `answers` in order, and closes each connection after one response.
async fn closing(answers: Vec<String>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

#[tokio::test]
async fn truncated_download_is_retried_if_bodies_are_buffered() {
    // In uv#9213 and mise#12974, the retry did not cover failures after the head.
    let (url, asked) = closing(vec![cut(200), answer(200, 30)]).await;
    let (client, breather) = buffering(1_000);
    let response = client.get(&url).send().await.unwrap();
    assert_eq!(response.url().as_str(), url);
    assert_eq!(response.content_length(), Some(30));
    assert!(response.extensions().get::<Report>().is_some());
    assert!(response.remote_addr().is_some());
    assert_eq!(response.text().await.unwrap(), "x".repeat(30));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(breather.snapshots()[0].1.in_flight(), 0);
}

#[tokio::test]
async fn truncated_unbuffered_body_fails_in_the_caller() {
    let (url, asked) = closing(vec![cut(200), answer(200, 30)]).await;
    let (client, _) = client();
    let response = client.get(&url).send().await.unwrap();
    assert!(response.text().await.is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn truncated_post_response_is_not_retried_and_returns_reqwest_error() {
    let (url, asked) = closing(vec![cut(200), answer(200, 30)]).await;
    let (client, _) = buffering(1_000);
    let error = client.post(&url).send().await.unwrap_err();
    assert!(!error.is_middleware(), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn body_longer_than_buffer_arrives_complete_and_in_order() {
    let long = format!(
        "HTTP/1.1 200 .\r\ncontent-length: 26\r\n\r\n{}",
        "abcdefghijklmnopqrstuvwxyz"
    );
    for limit in [0, 1, 25, 26, 27] {
        let (url, _) = closing(vec![long.clone()]).await;
        let (client, _) = buffering(limit);
        let response = client.get(&url).send().await.unwrap();
        assert_eq!(
            response.text().await.unwrap(),
            "abcdefghijklmnopqrstuvwxyz",
            "{limit}"
        );
    }
}

#[tokio::test]
async fn classifier_states_the_delay_that_it_finds_in_the_body() {
    let body = r#"{"error":{"code":429,"details":[{"retryDelay":"60.2s"}]}}"#;
    let google = format!(
        "HTTP/1.1 429 .\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (url, _) = closing(vec![google]).await;
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let policy = Policy::new().with_max_retry_after(Duration::from_secs(9));
    let retry = RetryMiddleware::new(Breather::new(policy))
        .with_buffered_bodies(1_000)
        .with_classifier(|ending: &AttemptResult<'_>| {
            let outcome = DefaultClassifier.classify(ending);
            let text = ending.body.and_then(|body| std::str::from_utf8(body).ok());
            let delay = text.and_then(|text| text.split_once("retryDelay\":\"")?.1.split_once('s'));
            match delay.and_then(|(seconds, _)| seconds.parse().ok()) {
                Some(seconds) => outcome.with_retry_after(Duration::from_secs_f64(seconds)),
                None => outcome,
            }
        });
    let client = ClientBuilder::new(plain).with(retry).build();
    let slot = ReportSlot::new();
    let get = client.get(&url).with_extension(slot.clone());
    assert_eq!(get.send().await.unwrap().status(), 429);
    let end = *slot.report().unwrap().end().unwrap();
    assert_eq!(end.reason(), EndReason::RetryAfterTooLong);
    assert_eq!(end.retry_after(), Some(Duration::from_millis(60_200)));
}

#[tokio::test]
async fn buffered_body_reaches_classifier_and_hint() {
    // reqwest#2852 asks for headers and body.
    let busy = "HTTP/1.1 200 .\r\nx-busy: yes\r\ncontent-length: 4\r\n\r\nbusy".to_owned();
    let (url, asked) = closing(vec![busy, answer(200, 30)]).await;
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let policy = Policy::new().with_backoff(Backoff::constant(Duration::ZERO));
    let retry = RetryMiddleware::new(Breather::new(policy))
        .with_buffered_bodies(64)
        .with_classifier(
            |ending: &AttemptResult<'_>| match (ending.headers, ending.body) {
                (Some(headers), Some(b"busy")) if headers["x-busy"] == "yes" => {
                    Outcome::transient(Executed::No, "busy")
                }
                _ => DefaultClassifier.classify(ending),
            },
        );
    let client = ClientBuilder::new(plain).with(retry).build();
    assert_eq!(
        client.post(&url).send().await.unwrap().content_length(),
        Some(30)
    );
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    let body = "Rate limit exceeded the maximum. Retry the request in [400] seconds";
    let genesys = format!(
        "HTTP/1.1 429 .\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (url, _) = closing(vec![genesys]).await;
    let slot = ReportSlot::new();
    let get = buffering(1_000).0.get(&url).with_extension(slot.clone());
    let response = get.send().await.unwrap();
    let report = slot.report().unwrap();
    let end = report.end().unwrap();
    assert_eq!(end.reason(), EndReason::RetryAfterTooLong);
    assert_eq!(end.retry_after(), Some(Duration::from_secs(400)));
    assert_eq!(response.text().await.unwrap(), body);

    let spent = r#"{"error":{"code":"insufficient_quota"}}"#;
    let openai = format!(
        "HTTP/1.1 429 .\r\ncontent-length: {}\r\n\r\n{spent}",
        spent.len()
    );
    let (url, asked) = closing(vec![openai]).await;
    let get = buffering(1_000).0.get(&url).with_extension(slot.clone());
    assert_eq!(get.send().await.unwrap().status(), 429);
    assert_eq!(
        slot.report().unwrap().end().unwrap().reason(),
        EndReason::Permanent
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
