//! Retries and rate-limit pacing for [reqwest](https://docs.rs/reqwest), as a middleware for
//! [reqwest-middleware](https://docs.rs/reqwest-middleware).
//!
//! Add [`RetryMiddleware`] to your client. It reads `Retry-After` and quota headers from every
//! response. It sends requests when the server will accept them, and retries calls that fail. All
//! clients that share a [`Breather`](breather::Breather) share what the server says about its
//! limits. No configuration is needed.
//!
//! ```
//! use breather_reqwest::RetryMiddleware;
//!
//! let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
//!     .with(RetryMiddleware::default())
//!     .build();
//! # let _ = client;
//! ```
//!
//! Calls to one origin (scheme, host and port) share a pacer, unless you name another scope. If one
//! response says that the quota is spent, all calls to that server wait until the quota returns.
//! Transient failures are retried as the policy permits. A request that the server may already have
//! processed is retried only if it is idempotent or you opt in.
//!
//! Sister crates:
//!
//! - `breather` is the core, which decides whether and when to send. It is re-exported here as
//!   [`breather`].
//! - `breather-tower` is the same for tower services.
//! - `breather-tokio` is the same for async closures.
//! - `breather-test` has scripted servers and virtual time for your tests.
//!
//! # Responses and errors
//!
//! You get the last response or error unchanged. Errors are not wrapped, so `is_timeout()` and
//! `is_connect()` still work.
//!
//! A call can also end early:
//!
//! | cause | what you get |
//! |---|---|
//! | The wait before a retry would outlast the deadline, or the server asks for a longer wait than the policy accepts. | the last response or error |
//! | The call waits for its turn, and its scope is held for longer than the deadline or the policy permits. | the error of the previous attempt, if it ended with an error. `Stopped` if it ended with a response, or if there was no attempt |
//! | The call asks for its turn, and the queue is too long. | the same |
//! | The last attempt runs out of time, because of the policy's attempt timeout or the deadline. | `Stopped` |
//!
//! breather releases a response before it waits for a retry, so a call that ends while it waits for
//! its turn cannot return that response.
//!
//! Here `Stopped` means an `Error::Middleware` that contains a [`Stopped`](breather::Stopped). It says
//! why the call ended and, if known, when to try again:
//!
//! ```
//! use reqwest_middleware::Error;
//! use std::time::Duration;
//!
//! /// Returns when our own caller should try again.
//! fn retry_after(error: &Error) -> Option<Duration> {
//!     breather_reqwest::stopped(error)?.end().retry_after()
//! }
//! # assert_eq!(retry_after(&Error::middleware(std::io::Error::other("no token"))), None);
//! ```
//!
//! # Streamed bodies
//!
//! A request whose body cannot be cloned, such as a stream, waits for its turn and is sent once.
//! Use [`with_request_fn`](RequestBuilderExt::with_request_fn) to make the body again for each
//! retry.
//!
//! # Options of a request
//!
//! Add [`CallOptions`](breather::CallOptions) to a request's extensions to set another policy, a
//! deadline or scopes, to turn off retries, or to say whether the request is idempotent. Use
//! [`Breather::set_route`](breather::Breather::set_route) to set options for all requests to a host
//! or a path.
//!
//! ```no_run
//! use breather_reqwest::breather::CallOptions;
//! use std::time::Duration;
//! # async fn example(client: reqwest_middleware::ClientWithMiddleware) -> reqwest_middleware::Result<()> {
//! let response = client
//!     .post("https://api.example.com/search")
//!     .with_extension(CallOptions::new().with_idempotent(true).with_deadline(Duration::from_secs(2)))
//!     .send()
//!     .await?;
//! # let _ = response;
//! # Ok(())
//! # }
//! ```
//!
//! # Reports
//!
//! Add a [`ReportSlot`](breather::ReportSlot) to a request to learn how many attempts the call made
//! and why it waited:
//!
//! ```no_run
//! use breather_reqwest::breather::ReportSlot;
//! # async fn example(client: reqwest_middleware::ClientWithMiddleware) -> reqwest_middleware::Result<()> {
//! let slot = ReportSlot::new();
//! let response = client
//!     .get("https://api.example.com/")
//!     .with_extension(slot.clone())
//!     .send()
//!     .await?;
//! println!("{}", slot.report().unwrap_or_default());
//! # let _ = response;
//! # Ok(())
//! # }
//! ```
//!
//! breather fills the slot however the call ends, even if you drop the call's future. If a call
//! waited or was sent more than once, its response also has the [`Report`](breather::Report) in its
//! extensions.
//!
//! # In a browser
//!
//! On `wasm32-unknown-unknown`, calls wait with `setTimeout`, in a page, a worker or Node. There,
//! `BrowserTimer` takes the place of tokio's timer. Futures are not `Send`, like reqwest's own.
//! Other differences:
//!
//! - reqwest's responses have no extensions, so you find the report only in the slot.
//! - A failed fetch does not say whether the server, the network or the browser's cross-origin
//!   rules caused it. [`reqwest_error_kind()`] returns `Interrupted`, and breather retries the call
//!   if it is idempotent.
//! - A server of another origin exposes only the headers that its `Access-Control-Expose-Headers`
//!   lists. If the server does not send that header, breather reads no `Retry-After` and no quota,
//!   and calls wait only for their backoff.
//! - Browsers slow down the timers of background tabs to one a second, and after minutes to one a
//!   minute. Waits get longer, never shorter.
//!
//! # Features
//!
//! - `tracing` creates a span for each call, and an event for each wait and end.
//!
//! The oldest supported Rust is 1.85.

pub use ::breather;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use breather_tokio::{TokioTimer, random_seeds};

mod answer;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod buffered;
mod drain;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod entropy;
mod error_kind;
mod middleware;
mod origin;
mod request_fn;
mod spare;
mod stopped;
mod timer;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use entropy::random_seeds;
pub use error_kind::reqwest_error_kind;
pub use middleware::RetryMiddleware;
pub use request_fn::{RequestBuilderExt, RequestFn};
pub use stopped::stopped;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use timer::{BrowserSleep, BrowserTimer};
