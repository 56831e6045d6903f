//! Boxes a service's errors, so that they can hold a `Stopped`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use breather_hyper::BoxError;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::layer::RetryLayer;
use crate::service::Retry;

/// A [`RetryLayer`] that boxes the inner service's errors.
///
/// Created by [`RetryLayer::box_errors`].
///
/// # Example
///
/// This client's error type cannot hold a [`Stopped`](breather::Stopped), so the call returns it in
/// a box.
///
/// ```
/// use breather_tower::breather::{Breather, Policy, Stopped};
/// use breather_tower::{BoxErrorsLayer, Cloned, Http, RetryLayer};
/// use http::{Request, Response};
/// use std::time::Duration;
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), http::Error> {
/// let client = tower::service_fn(|_: Request<String>| {
///     std::future::pending::<Result<Response<String>, std::fmt::Error>>()
/// });
/// let breather = Breather::new(Policy::new().with_deadline(Duration::from_secs(2)));
/// let layer: BoxErrorsLayer<Http, Cloned> = RetryLayer::new(breather).box_errors();
///
/// let request = Request::get("https://api.example.com/rows").body(String::new())?;
/// let error = layer.layer(client).oneshot(request).await.unwrap_err();
/// assert!(error.is::<Stopped>());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BoxErrorsLayer<C, R> {
    retry: RetryLayer<C, R>,
}

impl<C, R> RetryLayer<C, R> {
    /// Boxes the inner service's errors.
    ///
    /// Use this if the service's error type cannot hold a [`Stopped`](breather::Stopped), for
    /// example because a client library defines it.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tower::RetryLayer;
    /// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    /// use tower::Layer;
    ///
    /// let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    /// let service = RetryLayer::default().box_errors().layer(client);
    /// # let _: &dyn tower::Service<http::Request<String>, Response = _, Error = tower::BoxError, Future = _> = &service;
    /// ```
    pub const fn box_errors(self) -> BoxErrorsLayer<C, R> {
        BoxErrorsLayer { retry: self }
    }
}

impl<S, C: Clone, R: Clone> Layer<S> for BoxErrorsLayer<C, R> {
    type Service = Retry<BoxErrors<S>, C, R>;

    fn layer(&self, inner: S) -> Self::Service {
        self.retry.layer(BoxErrors { inner })
    }
}

/// A service whose errors are boxed. Created by [`RetryLayer::box_errors`].
///
/// # Example
///
/// ```
/// use breather_tower::{BoxErrors, Retry, RetryLayer};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), http::Error> {
/// let client = service_fn(|_: Request<String>| async {
///     Err::<Response<String>, _>(std::fmt::Error)
/// });
/// let service: Retry<BoxErrors<_>> = RetryLayer::default().box_errors().layer(client);
///
/// let request = Request::get("https://api.example.com/rows").body(String::new())?;
/// let error = service.oneshot(request).await.unwrap_err();
/// assert!(error.is::<std::fmt::Error>());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BoxErrors<S> {
    inner: S,
}

impl<S, Req> Service<Req> for BoxErrors<S>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxErrorsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let inner = self.inner.call(request);
        BoxErrorsFuture { inner }
    }
}

pin_project! {
    /// The future of a [`BoxErrors`].
    #[derive(Debug)]
    pub struct BoxErrorsFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, Res, E> Future for BoxErrorsFuture<F>
where
    F: Future<Output = Result<Res, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Res, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx).map_err(Into::into)
    }
}
