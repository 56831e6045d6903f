//! A call in progress, which an adapter drives.

use std::future::{Future, poll_fn};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::thread;
use std::time::Duration;

use crate::call::{Call, CallSpec};
use crate::call::{Decision, Wait, WaitReason};
use crate::call::{End, EndReason, Stopped};
use crate::call::{Outcome, OutcomeKind};
use crate::call::{Redirects, Responder};
use crate::call::{Report, ReportSlot};
use crate::hint::Hint;
use crate::hint::moment::Moment;
use crate::instant::Instant;
use crate::pacer::{Claim, PLAIN};
use crate::policy::Policy;
use crate::shared::cost_slot::CostSlot;
use crate::shared::gate::Gate;
use crate::shared::observer::{Event, EventKind};
use crate::shared::options::CallOptions;
use crate::shared::timer::Timer;
use crate::shared::trace::CallSpan;
use crate::shared::waiting::SleepSlot;

/// A call in progress.
///
/// It has a place in the queue or a permit. An adapter drives it. Await [`ready`](Self::ready)
/// before each attempt, and call [`on_outcome`](Self::on_outcome) after it. You can drop the call
/// at any point. It then gives back its permit or its place in the queue.
///
/// # Example
///
/// This is a complete driver. On tokio, `timer` would be a `breather_tokio::TokioTimer`.
///
/// ```
/// use breather::{Breather, Hint, Outcome, Stopped, driver::{ActiveCall, Decision, NewCall, Timer}};
///
/// async fn fetch<T: Timer>(breather: &Breather, timer: T, seed: u64) -> Result<u16, Stopped> {
///     let new = NewCall::new().with_origin("https://api.example.com").with_idempotent(true);
///     let mut call = breather.start(new, timer, seed);
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
///             Decision::End(_) => return Ok(status),
///         }
///     }
/// }
/// # async fn send() -> u16 { 200 }
///
/// // A test drives it with the timer of `breather-test`.
/// use breather_test::VirtualTimer;
/// use std::task::{Context, Poll, Waker};
///
/// let breather = Breather::default();
/// let mut call = std::pin::pin!(fetch(&breather, VirtualTimer::default(), 7));
/// let mut cx = Context::from_waker(Waker::noop());
/// assert_eq!(call.as_mut().poll(&mut cx), Poll::Ready(Ok(200)));
/// ```
#[derive(Debug)]
pub struct ActiveCall<T: Timer> {
    timer: T,
    progress: Progress,
    gate: Gate,
    slot: Option<ReportSlot>,
    cost_slot: Option<CostSlot>,
    /// The costs, the priority and the share of the call, if its caller states any.
    claim: Option<Box<Claim>>,
    /// Replaces the policy of the gate.
    policy: Option<Box<Policy>>,
    /// Whether the call has observers or a span.
    is_watched: bool,
    in_flight: bool,
    /// Whether the observers received [`EventKind::Queued`] for the present wait.
    queued: bool,
    /// Whether the response in hand came from another server.
    is_elsewhere: bool,
    span: CallSpan,
}

/// The progress of a call.
///
/// Most calls are sent immediately and succeed at their first attempt. Their state is small and
/// moves with the futures of adapters. The state of all other calls is boxed.
#[derive(Debug)]
enum Progress {
    Plain(Plain),
    Eventful(Box<Call>),
}

/// A call without waits or retries so far.
#[derive(Debug)]
struct Plain {
    spec: CallSpec,
    seed: u64,
    is_unshared: bool,
    /// Whether the response came from another server.
    is_elsewhere: bool,
    /// When the call first asked and was sent.
    sent: Option<Instant>,
    end: Option<PlainEnd>,
}

/// The end of a call that was sent once.
#[derive(Debug)]
struct PlainEnd {
    reason: EndReason,
    at: Instant,
    detail: &'static str,
}

/// The next step of a call.
///
/// This enum is exhaustive on purpose, because a driver has to handle every step.
///
/// # Example
///
/// ```
/// use breather::{Breather, Pace, Pacing, driver::{NewCall, Step}};
/// use breather_test::VirtualTimer;
/// use std::task::Waker;
///
/// // At an even pace, the second call waits for the first.
/// let pacing = Pacing::new().with_pace(Pace::Even);
/// let breather = Breather::builder().with_pacing(pacing).build();
/// let start = || breather.start(NewCall::new().with_origin("db"), VirtualTimer::default(), 1);
/// let (mut first, mut second) = (start(), start());
/// assert_eq!(first.poll_step(Waker::noop()), Step::Send);
/// assert!(matches!(second.poll_step(Waker::noop()), Step::Wait { .. }));
/// ```
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Step {
    /// Send the attempt now. It counts as in flight from now on.
    Send,
    /// Poll again at `until` or when the waker is called.
    Wait {
        /// When to poll again if the waker was not called.
        until: Option<Instant>,
    },
    /// The call ended without another attempt.
    End(Stopped),
}

impl<T: Timer> ActiveCall<T> {
    #[inline]
    pub(crate) fn new(
        timer: T,
        spec: CallSpec,
        seed: u64,
        gate: Gate,
        options: Option<&CallOptions>,
        (slot, cost_slot): (Option<&ReportSlot>, Option<&CostSlot>),
    ) -> Self {
        let policy = options.and_then(|options| own_policy(options, &gate));
        let plain = Plain {
            spec: spec.with_paced(gate.is_paced()),
            seed,
            is_unshared: gate.is_unshared(),
            is_elsewhere: false,
            sent: None,
            end: None,
        };
        let span = CallSpan::new(gate.name());
        Self {
            timer,
            progress: Progress::Plain(plain),
            is_watched: span.is_on() || !gate.rules().observers.is_empty(),
            span,
            gate,
            slot: slot.cloned(),
            cost_slot: cost_slot.cloned(),
            claim: options.and_then(CallOptions::claim).map(Box::new),
            policy,
            in_flight: false,
            queued: false,
            is_elsewhere: false,
        }
    }

    /// Returns the policy of the call.
    pub fn policy(&self) -> &Policy {
        policy(&self.policy, &self.gate)
    }

    /// Sets whether the request can be sent again.
    ///
    /// Use this if you know it only after the call has started. Otherwise see
    /// [`CallSpec::with_replayable`].
    pub fn set_replayable(&mut self, replayable: bool) {
        match &mut self.progress {
            Progress::Plain(plain) => plain.spec = plain.spec.with_replayable(replayable),
            Progress::Eventful(call) => call.set_replayable(replayable),
        }
    }

    /// Waits until the next attempt may be sent.
    ///
    /// It first waits for the end of a backoff or a hint, and then for a permit.
    ///
    /// This method is cancel-safe. If you drop the future and call `ready` again, the call
    /// continues where it was. Don't use the call after it has ended, here or in a [`Decision`]. It
    /// would behave as if it had not ended.
    ///
    /// # Errors
    ///
    /// Returns [`Stopped`] if the call ended while it waited for its turn.
    pub async fn ready(&mut self) -> Result<(), Stopped> {
        let mut waiting = pin!(SleepSlot::new());
        poll_fn(|cx| self.poll_ready(cx, waiting.as_mut())).await
    }

    /// Polls for [`ready`](Self::ready), for hand-written futures.
    ///
    /// Keep `waiting` until this returns [`Poll::Ready`].
    ///
    /// # Errors
    ///
    /// Returns [`Stopped`] if the call ended while it waited for its turn.
    pub fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        mut waiting: Pin<&mut SleepSlot<T>>,
    ) -> Poll<Result<(), Stopped>> {
        loop {
            match self.poll_step(cx.waker()) {
                Step::Send => return Poll::Ready(Ok(())),
                Step::End(stopped) => return Poll::Ready(Err(stopped)),
                Step::Wait { until: None } => return Poll::Pending,
                Step::Wait { until: Some(until) } => {
                    ready!(waiting.as_mut().poll_until(cx, until, &self.timer));
                }
            }
        }
    }

    /// Performs one step of [`ready`](Self::ready), for hand-written futures.
    ///
    /// While the call waits for a permit, it keeps `waker` instead of the one from the previous
    /// poll. If you never reported the outcome of the last attempt, the call gives that attempt up.
    pub fn poll_step(&mut self, waker: &Waker) -> Step {
        let now = self.timer.now();
        if self.sends_at_once(now) {
            self.on_sent(now, 1, None);
            return Step::Send;
        }
        if mem::take(&mut self.in_flight) {
            self.tell(now, EventKind::Abandoned);
        }
        let policy = policy(&self.policy, &self.gate);
        let call = eventful(&mut self.progress, policy, now);
        if let Some(until) = call.not_before().filter(|&until| until > now) {
            return Step::Wait { until: Some(until) };
        }
        let mut end = call.on_asking(now);
        if end.is_none() {
            let claim = claim(&self.claim);
            end = self.gate.ask(call, now, &self.timer, waker, claim);
        } else {
            self.gate.give_back(now, &self.timer);
        }
        if end.is_none() && self.gate.is_waiting() {
            let until = call.waits_until();
            if !mem::replace(&mut self.queued, true) {
                self.tell(now, EventKind::Queued);
            }
            return Step::Wait { until };
        }
        match end {
            Some(end) => {
                self.close(now);
                Step::End(Stopped::new(end))
            }
            None => {
                let before = call.report().waited(WaitReason::Pacer);
                call.on_sent(now);
                let report = call.report();
                let queued = report.waited(WaitReason::Pacer).saturating_sub(before);
                let attempt = report.attempts();
                let queued = mem::take(&mut self.queued).then_some(queued);
                self.on_sent(now, attempt, queued);
                Step::Send
            }
        }
    }

    fn on_sent(&mut self, now: Instant, attempt: u32, queued: Option<Duration>) {
        self.in_flight = true;
        if let Some(slot) = &self.cost_slot {
            slot.on_sent(self.gate.attempt());
        }
        self.tell(now, EventKind::Sent { attempt, queued });
    }

    #[inline]
    fn tell(&self, at: Instant, kind: EventKind<'_>) {
        if self.is_watched {
            self.tell_all(at, kind);
        }
    }

    #[cold]
    fn tell_all(&self, at: Instant, kind: EventKind<'_>) {
        self.span.tell(&kind);
        let scope = self.gate.name();
        let observers = &self.gate.rules().observers;
        observers.tell(&Event { scope, at, kind });
    }

    /// Returns whether this is the call's first request and it gets a permit immediately.
    fn sends_at_once(&mut self, now: Instant) -> bool {
        let Progress::Plain(plain) = &mut self.progress else {
            return false;
        };
        let has_time = policy(&self.policy, &self.gate)
            .deadline()
            .is_none_or(|deadline| !deadline.is_zero());
        if plain.sent.is_some()
            || !has_time
            || !self.gate.ask_first(now, &self.timer, claim(&self.claim))
        {
            return false;
        }
        plain.sent = Some(now);
        true
    }

    /// Checks whether a granted, unsent attempt may still be sent.
    ///
    /// Call this if the transport wasn't ready when you received [`Step::Send`]. The attempt may be
    /// sent, and counts from now, unless one of these happened:
    ///
    /// - The server throttled another attempt meanwhile.
    /// - The call's deadline has passed.
    ///
    /// In these cases the call gives back the unused permit and continues as in
    /// [`poll_step`](Self::poll_step).
    pub fn poll_unsent(&mut self, waker: &Waker) -> Step {
        let now = self.timer.now();
        let is_late = self.deadline().is_some_and(|deadline| now > deadline);
        if !is_late && self.gate.confirm(now) {
            return Step::Send;
        }
        if self.in_flight {
            eventful(&mut self.progress, policy(&self.policy, &self.gate), now).on_unsent();
        }
        self.gate.put_back(now, &self.timer);
        self.poll_step(waker)
    }

    /// Polls for the deadline of a granted, unsent attempt.
    ///
    /// Poll this while you wait for a transport that wasn't ready when you received [`Step::Send`].
    /// It is ready when the call's deadline has passed and the attempt must not be sent. It is
    /// never ready if the call has no deadline.
    pub fn poll_overdue(
        &mut self,
        cx: &mut Context<'_>,
        mut waiting: Pin<&mut SleepSlot<T>>,
    ) -> Poll<Stopped> {
        loop {
            let Some(deadline) = self.deadline() else {
                return Poll::Pending;
            };
            // An attempt sent exactly at the deadline is in time.
            let overdue = deadline + Duration::from_nanos(1);
            ready!(waiting.as_mut().poll_until(cx, overdue, &self.timer));
            if let Step::End(stopped) = self.poll_unsent(cx.waker()) {
                return Poll::Ready(stopped);
            }
        }
    }

    /// Ends the attempt in flight with `outcome`.
    ///
    /// Set [`Hint::received`] to the instant at which you received the head of the response or the
    /// error. The call gives back its permit, and all calls in the scope share what the response
    /// says.
    pub fn on_outcome(&mut self, outcome: Outcome, hint: &Hint<'_>) -> Decision {
        let is_paced = self.gate.is_paced();
        if outcome.states_delay() {
            // Observers see the outcome as it is.
            let (_, hint) = outcome.with_delay_in(hint);
            return self.finish(outcome, &hint, outcome, &hint, is_paced);
        }
        self.finish(outcome, hint, outcome, hint, is_paced)
    }

    /// Ends the attempt in flight with the response of another server.
    ///
    /// Use this instead of [`on_outcome`](Self::on_outcome) if the response came from a server
    /// outside the scope, for example after a redirect. The call obeys the response, but the scope
    /// doesn't learn from it.
    pub fn on_outcome_elsewhere(&mut self, outcome: Outcome, hint: &Hint<'_>) -> Decision {
        match &mut self.progress {
            Progress::Plain(plain) => plain.is_elsewhere = true,
            Progress::Eventful(call) => call.on_elsewhere(),
        }
        let silent = Hint::new(hint.received());
        self.is_elsewhere = true;
        let decision = self.finish(outcome, hint, Outcome::success(), &silent, false);
        self.is_elsewhere = false;
        decision
    }

    /// Ends the attempt of a client that may have followed redirects.
    ///
    /// `answered` says which request the response belongs to, and `redirects` says how the client
    /// handles redirects. A response of another server ends the attempt like
    /// [`on_outcome_elsewhere`](Self::on_outcome_elsewhere). Any other response ends it like
    /// [`on_outcome`](Self::on_outcome).
    pub fn on_answer(
        &mut self,
        redirects: Redirects,
        answered: Responder,
        outcome: Outcome,
        hint: &Hint<'_>,
    ) -> Decision {
        let outcome = redirects.judge(outcome, answered);
        match (answered, redirects) {
            (Responder::OtherServer, Redirects::Visible | Redirects::Hidden) => {
                self.on_outcome_elsewhere(outcome, hint)
            }
            _ => self.on_outcome(outcome, hint),
        }
    }

    fn finish(
        &mut self,
        outcome: Outcome,
        hint: &Hint<'_>,
        told: Outcome,
        told_hint: &Hint<'_>,
        is_paced: bool,
    ) -> Decision {
        let now = hint.received();
        let outcome = outcome.with_server_advice(hint);
        let (taken, opens) = self.on_answered(now, outcome, told, told_hint);
        let outcome = match self.is_elsewhere {
            true => outcome,
            false => taken.with_server_advice(hint),
        };
        let reason = match outcome.kind() {
            OutcomeKind::Success => Some(EndReason::Success),
            OutcomeKind::Permanent => Some(EndReason::Permanent),
            OutcomeKind::Pending | OutcomeKind::Throttled | OutcomeKind::Transient => None,
        };
        let mut decision = match (&mut self.progress, reason) {
            (Progress::Plain(plain), Some(reason)) => {
                let at = plain.sent.map_or(now, |sent| sent.max(now));
                let detail = outcome.reason();
                let end = plain.end.insert(PlainEnd { reason, at, detail });
                Decision::End(end.end())
            }
            (progress, _) => {
                let gate = &self.gate;
                let call = eventful(progress, policy(&self.policy, gate), now);
                if let Some(draw) = call.take_draw(outcome) {
                    gate.refund(draw);
                }
                let mut draw = |cost| gate.withdraw(now, cost);
                call.on_outcome_drawing(now, outcome, hint, opens, is_paced, &mut draw)
            }
        };
        self.on_decision(now, &mut decision, opens);
        decision
    }

    /// Ends the attempt. Returns the outcome as the scopes take it, and when they open, if a server's response holds one
    /// of them.
    fn on_answered(
        &mut self,
        now: Instant,
        outcome: Outcome,
        told: Outcome,
        hint: &Hint<'_>,
    ) -> (Outcome, Option<Instant>) {
        self.in_flight = false;
        self.tell(now, EventKind::Answered(outcome));
        if self.is_elsewhere {
            self.tell(now, EventKind::AnsweredElsewhere);
        }
        let (taken, opens) = self.gate.on_outcome(now, told, hint, &self.timer);
        let is_throttled = taken.kind() == OutcomeKind::Throttled;
        if let Some(opens) = opens.filter(|&opens| is_throttled && opens > now) {
            self.tell(now, EventKind::Held(opens));
        }
        (taken, opens)
    }

    fn on_decision(&mut self, now: Instant, decision: &mut Decision, opens: Option<Instant>) {
        match decision {
            Decision::Retry(wait) => self.tell(now, EventKind::Waiting(wait)),
            Decision::End(end) => {
                if let Some(opens) = opens {
                    self.attest(end, opens);
                }
                self.close(now);
            }
        }
    }

    /// Adds the header that holds the scopes until `opens`, if that hold is the reason for `end`.
    fn attest(&mut self, end: &mut End, opens: Instant) {
        let Progress::Eventful(call) = &mut self.progress else {
            return;
        };
        if end.retry_at() != Some(opens) || end.evidence().is_some() {
            return;
        }
        if let Some(evidence) = self.gate.evidence(opens) {
            call.attest(end, evidence);
        }
    }

    /// Returns when an attempt sent now must end.
    ///
    /// This is the earlier of the policy's attempt timeout and the call's deadline, or `None` if
    /// the call has neither.
    #[must_use]
    #[inline]
    pub fn attempt_deadline(&self) -> Option<Instant> {
        let policy = self.policy();
        let timeout = policy.attempt_timeout();
        if timeout.is_none() && policy.deadline().is_none() {
            return None;
        }
        let ends = timeout.map(|timeout| self.timer.now() + timeout);
        match (ends, self.deadline()) {
            (Some(ends), Some(deadline)) => Some(ends.min(deadline)),
            (ends, deadline) => ends.or(deadline),
        }
    }

    /// Polls until the attempt in flight times out at `ends`.
    ///
    /// When this is ready, drop the attempt and call [`on_timed_out`](Self::on_timed_out).
    pub fn poll_ends(
        &self,
        cx: &mut Context<'_>,
        ends: Instant,
        waiting: Pin<&mut SleepSlot<T>>,
    ) -> Poll<()> {
        waiting.poll_until(cx, ends, &self.timer)
    }

    /// Waits for `attempt` until its [deadline](Self::attempt_deadline).
    ///
    /// Returns `None` if the attempt takes longer. It is then dropped, and you must call
    /// [`on_timed_out`](Self::on_timed_out).
    ///
    /// The `tracing` events of the attempt are in the call's span.
    pub async fn in_time<F: Future>(&mut self, attempt: F) -> Option<F::Output> {
        let ends = self.attempt_deadline();
        let mut attempt = pin!(attempt);
        let mut waiting = pin!(SleepSlot::new());
        poll_fn(|cx| {
            if let Poll::Ready(output) = self.in_span(|| attempt.as_mut().poll(cx)) {
                return Poll::Ready(Some(output));
            }
            let Some(ends) = ends else {
                return Poll::Pending;
            };
            self.poll_ends(cx, ends, waiting.as_mut()).map(|()| None)
        })
        .await
    }

    /// Ends the attempt in flight because it timed out and was dropped.
    ///
    /// The server may have processed it.
    ///
    /// # Errors
    ///
    /// Returns [`Stopped`] if the call ends. It has no response to return.
    pub fn on_timed_out(&mut self) -> Result<Wait, Stopped> {
        let now = self.timer.now();
        let outcome = Outcome::timed_out();
        let (_, opens) = self.on_answered(now, outcome, outcome, &Hint::new(now));
        let gate = &self.gate;
        let call = eventful(&mut self.progress, policy(&self.policy, gate), now);
        let mut decision = call.on_timed_out(now, opens, &mut |cost| gate.withdraw(now, cost));
        self.on_decision(now, &mut decision, opens);
        match decision {
            Decision::Retry(wait) => Ok(wait),
            Decision::End(end) => Err(Stopped::new(end)),
        }
    }

    /// Runs `f` in the call's span.
    ///
    /// If the feature `tracing` is off, this only runs `f`.
    pub fn in_span<R>(&self, f: impl FnOnce() -> R) -> R {
        self.span.in_scope(f)
    }

    /// Ends the call, and delivers its report to the slot and the observers.
    fn close(&mut self, now: Instant) {
        if let Progress::Eventful(call) = &mut self.progress {
            if let Some(draw) = call.take_unsent_draw() {
                self.gate.refund(draw);
            }
        }
        if let Some(slot) = self.slot.take() {
            slot.fill(self.report());
        }
        if self.is_watched {
            let (report, queued) = (&self.report(), mem::take(&mut self.queued));
            self.tell(now, EventKind::Ended { report, queued });
        }
    }

    /// Returns the present moment, for reading the hint of a response.
    ///
    /// Call this when you have just received the head of the response.
    ///
    /// breather reads dates with the timer's wall clock, unless the handle has
    /// [another one](crate::BreatherBuilder::with_wall_clock).
    pub fn moment(&self) -> Moment<'_> {
        let moment = match &self.gate.rules().wall_clock {
            Some(clock) => Moment::new(self.timer.now()).with_wall_clock(&**clock),
            None => Moment::new(self.timer.now()).with_wall_clock(&self.timer),
        };
        moment.with_dialects(self.policy().dialects())
    }

    /// Returns the most specific scope of a paced call.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.gate.name()
    }

    /// Returns the instant by which the call must end.
    ///
    /// It counts from the call's first request to be sent. Before that request, this returns
    /// `None`.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.progress {
            Progress::Plain(plain) => Some(plain.sent? + self.policy().deadline()?),
            Progress::Eventful(call) => call.deadline(),
        }
    }

    fn is_over(&self) -> bool {
        match &self.progress {
            Progress::Plain(plain) => plain.end.is_some(),
            Progress::Eventful(call) => call.report().end().is_some(),
        }
    }

    /// Ends a call that is dropped early.
    fn abandon(&mut self) {
        let now = self.timer.now();
        if mem::take(&mut self.in_flight) {
            self.tell(now, EventKind::Abandoned);
        }
        self.close(now);
    }

    /// Returns the number of the last attempt that was sent.
    ///
    /// The first attempt has number 1. Before it, this returns 0.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        match &self.progress {
            Progress::Plain(plain) => plain.sent.is_some().into(),
            Progress::Eventful(call) => call.report().attempts(),
        }
    }

    /// Returns the report of the call so far.
    #[must_use]
    pub fn report(&self) -> Report {
        match &self.progress {
            Progress::Plain(plain) => plain.report(),
            Progress::Eventful(call) => *call.report(),
        }
    }

    /// Returns the report if the call waited or was retried.
    #[must_use]
    pub fn eventful_report(&self) -> Option<&Report> {
        let Progress::Eventful(call) = &self.progress else {
            return None;
        };
        let report = call.report();
        let is_eventful = report.attempts() > 1 || !report.total_wait().is_zero();
        is_eventful.then_some(report)
    }
}

impl<T: Timer> Drop for ActiveCall<T> {
    fn drop(&mut self) {
        // `give_back` uses the latest time that the scope has seen. It comes first, because the
        // observers that run later may panic.
        self.gate.give_back(Instant::ORIGIN, &self.timer);
        if self.is_over() {
            return;
        }
        if thread::panicking() {
            // A second panic would abort the process.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| self.abandon()));
        } else {
            self.abandon();
        }
    }
}

impl Plain {
    fn report(&self) -> Report {
        Report {
            attempts: self.sent.is_some().into(),
            end: self.end.as_ref().map(PlainEnd::end),
            unshared: self.is_unshared,
            answered_elsewhere: self.is_elsewhere.into(),
            ..Report::default()
        }
    }
}

impl PlainEnd {
    fn end(&self) -> End {
        End::new(self.reason, self.at).because(self.detail)
    }
}

/// Returns the call's own policy, boxed here because a policy is large to move.
#[cold]
fn own_policy(options: &CallOptions, gate: &Gate) -> Option<Box<Policy>> {
    options.policy_over(&gate.rules().policy).map(Box::new)
}

/// Returns the costs, the priority and the share of the call, as far as its caller stated them.
fn claim(own: &Option<Box<Claim>>) -> &Claim {
    own.as_deref().unwrap_or(&PLAIN)
}

/// Returns the call's own policy, or else that of its scopes.
fn policy<'c>(own: &'c Option<Box<Policy>>, gate: &'c Gate) -> &'c Policy {
    own.as_deref().unwrap_or_else(|| &gate.rules().policy)
}

/// Returns the full call, and creates it if the call was plain so far.
fn eventful<'p>(progress: &'p mut Progress, policy: &Policy, now: Instant) -> &'p mut Call {
    if let Progress::Plain(plain) = progress {
        let mut call = Call::new(*policy, plain.spec, plain.seed, plain.sent.unwrap_or(now));
        if plain.is_unshared {
            call.on_unshared();
        }
        if plain.is_elsewhere {
            call.on_elsewhere();
        }
        if let Some(sent) = plain.sent {
            call.on_sent(sent);
        }
        *progress = Progress::Eventful(Box::new(call));
    }
    match progress {
        Progress::Eventful(call) => call,
        Progress::Plain(_) => unreachable!("the plain call was replaced above"),
    }
}
