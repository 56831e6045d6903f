//! A real client over real sockets, in real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use breather_tower::breather::{Backoff, Breather, Jitter, Policy, Redirects, ReportSlot};
use breather_tower::{BoxErrors, Retry, RetryLayer};
use http::{Method, Request, StatusCode};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tower::{Layer as _, ServiceExt as _};

type Service = Retry<BoxErrors<Client<HttpConnector, String>>>;

fn service(breather: &Breather) -> Service {
    let client = Client::builder(TokioExecutor::new()).build_http();
    RetryLayer::new(breather.clone()).box_errors().layer(client)
}

pub(crate) fn quick() -> Breather {
    let backoff = Backoff::constant(Duration::from_millis(10));
    Breather::new(
        Policy::new()
            .with_backoff(backoff)
            .with_jitter(Jitter::none()),
    )
}

fn request(method: Method, uri: &str) -> Request<String> {
    let request = Request::builder().method(method).uri(uri);
    request.body("a row".to_owned()).unwrap()
}

#[tokio::test]
async fn promise_1_retry_after_counts_from_receipt() {
    let sends = Arc::new(AtomicU32::new(0));
    let count = sends.clone();
    let router = Router::new().fallback(move |body: String| async move {
        assert_eq!(body, "a row");
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]),
            _ => (StatusCode::OK, [("retry-after", "9")]),
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());

    let start = Instant::now();
    let response = service(&quick())
        .oneshot(request(Method::POST, &uri))
        .await
        .unwrap();
    assert_eq!(
        (response.status(), sends.load(Ordering::SeqCst)),
        (StatusCode::OK, 2)
    );
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn refused_connection_is_retried_for_post_if_no_redirects() {
    // The socket owns its port but does not listen, so no other process can.
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let uri = format!("http://{}/", silent.local_addr().unwrap());
    for (redirects, attempts) in [(Redirects::Never, 4), (Redirects::Visible, 1)] {
        let slot = ReportSlot::new();
        let mut post = request(Method::POST, &uri);
        post.extensions_mut().insert(slot.clone());
        let client = Client::builder(TokioExecutor::new()).build_http::<String>();
        let retry = RetryLayer::new(quick()).with_redirects(redirects);
        let error = retry
            .box_errors()
            .layer(client)
            .oneshot(post)
            .await
            .unwrap_err();
        let error = error
            .downcast::<hyper_util::client::legacy::Error>()
            .unwrap();
        assert!(error.is_connect());
        assert_eq!(slot.report().unwrap().attempts(), attempts, "{redirects:?}");
    }
}

#[tokio::test]
async fn broken_connection_is_retried_only_if_idempotent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let sends = Arc::new(AtomicU32::new(0));
    let count = sends.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut received = [0; 1024];
            let _ = stream.read(&mut received).await.unwrap();
            // The server executes the first of every two requests, but loses its response.
            if count.fetch_add(1, Ordering::SeqCst) % 2 == 1 {
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(head).await.unwrap();
            }
        }
    });
    let service = service(&quick());
    let response = service
        .clone()
        .oneshot(request(Method::GET, &uri))
        .await
        .unwrap();
    assert_eq!(
        (response.status(), sends.load(Ordering::SeqCst)),
        (StatusCode::OK, 2)
    );
    service
        .oneshot(request(Method::POST, &uri))
        .await
        .unwrap_err();
    assert_eq!(sends.load(Ordering::SeqCst), 3);
}
