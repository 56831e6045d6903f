//! Errors of hyper's client over real sockets, and whether breather retries them.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::pin::pin;

use breather_tower::breather::{ErrorKind, Redirects, ReportSlot};
use breather_tower::{Http, HttpError as _, RetryLayer};
use http::{Method, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector, dns::Name};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tower::{BoxError, Layer as _, ServiceExt as _, service_fn};

use crate::sockets::quick;
use crate::stream::{Part, Stream};

/// Returns how a call ended and how many attempts it made.
async fn ask<C>(
    client: Client<C, String>,
    request: http::request::Builder,
) -> (Result<u16, BoxError>, u32)
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let retry = RetryLayer::new(quick()).with_redirects(Redirects::Never);
    let service = retry.box_errors().layer(client);
    let slot = ReportSlot::new();
    let request = request.extension(slot.clone()).body("a row".to_owned());
    let result = service.oneshot(request.unwrap()).await;
    let attempts = slot.report().unwrap().attempts();
    (result.map(|response| response.status().as_u16()), attempts)
}

fn client() -> Client<HttpConnector, String> {
    Client::builder(TokioExecutor::new()).build_http()
}

#[tokio::test]
async fn failed_host_lookup_is_connect_error() {
    // A resolver that asks a network returns such an error.
    let resolver = service_fn(|_: Name| {
        let error = io::Error::other("no such host");
        std::future::ready(Err::<std::vec::IntoIter<SocketAddr>, _>(error))
    });
    let connector = HttpConnector::new_with_resolver(resolver);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let post = Request::post("http://api.example.com/");
    let (result, attempts) = ask(client, post).await;
    assert_eq!(
        (result.unwrap_err().kind(), attempts),
        (ErrorKind::Connect, 4)
    );
}

#[tokio::test]
async fn failed_connector_is_connect_or_tls_error() {
    for (kind, expected) in [
        // rustls returns the first for a certificate that does not verify, and the second for a
        // handshake that is cut off.
        (io::ErrorKind::InvalidData, ErrorKind::Tls),
        (io::ErrorKind::UnexpectedEof, ErrorKind::Connect),
    ] {
        let connector = service_fn(move |_: Uri| {
            let error = io::Error::new(kind, "tls");
            std::future::ready(Err::<TokioIo<TcpStream>, _>(error))
        });
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let post = Request::post("https://api.example.com/");
        let (result, attempts) = ask(client, post).await;
        assert_eq!((result.unwrap_err().kind(), attempts), (expected, 4));
    }
}

#[tokio::test]
async fn unsupported_request_is_tried_once() {
    for request in [
        Request::get("/rows"),
        Request::get("https://127.0.0.1:9/"),
        Request::get("http://127.0.0.1:9/").version(Version::HTTP_09),
        Request::connect("127.0.0.1:9").version(Version::HTTP_10),
    ] {
        let what = format!("{request:?}");
        let (result, attempts) = ask(client(), request).await;
        let kind = result.unwrap_err().kind();
        assert_eq!((kind, attempts), (ErrorKind::Other, 1), "{what}");
    }
}

#[tokio::test]
async fn failing_request_stream_is_not_retried() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    /// A body that could be sent again, but would fail again.
    #[derive(Clone, Copy)]
    struct Fails;
    impl breather_tower::Repeat<Request<Self>> for Fails {
        type Inner = Request<Stream>;
        type Spare = Uri;
        fn first(&self, request: Request<Self>) -> Request<Stream> {
            request.map(|_| Stream::new([Part::Data("row".into()), Part::Error]))
        }
        fn spare(&self, request: &Request<Stream>) -> Option<Uri> {
            Some(request.uri().clone())
        }
        fn again(&self, uri: Uri) -> Request<Stream> {
            self.first(Request::put(uri).body(Self).unwrap())
        }
    }
    let client = Client::builder(TokioExecutor::new()).build_http::<Stream>();
    let retry = RetryLayer::new(quick()).with_classifier(Http::default());
    let service = retry.with_repeat(Fails).box_errors().layer(client);
    let slot = ReportSlot::new();
    let request = Request::put(uri).extension(slot.clone());
    let error = service
        .oneshot(request.body(Fails).unwrap())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), slot.report().unwrap().attempts()),
        (ErrorKind::Other, 1)
    );
}

/// Serves each connection by the next of these functions.
fn serve(connections: Vec<fn(std::net::TcpStream)>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in connections {
            connection(listener.accept().unwrap().0);
        }
    });
    uri
}

fn read_head(stream: &mut std::net::TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\na row") {
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
}

/// Sends a 200 response.
fn answer(mut stream: std::net::TcpStream) {
    read_head(&mut stream);
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
}

/// Resets the connection, by closing it with unread data.
fn reset(mut stream: std::net::TcpStream) {
    stream.peek(&mut [0]).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap();
}

#[tokio::test]
async fn reset_mid_response_is_retried_only_if_idempotent() {
    for (method, expected) in [(Method::GET, 2), (Method::POST, 1)] {
        let uri = serve(vec![reset, answer]);
        let (result, attempts) = ask(client(), Request::builder().method(method).uri(uri)).await;
        assert_eq!((result.is_ok(), attempts), (expected == 2, expected));
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Interrupted);
        }
    }
}

#[tokio::test]
async fn non_http_peer_is_protocol_error() {
    fn ssh(mut stream: std::net::TcpStream) {
        read_head(&mut stream);
        stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n\r\n").unwrap();
    }
    let uri = serve(vec![ssh, answer]);
    let (result, attempts) = ask(client(), Request::post(uri)).await;
    assert_eq!(
        (result.unwrap_err().kind(), attempts),
        (ErrorKind::Protocol, 1)
    );
}

/// Sends `request` on a kept-alive connection whose close the client has not yet noticed.
async fn on_a_stale_connection(request: Request<String>) -> hyper::Result<Response<Incoming>> {
    let (near, far) = tokio::io::duplex(1024);
    let (mut sender, connection) = http1::handshake(TokioIo::new(near)).await?;
    let mut connection = pin!(connection);
    assert!(futures_util::poll!(&mut connection).is_pending());
    drop(far);
    let response = sender.send_request(request);
    let (response, _) = tokio::join!(response, connection);
    response
}

#[tokio::test(start_paused = true)]
async fn request_on_stale_connection_is_unprocessed() {
    let service = service_fn(on_a_stale_connection);
    let retry = RetryLayer::default().with_redirects(Redirects::Never);
    let service = retry.box_errors().layer(service);
    let slot = ReportSlot::new();
    let post = Request::post("/").extension(slot.clone());
    let error = service
        .oneshot(post.body("a row".to_owned()).unwrap())
        .await;
    let error = error.unwrap_err();
    assert!(error.downcast_ref::<hyper::Error>().unwrap().is_canceled());
    assert_eq!(
        (error.kind(), slot.report().unwrap().attempts()),
        (ErrorKind::Unprocessed, 4)
    );
}
