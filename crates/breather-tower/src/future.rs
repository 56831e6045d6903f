//! The future of a call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use breather::{
    Executed, OutcomeKind, Redirects, Stopped,
    driver::{ActiveCall, Decision, Instant, Responder, SleepSlot, Step},
};
use breather_tokio::TokioTimer;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::classify::Classify;
use crate::repeat::Repeat;

pin_project! {
    /// The future of a [`Retry`](crate::Retry) call, from its first attempt to its last.
    ///
    /// Dropping it releases everything that the call holds, such as its permit or its place in the
    /// queue.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, C, R, Req>
    where
        S: Service<R::Inner>,
        C: Classify<Req, S::Response, S::Error>,
        R: Repeat<Req>,
    {
        // Fields drop in order, so the attempt is dropped before its permit is given back.
        #[pin]
        pub(crate) state: State<S::Future>,
        // The timer that the current state waits for.
        #[pin]
        pub(crate) waiting: SleepSlot<TokioTimer>,
        // The next request, or `None` while it is in flight.
        pub(crate) request: Option<R::Inner>,
        pub(crate) spare: Option<R::Spare>,
        pub(crate) service: S,
        pub(crate) classify: C,
        pub(crate) repeat: R,
        pub(crate) kept: C::Kept,
        // Returned instead of a `Stopped` if the call stops while it waits, because it says more.
        pub(crate) last_error: Option<S::Error>,
        pub(crate) redirects: Redirects,
        pub(crate) call: ActiveCall<TokioTimer>,
    }
}

pin_project! {
    #[project = StateProjection]
    pub(crate) enum State<F> {
        // The call has neither a permit nor the inner service's readiness.
        Waiting,
        // The call has a permit and waits for readiness, at most until its deadline.
        Readying { is_late: bool },
        InFlight {
            #[pin]
            attempt: F,
            // The end of the attempt's timeout, if it has one.
            ends: Option<Instant>,
        },
        Stopped { stopped: Option<Stopped> },
        Done,
    }
}

impl<S, C, R, Req> Future for ResponseFuture<S, C, R, Req>
where
    S: Service<R::Inner> + Clone,
    S::Error: From<Stopped>,
    C: Classify<Req, S::Response, S::Error>,
    R: Repeat<Req>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let (result, is_sent) = match this.state.as_mut().project() {
                StateProjection::Waiting => {
                    match ready!(this.call.poll_ready(cx, this.waiting.as_mut())) {
                        Ok(()) => this.state.set(State::Readying { is_late: false }),
                        Err(stopped) => this.state.set(State::stopped(stopped)),
                    }
                    continue;
                }
                StateProjection::Readying { is_late } => match this.service.poll_ready(cx) {
                    Poll::Pending => {
                        *is_late = true;
                        let stopped = ready!(this.call.poll_overdue(cx, this.waiting.as_mut()));
                        *this.service = this.service.clone();
                        this.state.set(State::stopped(stopped));
                        continue;
                    }
                    Poll::Ready(Ok(())) => {
                        let step = if *is_late {
                            this.call.poll_unsent(cx.waker())
                        } else {
                            Step::Send
                        };
                        match step {
                            Step::Send => {
                                this.call.set_replayable(this.spare.is_some());
                                let mut request =
                                    this.request.take().expect("the request is not in flight");
                                this.repeat.on_send(&mut request, this.call.attempt());
                                let ends = this.call.attempt_deadline();
                                let attempt = this.call.in_span(|| this.service.call(request));
                                this.waiting.set(SleepSlot::new());
                                this.state.set(State::InFlight { attempt, ends });
                            }
                            Step::Wait { .. } => {
                                *this.service = this.service.clone();
                                this.state.set(State::Waiting);
                            }
                            Step::End(stopped) => {
                                *this.service = this.service.clone();
                                this.state.set(State::stopped(stopped));
                            }
                        }
                        continue;
                    }
                    Poll::Ready(Err(error)) => {
                        // A service that failed to become ready must not be used again. The request
                        // was not sent.
                        *this.service = this.service.clone();
                        this.call.set_replayable(true);
                        (Err(error), false)
                    }
                },
                StateProjection::InFlight { attempt, ends } => {
                    match (this.call.in_span(|| attempt.poll(cx)), *ends) {
                        (Poll::Ready(result), _) => (result, true),
                        (Poll::Pending, None) => return Poll::Pending,
                        (Poll::Pending, Some(ends)) => {
                            ready!(this.call.poll_ends(cx, ends, this.waiting.as_mut()));
                            this.state.set(State::Waiting);
                            self.as_mut().on_timed_out();
                            continue;
                        }
                    }
                }
                StateProjection::Stopped { stopped } => {
                    let stopped = stopped.take().map(Into::into);
                    let error = this.last_error.take().or(stopped);
                    this.state.set(State::Done);
                    return Poll::Ready(Err(error.expect("the call has just stopped")));
                }
                StateProjection::Done => panic!("polled after completion"),
            };

            let hint = this.classify.hint(&result, this.call.moment());
            let mut outcome = this.classify.classify(this.kept, &result, &hint);
            let mut answered = Responder::Expected;
            if is_sent {
                answered = this.classify.answered(this.kept, &result);
            } else {
                outcome = outcome.with_executed(Executed::No);
            }
            if is_sent
                && outcome.kind() != OutcomeKind::Success
                && !is_of_use(this.repeat, this.spare)
            {
                this.call.set_replayable(false);
            }
            let redirects = match is_sent {
                true => *this.redirects,
                false => Redirects::Never,
            };
            let decision = this.call.on_answer(redirects, answered, outcome, &hint);
            if let Decision::End(_) = decision {
                // A held recording would block a body that is still being sent.
                *this.spare = None;
                this.state.set(State::Done);
                return Poll::Ready(self.finish(result));
            }
            // Drop the response before the wait, so that its connection is not held meanwhile.
            *this.last_error = result.err();
            this.state.set(State::Waiting);
            if is_sent {
                self.as_mut().renew();
            }
        }
    }
}

impl<S, C, R, Req> ResponseFuture<S, C, R, Req>
where
    S: Service<R::Inner>,
    C: Classify<Req, S::Response, S::Error>,
    R: Repeat<Req>,
{
    /// Creates the request of the next attempt.
    fn renew(self: Pin<&mut Self>) {
        let this = self.project();
        let spare = this
            .spare
            .take()
            .expect("a replayable call has a spare request");
        let request = this.repeat.again(spare);
        *this.spare = this.repeat.spare(&request);
        *this.request = Some(request);
    }

    /// Handles an attempt that timed out and was dropped.
    fn on_timed_out(mut self: Pin<&mut Self>) {
        let mut this = self.as_mut().project();
        // An earlier attempt's error does not describe this timeout.
        *this.last_error = None;
        if !is_of_use(this.repeat, this.spare) {
            this.call.set_replayable(false);
        }
        match this.call.on_timed_out() {
            Ok(_) => self.renew(),
            Err(stopped) => {
                *this.spare = None;
                this.state.set(State::stopped(stopped));
            }
        }
    }

    fn finish(
        self: Pin<&mut Self>,
        mut result: Result<S::Response, S::Error>,
    ) -> Result<S::Response, S::Error> {
        let this = self.project();
        if let (Ok(response), Some(report)) = (&mut result, this.call.eventful_report()) {
            this.classify.on_report(response, report);
        }
        result
    }
}

/// Returns `false` if the kept request can no longer be sent. `spare` may be empty.
fn is_of_use<R: Repeat<Req>, Req>(repeat: &R, spare: &Option<R::Spare>) -> bool {
    spare.as_ref().is_none_or(|spare| repeat.can_repeat(spare))
}

impl<F> State<F> {
    pub(crate) const fn stopped(stopped: Stopped) -> Self {
        Self::Stopped {
            stopped: Some(stopped),
        }
    }
}

impl<S, C, R, Req> fmt::Debug for ResponseFuture<S, C, R, Req>
where
    S: Service<R::Inner>,
    C: Classify<Req, S::Response, S::Error>,
    R: Repeat<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}
