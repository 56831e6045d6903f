//! octocrab with breather.
//!
//! You can clone octocrab's body, but its clones share one stream. The default layer therefore does
//! not compile:
//!
//! ```compile_fail,E0277
//! # use breather_tower::RetryLayer;
//! # use breather_tower::breather::Breather;
//! # use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! # use octocrab::OctoBody;
//! # use tower::Layer;
//! let client = Client::builder(TokioExecutor::new()).build_http::<OctoBody>();
//! let service = RetryLayer::new(Breather::default()).box_errors().layer(client);
//! let request = http::Request::new(OctoBody::empty());
//! let _ = tower::ServiceExt::oneshot(service, request);
//! ```
//!
//! With [`replay`](breather_tower::RetryLayer::replay), each body is recorded while it is sent:
//!
//! ```
//! # use breather_tower::RetryLayer;
//! # use breather_tower::breather::Breather;
//! # use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! # use octocrab::OctoBody;
//! # use tower::Layer;
//! let client = Client::builder(TokioExecutor::new()).build_http();
//! let service = RetryLayer::new(Breather::default()).replay(64 * 1024).box_errors().layer(client);
//! let request = http::Request::new(OctoBody::empty());
//! let _ = tower::ServiceExt::oneshot(service, request);
//! ```
