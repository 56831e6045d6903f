//! A real client over in-memory connections, in paused time.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use breather_tower::{BufferedLayer, RetryLayer};
use http::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::io::{DuplexStream, ReadBuf, duplex};
use tokio::time::sleep;
use tower::{BoxError, Layer as _, Service, ServiceExt as _};

use crate::sockets::quick;

/// Passes the far end of each connection to a server.
#[derive(Clone)]
struct Connector(Arc<dyn Fn(DuplexStream) + Send + Sync>);

impl Service<Uri> for Connector {
    type Response = TokioIo<Near>;
    type Error = io::Error;
    type Future = Ready<io::Result<TokioIo<Near>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (near, far) = duplex(64 * 1024);
        (self.0)(far);
        ready(Ok(TokioIo::new(Near(near))))
    }
}

/// The client's end of a connection.
struct Near(DuplexStream);

impl Connection for Near {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Near {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Near {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// When the body of a rejection arrives.
#[derive(Clone, Copy)]
enum Body {
    WithHead,
    AfterHead,
    Never,
}

/// Returns how many connections a call uses if its first response is a 503 with a 60-byte body.
async fn connections<S, B>(body: Body, service: impl FnOnce(Client<Connector, String>) -> S) -> u32
where
    S: Service<Request<String>, Response = Response<B>, Error = BoxError>,
{
    const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 60\r\n\r\n";
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let connections = Arc::new(AtomicU32::new(0));
    let (count, sends) = (connections.clone(), Arc::new(AtomicU32::new(0)));
    let serve = move |mut stream: DuplexStream| {
        count.fetch_add(1, Ordering::SeqCst);
        let sends = sends.clone();
        tokio::spawn(async move {
            let rows = "x".repeat(60);
            let mut received = [0; 1024];
            while stream.read(&mut received).await.unwrap_or(0) > 0 {
                let pieces = match (sends.fetch_add(1, Ordering::SeqCst), body) {
                    (0, Body::WithHead) => vec![UNAVAILABLE.to_owned() + &rows],
                    (0, Body::AfterHead) => vec![UNAVAILABLE.to_owned(), rows.clone()],
                    (0, Body::Never) => vec![UNAVAILABLE.to_owned()],
                    _ => vec![OK.to_owned()],
                };
                for piece in pieces {
                    let _ = stream.write_all(piece.as_bytes()).await;
                    // The client reads each piece before the next one arrives.
                    sleep(Duration::from_millis(1)).await;
                }
            }
        });
    };
    let connector = Connector(Arc::new(serve));
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let request = Request::get("http://api.example.com/").body("a row".to_owned());
    let response = service(client).oneshot(request.unwrap()).await;
    assert_eq!(response.unwrap().status(), StatusCode::OK);
    connections.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn retry_reuses_connection_if_rejection_body_was_read() {
    let plain = |client| RetryLayer::new(quick()).box_errors().layer(client);
    assert_eq!(connections(Body::WithHead, plain).await, 1);
    assert_eq!(connections(Body::Never, plain).await, 2);
    let whole = |client| RetryLayer::new(quick()).layer(BufferedLayer::new(60).layer(client));
    assert_eq!(connections(Body::WithHead, whole).await, 1);
    assert_eq!(connections(Body::AfterHead, whole).await, 1);
}
