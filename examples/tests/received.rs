//! Checks the requests that a server receives after a failure.
//!
//! Covers nine methods, and failures before, during and after processing.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use breather_reqwest::RetryMiddleware;
use breather_tower::breather::{Backoff, Breather, Event, EventKind, Policy, Redirects};
use breather_tower::{BoxError, BufferedLayer, RetryLayer};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use reqwest_middleware::ClientBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;
use tower::{Layer as _, ServiceExt as _};

/// The point at which the first request fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Failure {
    /// The server does not listen yet.
    BeforeSend,
    /// The server reads half of the body and closes the connection.
    DuringSend,
    /// The server reads the whole request and closes the connection without a response.
    AfterProcessing,
    /// The server closes the connection in the middle of the response body.
    DuringResponse,
}

/// A request as the server received it.
#[derive(Clone, Debug)]
struct Received {
    method: String,
    body: Vec<u8>,
    is_whole: bool,
}

type Log = Arc<Mutex<Vec<Received>>>;

/// Starts a server that fails the first request and responds to all others.
///
/// With [`Failure::BeforeSend`], the server has its port but does not listen until `has_failed` is
/// notified.
fn serve(failure: Failure, has_failed: Arc<Notify>) -> (String, Log) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let log = Log::default();
    let received = Arc::clone(&log);
    let mut first = failure != Failure::BeforeSend;
    let listener = if first {
        Ok(socket.listen(8).unwrap())
    } else {
        Err(socket)
    };
    tokio::spawn(async move {
        let listener = match listener {
            Ok(listener) => listener,
            Err(silent) => {
                has_failed.notified().await;
                silent.listen(8).unwrap()
            }
        };
        while let Ok((stream, _)) = listener.accept().await {
            let failure = std::mem::take(&mut first).then_some(failure);
            tokio::spawn(answer(stream, failure, Arc::clone(&received)));
        }
    });
    (address, log)
}

async fn answer(mut stream: TcpStream, failure: Option<Failure>, log: Log) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let method = head.split(' ').next().unwrap().to_ascii_uppercase();
    let read = match failure {
        Some(Failure::DuringSend) => length / 2,
        _ => length,
    };
    let mut body = vec![0; read];
    stream.read_exact(&mut body).await.unwrap();
    let is_whole = failure != Some(Failure::DuringSend);
    log.lock().unwrap().push(Received {
        method: method.clone(),
        body,
        is_whole,
    });
    let response = match failure {
        Some(Failure::DuringSend | Failure::AfterProcessing) => return,
        Some(_) => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\nhalf",
        None if method == "CONNECT" => "HTTP/1.1 200 OK\r\n\r\n",
        None => "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nrows",
    };
    stream.write_all(response.as_bytes()).await.unwrap();
}

const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::TRACE,
    Method::PUT,
    Method::DELETE,
    Method::POST,
    Method::PATCH,
    Method::CONNECT,
];

/// Large enough that the network cannot buffer half of it.
static BODY: LazyLock<Bytes> =
    LazyLock::new(|| (0..2_000_000_u32).map(|at| (at % 251) as u8).collect());

fn body_of(method: &Method) -> Bytes {
    let has_none = [Method::HEAD, Method::TRACE, Method::CONNECT].contains(method);
    if has_none { Bytes::new() } else { BODY.clone() }
}

/// Creates a handle that notifies `has_failed` after each attempt.
fn breather(has_failed: &Arc<Notify>) -> Breather {
    let backoff = Backoff::exponential(Duration::from_millis(20));
    let has_failed = Arc::clone(has_failed);
    Breather::builder()
        .with_policy(Policy::new().with_max_retries(8).with_backoff(backoff))
        .with_observer(move |event: &Event<'_>| {
            if let EventKind::Answered(_) = event.kind {
                has_failed.notify_one();
            }
        })
        .build()
}

/// Sends one request with `method` and reads the response.
async fn by_tower(
    breather: Breather,
    address: &str,
    method: &Method,
    buffers: bool,
    redirects: Redirects,
) -> Result<Bytes, BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = Request::builder()
        .method(method)
        .uri(match *method {
            Method::CONNECT => address.to_owned(),
            _ => format!("http://{address}/rows"),
        })
        .body(Full::new(body_of(method)))?;
    let retry = RetryLayer::new(breather).with_redirects(redirects);
    if buffers {
        let service = retry.layer(BufferedLayer::new(1_000).layer(client));
        let response = service.oneshot(request).await?;
        return Ok(response.into_body().collect().await?.to_bytes());
    }
    let response = retry.box_errors().layer(client).oneshot(request).await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

async fn by_reqwest(
    breather: Breather,
    address: &str,
    method: &Method,
    buffers: bool,
    redirects: Redirects,
) -> Result<Bytes, BoxError> {
    let plain = reqwest::Client::builder().no_proxy().build()?;
    let retry = RetryMiddleware::new(breather).with_redirects(redirects);
    let retry = if buffers {
        retry.with_buffered_bodies(1_000)
    } else {
        retry
    };
    let client = ClientBuilder::new(plain).with(retry).build();
    let url = format!("http://{address}/rows");
    let response = client
        .request(method.clone(), url)
        .body(body_of(method))
        .send()
        .await?;
    Ok(response.bytes().await?)
}

/// Returns the expected number of requests, and whether the caller gets a response.
fn expected(
    method: &Method,
    failure: Failure,
    buffers: bool,
    redirects: Redirects,
) -> (usize, bool) {
    let is_repeated = method.is_idempotent();
    match failure {
        // The failed connection may belong to a redirect, so breather does not retry.
        Failure::BeforeSend if !is_repeated && redirects == Redirects::Visible => (0, false),
        Failure::BeforeSend => (1, true),
        // Requests without a body are received whole, because the head is all that they have.
        Failure::DuringSend | Failure::AfterProcessing if is_repeated => (2, true),
        Failure::DuringSend | Failure::AfterProcessing => (1, false),
        // A response to HEAD or CONNECT has no body.
        Failure::DuringResponse if [Method::HEAD, Method::CONNECT].contains(method) => (1, true),
        Failure::DuringResponse if is_repeated && buffers => (2, true),
        Failure::DuringResponse => (1, false),
    }
}

#[tokio::test]
async fn requests_arrive_unchanged_and_only_safe_retries_are_sent() {
    for failure in [
        Failure::BeforeSend,
        Failure::DuringSend,
        Failure::AfterProcessing,
        Failure::DuringResponse,
    ] {
        for method in METHODS {
            for buffers in [false, true] {
                for (by, redirects) in [
                    ("tower", Redirects::Never),
                    ("tower", Redirects::Visible),
                    ("reqwest", Redirects::Never),
                    ("reqwest", Redirects::Visible),
                ] {
                    // reqwest cannot send CONNECT.
                    if by == "reqwest" && method == Method::CONNECT {
                        continue;
                    }
                    let has_failed = Arc::default();
                    let breather = breather(&has_failed);
                    let (address, log) = serve(failure, has_failed);
                    let result = match by {
                        "tower" => by_tower(breather, &address, &method, buffers, redirects).await,
                        _ => by_reqwest(breather, &address, &method, buffers, redirects).await,
                    };
                    let case =
                        format!("{by}, {redirects:?}, {method}, {failure:?}, buffers: {buffers}");
                    let log = log.lock().unwrap().clone();
                    let (count, is_answered) = expected(&method, failure, buffers, redirects);
                    assert_eq!(log.len(), count, "{case}: {result:?}");
                    assert_eq!(result.is_ok(), is_answered, "{case}: {result:?}");
                    let sent = body_of(&method);
                    for received in log {
                        assert_eq!(received.method, method.as_str(), "{case}");
                        let is_sound = if received.is_whole {
                            received.body == sent
                        } else {
                            sent.starts_with(&received.body)
                        };
                        assert!(
                            is_sound,
                            "{case}: unexpected body of {} bytes",
                            received.body.len()
                        );
                    }
                }
            }
        }
    }
}
