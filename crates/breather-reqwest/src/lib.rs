//! Retries and pacing by [breather] in a
//! [reqwest-middleware](https://docs.rs/reqwest-middleware) chain.
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
//! Each call passes the pacer of its scope, which is the origin of its URL. What one
//! response says about the quota holds all calls to that server. Failures that may pass are repeated
//! as the policy permits, and never what may have been executed and is not idempotent.
//!
//! # What the caller gets
//!
//! The last response or error, as it is: errors are not wrapped, so that `is_timeout()` and
//! `is_connect()` stay true. A call that stops does so when its last answer comes, and hands that on; it
//! can stop also when it asks for its turn: its scope is held for longer than its deadline or its policy
//! permits, or the queue was too long; and when the time of its last attempt is up, by the policy's time-out or the deadline. Then there may be nothing to hand on: nothing was received yet, or
//! a response that was let go before the wait. The error is then `Error::Middleware` with a
//! [`Stopped`](breather::Stopped) inside:
//!
//! ```
//! use reqwest_middleware::Error;
//! use std::time::Duration;
//!
//! /// Tells our own caller when to come back.
//! fn retry_after(error: &Error) -> Option<Duration> {
//!     breather_reqwest::stopped(error)?.end().retry_after()
//! }
//! # assert_eq!(retry_after(&Error::middleware(std::io::Error::other("no token"))), None);
//! ```
//!
//! A body that cannot be cloned (a stream) is sent once, as if this middleware were not there, except
//! that it waits for its turn; unless the caller can make it again, by
//! [`with_request_fn`](RequestBuilderExt::with_request_fn).
//!
//! # What a request asks for
//!
//! [`CallOptions`](breather::CallOptions) among its extensions: another policy, a deadline, scopes, no retries, or that it is
//! idempotent. Of all requests of a host or a path, [`Breather::set_route`](breather::Breather::set_route).
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
//! # What happened to a call
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
//! The slot is filled whatever the end, also of a call that is dropped. A response of a call that waited or was sent more than once has
//! the [`Report`](breather::Report) in its own extensions, too.
//!
//! # In a browser
//!
//! Built for `wasm32-unknown-unknown`, calls wait by `setTimeout`, through `BrowserTimer` in place of
//! tokio's timer, in a page, a worker or Node. Their futures are not `Send`, as reqwest's own there.
//! What differs besides:
//!
//! - reqwest's responses have no extensions there, so that the report is in the slot alone.
//! - A fetch that fails says no more than that, be it rejected by the server, by the network or by the
//!   browser's rules for other origins. [`reqwest_error_kind()`] says `Interrupted` then: it is repeated if the call is
//!   idempotent.
//! - A server of another origin is heard only as far as its `Access-Control-Expose-Headers` permits: without
//!   it, no `Retry-After` and no quota is read, and calls wait by the policy alone.
//! - A browser slows down the timers of a tab that nobody looks at, to one a second and after minutes to
//!   one a minute. Waits get longer there, never shorter.

pub use ::breather;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use breather_tokio::TokioTimer;

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

pub use error_kind::reqwest_error_kind;
pub use middleware::RetryMiddleware;
pub use request_fn::{RequestBuilderExt, RequestFn};
pub use stopped::stopped;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use timer::{BrowserSleep, BrowserTimer};
