//! How a request is sent again.

use std::convert::Infallible;

/// Defines how a request is sent again.
///
/// An implementation makes the inner service's request, and keeps a spare to make the next one
/// from. [`Cloned`] is the default. Use [`Replay`](crate::Replay) if your bodies are streams, and
/// [`SendOnce`] if your requests cannot be sent again.
///
/// The inner service's request can have another type than the caller's, for example a body that is
/// recorded while it is sent.
///
/// # Example
///
/// These requests carry the number of their attempt.
///
/// ```
/// use breather_tower::Repeat;
///
/// #[derive(Clone)]
/// struct Numbered;
///
/// impl Repeat<String> for Numbered {
///     type Inner = (u32, String);
///     type Spare = (u32, String);
///
///     fn first(&self, request: String) -> Self::Inner {
///         (1, request)
///     }
///
///     fn spare(&self, (number, request): &Self::Inner) -> Option<Self::Spare> {
///         Some((number + 1, request.clone()))
///     }
///
///     fn again(&self, spare: Self::Spare) -> Self::Inner {
///         spare
///     }
/// }
///
/// let first = Numbered.first("rows".to_owned());
/// let spare = Numbered.spare(&first).unwrap();
/// assert_eq!(Numbered.again(spare), (2, "rows".to_owned()));
/// ```
pub trait Repeat<Req> {
    /// The type of the inner service's requests.
    type Inner;

    /// The type of the spare that is kept while an attempt is in flight.
    type Spare;

    /// Returns the request of the first attempt.
    fn first(&self, request: Req) -> Self::Inner;

    /// Returns the spare for `request`, or `None` if it cannot be sent again.
    ///
    /// Called before `request` is sent, unless the policy permits no second attempt.
    fn spare(&self, request: &Self::Inner) -> Option<Self::Spare>;

    /// Prepares a request right before it is sent.
    ///
    /// `attempt` is its number, from 1. By default the request is not changed.
    fn on_send(&self, request: &mut Self::Inner, attempt: u32) {
        let _ = (request, attempt);
    }

    /// Returns whether `spare` can still be used after an attempt has ended.
    ///
    /// Defaults to `true`. Not called after a success. The result must stay valid until `spare` is
    /// dropped or used, which happens as soon as breather has decided whether to retry.
    fn can_repeat(&self, spare: &Self::Spare) -> bool {
        let _ = spare;
        true
    }

    /// Returns the request of the next attempt.
    fn again(&self, spare: Self::Spare) -> Self::Inner;
}

/// Clones the request before each attempt, including its body and extensions.
///
/// The body of an HTTP request must be a [`CloneableBody`](crate::CloneableBody).
///
/// If a call is not retried, the clone is most of its cost. No clone is made if the policy permits
/// no second attempt.
///
/// # Example
///
/// ```
/// use breather_test::Script;
/// use breather_tower::{Cloned, Http, RetryLayer};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let server = Script::new(["503", "200"]);
/// let layer: RetryLayer<Http, Cloned> = RetryLayer::default();
/// let request = http::Request::put("https://api.example.com/rows").body("a row".to_owned())?;
/// layer.layer(server.clone()).oneshot(request).await?;
/// assert_eq!(server.requests()[1].body, "a row");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Cloned;

impl<Req: Clone> Repeat<Req> for Cloned {
    type Inner = Req;
    type Spare = Req;

    fn first(&self, request: Req) -> Req {
        request
    }

    fn spare(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }

    fn again(&self, spare: Req) -> Req {
        spare
    }
}

/// Clones the request before each attempt, whatever the type of its body.
///
/// Use it if you know that clones of the body are copies. Created by
/// [`RetryLayer::trust_clone`](crate::RetryLayer::trust_clone).
///
/// # Example
///
/// The clones of an `Arc` share its value, but these requests never change it.
///
/// ```
/// use breather_test::Script;
/// use breather_tower::{Http, RetryLayer, TrustClone};
/// use http::Request;
/// use std::sync::Arc;
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let server = Script::new(["503", "200"]);
/// let client = server
///     .clone()
///     .map_request(|request: Request<Arc<str>>| request.map(|body| body.to_string()));
/// let layer: RetryLayer<Http, TrustClone> = RetryLayer::default().trust_clone();
/// let request = Request::put("https://api.example.com/rows").body("a row".into())?;
/// layer.layer(client).oneshot(request).await?;
/// assert_eq!(server.requests()[1].body, "a row");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TrustClone;

impl<Req: Clone> Repeat<Req> for TrustClone {
    type Inner = Req;
    type Spare = Req;

    fn first(&self, request: Req) -> Req {
        request
    }

    fn spare(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }

    fn again(&self, spare: Req) -> Req {
        spare
    }
}

/// Sends requests again by your own [`Repeat`].
///
/// Created by [`RetryLayer::with_repeat`](crate::RetryLayer::with_repeat).
///
/// # Example
///
/// This `Repeat` asks the server to answer retries from a replica.
///
/// ```
/// use breather_test::Script;
/// use breather_tower::{Custom, Http, Repeat, RetryLayer};
/// use http::{HeaderValue, Request};
/// use tower::{Layer, ServiceExt};
///
/// #[derive(Clone)]
/// struct ReadReplica;
///
/// impl Repeat<Request<String>> for ReadReplica {
///     type Inner = Request<String>;
///     type Spare = Request<String>;
///
///     fn first(&self, request: Request<String>) -> Request<String> {
///         request
///     }
///
///     fn spare(&self, request: &Request<String>) -> Option<Request<String>> {
///         Some(request.clone())
///     }
///
///     fn on_send(&self, request: &mut Request<String>, attempt: u32) {
///         if attempt > 1 {
///             request.headers_mut().insert("x-read-from", HeaderValue::from_static("replica"));
///         }
///     }
///
///     fn again(&self, spare: Request<String>) -> Request<String> {
///         spare
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let server = Script::new(["503", "200"]);
/// let layer: RetryLayer<Http, Custom<ReadReplica>> =
///     RetryLayer::default().with_repeat(ReadReplica);
/// let request = Request::get("https://api.example.com/rows").body(String::new())?;
/// layer.layer(server.clone()).oneshot(request).await?;
/// let requests = server.requests();
/// assert!(!requests[0].headers.contains_key("x-read-from"));
/// assert_eq!(requests[1].headers["x-read-from"], "replica");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Custom<R>(R);

impl<R> Custom<R> {
    pub(crate) const fn new(repeat: R) -> Self {
        Self(repeat)
    }
}

impl<Req, R: Repeat<Req>> Repeat<Req> for Custom<R> {
    type Inner = R::Inner;
    type Spare = R::Spare;

    fn first(&self, request: Req) -> R::Inner {
        self.0.first(request)
    }

    fn spare(&self, request: &R::Inner) -> Option<R::Spare> {
        self.0.spare(request)
    }

    fn on_send(&self, request: &mut R::Inner, attempt: u32) {
        self.0.on_send(request, attempt);
    }

    fn can_repeat(&self, spare: &R::Spare) -> bool {
        self.0.can_repeat(spare)
    }

    fn again(&self, spare: R::Spare) -> R::Inner {
        self.0.again(spare)
    }
}

/// Sends each request once, for bodies that cannot be cloned.
///
/// The calls are still paced. Created by [`RetryLayer::send_once`](crate::RetryLayer::send_once).
///
/// # Example
///
/// ```
/// use breather_test::Script;
/// use breather_tower::{Http, RetryLayer, SendOnce};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let server = Script::new(["503", "200"]);
/// let layer: RetryLayer<Http, SendOnce> = RetryLayer::default().send_once();
/// let request = http::Request::get("https://api.example.com/rows").body(String::new())?;
/// assert_eq!(layer.layer(server.clone()).oneshot(request).await?.status(), 503);
/// assert_eq!(server.requests().len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SendOnce;

impl<Req> Repeat<Req> for SendOnce {
    type Inner = Req;
    type Spare = Infallible;

    fn first(&self, request: Req) -> Req {
        request
    }

    fn spare(&self, _: &Req) -> Option<Infallible> {
        None
    }

    fn again(&self, spare: Infallible) -> Req {
        match spare {}
    }
}
