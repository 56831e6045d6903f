//! An analytics API with a quota and a cap on calls in flight, on a loopback socket.
//!
//! It stands in for the kind of API that breather was made for. The server never queues a request.
//! If the quota of the window is spent, or if the cap of calls in flight is reached, it immediately
//! returns 429. Headers describe the limits:
//!
//! | header | value |
//! |---|---|
//! | `x-rate-limit-limit`, `inin-ratelimit-allowed` | the quota of a window |
//! | `x-rate-limit-remaining` | the remaining quota, after this request |
//! | `inin-ratelimit-count` | the used quota, after this request |
//! | `x-rate-limit-reset`, `inin-ratelimit-reset` | seconds to the next window, rounded up |
//! | `Retry-After` | in rejections: the reset if the quota is spent, 1 if the cap is reached, the time until a running job is over if too many run; also sent for a running job |
//!
//! Each token has a quota, and the organisation may have a quota for all tokens together. The
//! headers report the quota that has less left.
//!
//! The server generates its conversations from a seed. Each request to one of these endpoints is a
//! call:
//!
//! | endpoint, below [`DETAILS`] | response |
//! |---|---|
//! | `GET /summary?conversationId=…` | one conversation; without the parameter, an aggregate |
//! | `POST /query` | the conversations in `conversationIds`, or all, by `paging`: `pageSize` and `pageNumber` |
//! | `POST /jobs` | 202 and a `jobId`; 429 while too many jobs are running |
//! | `GET /jobs/availability` | the instant up to which jobs include conversations |
//! | `GET /jobs/{id}` | `QUEUED`, `PENDING`, `FULFILLED` or `FAILED`, with `Retry-After` until the job is over |
//! | `GET /jobs/{id}/results?cursor=…` | a page of all conversations, and the `cursor` of the next |
//! | `DELETE /jobs/{id}` | 204 |
//!
//! If a submission repeats an `Idempotency-Key`, the server returns the job that it made for the
//! first. [`Faults`] make the server fail.
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
};

use axum::serve::ListenerExt;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::oneshot,
    task::JoinHandle,
};

mod answer;
mod api;
mod broken;
mod conversation;
mod faults;
mod gate;
mod in_process;
mod jobs;
mod options;
mod peak;
mod timeline;

use api::Api;

pub use conversation::Conversation;
pub use faults::Faults;
pub use in_process::InProcess;
pub use options::Options;
pub use timeline::Timeline;

/// The path of the summary.
pub const PATH: &str = "/api/v2/analytics/conversations/details/summary";

/// The path prefix of all endpoints.
///
/// The server returns 404 for any other path and doesn't count the request.
pub const DETAILS: &str = "/api/v2/analytics/conversations/details";

/// The instant up to which jobs include conversations.
///
/// All conversations of the server have ended by then.
pub const AVAILABLE_UNTIL: &str = "2026-01-02T00:00:00.000Z";

/// The API, listening from [`Server::start`] to [`Server::shutdown`].
///
/// If you drop the server, it shuts down without waiting for the calls in flight.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    api: Api,
    /// Ends `serving` when it is sent to or dropped.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Starts a server on 127.0.0.1, at the port that the options name.
    ///
    /// The first window starts with the first request.
    ///
    /// # Errors
    ///
    /// Returns an error that names the address if the port is taken or not permitted.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with I/O and time enabled.
    pub fn start(options: Options) -> io::Result<Self> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port()));
        let listener = listen(wanted).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {wanted}: {error}"))
        })?;
        let addr = listener.local_addr()?;

        let api = Api::new(&options);
        let router = api.router();
        // Nagle's algorithm would only delay the small messages. If a socket rejects the option, it
        // works without.
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(
            axum::serve(listener, router)
                .with_graceful_shutdown(async { drop(stopped.await) })
                .into_future(),
        );

        Ok(Self {
            addr,
            api,
            stop,
            serving,
        })
    }

    /// Stops accepting connections, and waits for the calls in flight to finish.
    ///
    /// # Errors
    ///
    /// Returns the error if the server failed earlier.
    pub async fn shutdown(self) -> io::Result<()> {
        drop(self.stop);
        self.serving.await?
    }

    /// Returns the address of the server.
    ///
    /// If the options named no port, this has the port that the system chose.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the URL of the summary.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.addr)
    }

    /// Returns the URL prefix of all endpoints.
    #[must_use]
    pub fn details_url(&self) -> String {
        format!("http://{}{DETAILS}", self.addr)
    }

    /// Returns all conversations of the server.
    #[must_use]
    pub fn conversations(&self) -> &[Conversation] {
        self.api.conversations().all()
    }

    /// Returns the counts so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.api.stats()
    }

    /// Returns the verdicts on all requests so far, by arrival time.
    ///
    /// The timeline and the first window both start with the first request.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.api.gate().timeline()
    }
}

/// The counts of all requests that reached a [`Server`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests that arrived, including throttled ones.
    pub sends: u64,
    /// Requests throttled because the quota of their window was spent.
    pub throttled_by_quota: u64,
    /// Requests throttled because the cap of calls in flight was reached.
    pub throttled_by_cap: u64,
    /// Submissions throttled because too many jobs were running. They count against the quota.
    pub throttled_by_jobs: u64,
    /// Jobs that the server made.
    pub jobs: u64,
    /// Accepted calls that have no response yet and that their clients have not given up.
    pub in_flight: u32,
    /// The most requests that arrived within any one second, starting at any instant.
    pub peak_sends_1s: u64,
}

impl Stats {
    /// Returns the number of requests throttled for any reason.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.throttled_by_quota + self.throttled_by_cap + self.throttled_by_jobs
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Without this, connections in TIME_WAIT would block the port for the next server. On Windows,
    // the option would share a port that is in use.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Limits the connections that wait to be accepted.
///
/// Thousands of callers connect at the same instant. The kernel retries a connection beyond the
/// backlog only a second later. It also lowers the backlog to its own maximum, 4096 on Linux.
const BACKLOG: u32 = 4096;
