//! Tests of the promises over sockets, in real time.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Method;
use axum::response::Redirect;
use axum::routing::any;
use breather_reqwest::RetryMiddleware;
use breather_reqwest::breather::{
    Backoff, Breather, EndReason, ErrorKind, Event, EventKind, Hint, Jitter, Outcome, Policy,
    Redirects, ReportSlot, Scopes, driver::NewCall, hint::Window,
};
use breather_reqwest::reqwest_error_kind;
use breather_test::{Answer, Script, TestServer};
use breather_tokio::TokioTimer;
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

const MS: Duration = Duration::from_millis(1);

/// The time after which a test counts as hanging, even on a machine that stalls for seconds.
const HANGS: Duration = Duration::from_secs(120);

fn client(http: reqwest::ClientBuilder, breather: &Breather) -> ClientWithMiddleware {
    ClientBuilder::new(http.no_proxy().build().unwrap())
        .with(RetryMiddleware::new(breather.clone()))
        .build()
}

fn exact(backoff: Duration) -> Breather {
    let policy = Policy::new()
        .with_backoff(Backoff::constant(backoff))
        .with_jitter(Jitter::none());
    Breather::new(policy)
}

/// Starts a server that returns `answers` in order, and then status 200.
async fn serve(answers: impl IntoIterator<Item = Answer>) -> (TestServer, Script) {
    let script = Script::new(answers);
    let server = TestServer::start(&script).await.unwrap();
    (server, script)
}

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn promise_1_retry_after_counts_from_receipt() {
    for pacing in [true, false] {
        let (server, script) = serve([Answer::throttled(1)]).await;
        let breather = match pacing {
            true => Breather::default(),
            false => Breather::builder().without_pacing().build(),
        };
        let client = client(reqwest::Client::builder(), &breather);
        let response = client
            .post(server.url())
            .body("a row")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let requests = script.requests();
        let [first, second] = &requests[..] else {
            panic!("{requests:?}")
        };
        assert!(
            second.at - first.at >= 1000 * MS,
            "{:?}",
            second.at - first.at
        );
        assert_eq!(
            (&second.method, &second.body[..]),
            (&Method::POST, &b"a row"[..])
        );
    }
}

#[tokio::test]
async fn promise_4_streamed_body_arrives_once_and_complete() {
    let (server, script) = serve([Answer::status(503)]).await;
    let client = client(reqwest::Client::builder(), &Breather::default());
    let chunks = ["a ", "row"].map(Ok::<_, io::Error>);
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let response = client.put(server.url()).body(body).send().await.unwrap();
    assert_eq!(response.status(), 503);
    let requests = script.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].body, "a row");
}

#[tokio::test]
async fn reqwest_middleware_207_timeout_error_is_not_wrapped() {
    let url = listen(Router::new().fallback(any(pending::<()>))).await;
    let http = reqwest::Client::builder().timeout(50 * MS);
    let client = client(http, &exact(MS));
    let slot = ReportSlot::new();
    let request = client.get(&url).with_extension(slot.clone());
    let error = request.send().await.unwrap_err();
    assert!(error.is_timeout() && !error.is_middleware());
    assert_eq!(reqwest_error_kind(&error), ErrorKind::Timeout);
    let report = slot.report().unwrap();
    assert_eq!((report.attempts(), report.failures()), (4, 4));
    assert_eq!(report.end().unwrap().reason(), EndReason::MaxRetries);

    // The server may have processed the request.
    let error = client
        .post(&url)
        .with_extension(slot.clone())
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(slot.report().unwrap().attempts(), 1);
}

#[tokio::test]
async fn refused_connection_is_retried_for_post_if_no_redirects() {
    // The socket owns its port but does not listen, so no other process can listen there.
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    for (redirects, attempts) in [(Redirects::Never, 4), (Redirects::Visible, 1)] {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let client = ClientBuilder::new(http)
            .with(RetryMiddleware::new(exact(MS)).with_redirects(redirects))
            .build();
        let slot = ReportSlot::new();
        let request = client.post(&url).with_extension(slot.clone());
        let error = request.send().await.unwrap_err();
        assert!(error.is_connect() && !error.is_middleware());
        assert_eq!(slot.report().unwrap().attempts(), attempts, "{redirects:?}");
    }
}

/// A resolver that finds no host.
struct NoHosts;

impl Resolve for NoHosts {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err("there is no such host".into()) })
    }
}

#[tokio::test(start_paused = true)]
async fn call_stopped_in_queue_returns_last_error() {
    let scope = "http://api.example.com";
    let url = format!("{scope}/");
    let policy = Policy::new()
        .with_backoff(Backoff::constant(300 * MS))
        .with_jitter(Jitter::none())
        .with_deadline(1000 * MS);
    let breather = Breather::new(policy);
    let http = reqwest::Client::builder().dns_resolver(Arc::new(NoHosts));
    let client = client(http, &breather);
    let slot = ReportSlot::new();
    let failed = tokio::spawn(client.get(&url).with_extension(slot.clone()).send());
    tokio::time::sleep(100 * MS).await;

    // Meanwhile the scope learns that its quota returns after the call's deadline.
    let mut spent = breather.start(
        NewCall::new().with_origin(scope).with_idempotent(true),
        TokioTimer,
        1,
    );
    spent.ready().await.unwrap();
    let window = Window::new("").with_remaining(0).with_reset(60 * 1000 * MS);
    let hint = Hint::new(spent.moment().instant()).with_window(window);
    let _ = spent.on_outcome(Outcome::success(), &hint);

    let error = failed.await.unwrap().unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    let report = slot.report().unwrap();
    assert_eq!(report.end().unwrap().reason(), EndReason::Deadline);
    assert_eq!(report.attempts(), 1);
}

#[tokio::test]
async fn broken_connection_is_retried_only_if_idempotent() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_head(&mut stream).await;
        }
    });
    let client = client(reqwest::Client::builder(), &exact(MS));
    for (method, attempts) in [(Method::GET, 4), (Method::POST, 1)] {
        let slot = ReportSlot::new();
        let request = client.request(method, &url).with_extension(slot.clone());
        let error = request.send().await.unwrap_err();
        assert_eq!(
            reqwest_error_kind(&error),
            ErrorKind::Interrupted,
            "{error:?}"
        );
        assert_eq!(slot.report().unwrap().attempts(), attempts);
    }
}

#[tokio::test]
async fn reqwest_retry_failed_response_is_released_before_the_wait() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // The backoff is so long that only the end of the response can close the connection.
    let client = client(reqwest::Client::builder(), &exact(3_600_000 * MS));
    let call = tokio::spawn(client.get(url).send());
    // The failed response has a body that never ends.
    let (mut stream, _) = listener.accept().await.unwrap();
    read_head(&mut stream).await;
    let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 100000000\r\n\r\n...";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut rest = [0; 64];
    let closed = async { while !matches!(stream.read(&mut rest).await, Ok(0) | Err(_)) {} };
    let freed = tokio::time::timeout(HANGS, closed).await;
    assert!(freed.is_ok(), "the connection stays open");
    assert!(!call.is_finished());
    call.abort();
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn rejection_by_redirect_target_does_not_hold_requested_host() {
    let spent = || {
        Answer::throttled(1)
            .with_header("x-ratelimit-remaining", 0)
            .with_header("x-ratelimit-reset", 1)
    };
    let (elsewhere, script) = serve([spent(), Answer::status(200), spent()]).await;
    let elsewhere_url = elsewhere.url();
    let redirect = move || async move { Redirect::temporary(&elsewhere_url) };
    let router = Router::new()
        .route("/moved", any(redirect))
        .fallback(any(|| async { "here" }));
    let url = listen(router).await;
    let waits = Arc::new(Notify::new());
    let tell = Arc::clone(&waits);
    let breather = Breather::builder().with_observer(move |event: &Event<'_>| {
        if let EventKind::Waiting(_) = event.kind {
            tell.notify_one();
        }
    });
    let breather = breather.build();
    let client = client(reqwest::Client::builder(), &breather);
    let moved = tokio::spawn(client.get(format!("{url}moved")).send());
    waits.notified().await;
    let asked = url.trim_start_matches("http://").trim_end_matches('/');
    assert_eq!(breather.snapshot(asked).unwrap().opens_at(), None);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);

    // The throttled call itself waits as the server said.
    assert_eq!(moved.await.unwrap().unwrap().status(), 200);
    assert!(script.times()[1] >= 1000 * MS);

    // The same holds if the caller names the scope.
    let chosen = client.get(format!("{url}moved"));
    let chosen = tokio::spawn(chosen.with_extension(Scopes::from("token 7")).send());
    waits.notified().await;
    assert_eq!(breather.snapshot("token 7").unwrap().opens_at(), None);
    assert_eq!(chosen.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn promise_9_call_dropped_in_flight_releases_everything() {
    let url = listen(Router::new().fallback(any(pending::<()>))).await;
    let breather = Breather::default();
    let client = client(reqwest::Client::builder(), &breather);
    let calls = (0..40).map(|_| client.get(&url).send());
    let all = futures_util::future::join_all(calls);
    assert!(tokio::time::timeout(100 * MS, all).await.is_err());
    let scope = url.trim_start_matches("http://").trim_end_matches('/');
    let snapshot = breather.snapshot(scope).unwrap();
    assert_eq!((snapshot.in_flight(), snapshot.queued()), (0, 0));
}
