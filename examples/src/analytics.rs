//! An analytics API with a quota and a cap on calls in flight, on a loopback socket.
//!
//! It stands in for the kind of API that breather was made for. It never queues: a request that
//! comes when the quota of the window is spent, or while as many calls as the cap allows are in
//! flight, is throttled at once with 429. What each answer says about the limits, it says in headers:
//!
//! | header | in each answer |
//! |---|---|
//! | `x-rate-limit-limit`, `inin-ratelimit-allowed` | the quota of a window |
//! | `x-rate-limit-remaining` | what was left of it when this request had been counted |
//! | `inin-ratelimit-count` | what was used of it when this request had been counted |
//! | `x-rate-limit-reset`, `inin-ratelimit-reset` | seconds to the next window, rounded up |
//! | `Retry-After` | in rejections: as the reset for a spent quota, 1 for a reached cap; and of a job that runs |
//!
//! Each bearer of a token has a quota, and all together may have the organisation's; the headers tell of the one that
//! has less left. The conversations are generated from a seed, and these tell of them, each request a call:
//!
//! | endpoint, below [`DETAILS`] | it answers |
//! |---|---|
//! | `GET /summary?conversationId=…` | one conversation; without the parameter, an aggregate |
//! | `POST /query` | those of `conversationIds`, or all, by `paging`: `pageSize` and `pageNumber` |
//! | `POST /jobs` | 202 and a `jobId`; 429 while as many as may are running |
//! | `GET /jobs/availability` | up to when jobs know of conversations |
//! | `GET /jobs/{id}` | `QUEUED`, `PENDING`, `FULFILLED` or `FAILED`, with `Retry-After` until it is over |
//! | `GET /jobs/{id}/results?cursor=…` | a page of all conversations, and the `cursor` of the next |
//! | `DELETE /jobs/{id}` | 204 |
//!
//! A submission with an `Idempotency-Key` that was seen before answers with the job that was made then. [`Faults`]
//! has the server fail.
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

/// What the paths of all endpoints begin with; any other is answered with 404 and not counted.
pub const DETAILS: &str = "/api/v2/analytics/conversations/details";

/// The instant up to which jobs know of conversations. All of the server's have ended by then.
pub const AVAILABLE_UNTIL: &str = "2026-01-02T00:00:00.000Z";

/// The API, listening from [`Server::start`] to [`Server::shutdown`].
///
/// Dropping it shuts it down too, without waiting for the calls in flight.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    api: Api,
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

        let api = Api::new(&options);
        let router = api.router();
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
            api,
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

    /// The URL of the summary.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.addr)
    }

    /// What the URLs of all endpoints begin with.
    #[must_use]
    pub fn details_url(&self) -> String {
        format!("http://{}{DETAILS}", self.addr)
    }

    /// All conversations that it has.
    #[must_use]
    pub fn conversations(&self) -> &[Conversation] {
        self.api.conversations().all()
    }

    /// What was counted up to now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.api.stats()
    }

    /// What became of the requests up to now, by the time at which they arrived.
    ///
    /// It starts with the first request, as the grid of windows does.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.api.gate().timeline()
    }
}

/// What a [`Server`] counted: every request that reached it, whoever sent it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests that arrived, throttled ones included.
    pub sends: u64,
    /// Requests throttled because the quota of their window was spent.
    pub throttled_by_quota: u64,
    /// Requests throttled because as many calls as the cap allows were in flight.
    pub throttled_by_cap: u64,
    /// Submissions throttled because as many jobs as may were running. They have spent quota.
    pub throttled_by_jobs: u64,
    /// Jobs that were made.
    pub jobs: u64,
    /// Calls that were accepted, and have neither been answered nor given up by the client.
    pub in_flight: u32,
    /// The most requests that arrived within any one second, wherever that second begins.
    pub peak_sends_1s: u64,
}

impl Stats {
    /// Requests throttled for any reason.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.throttled_by_quota + self.throttled_by_cap + self.throttled_by_jobs
    }
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
