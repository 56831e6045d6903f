//! The service.

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
/// # Connections
///
/// A failed response is dropped before the wait, unread: a body of any type cannot be drained. hyper's client takes
/// the connection for the next attempt if the body has come with the head, as that of a rejection most often does, and
/// closes it otherwise. With a [`BufferedLayer`](crate::BufferedLayer) inside, the body has been read, and the
/// connection is used again.
///
/// # Errors
///
/// The error of the last attempt, as it is. A call that stops while it waits, and has no such error to
/// hand on, ends with [`Stopped`]. So does one whose last attempt was dropped since its time was up, whatever an earlier one
/// ended with.
// Where a method of `Service` is missing, the compiler shows this line, and no other place for a remedy.
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

        // The future may not be polled for long: what was readied is used now, or given up now.
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
