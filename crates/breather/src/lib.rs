//! Decides when a failed or throttled call may be sent again, and when calls may be sent at all.
//!
//! Many callers of one limited API finish as soon as its quota permits, with hardly a call throttled,
//! since they share what the API's answers say. This crate is the policy: time, outcomes and seeds go
//! in, instants and reasons come out. It never reads a clock, sleeps, spawns or draws entropy; an
//! adapter does: `breather-reqwest` for reqwest-middleware, `breather-tower` for tower services, `breather-tokio`
//! for closures, or a loop of your own.
//!
//! ```
//! use breather::{Hint, Outcome, Policy, driver::{Call, CallSpec, Decision, Instant, Moment}};
//! use core::time::Duration;
//!
//! // A driver says what happened and when.
//! let mut now = Instant::ORIGIN;
//! let mut call = Call::new(Policy::default(), CallSpec::new(), 42, now);
//! call.on_sent(now);
//! now = now + Duration::from_millis(20);
//!
//! // The server throttled the attempt, and said until when.
//! let headers: [(&str, &[u8]); 1] = [("Retry-After", b"3")];
//! let hint = Hint::read(headers, Moment::new(now));
//! let decision = call.on_outcome(now, Outcome::throttled("status 429"), &hint, None);
//!
//! let Decision::Retry(wait) = decision else { panic!("no reason to stop") };
//! assert!(wait.until() >= now + Duration::from_secs(3));
//! assert!(wait.to_string().ends_with("(retry-after: 3)"));
//! ```
//!
//! # The parts
//!
//! Two state machines decide everything, and both are told the time:
//!
//! - [`Call`](driver::Call): one call. Told how its attempts ended, it answers with an instant or a [`End`].
//!   Configured by a [`Policy`], which has a [`Backoff`] and a [`Jitter`].
//! - [`Pacer`](driver::Pacer): one scope. Asked for a [`Permit`](driver::Permit) before each attempt, and told the outcome after it, it
//!   learns quota and concurrency from the answers alone. (`docs/pacing.md`, in the repository, tells how, with
//!   charts; what it cannot know; and when to turn it off.)
//!
//! What they are told is an [`Outcome`], made by a classifier (`DefaultClassifier` is the one for HTTP), and a
//! [`Hint`], read from header lines. [`Breather`] holds a policy and the pacers of all scopes, for many
//! tasks to share; an [`ActiveCall`](driver::ActiveCall) is a call under way through it, and what adapters drive by a
//! [`Timer`](driver::Timer).
//!
//! # Words
//!
//! | word | what it is |
//! |---|---|
//! | call | what the application asked for: one request in, one response out |
//! | attempt | one send of a call; a retry is an attempt after the first |
//! | outcome | how an attempt ended, classified: success, pending, transient, throttled, permanent |
//! | backoff | the delay ceiling by retry number; jitter draws from it |
//! | hint | what the server said about time: not before, limit, remaining, reset |
//! | alignment | joining our own delay with the hint: never earlier than it, and not all at once |
//! | scope | whom a limit belongs to: a host, a token, an organisation |
//! | pacer | the shared state of a scope: learned quota windows, learned concurrency limit, hold |
//! | rejection | an attempt that the server would not take for now: its outcome is throttled |
//! | permit | the right to send one attempt, given by the pacer and returned with the outcome |
//! | budget | retries allowed as a share of traffic |
//! | hold | an instant before which a scope sends nothing |
//! | deadline | the instant by which the call must be over, waits included |
//! | stop | why no further attempt is made |
//! | report | what a finished call can tell: attempts, waits, where each wait came from, the stop |
//!
//! # Defaults
//!
//! | setting | default | set on |
//! |---|---|---|
//! | retries after transient failures | 3 | [`Policy::with_max_retries`] |
//! | backoff | exponential from 100 ms, factor 2, cap 20 s | [`Policy::with_backoff`] |
//! | jitter | full if the backoff is exponential; otherwise adds up to a tenth | [`Policy::with_jitter`] |
//! | rejections of one call | 16 | [`Policy::with_max_throttles`] |
//! | deadline | none | [`Policy::with_deadline`] |
//! | time-out of an attempt | none | [`Policy::with_attempt_timeout`] |
//! | longest hint obeyed | 5 minutes | [`Policy::with_max_retry_after`] |
//! | polling | exponential from 1 s, factor 1.5, cap 20 s | [`Policy::with_polling`] |
//! | budget of retries | a fifth of the calls and 10 a second, of the last 10 s | `BreatherBuilder::with_budget` |
//! | waiters of a scope | 100,000 | [`Pacing::with_max_queued`] |
//! | scopes of a handle | 1,000 | `BreatherBreatherBuilder::with_max_scopes` |
//! | scope | the origin of the URL that is asked: scheme, host and port | the adapter, or `Scopes` in a request's extensions |
//! | pacing | on | `BreatherBuilder::without_pacing` |
//!
//! The reason for each stands on its type.
//!
//! # What it promises
//!
//! 1. A throttled call is never sent again earlier than its own rejection said.
//! 2. A wait that would pass the deadline, or a hint longer than the policy obeys, stops the call at
//!    once and tells the uncut instant. No sleep ends in a failure known before it began.
//! 3. Waiting for a permit or for a throttled scope uses up no retries.
//! 4. A failure that may have been executed is repeated only if the request is idempotent, or the caller
//!    said so: of a closure by `when`, of a [`Call`](driver::Call) by a [`CallSpec`](driver::CallSpec) that does not say otherwise. A response from
//!    another URL shows that the first request was executed (see [`Redirects`]).
//! 5. The ceiling is capped before jitter is drawn, and no two calls share a generator's state.
//! 6. Same seed, same clock, same outcomes: same decisions.
//! 7. Any bytes in any header: no panic, no allocation without bound, no wait from something unreadable.
//! 8. One scope's answers never hold another. Shared state is bounded, and an active hold is not
//!    forgotten.
//! 9. Dropping a call at any await gives back all it held.
//! 10. Every wait and every stop can say why.
//!
//! # Features
//!
//! - `std` (default): [`Breather`] and all that belongs to sharing, and the header reader. Without it
//!   the crate needs `core` and `alloc`: both state machines, as plain values.
//! - `http` (default): `Hint::from_headers` and the classification of answers, by the types of the
//!   `http` crate.
//! - `tracing`: a span for each call, and in it an event for each wait and stop. Its fields are a scope's name, the name of
//!   a header, counts and times; of OpenTelemetry's names for HTTP, `http.request.resend_count`.
//! - `serde`: reads and writes a [`Policy`] in a configuration file, and serializes a [`Report`] and a [`Snapshot`].
//! - `metrics`: `Metrics`, an observer that counts by the `metrics` facade.
//!
//! Features add; none changes what another part does.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod call;
pub mod driver;
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
#[cfg(feature = "http")]
pub use self::http::{AttemptResult, ClassifyHttp, DefaultClassifier, ErrorKind};
pub use self::pacer::{HoldReason, Pace, Pacing, Snapshot};
pub use self::policy::{Backoff, Jitter, Policy, RetryBudget};
#[cfg(feature = "metrics")]
pub use self::shared::Metrics;
#[cfg(feature = "std")]
pub use self::shared::{
    Breather, BreatherBuilder, CallOptions, Event, EventKind, Observer, Scopes,
};
