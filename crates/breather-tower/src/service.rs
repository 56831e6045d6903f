//! The service that retries and paces calls.

use std::fmt;
use std::task::{Context, Poll, Waker};

use breather::Stopped;
use breather::driver::{SleepSlot, Step};
use breather_tokio::TokioTimer;
use tower_service::Service;

use crate::classify::Classify;
use crate::cloneable_body::CanRepeat;
use crate::future::{ResponseFuture, State};
use crate::http::Http;
use crate::origin::ScopeBuffer;
use crate::repeat::{Cloned, Repeat};
use crate::settings::Settings;

/// A service whose calls are retried and paced. Created by a [`RetryLayer`](crate::RetryLayer).
///
/// # Readiness
///
/// The service is ready when the inner service is. If a call may be sent immediately, it is sent
/// with that readiness. If it has to wait, it gives the readiness up for other calls, and waits for
/// readiness again once it has a permit. If the inner service is not ready by then, and the call's
/// scope is held meanwhile, the call waits again.
///
/// If the inner service fails to become ready after the call has started, breather treats this as a
/// failed attempt that was not executed.
///
/// # Connections
///
/// The layer drops a failed response before the wait, without reading its body, because it cannot
/// drain a body of any type. hyper's client reuses the connection if the body arrived together with
/// the head, which is the case for most rejections, and closes it otherwise. With a
/// [`BufferedLayer`](crate::BufferedLayer) inside, the body has been read, so the connection is
/// reused.
///
/// # Errors
///
/// You get the last attempt's error unchanged. You get [`Stopped`] in two cases:
///
/// - The call stopped while it waited, and there is no error from a last attempt.
/// - The last attempt timed out. An earlier attempt's error is not returned then.
///
/// # Example
///
/// ```
/// use breather_tower::RetryLayer;
/// use breather_tower::breather::Report;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower::BoxError> {
/// # let statuses = std::sync::Arc::new(std::sync::Mutex::new(vec![200, 503]));
/// # let client = tower::service_fn(move |_: Request<String>| {
/// #     let status = statuses.lock().unwrap().pop().unwrap();
/// #     let response = Response::builder().status(status).body(String::new());
/// #     std::future::ready(response.map_err(tower::BoxError::from))
/// # });
/// // `client` returns 503 first, then 200.
/// let service = RetryLayer::default().layer(client);
/// let request = Request::get("http://api.example.com/rows").body(String::new())?;
/// let response = service.oneshot(request).await?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.extensions().get::<Report>().unwrap().attempts(), 2);
/// # Ok(())
/// # }
/// ```
// If a method of `Service` is missing, the compiler shows only this line, so it names remedies.
#[rustfmt::skip]
pub struct Retry<S, C = Http, R = Cloned> { // No `Service`? See .box_errors(), .replay(limit), .trust_clone(), .send_once()
    inner: S,
    settings: Settings<C, R>,
}

impl<S, C, R> Retry<S, C, R> {
    pub(crate) const fn new(inner: S, settings: Settings<C, R>) -> Self {
        Self { inner, settings }
    }
}

impl<S, C, R, Req> Service<Req> for Retry<S, C, R>
where
    S: Service<R::Inner> + Clone,
    S::Error: From<Stopped>,
    C: Classify<Req, S::Response, S::Error> + Clone,
    C: CanRepeat<R, Req, S::Response, S::Error>,
    R: Repeat<Req> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, C, R, Req>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Req) -> Self::Future {
        let Settings {
            breather,
            classify,
            repeat,
            scopes,
            idempotent,
            adds_keys,
            redirects,
            seeds,
        } = &self.settings;
        if *adds_keys {
            classify.add_key(&mut request);
        }
        let kept = classify.keep(&request);
        let mut buffer = ScopeBuffer::new();
        let mut new = classify.describe(&request, &mut buffer);
        if let Some(idempotent) = idempotent {
            new = new.with_idempotent(*idempotent);
        }
        let new = new.with_scope(scopes.as_ref());
        let mut call = breather.start(new, TokioTimer, seeds.draw());
        let mut request = repeat.first(request);
        let can_retry = call.policy().can_retry();
        let spare = can_retry.then(|| repeat.spare(&request)).flatten();
        call.set_replayable(spare.is_some());

        // The future may not be polled for a while, so it must use the readiness now or give it up.
        let mut unsent = None;
        let state = match call.poll_step(Waker::noop()) {
            Step::Send => {
                repeat.on_send(&mut request, 1);
                let ends = call.attempt_deadline();
                let attempt = call.in_span(|| self.inner.call(request));
                State::InFlight { attempt, ends }
            }
            Step::Wait { .. } => {
                self.inner = self.inner.clone();
                unsent = Some(request);
                State::Waiting
            }
            Step::End(stopped) => {
                self.inner = self.inner.clone();
                State::stopped(stopped)
            }
        };
        ResponseFuture {
            state,
            waiting: SleepSlot::new(),
            request: unsent,
            spare,
            service: self.inner.clone(),
            classify: classify.clone(),
            repeat: repeat.clone(),
            kept,
            last_error: None,
            redirects: *redirects,
            call,
        }
    }
}

impl<S: Clone, C: Clone, R: Clone> Clone for Retry<S, C, R> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.settings.clone())
    }
}

impl<S: fmt::Debug, C, R> fmt::Debug for Retry<S, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Retry");
        self.settings.debug(debug.field("inner", &self.inner))
    }
}
