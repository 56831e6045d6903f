//! Retries and rate-limit pacing for HTTP and other clients, without I/O.
//!
//! **Most applications want an adapter**, which re-exports this crate as `breather`:
//!
//! | you use | add |
//! |---|---|
//! | reqwest | [`breather-reqwest`](https://docs.rs/breather-reqwest) |
//! | tower, hyper, tonic, kube | [`breather-tower`](https://docs.rs/breather-tower) |
//! | any async closure on tokio | [`breather-tokio`](https://docs.rs/breather-tokio) |
//!
//! Callers that share a [`Breather`] share the limits that the server states, so requests are
//! sent when the server will accept them instead of being rejected and retried. You need no
//! configuration. If you want some, start with [`Policy`] and [`CallOptions`].
//!
//! # Without an adapter
//!
//! You tell this crate the time and how each attempt ended. It tells you whether and when to send
//! the next one, and why. It never reads a clock, sleeps, spawns or draws entropy. The module
//! [`driver`] has the parts:
//!
//! ```
//! use breather::{Hint, Outcome, Policy, driver::{Call, CallSpec, Decision, Instant, Moment}};
//! use core::time::Duration;
//!
//! let mut now = Instant::ORIGIN;
//! // 42 is the seed of the jitter.
//! let mut call = Call::new(Policy::default(), CallSpec::new(), 42, now);
//! call.on_sent(now);
//! now = now + Duration::from_millis(20);
//!
//! // The server rejected the attempt and said when to retry.
//! let headers: [(&str, &[u8]); 1] = [("Retry-After", b"3")];
//! let hint = Hint::read(headers, Moment::new(now));
//! // `None`: no pacer says how long the scope is held.
//! let decision = call.on_outcome(now, Outcome::throttled("status 429"), &hint, None);
//!
//! let Decision::Retry(wait) = decision else { panic!("retries are left") };
//! assert!(wait.until() >= now + Duration::from_secs(3));
//! assert!(wait.to_string().ends_with("(retry-after: 3)"));
//! ```
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | call | what the application asked for: one request in, one response out |
//! | attempt | one send of a call; a retry is any attempt after the first |
//! | outcome | how an attempt ended: success, pending (the server says that the result is not ready yet), transient, throttled or permanent |
//! | throttled | the server rejected the attempt because of a limit |
//! | backoff | the nominal delay before each retry, the *ceiling* |
//! | cap (of a backoff) | its longest ceiling |
//! | jitter | how the actual delay is drawn: at most the ceiling, or around it |
//! | hint | what a response says about time and quota |
//! | scope | the owner of a limit: a host, a token, an organisation |
//! | window | one quota of a scope: so many calls until a reset |
//! | cap (of a scope) | the limit on attempts in flight |
//! | pacer | the shared state of a scope: its windows, its cap, its hold, its queue |
//! | permit | the right to send one attempt |
//! | hold | a period in which a scope sends nothing |
//! | queue, queued | calls that wait for a permit |
//! | budget | how many retries are allowed, as a share of traffic |
//! | deadline | the latest end of a call |
//! | timeout | the longest duration of an attempt |
//! | end, end reason | why no further attempt is made; success is one of the reasons |
//! | report | what a finished call can tell about itself |
//!
//! # Defaults
//!
//! | setting | default | set on |
//! |---|---|---|
//! | retries after transient failures | 3 | [`Policy::with_max_retries`] |
//! | backoff | exponential from 100 ms, factor 2, cap 20 s | [`Policy::with_backoff`] |
//! | jitter | full if the backoff is exponential; otherwise adds up to a tenth | [`Policy::with_jitter`] |
//! | throttled attempts of one call | 16 | [`Policy::with_max_throttles`] |
//! | deadline | none | [`Policy::with_deadline`] |
//! | timeout of an attempt | none | [`Policy::with_attempt_timeout`] |
//! | longest `Retry-After` accepted | 5 minutes | [`Policy::with_max_retry_after`] |
//! | polling | exponential from 1 s, factor 1.5, cap 20 s | [`Policy::with_polling`] |
//! | retry budget | a fifth of the calls of the last 10 s, plus 10 a second | `BreatherBuilder::with_budget` |
//! | queued calls of a scope | 100,000 | [`Pacing::with_max_queued`] |
//! | scopes of a handle | 1,000 | `BreatherBuilder::with_max_scopes` |
//! | scope of a request | the origin of its URL: scheme, host and port | the adapter, `CallOptions` or `Scopes` |
//! | pacing | on | `BreatherBuilder::without_pacing` |
//!
//! The documentation of each setter gives the reason for its default.
//!
//! # Promises
//!
//! 1. A throttled call is never sent again earlier than its own response said.
//! 2. If a wait would outlast the deadline, or exceeds the longest `Retry-After` the policy
//!    accepts, the call ends at once. It reports the time at which the server would accept the
//!    call, even if it is far beyond the limit.
//! 3. Waiting for a permit uses up no retries.
//! 4. A request that the server may already have processed is retried only if it is idempotent or
//!    you opt in. A response from a URL other than the requested one means that a redirect was
//!    followed, so the server has processed the first request (see [`Redirects`]).
//! 5. Backoff is capped before jitter is drawn, unless you set
//!    [`with_cap_after_jitter`](Jitter::with_cap_after_jitter). No two calls share a random number
//!    generator.
//! 6. The same seed, clock and outcomes give the same decisions.
//! 7. No header or body can cause a panic, an unbounded allocation, or a wait derived from a value
//!    that could not be parsed.
//! 8. Responses in one scope never hold another scope. Shared state is bounded: idle scopes are
//!    evicted, but never one with an active hold.
//! 9. Dropping a call at any await returns everything it held.
//! 10. Every wait and every end can explain itself.
//!
//! # Features
//!
//! - `std` (default) adds [`Breather`] and everything that calls share, and the header reader.
//!   Without it the crate needs `core` and `alloc`.
//! - `http` (default) adds `Hint::from_headers` and the classification of HTTP responses, with the
//!   types of the `http` crate.
//! - `metrics` adds `Metrics`, an observer that counts with the `metrics` facade.
//! - `serde` reads and writes a [`Policy`] in a configuration file, and serializes a [`Report`] and
//!   a [`Snapshot`].
//! - `tracing` adds a span for each call, with an event for each wait and end. Events contain the
//!   name of a header, never its value.
//!
//! Features only add API. The oldest supported Rust is 1.85.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod call;
pub mod driver;
#[cfg(feature = "serde")]
mod file;
pub mod hint;
#[cfg(feature = "http")]
mod http;
mod instant;
mod pacer;
mod policy;
mod printable;
mod rng;
#[cfg(feature = "serde")]
mod serialize;
#[cfg(feature = "std")]
mod shared;
mod unix_time;

#[cfg(feature = "std")]
pub use self::call::ReportSlot;
pub use self::call::{
    AsOutcome, End, EndReason, Executed, Outcome, OutcomeKind, Redirects, Report, Stopped,
    WaitReason,
};
#[cfg(feature = "std")]
pub use self::hint::Dialect;
pub use self::hint::Hint;
pub use self::hint::Unit;
#[cfg(feature = "http")]
pub use self::http::{AttemptResult, ClassifyHttp, DefaultClassifier, ErrorKind};
pub use self::pacer::{HoldReason, Pace, Pacing, Priority, Snapshot, StatedLimit};
pub use self::policy::{Backoff, Jitter, Policy, RetryBudget};
#[cfg(feature = "metrics")]
pub use self::shared::Metrics;
#[cfg(feature = "std")]
pub use self::shared::{
    Breather, BreatherBuilder, CallOptions, CostSlot, Event, EventKind, Observer, Scopes,
};
