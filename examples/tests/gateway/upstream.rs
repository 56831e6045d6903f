//! An upstream that answers as a test has it.

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

/// Of any error, since a test may break a body off.
pub(crate) type Body = BoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A server that notes what it is sent.
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    serving: JoinHandle<()>,
    /// Keeps the port from everybody else once the upstream is killed. It doesn't listen.
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

    /// How often each call reached it, by the ids that the callers gave them.
    pub(crate) fn times(&self, id: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.headers.get("x-id").is_some_and(|value| value == id))
            .count()
    }

    /// Closes all its connections, wherever they are, and stops listening.
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

/// A socket that can share its port with another one of its kind.
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

/// A reset that no test waits for, and that is no longer than a policy obeys.
pub(crate) const RESET_S: u64 = 280;

/// The last answer of a window that ends so many seconds later.
pub(crate) fn last(reset_s: u64) -> Response<Body> {
    let mut response = left(0, reset_s);
    response.headers_mut().insert("x-ratelimit-limit", 1.into());
    response
}

/// An answer that leaves so many calls of a window.
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
