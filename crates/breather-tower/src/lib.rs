//! Retries and rate-limit pacing for [tower](https://docs.rs/tower) services, by [breather].
//!
//! Add a [`RetryLayer`] to a service. It retries failed requests if that is safe, and sends
//! requests when the server will accept them. It learns the server's quota and concurrency limit
//! from the responses, so you don't need to configure anything.
//!
//! ```
//! use breather_tower::RetryLayer;
//! use tower::ServiceBuilder;
//!
//! # let inner = tower::service_fn(|_: http::Request<String>| async {
//! #     Ok::<_, tower::BoxError>(http::Response::new(String::new()))
//! # });
//! let service = ServiceBuilder::new().layer(RetryLayer::default()).service(inner);
//! # let _: &dyn tower::Service<http::Request<String>, Response = http::Response<String>, Error = tower::BoxError, Future = _> = &service;
//! ```
//!
//! All services and clients with the same [`Breather`](breather::Breather) share what it learns,
//! including a reqwest client with `breather-reqwest`. If a response reports that the quota is used
//! up, breather holds all calls to that server until the quota returns. The scope of a call is the
//! origin of its URI, unless you name another.
//!
//! breather retries transient failures within the limits of your policy. It retries a call that the
//! server may already have processed only if the call is idempotent.
//!
//! # Sister crates
//!
//! | crate | purpose |
//! |---|---|
//! | [`breather`](https://docs.rs/breather) | the core, which decides whether and when to send, without I/O |
//! | [`breather-tokio`](https://docs.rs/breather-tokio) | retries closures on tokio |
//! | [`breather-reqwest`](https://docs.rs/breather-reqwest) | a middleware for reqwest |
//! | [`breather-hyper`](https://docs.rs/breather-hyper) | error kinds and bodies for your own HTTP adapter |
//! | [`breather-test`](https://docs.rs/breather-test) | scripted servers and virtual time for your tests |
//!
//! # Features
//!
//! - `follow-redirect` (enabled by default) reads the URLs of responses from tower-http's
//!   `FollowRedirect`.
//! - `tracing` adds a span for each call, and an event for each wait and end.
//!
//! The oldest supported Rust is 1.85.
//!
//! # Requirements for the inner service
//!
//! | requirement | if your service does not meet it |
//! |---|---|
//! | It is `Clone` | put a `tower::buffer` around it |
//! | Its request is `http::Request<B>` and its response `http::Response<_>` | use [`with_classifier`](RetryLayer::with_classifier) with a closure |
//! | `B` is a [`CloneableBody`], such as `String`, `Bytes` or `Full<Bytes>` | use [`replay`](RetryLayer::replay) for streams, [`trust_clone`](RetryLayer::trust_clone) if a clone yields the same bytes independently of the original, [`send_once`](RetryLayer::send_once), or your own [`Repeat`] |
//! | Its error is `From<Stopped>`, such as a boxed error | use [`box_errors`](RetryLayer::box_errors) |
//! | Its error is an [`HttpError`], such as a boxed error | implement it, or use [`box_errors`](RetryLayer::box_errors) |
//!
//! The layer runs on tokio, and works with tokio's paused time.
//!
//! # Response bodies
//!
//! An attempt ends when the head of its response arrives. You get the body as it comes. If you put a
//! [`BufferedLayer`] inside the [`RetryLayer`], an attempt ends with the body, and breather retries
//! a download that is cut off.
//!
//! # Reports
//!
//! ```
//! use breather_tower::breather::{Report, ReportSlot};
//!
//! let slot = ReportSlot::new();
//! let request = http::Request::get("http://api.example.com/")
//!     .extension(slot.clone())
//!     .body(String::new());
//! // … after the call has ended, or its future was dropped:
//! println!("{}", slot.report().unwrap_or_default());
//! # let _ = request;
//! ```
//!
//! If a call waited or was sent more than once, its response also has the
//! [`Report`](breather::Report) in its extensions. Give the [`Breather`](breather::Breather) an
//! [`Observer`](breather::Observer) to follow all calls. With the feature `tracing`, each call has
//! a span that contains its attempts.
//!
//! # Options for single requests
//!
//! Put [`CallOptions`](breather::CallOptions) into a request's extensions to set another policy, a
//! deadline or scopes, to turn retries off, or to say that the call is idempotent. Use
//! [`Breather::set_route`](breather::Breather::set_route) to set options for all requests of a host
//! or a path.
//!
//! ```
//! use breather_tower::breather::CallOptions;
//!
//! let search = CallOptions::new().with_idempotent(true).with_deadline(std::time::Duration::from_secs(2));
//! let request = http::Request::post("http://api.example.com/search")
//!     .extension(search)
//!     .body(String::new());
//! # let _ = request;
//! ```

pub use ::breather;
pub use breather_hyper::{
    AnswerBody, BoxError, BufferedBody, Recording, ReplayBody, hyper_error_kind,
};

mod answered_by;
mod attempt_header;
mod box_errors;
mod buffered;
mod classify;
mod cloneable_body;
mod future;
mod http;
mod http_error;
mod http_with_bodies;
mod layer;
mod origin;
mod repeat;
mod replace_by;
mod replay;
mod service;
mod settings;

pub use self::http::Http;
pub use answered_by::AnsweredBy;
pub use attempt_header::AttemptHeader;
pub use box_errors::{BoxErrors, BoxErrorsFuture, BoxErrorsLayer};
pub use buffered::{Buffered, BufferedLayer};
pub use classify::Classify;
pub use cloneable_body::{CanRepeat, CloneableBody};
pub use future::ResponseFuture;
pub use http_error::HttpError;
pub use http_with_bodies::HttpWithBodies;
pub use layer::RetryLayer;
pub use origin::ScopeBuffer;
pub use repeat::{Cloned, Custom, Repeat, SendOnce, TrustClone};
pub use replace_by::ReplaceBy;
pub use replay::Replay;
pub use service::Retry;
