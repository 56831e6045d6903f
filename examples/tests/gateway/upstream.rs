//! An upstream whose responses a test chooses.

use std::{
    convert::Infallible,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpSocket,
    task::{JoinHandle, JoinSet},
};

/// A body with any error type, because a test may break a body off.
pub(crate) type Body = BoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A server that records the requests it gets.
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    serving: JoinHandle<()>,
    /// Reserves the port after the upstream is killed. It does not listen.
    _keeper: TcpSocket,
}

/// The head of a request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

impl Upstream {
    pub(crate) async fn start<A, F>(answer: A) -> Self
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let keeper = socket("127.0.0.1:0".parse().unwrap());
        let addr = keeper.local_addr().unwrap();
        let listener = socket(addr).listen(1_024).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                while connections.try_join_next().is_some() {}
                let (answer, log) = (answer.clone(), Arc::clone(&log));
                let service = service_fn(move |request: Request<Incoming>| {
                    log.lock().unwrap().push(Seen::of(&request));
                    let answer = answer(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let io = TokioIo::new(socket);
                connections.spawn(http1::Builder::new().serve_connection(io, service));
            }
        });
        Self {
            addr,
            seen,
            serving,
            _keeper: keeper,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns how often the request with `x-id: id` arrived.
    pub(crate) fn times(&self, id: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.headers.get("x-id").is_some_and(|value| value == id))
            .count()
    }

    /// Closes all connections, even in the middle of a message, and stops listening.
    pub(crate) async fn kill(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.fmt(f)
    }
}

impl Seen {
    fn of(request: &Request<Incoming>) -> Self {
        Self {
            method: request.method().clone(),
            target: request.uri().to_string(),
            headers: request.headers().clone(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }
}

/// Creates a socket that can share its port with another such socket.
fn socket(addr: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(addr).unwrap();
    socket
}

pub(crate) fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed()
}

pub(crate) fn ok() -> Response<Body> {
    Response::new(full("rows"))
}

/// A reset that is too long for a test to wait for, and short enough for the policy to accept.
pub(crate) const RESET_S: u64 = 280;

/// Creates the last response of a window that ends in `reset_s` seconds.
pub(crate) fn last(reset_s: u64) -> Response<Body> {
    let mut response = left(0, reset_s);
    response.headers_mut().insert("x-ratelimit-limit", 1.into());
    response
}

/// Creates a response that reports `remaining` calls in the window.
pub(crate) fn left(remaining: u64, reset_s: u64) -> Response<Body> {
    let mut response = ok();
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-remaining", remaining.into());
    headers.insert("x-ratelimit-reset", reset_s.into());
    response
}

pub(crate) fn rejection(retry_after_s: u64) -> Response<Body> {
    let mut response = Response::new(full("too many"));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response
        .headers_mut()
        .insert("retry-after", retry_after_s.into());
    response
}
