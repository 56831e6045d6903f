//! The service.

use std::fmt;
use std::task::{Context, Poll, Waker};

use breather::{CallSpec, Step, Stopped};
use breather_tokio::TokioTimer;
use tower_service::Service;

use crate::classify::Classify;
use crate::future::{ResponseFuture, State};
use crate::http::Http;
use crate::layer::Settings;
use crate::repeat::{Cloned, Repeat};

/// A service whose calls are retried and paced. Made by a [`RetryLayer`](crate::RetryLayer).
///
/// # Readiness
///
/// It is ready when the inner service is. A call that may be sent at once is sent at once, with that
/// readiness; one that has to wait for its turn gives it up, so that whoever may be sent has it, and
/// asks again when its turn has come. If the inner service turns out to be unready then, and the call's
/// scope is held meanwhile, the call waits again.
///
/// An error of the inner service's readiness, once the call has begun, is taken as the end of an attempt
/// that was not executed.
///
/// # Errors
///
/// The error of the last attempt, as it is. A call that stops while it waits, and has no such error to
/// hand on, ends with [`Stopped`].
pub struct Retry<S, C = Http, R = Cloned> {
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
    R: Repeat<Req> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, C, R, Req>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let Settings {
            breather,
            classify,
            repeat,
            scopes,
            assume_idempotent,
            seeds,
        } = &self.settings;
        let kept = classify.keep(&request);
        let spec =
            CallSpec::new().idempotent(*assume_idempotent || classify.is_idempotent(&request));
        let seed = seeds.draw();
        let chosen = scopes.clone().or_else(|| classify.scopes(&request));
        let mut call = match &chosen {
            Some(scopes) => breather.start(scopes.iter(), spec, TokioTimer, seed),
            None => {
                let scope = classify.scope(&request);
                breather.start(scope.as_deref(), spec, TokioTimer, seed)
            }
        };
        call.set_slot(classify.slot(&request));
        let request = repeat.first(request);
        let may_repeat = breather.policy().may_repeat();
        let spare = may_repeat.then(|| repeat.spare(&request)).flatten();
        call.set_replayable(spare.is_some());

        // The future may not be polled for long: what was readied is used now, or given up now.
        let mut unsent = None;
        let state = match call.poll_step(Waker::noop()) {
            Step::Send => State::InFlight {
                attempt: self.inner.call(request),
            },
            Step::Wait { .. } => {
                self.inner = self.inner.clone();
                unsent = Some(request);
                State::waiting()
            }
            Step::Stop(stopped) => {
                self.inner = self.inner.clone();
                State::stopped(stopped)
            }
        };
        ResponseFuture {
            state,
            request: unsent,
            spare,
            service: self.inner.clone(),
            classify: classify.clone(),
            repeat: repeat.clone(),
            kept,
            last_error: None,
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
