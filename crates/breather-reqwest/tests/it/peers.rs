//! Tests for faults of other crates. `docs/faults.md` lists them.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Response;
use axum::routing::any;
use breather_reqwest::breather::{
    AttemptResult, Backoff, Breather, CallOptions, ClassifyHttp as _, DefaultClassifier, EndReason,
    ErrorKind, Executed, Jitter, Outcome, Policy, ReportSlot, WaitReason,
};
use breather_reqwest::{RequestBuilderExt as _, RetryMiddleware, reqwest_error_kind};
use breather_test::{Answer, Script};
use futures_util::future::join_all;
use reqwest::Method;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::script::scripted;

const URL: &str = "http://api.example.com/v1/rows";
const SECOND: Duration = Duration::from_secs(1);

/// Tokio's timer has a granularity of a millisecond.
const TICK: Duration = Duration::from_millis(2);

fn at_once() -> Policy {
    Policy::new()
        .with_backoff(Backoff::constant(Duration::ZERO))
        .with_jitter(Jitter::none())
}

fn over_sockets(policy: Policy) -> (ClientWithMiddleware, reqwest::Client) {
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let retry = RetryMiddleware::new(Breather::new(policy));
    (ClientBuilder::new(plain.clone()).with(retry).build(), plain)
}

type Received = Arc<Mutex<Vec<Bytes>>>;

/// Starts a server that returns `statuses` in order and then 200, after it has read each request.
async fn serve(statuses: &'static [u16]) -> (String, Received) {
    let received = Received::default();
    let log = received.clone();
    let handler = move |body: Bytes| async move {
        let mut log = log.lock().unwrap();
        let status = statuses.get(log.len()).copied().unwrap_or(200);
        log.push(body);
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
    let chunks = ["a ", "row"].map(Ok::<_, io::Error>);
    reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))
}

#[tokio::test(start_paused = true)]
async fn octocrab_one_minute_retry_after_is_obeyed_by_default() {
    // octocrab sent four requests in 1.4 ms by default.
    let script = Script::new([Answer::throttled(60)]);
    let client = scripted(&script, RetryMiddleware::default());
    let start = Instant::now();
    assert_eq!(client.get(URL).send().await.unwrap().status(), 200);
    let sends: Vec<_> = script
        .requests()
        .iter()
        .map(|send| send.at - start)
        .collect();
    assert_eq!(sends.len(), 2);
    assert!(
        sends[1] >= 60 * SECOND && sends[1] < 60 * SECOND + TICK,
        "{sends:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn reqwest_failed_call_backs_off_before_retry() {
    // reqwest's own retries have no backoff. It sent six within 12 ms.
    let script = Script::new((0..60).map(|_| Answer::status(503)));
    let breather = Breather::builder()
        .without_budget()
        .without_pacing()
        .build();
    let client = scripted(&script, RetryMiddleware::new(breather));
    for _ in 0..15 {
        let slot = ReportSlot::new();
        let call = client.get(URL).with_extension(slot.clone());
        assert_eq!(call.send().await.unwrap().status(), 503);
        let waited = slot.report().unwrap().waited(WaitReason::Backoff);
        assert!(waited > Duration::ZERO && waited <= Duration::from_millis(700));
    }
    assert_eq!(script.requests().len(), 60);
}

#[tokio::test(start_paused = true)]
async fn reqwest_for_host_route_does_not_retry_other_hosts() {
    // reqwest checked the scope only from the second retry on. It also classified requests outside
    // of the scope and charged them to the budget.
    let breather = Breather::new(Policy::no_retries());
    let retried = CallOptions::new().with_policy(at_once());
    breather.set_route("api.example.com", retried);
    let retry = RetryMiddleware::new(breather);
    for (url, expected) in [
        ("http://api.example.com/v1/rows", 4),
        ("http://other.example.com/v1/rows", 1),
        ("http://api.example.com:8080/v1/rows", 1),
        ("http://api.example.com.other.example/v1/rows", 1),
    ] {
        for status in [503, 429] {
            let script = Script::new((0..4).map(|_| Answer::status(status)));
            let client = scripted(&script, retry.clone());
            let _ = client.get(url).send().await.unwrap();
            let sends = script.requests().len();
            match (expected, status) {
                (1, _) => assert_eq!(sends, 1, "{url} {status}"),
                (_, 503) => assert_eq!(sends, expected, "{url} {status}"),
                _ => assert!(sends > 1, "{url} {status}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn reqwest_2888_each_host_can_have_its_own_policy() {
    let breather = Breather::new(at_once());
    for (host, retries) in [("one.example.com", 1), ("two.example.com", 5)] {
        let policy = at_once().with_max_retries(retries);
        breather.set_route(host, CallOptions::new().with_policy(policy));
    }
    let script = Script::new((0..99).map(|_| Answer::status(503)));
    let client = scripted(&script, RetryMiddleware::new(breather));
    for host in ["one", "two", "three"] {
        let url = format!("http://{host}.example.com/");
        let _ = client.get(url).send().await.unwrap();
    }
    let sends = script.requests();
    let to = |host| {
        let hosts = sends.iter().filter_map(|send| send.uri.host());
        hosts.filter(|it| *it == host).count()
    };
    let counts = ["one.example.com", "two.example.com", "three.example.com"].map(to);
    assert_eq!(counts, [2, 6, 4]);
}

#[tokio::test]
async fn reqwest_middleware_44_and_214_streamed_body_reaches_healthy_server() {
    // With reqwest-retry, the call failed before the client sent anything.
    let (url, received) = serve(&[]).await;
    let (client, _) = over_sockets(Policy::new());
    let response = client.post(&url).body(stream()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let received = received.lock().unwrap();
    assert_eq!(&received[..], [Bytes::from_static(b"a row")]);
}

#[tokio::test]
async fn octocrab_835_streamed_post_is_never_resent_with_empty_body() {
    // A server received "streamed-body" once, and then three empty bodies.
    let (url, received) = serve(&[503, 503]).await;
    let (client, plain) = over_sockets(at_once());
    let post = client
        .post(&url)
        .header("idempotency-key", "7c4f")
        .body(stream());
    assert_eq!(post.send().await.unwrap().status(), 503);
    assert_eq!(received.lock().unwrap().len(), 1);

    // If the caller can make the body again, breather retries the call.
    let post = client
        .post(&url)
        .header("idempotency-key", "7c4g")
        .body(stream());
    let target = url.clone();
    let post = post.with_request_fn(move || plain.post(&target).body(stream()).build());
    assert_eq!(post.send().await.unwrap().status(), 200);
    let received = received.lock().unwrap();
    assert_eq!(received.len(), 3);
    assert!(
        received.iter().all(|body| &body[..] == b"a row"),
        "{received:?}"
    );
}

#[tokio::test]
async fn reqwest_middleware_271_impossible_connection_is_tried_once() {
    // reqwest has no TLS here, and reports that as a failed connection.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let (client, plain) = over_sockets(at_once());
    let error = plain.get(&url).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    let slot = ReportSlot::new();
    let call = client.get(&url).with_extension(slot.clone());
    let error = call.send().await.unwrap_err();
    assert_eq!(reqwest_error_kind(&error), ErrorKind::Other, "{error:?}");
    assert_eq!(slot.report().unwrap().attempts(), 1);
    assert!(error.is_connect() && !error.is_middleware());
}

#[tokio::test(start_paused = true)]
async fn reqwest_2852_and_reqwest_middleware_247_classifier_sees_request_and_response() {
    let by_all = |ending: &AttemptResult<'_>| {
        let busy = ending
            .headers
            .is_some_and(|headers| headers.get("x-error").is_some());
        match ending.result {
            Ok(status) if status == 200 && busy && ending.method == Method::GET => {
                Outcome::transient(Executed::No, "a 200 that is none")
            }
            _ => DefaultClassifier.classify(ending),
        }
    };
    for (method, header, attempts) in [
        (Method::GET, "x-error", 2),
        (Method::GET, "x-other", 1),
        (Method::HEAD, "x-error", 1),
    ] {
        let script = Script::new([Answer::status(200).with_header(header, "busy")]);
        let retry = RetryMiddleware::new(Breather::new(at_once())).with_classifier(by_all);
        let call = scripted(&script, retry).request(method.clone(), URL);
        assert_eq!(call.send().await.unwrap().status(), 200);
        assert_eq!(script.requests().len(), attempts, "{method} {header}");
    }
}

#[tokio::test(start_paused = true)]
async fn buzz_5620_client_clones_share_a_hold() {
    let spent = Answer::throttled(7)
        .with_header("x-ratelimit-remaining", 0)
        .with_header("x-ratelimit-reset", 7);
    let script = Script::new([spent]);
    let client = scripted(&script, RetryMiddleware::default());
    let start = Instant::now();
    let calls = (0..20).map(|number| {
        let client = client.clone();
        async move {
            sleep(number * SECOND / 4).await;
            client.get(URL).send().await.unwrap().status()
        }
    });
    assert!(join_all(calls).await.iter().all(|status| *status == 200));
    let sends: Vec<_> = script
        .requests()
        .iter()
        .map(|send| send.at - start)
        .collect();
    // The server throttled only one call.
    assert_eq!(sends.len(), 21);
    assert!(sends[1..].iter().all(|at| *at >= 7 * SECOND), "{sends:?}");
}

#[tokio::test]
async fn uv_9213_and_mise_12974_truncated_body_is_retried_if_closure_reads_it() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let sends = Arc::new(AtomicUsize::new(0));
    let count = sends.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await.unwrap();
            // The first two bodies break off after a head with status 200.
            let body = match count.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => "half of",
                _ => "half of it and the rest",
            };
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 23\r\nconnection: close\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(body.as_bytes()).await.unwrap();
        }
    });
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let breather = Breather::new(at_once());
    let slot = ReportSlot::new();
    let text = breather_tokio::retry(&breather, || async {
        plain.get(&url).send().await?.text().await
    })
    .when(|error| !error.is_builder())
    .with_report_slot(slot.clone())
    .await;
    assert_eq!(text.unwrap(), "half of it and the rest");
    assert_eq!(slot.report().unwrap().attempts(), 3);
    assert_eq!(
        slot.report().unwrap().end().unwrap().reason(),
        EndReason::Success
    );
}
