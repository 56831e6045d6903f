//! Retries and pacing by [breather] as a [tower](https://docs.rs/tower) layer.
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
//! Each call passes the pacer of its scope, which is the origin of its URI. What one response says
//! about the quota holds all calls to that server, those of a reqwest client with the same
//! [`Breather`](breather::Breather) among them. Failures that may pass are repeated as the policy
//! permits, and never what may have been executed and is not idempotent.
//!
//! # What the inner service needs
//!
//! | | where it is not so |
//! |---|---|
//! | It is `Clone` | put a `tower::buffer` around it |
//! | Its request is `http::Request<B>`, its response `http::Response<_>` | [`with_classifier`](RetryLayer::with_classifier) takes a closure for any others |
//! | `B` is a [`CloneableBody`], such as `String`, `Bytes` or `Full<Bytes>` | [`replay`](RetryLayer::replay) for streams, [`trust_clone`](RetryLayer::trust_clone) if clones are copies, [`send_once`](RetryLayer::send_once), or a [`Repeat`] of your own |
//! | Its error is `From<Stopped>`, as a boxed one is | [`box_errors`](RetryLayer::box_errors) |
//! | Its error is an [`HttpError`], as a boxed one is | implement it, or [`box_errors`](RetryLayer::box_errors) |
//!
//! It runs on tokio, whose paused time works.
//!
//! # What an attempt is
//!
//! An attempt ends with the head of its response, and the body streams. With a [`BufferedLayer`] inside of the
//! [`RetryLayer`], it ends with the body: what is cut off is sent again.
//!
//! # What happened to a call
//!
//! ```
//! use breather_tower::breather::{Report, ReportSlot};
//!
//! let slot = ReportSlot::new();
//! let request = http::Request::get("http://api.example.com/")
//!     .extension(slot.clone())
//!     .body(String::new());
//! // … once the call is over, or dropped:
//! println!("{}", slot.report().unwrap_or_default());
//! # let _ = request;
//! ```
//!
//! A response of a call that waited or was sent more than once has the [`Report`](breather::Report) in its
//! extensions, too. Who wants to know of all calls gives the handle an
//! [`Observer`](breather::Observer). With the feature `tracing`, each call has a span, in which its attempts are made.
//!
//! # What a request asks for
//!
//! [`CallOptions`](breather::CallOptions) in its extensions: another policy, a deadline, scopes, no retries, or that it is
//! idempotent. Of all requests of a host or a path, [`Breather::set_route`](breather::Breather::set_route).
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
