//! An analytics API with a quota and a cap on calls in flight, on a loopback socket.
//!
//! It stands in for the kind of API that breather was made for. It never queues: a request that
//! comes when the quota of the window is spent, or while as many calls as the cap allows are in
//! flight, is refused at once with 429. What each answer says about the limits, it says in headers:
//!
//! | header | in each answer |
//! |---|---|
//! | `x-rate-limit-limit`, `inin-ratelimit-allowed` | the quota of a window |
//! | `x-rate-limit-remaining` | what was left of it when this request had been counted |
//! | `inin-ratelimit-count` | what was used of it when this request had been counted |
//! | `x-rate-limit-reset`, `inin-ratelimit-reset` | seconds to the next window, rounded up |
//! | `Retry-After` | only in refusals: as the reset for a spent quota, 1 for a reached cap |
//!
//! ```
//! use breather_examples::analytics::{Options, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::start(Options::default())?;
//! let response = reqwest::get(server.url()).await?;
//! assert_eq!(response.headers()["x-rate-limit-remaining"], "299");
//! assert_eq!(server.stats().sends, 1);
//! server.shutdown().await?;
//! # Ok(())
//! # }
//! ```

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{
        HeaderMap, HeaderValue, Response, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    routing::get,
    serve::ListenerExt,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::oneshot,
    task::JoinHandle,
    time::sleep,
};

mod gate;
mod options;
mod peak;
mod timeline;

use gate::{Admission, Gate, Verdict};

pub use options::Options;
pub use timeline::Timeline;

/// The path that has the limits; any other is answered with 404 and not counted.
pub const PATH: &str = "/api/v2/analytics/conversations/details/summary";

/// The API, listening from [`Server::start`] to [`Server::shutdown`].
///
/// Dropping it shuts it down too, without waiting for the calls in flight.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    counter: Counter,
    /// Sending on it, or dropping it, makes `serving` end.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Starts to listen on 127.0.0.1, at the port that the options name.
    ///
    /// The grid of windows starts with the first request, not here.
    ///
    /// # Errors
    ///
    /// If the port is taken or may not be used; the error names the address.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that has I/O and time enabled.
    pub fn start(options: Options) -> io::Result<Self> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port()));
        let listener = listen(wanted).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {wanted}: {error}"))
        })?;
        let addr = listener.local_addr()?;

        let counter = Counter(Arc::new(Mutex::new(Gate::new(&options))));
        let router = Router::new()
            .route(PATH, get(summary))
            .with_state(counter.clone());
        // The sockets carry one small message at a time, which Nagle's algorithm would only delay.
        // A socket that refuses the option works without it.
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(
            axum::serve(listener, router)
                .with_graceful_shutdown(async { drop(stopped.await) })
                .into_future(),
        );

        Ok(Self {
            addr,
            counter,
            stop,
            serving,
        })
    }

    /// Refuses new connections, lets the calls in flight finish, and returns when they have.
    ///
    /// # Errors
    ///
    /// If serving had failed before.
    pub async fn shutdown(self) -> io::Result<()> {
        drop(self.stop);
        self.serving.await?
    }

    /// The address it listens on, with the port that was chosen if the options named none.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL that has the limits.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.addr)
    }

    /// What was counted up to now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counter.gate().stats()
    }

    /// What became of the requests up to now, by the time at which they arrived.
    ///
    /// It starts with the first request, as the grid of windows does.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.counter.gate().timeline()
    }
}

/// What a [`Server`] counted: every request that reached it, whoever sent it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests that arrived, refused ones included.
    pub sends: u64,
    /// Requests refused because the quota of their window was spent.
    pub refused_by_quota: u64,
    /// Requests refused because as many calls as the cap allows were in flight.
    pub refused_by_cap: u64,
    /// Calls that were accepted, and have neither been answered nor given up by the client.
    pub in_flight: u32,
    /// The most requests that arrived within any one second, wherever that second begins.
    pub peak_sends_1s: u64,
}

impl Stats {
    /// Requests refused for either reason.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused_by_quota + self.refused_by_cap
    }
}

/// The gate that all connections pass.
#[derive(Clone, Debug)]
struct Counter(Arc<Mutex<Gate>>);

impl Counter {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.0.lock().expect("no method of the gate panics")
    }

    fn admit(&self) -> Admission {
        let mut gate = self.gate();
        // Read under the lock, so that the gate never sees time run backwards.
        gate.admit(Instant::now())
    }
}

/// The place in flight of one accepted call. It comes back also when hyper drops the handler
/// because the client has gone away.
struct Place(Counter);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.gate().on_call_over();
    }
}

async fn summary(State(counter): State<Counter>) -> Response<Body> {
    let admission = counter.admit();
    let reset = admission.reset_s;
    match admission.verdict {
        Verdict::Accepted { service_time } => {
            let _place = Place(counter);
            sleep(service_time).await;
            let body = json!({ "conversations": 42, "averageHandleSeconds": 317 });
            answer(StatusCode::OK, &body, limit_headers(&admission))
        }
        Verdict::RefusedByCap => refusal(&admission, 1),
        Verdict::RefusedByQuota => refusal(&admission, reset),
    }
}

fn refusal(admission: &Admission, retry_after_s: u64) -> Response<Body> {
    let body = json!({
        "message": format!(
            "Rate limit exceeded the maximum. Retry the request in [{retry_after_s}] seconds"
        ),
        "code": "too.many.requests",
        "status": 429,
    });
    let mut headers = limit_headers(admission);
    headers.insert(RETRY_AFTER, retry_after_s.into());
    answer(StatusCode::TOO_MANY_REQUESTS, &body, headers)
}

fn limit_headers(admission: &Admission) -> HeaderMap {
    let quota = u64::from(admission.quota);
    let remaining = u64::from(admission.remaining);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-rate-limit-limit", quota),
        ("x-rate-limit-remaining", remaining),
        ("x-rate-limit-reset", admission.reset_s),
        ("inin-ratelimit-allowed", quota),
        ("inin-ratelimit-count", quota - remaining),
        ("inin-ratelimit-reset", admission.reset_s),
    ] {
        headers.insert(name, value.into());
    }
    headers
}

fn answer(status: StatusCode, body: &Value, headers: HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Lets one server follow another on the same port although connections of the first linger in
    // TIME_WAIT. On Windows the option means something else: it would share a port that is in use.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Connections that may wait to be accepted. Thousands of callers connect at the same instant, and
/// each connection beyond the backlog would be tried again by the kernel only a second later. (The
/// kernel lowers it to its own maximum, 4096 on Linux.)
const BACKLOG: u32 = 4096;
