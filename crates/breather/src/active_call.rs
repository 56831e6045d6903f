//! A call under way through a handle.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use crate::call::Call;
use crate::decision::Decision;
use crate::hint::Hint;
use crate::instant::Instant;
use crate::outcome::Outcome;
use crate::pacer::{Permit, Place, Turn};
use crate::report::Report;
use crate::scope::Scope;
use crate::stop::Stopped;
use crate::timer::Timer;
use crate::unix_time::Moment;

/// A call under way: its [`Call`], its place in its scope, and the permit of its attempt in flight.
///
/// This is what adapters drive: [`ready`](Self::ready) before each attempt,
/// [`on_outcome`](Self::on_outcome) after it. Dropping it, at any point, gives back all that it holds.
///
/// # Example
///
/// A driver in full. `breather_tokio::TokioTimer` would be the timer.
///
/// ```
/// use breather::{ActiveCall, Breather, CallSpec, Decision, Hint, Outcome, Stopped, Timer};
///
/// async fn fetch<T: Timer>(breather: &Breather, timer: T, seed: u64) -> Result<u16, Stopped> {
///     let spec = CallSpec::new();
///     let mut call = breather.start(Some("api.example.com"), spec, timer, seed);
///     loop {
///         call.ready().await?;
///         let status = send().await;
///         let hint = Hint::new(call.moment().instant());
///         let outcome = match status {
///             429 => Outcome::throttled("status 429"),
///             _ => Outcome::success(),
///         };
///         match call.on_outcome(outcome, &hint) {
///             Decision::Retry(_) => {}
///             Decision::Stop(_) => return Ok(status),
///         }
///     }
/// }
/// # async fn send() -> u16 { 200 }
/// # let _ = fetch::<Never>;
/// # #[derive(Clone)] struct Never;
/// # impl Timer for Never {
/// #     type Sleep = std::future::Pending<()>;
/// #     fn now(&self) -> breather::Instant { breather::Instant::ORIGIN }
/// #     fn unix_time(&self) -> breather::UnixTime { breather::UnixTime::from_secs(0) }
/// #     fn sleep_until(&self, _: breather::Instant) -> Self::Sleep { std::future::pending() }
/// #     fn set_alarm(&self, _: breather::Alarm) {}
/// # }
/// ```
#[derive(Debug)]
pub struct ActiveCall<T: Timer> {
    timer: T,
    call: Call,
    gate: Option<Gate>,
}

/// The call's place before its scope's pacer.
#[derive(Debug)]
struct Gate {
    scope: Arc<Scope>,
    place: Place,
    waiting: bool,
    permit: Option<Permit>,
}

/// What a call does next.
///
/// Exhaustive on purpose: a driver that handles these handles everything.
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Step {
    /// Send the attempt now. It counts as in flight from here on.
    Send,
    /// Poll again at `until`, or when the waker is called, whichever is first.
    Wait {
        /// When to poll again although nobody woke the call.
        until: Option<Instant>,
    },
    /// The call is over without an attempt.
    Stop(Stopped),
}

impl<T: Timer> ActiveCall<T> {
    pub(crate) fn new(timer: T, call: Call, scope: Option<Arc<Scope>>) -> Self {
        let gate = scope.map(|scope| {
            let place = scope.lock().pacer.arrive();
            Gate {
                scope,
                place,
                waiting: false,
                permit: None,
            }
        });
        Self { timer, call, gate }
    }

    /// Waits until the next attempt may be sent: for the end of a backoff or a hint, then for a permit.
    ///
    /// # Errors
    ///
    /// The call stopped while it waited for its turn. Cancel-safe: dropped and called again, it goes on
    /// where it was.
    pub async fn ready(&mut self) -> Result<(), Stopped> {
        let timer = self.timer.clone();
        let mut sleep = pin!(None::<T::Sleep>);
        let mut sleeps_until = None;
        poll_fn(|cx: &mut Context<'_>| {
            loop {
                let until = match self.poll_step(cx.waker()) {
                    Step::Send => return Poll::Ready(Ok(())),
                    Step::Stop(stopped) => return Poll::Ready(Err(stopped)),
                    Step::Wait { until: None } => return Poll::Pending,
                    Step::Wait { until: Some(until) } => until,
                };
                if sleeps_until != Some(until) {
                    sleep.set(Some(timer.sleep_until(until)));
                    sleeps_until = Some(until);
                }
                if let Some(sleep) = sleep.as_mut().as_pin_mut() {
                    ready!(sleep.poll(cx));
                }
                sleeps_until = None;
            }
        })
        .await
    }

    /// One step of [`ready`](Self::ready), for futures written by hand.
    ///
    /// `waker` is kept while the call waits for a permit, in place of the one of the poll before.
    pub fn poll_step(&mut self, waker: &Waker) -> Step {
        let now = self.timer.now();
        if let Some(until) = self.call.not_before().filter(|&until| until > now) {
            return Step::Wait { until: Some(until) };
        }
        let Some(gate) = &mut self.gate else {
            self.call.on_sent(now);
            return Step::Send;
        };
        let patience = self.call.patience(now);
        let waited = gate.waiting;
        let mut state = gate.scope.lock();
        let stop = match state.pacer.request(now, gate.place, patience) {
            Turn::Send(permit) => {
                gate.permit = Some(permit);
                None
            }
            Turn::Crowded => Some(self.call.on_crowded(now)),
            Turn::Wait { opens } => self.call.on_waiting(now, opens),
        };
        gate.waiting = gate.permit.is_none() && stop.is_none();
        if gate.waiting {
            // Only this call's task touches its entry, so the waker is current when it is needed.
            match state.wakers.get_mut(&gate.place) {
                Some(kept) => kept.clone_from(waker),
                None => drop(state.wakers.insert(gate.place, waker.clone())),
            }
        } else if waited || stop.is_some() {
            state.pacer.leave(gate.place);
            state.wakers.remove(&gate.place);
        }
        if let Some(alarm) = gate.scope.settle(state, now) {
            self.timer.set_alarm(alarm);
        }
        if let Some(stop) = stop {
            return Step::Stop(Stopped::new(stop));
        }
        if gate.waiting {
            let until = self.call.deadline();
            return Step::Wait { until };
        }
        self.call.on_sent(now);
        Step::Send
    }

    /// The attempt in flight ended with `outcome`; the response's head, or the error, was received at
    /// [`Hint::received`].
    ///
    /// The permit goes back: from here on all calls of the scope know what this one learned.
    pub fn on_outcome(&mut self, outcome: Outcome, hint: &Hint<'_>) -> Decision {
        self.finish(outcome, hint, outcome, hint)
    }

    /// As [`on_outcome`](Self::on_outcome), where another server answered than the scope's, as after a
    /// redirect: this call obeys what it said, and the scope learns nothing from it.
    pub fn on_outcome_elsewhere(&mut self, outcome: Outcome, hint: &Hint<'_>) -> Decision {
        let silent = Hint::new(hint.received());
        self.finish(outcome, hint, Outcome::success(), &silent)
    }

    fn finish(
        &mut self,
        outcome: Outcome,
        hint: &Hint<'_>,
        told: Outcome,
        told_hint: &Hint<'_>,
    ) -> Decision {
        let now = hint.received();
        let mut opens = None;
        if let Some(gate) = &mut self.gate {
            let mut state = gate.scope.lock();
            if let Some(permit) = gate.permit.take() {
                state.pacer.on_outcome(now, permit, told, told_hint);
            }
            opens = state.pacer.opens();
            if let Some(alarm) = gate.scope.settle(state, now) {
                self.timer.set_alarm(alarm);
            }
        }
        self.call.on_outcome(now, outcome, hint, opens)
    }

    /// The time on both clocks, for the hint of a response whose head is received now.
    pub fn moment(&self) -> Moment {
        self.timer.moment()
    }

    /// What the call can tell so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        self.call.report()
    }
}

impl<T: Timer> Drop for ActiveCall<T> {
    fn drop(&mut self) {
        let Some(gate) = &mut self.gate else {
            return;
        };
        if gate.permit.is_none() && !gate.waiting {
            return;
        }
        let mut state = gate.scope.lock();
        if let Some(permit) = gate.permit.take() {
            state.pacer.on_drop(permit);
        }
        state.pacer.leave(gate.place);
        // Foreign code runs when a waker is dropped: not under the lock.
        let _waker = state.wakers.remove(&gate.place);
        let now = state.pacer.latest();
        if let Some(alarm) = gate.scope.settle(state, now) {
            self.timer.set_alarm(alarm);
        }
    }
}
