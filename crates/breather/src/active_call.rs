//! A call under way through a handle.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use crate::call::Call;
use crate::decision::Decision;
use crate::hint::Hint;
use crate::instant::Instant;
use crate::outcome::Outcome;
use crate::pacer::{Permit, Place, Turn};
use crate::report::{Report, ReportSlot};
use crate::scope::Scope;
use crate::stop::{Stop, Stopped};
use crate::timer::Timer;
use crate::unix_time::Moment;
use crate::waiting::Waiting;

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
    slot: Option<ReportSlot>,
}

/// The call's place before its scope's pacer.
#[derive(Debug)]
struct Gate {
    scope: Arc<Scope>,
    /// Taken when the call first asks, and kept.
    place: Option<Place>,
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
        let gate = scope.map(|scope| Gate {
            scope,
            place: None,
            waiting: false,
            permit: None,
        });
        Self {
            timer,
            call,
            gate,
            slot: None,
        }
    }

    /// Sets where the report goes when the call is over, be it dropped.
    #[must_use]
    pub fn with_slot(mut self, slot: Option<ReportSlot>) -> Self {
        self.slot = slot;
        self
    }

    /// Sets whether the request can be sent again, where that is known only after the start: see
    /// [`CallSpec::replayable`].
    pub const fn set_replayable(&mut self, replayable: bool) {
        self.call.set_replayable(replayable);
    }

    /// Waits until the next attempt may be sent: for the end of a backoff or a hint, then for a permit.
    ///
    /// # Errors
    ///
    /// The call stopped while it waited for its turn, and is over.
    ///
    /// Cancel-safe: dropped and called again, it goes on where it was. After a stop, here or in a
    /// [`Decision`], there is nothing more to ask for; what is asked all the same is answered as if the
    /// call went on.
    pub async fn ready(&mut self) -> Result<(), Stopped> {
        let mut waiting = pin!(Waiting::new());
        poll_fn(|cx| self.poll_ready(cx, waiting.as_mut())).await
    }

    /// [`ready`](Self::ready), for futures written by hand. `waiting` is theirs to keep until this is
    /// ready.
    ///
    /// # Errors
    ///
    /// The call stopped while it waited for its turn, and is over.
    pub fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        mut waiting: Pin<&mut Waiting<T>>,
    ) -> Poll<Result<(), Stopped>> {
        loop {
            match self.poll_step(cx.waker()) {
                Step::Send => return Poll::Ready(Ok(())),
                Step::Stop(stopped) => return Poll::Ready(Err(stopped)),
                Step::Wait { until: None } => return Poll::Pending,
                Step::Wait { until: Some(until) } => {
                    ready!(waiting.as_mut().poll_until(cx, until, &self.timer));
                }
            }
        }
    }

    /// One step of [`ready`](Self::ready), for futures written by hand.
    ///
    /// `waker` is kept while the call waits for a permit, in place of the one of the poll before. An
    /// attempt that was sent and never told the end of is given up by this.
    pub fn poll_step(&mut self, waker: &Waker) -> Step {
        let now = self.timer.now();
        if let Some(until) = self.call.not_before().filter(|&until| until > now) {
            return Step::Wait { until: Some(until) };
        }
        let mut stop = self.call.on_asking(now);
        if let Some(gate) = &mut self.gate {
            if stop.is_none() {
                stop = gate.ask(&mut self.call, now, &self.timer, waker);
            } else {
                gate.give_back(now, &self.timer);
            }
            if stop.is_none() && gate.waiting {
                let until = self.call.deadline();
                return Step::Wait { until };
            }
        }
        match stop {
            Some(stop) => {
                self.fill_slot();
                Step::Stop(Stopped::new(stop))
            }
            None => {
                self.call.on_sent(now);
                Step::Send
            }
        }
    }

    /// For a transport that was not ready when [`Step::Send`] came: has the attempt not been sent yet,
    /// this answers whether it still may.
    ///
    /// It may, unless its scope was held meanwhile or its deadline has passed. Otherwise the permit is
    /// given up, and this is [`poll_step`](Self::poll_step).
    pub fn poll_unsent(&mut self, waker: &Waker) -> Step {
        let now = self.timer.now();
        let is_late = self.call.deadline().is_some_and(|deadline| now > deadline);
        if !is_late && self.gate.as_ref().is_none_or(|gate| gate.is_open(now)) {
            return Step::Send;
        }
        self.call.on_unsent();
        self.poll_step(waker)
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
            gate.scope.settle(state, now, &self.timer);
        }
        let decision = self.call.on_outcome(now, outcome, hint, opens);
        if matches!(decision, Decision::Stop(_)) {
            self.fill_slot();
        }
        decision
    }

    fn fill_slot(&mut self) {
        if let Some(slot) = self.slot.take() {
            slot.fill(*self.call.report());
        }
    }

    /// The time on both clocks, for the hint of a response whose head is received now.
    pub fn moment(&self) -> Moment {
        self.timer.moment()
    }

    /// The instant by which the call must be over.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.call.deadline()
    }

    /// What the call can tell so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        self.call.report()
    }
}

impl<T: Timer> Drop for ActiveCall<T> {
    fn drop(&mut self) {
        self.fill_slot();
        if let Some(gate) = &mut self.gate {
            // What is dropped has no clock: the latest time that the scope has seen will do.
            gate.give_back(Instant::ORIGIN, &self.timer);
        }
    }
}

impl Gate {
    /// Whether the permit at hand is still good.
    fn is_open(&self, now: Instant) -> bool {
        let Some(permit) = &self.permit else {
            return false;
        };
        self.scope.lock().pacer.is_open_to(now, permit)
    }

    /// Asks for a permit: has one afterwards, or waits, or answers why it does neither.
    fn ask<T: Timer>(
        &mut self,
        call: &mut Call,
        now: Instant,
        timer: &T,
        waker: &Waker,
    ) -> Option<Stop> {
        // A waker's clone is foreign code, and not for under the lock. Most calls never need one.
        let mut kept = self.waiting.then(|| waker.clone());
        loop {
            let mut state = self.scope.lock();
            if let Some(permit) = self.permit.take() {
                state.pacer.on_drop(permit);
            }
            let place = *self.place.get_or_insert_with(|| state.pacer.arrive());
            let mut stop = None;
            match state.pacer.request(now, place, call.patience()) {
                Turn::Send(permit) => self.permit = Some(permit),
                Turn::Crowded => stop = Some(call.on_crowded(now)),
                Turn::Wait { opens } => {
                    stop = call.on_waiting(now, opens, state.pacer.evidence());
                }
            }
            self.waiting = self.permit.is_none() && stop.is_none();
            let former = if !self.waiting {
                state.pacer.leave(place);
                state.wakers.remove(&place)
            } else if let Some(waker) = kept.take() {
                state.wakers.insert(place, waker)
            } else {
                drop(state);
                kept = Some(waker.clone());
                continue;
            };
            self.scope.settle(state, now, timer);
            drop(former);
            return stop;
        }
    }

    /// Gives up the permit, or the place among the waiting.
    fn give_back<T: Timer>(&mut self, now: Instant, timer: &T) {
        if self.permit.is_none() && !self.waiting {
            return;
        }
        self.waiting = false;
        let mut state = self.scope.lock();
        if let Some(permit) = self.permit.take() {
            state.pacer.on_drop(permit);
        }
        let former = self.place.and_then(|place| {
            state.pacer.leave(place);
            state.wakers.remove(&place)
        });
        let now = now.max(state.pacer.latest());
        self.scope.settle(state, now, timer);
        drop(former);
    }
}
