//! Responses that are read completely within their attempts.

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breather_tower::breather::{
    self, AttemptResult, Breather, ClassifyHttp as _, Executed, Outcome, Policy, ReportSlot,
};
use breather_tower::{AnswerBody as _, BoxError, BufferedBody, BufferedLayer, Http, RetryLayer};
use http::{Method, Request, Response};
use http_body::Body as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _, service_fn};

use crate::sockets::quick;
use crate::stream::{End, Part, Received, Stream, read, trailers};

const SECOND: Duration = Duration::from_secs(1);

fn whole(status: u16) -> (u16, Stream) {
    (status, Stream::of(&["all ", "rows"]))
}

fn cut(status: u16) -> (u16, Stream) {
    let parts = [Part::Data("all ".into()), Part::Pending, Part::Error];
    (status, Stream::new(parts))
}

/// Responds with `answers` in order. Each 429 has a `Retry-After` of seven seconds.
fn answering(
    answers: impl IntoIterator<Item = (u16, Stream)>,
) -> impl Service<
    Request<String>,
    Response = Response<Stream>,
    Error = Infallible,
    Future = std::future::Ready<Result<Response<Stream>, Infallible>>,
> + Clone {
    let answers: Arc<Mutex<Vec<_>>> = Arc::new(Mutex::new(answers.into_iter().collect()));
    service_fn(move |_: Request<String>| {
        let (status, body) = answers.lock().unwrap().remove(0);
        let mut response = Response::builder().status(status);
        if status == 429 {
            response = response.header("retry-after", 7);
        }
        std::future::ready(Ok(response.body(body).unwrap()))
    })
}

fn request(method: Method) -> (Request<String>, ReportSlot) {
    let slot = ReportSlot::new();
    let request = Request::builder().method(method).extension(slot.clone());
    let request = request.uri("http://api.example.com/rows");
    (request.body(String::new()).unwrap(), slot)
}

/// Makes one call with a limit of 99 bytes.
async fn call(
    method: Method,
    answers: impl IntoIterator<Item = (u16, Stream)>,
) -> (Result<Response<BufferedBody<Stream>>, BoxError>, u32) {
    let service = ServiceBuilder::new()
        .layer(RetryLayer::default())
        .layer(BufferedLayer::new(99))
        .service(answering(answers));
    let (request, slot) = request(method);
    let result = service.oneshot(request).await;
    (result, slot.report().unwrap().attempts())
}

#[tokio::test(start_paused = true)]
async fn cut_off_download_is_retried() {
    let answers = [cut(200), cut(206), whole(200)];
    let (response, attempts) = call(Method::GET, answers).await;
    let mut body = response.unwrap().into_body();
    assert_eq!((body.bytes().unwrap(), attempts), (&"all rows".into(), 3));
    assert_eq!(read(&mut body), Received::whole(b"all rows"));
}

#[tokio::test(start_paused = true)]
async fn cut_off_post_is_not_retried() {
    let (response, attempts) = call(Method::POST, [cut(200)]).await;
    assert_eq!(response.unwrap_err().to_string(), "the file is gone");
    assert_eq!(attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn cut_off_rejection_still_throttles() {
    let start = Instant::now();
    let (response, attempts) = call(Method::POST, [cut(429), whole(201)]).await;
    assert_eq!((response.unwrap().status().as_u16(), attempts), (201, 2));
    assert!(start.elapsed() >= 7 * SECOND, "{:?}", start.elapsed());

    let (response, _) = call(Method::POST, [cut(400)]).await;
    let mut body = response.unwrap().into_body();
    assert!(body.bytes().is_none() && !body.is_end_stream());
    let received = read(&mut body);
    assert_eq!(received.data, b"all ");
    assert_eq!(received.end, End::Error("the file is gone".to_owned()));
    assert_eq!(read(&mut body), Received::whole(b""));
}

#[tokio::test(start_paused = true)]
async fn promise_1_stalled_rejection_body_still_throttles() {
    let start = Instant::now();
    let stalls = || Stream::new([Part::Data("all ".into()), Part::Stall]);
    let policy = Policy::new().with_attempt_timeout(3 * SECOND);
    let service = RetryLayer::new(Breather::new(policy))
        .layer(BufferedLayer::new(64).layer(answering([(429, stalls()), whole(201)])));
    let (request, slot) = request(Method::POST);
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(slot.report().unwrap().throttled(), 1);
    let waited = start.elapsed();
    assert!(waited >= 7 * SECOND && waited < 9 * SECOND, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn bodies_stream_without_buffered_layer() {
    let service = RetryLayer::default()
        .box_errors()
        .layer(answering([cut(200)]));
    let response = service.oneshot(request(Method::GET).0).await.unwrap();
    assert_eq!(
        response.body().parts.len(),
        3,
        "no part of the body was read"
    );
}

/// Returns `body` as buffered with `limit`.
fn buffered(limit: usize, body: Stream) -> Result<BufferedBody<Stream>, BoxError> {
    let service = BufferedLayer::new(limit).layer(answering([(200, body)]));
    let mut future = pin!(service.oneshot(request(Method::GET).0));
    loop {
        let polled = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = polled {
            return result.map(Response::into_body);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn buffered_body_is_complete_for_any_limit(
        chunks in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..20)), 0..12),
        end in prop::option::of(any::<u32>()),
        fails: bool,
        limit in 0_usize..150,
        knows_length: bool,
    ) {
        let part = |chunk: Option<Vec<u8>>| chunk.map_or(Part::Pending, |data| Part::Data(data.into()));
        let mut parts: Vec<Part> = chunks.into_iter().map(part).collect();
        parts.extend(end.map(|value| Part::Trailers(trailers(value))));
        parts.extend(fails.then_some(Part::Error));
        let stream = || Stream { knows_length, ..Stream::new(parts.clone()) };
        let original = read(&mut stream());
        let is_long = original.data.len() > limit;

        let mut body = match buffered(limit, stream()) {
            Ok(body) => body,
            Err(error) => {
                prop_assert!(fails && !is_long, "{error}");
                return Ok(());
            }
        };
        prop_assert!(is_long || !fails);
        let bytes = body.bytes().cloned();
        let expected = (!is_long).then_some(&original.data[..]);
        prop_assert_eq!(bytes.as_deref(), expected);
        prop_assert_eq!(body.read(), expected);
        if knows_length || !is_long {
            prop_assert_eq!(body.size_hint().exact(), Some(original.data.len() as u64));
        }
        prop_assert_eq!(read(&mut body), original);
        prop_assert_eq!(body.bytes().cloned(), bytes);
        prop_assert!(is_long || body.is_end_stream());
    }
}

#[test]
fn body_known_to_exceed_limit_is_not_read() {
    // Reading it would fail.
    let parts = [Part::Error, Part::Data("all rows".into())];
    let mut body = buffered(7, Stream::new(parts).known()).unwrap();
    assert!(body.bytes().is_none());
    assert_eq!(body.size_hint().exact(), Some(8));
    assert!(matches!(read(&mut body).end, End::Error(_)));
}

#[test]
fn single_frame_is_not_copied() {
    let data = bytes::Bytes::from(vec![7; 50]);
    let body = buffered(99, Stream::new([Part::Data(data.clone())])).unwrap();
    assert_eq!(body.bytes().unwrap().as_ptr(), data.as_ptr());
}

#[tokio::test(start_paused = true)]
async fn with_bodies_keeps_other_classifier_behavior() {
    let locked = |ending: &AttemptResult<'_>| match ending.result {
        Ok(status) if status == 423 => Outcome::transient(Executed::No, "status 423"),
        _ => breather::DefaultClassifier.classify(ending),
    };
    let breather = Breather::default();
    let service = ServiceBuilder::new()
        .layer(
            RetryLayer::new(breather.clone())
                .with_classifier(Http::by(locked).with_bodies())
                .with_idempotency_keys(),
        )
        .layer(BufferedLayer::new(99))
        .service(answering([whole(423), cut(200), whole(429), whole(200)]));
    // The call is idempotent only because of its key.
    let (request, slot) = request(Method::POST);
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.body().bytes().unwrap(), "all rows");
    let report = slot.report().unwrap();
    assert_eq!((report.attempts(), report.throttled()), (4, 1));
    assert_eq!(
        response.extensions().get::<breather::Report>(),
        Some(&report)
    );
    assert!(breather.snapshot("api.example.com").is_some());
}

#[tokio::test(start_paused = true)]
async fn classifier_sees_buffered_bodies() {
    let busy = |ending: &AttemptResult<'_>| match ending.body {
        Some(br#"{"error":"busy"}"#) => Outcome::transient(Executed::No, "busy"),
        _ => breather::DefaultClassifier.classify(ending),
    };
    let says = |body| (200, Stream::of(&[body]));
    let answers = || answering([says(r#"{"error":"busy"}"#), says("{}")]);
    let retry = RetryLayer::default().with_classifier(Http::by(busy).with_bodies());
    for (limit, attempts) in [(16, 2), (15, 1)] {
        let service = retry.layer(BufferedLayer::new(limit).layer(answers()));
        let (request, slot) = request(Method::POST);
        service.oneshot(request).await.unwrap();
        assert_eq!(slot.report().unwrap().attempts(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn call_dropped_while_reading_body_returns_permit() {
    let breather = Breather::default();
    let in_flight = || breather.snapshot("api.example.com").unwrap().in_flight();
    let retry = RetryLayer::new(breather.clone());
    let unread = |part| (200, Stream::new([Part::Data("all ".into()), part]));
    let answers = [unread(Part::Stall), unread(Part::Panic), whole(200)];
    let service = retry.layer(BufferedLayer::new(99).layer(answering(answers)));

    let mut stalled = Box::pin(service.clone().oneshot(request(Method::GET).0));
    assert!(timeout(SECOND, stalled.as_mut()).await.is_err());
    assert_eq!(in_flight(), 1);
    drop(stalled);
    assert_eq!(in_flight(), 0);

    let doomed = tokio::spawn(service.clone().oneshot(request(Method::GET).0));
    assert!(doomed.await.unwrap_err().is_panic());
    assert_eq!(in_flight(), 0);
    let response = service.oneshot(request(Method::GET).0).await;
    assert_eq!(response.unwrap().body().bytes().unwrap(), "all rows");
}

#[tokio::test]
async fn connection_broken_mid_response_is_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for rest in ["", "rows"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nall ";
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(rest.as_bytes()).await.unwrap();
        }
    });
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(quick()))
        .layer(BufferedLayer::new(99))
        .service(client);
    let slot = ReportSlot::new();
    let request = Request::get(uri).extension(slot.clone());
    let response = service.oneshot(request.body(String::new()).unwrap()).await;
    assert_eq!(response.unwrap().body().bytes().unwrap(), "all rows");
    assert_eq!(slot.report().unwrap().attempts(), 2);
}
