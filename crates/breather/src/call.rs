//! Decides whether and when one call is sent again.
//!
//! This file has the state machine, [`Call`]. Its parts are plain values:
//!
//! - `outcome`: the outcome of an attempt
//! - `redirects`: the effect of redirects on an outcome
//! - `decision`: the next step, and the reason for a wait
//! - `end`: the reason why a call ended
//! - `report`: the counts, the waits and the end of a call

mod decision;
mod end;
mod outcome;
mod redirects;
mod report;

pub use self::decision::{Decision, Wait, WaitReason};
pub use self::end::{End, EndReason, Stopped};
pub use self::outcome::{AsOutcome, Executed, Outcome, OutcomeKind};
pub use self::redirects::{Redirects, Responder};
pub use self::report::Report;
#[cfg(feature = "std")]
pub use self::report::ReportSlot;
use core::time::Duration;

use crate::hint::Evidence;
use crate::hint::Hint;
use crate::instant::Instant;
use crate::pacer::{StatedLimit, WaitLimits};
use crate::policy::Draws;
use crate::policy::Policy;
use crate::policy::{RetryBudget, Withdrawal};

/// Describes a call before its first attempt.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | [`with_idempotent`](Self::with_idempotent) | true | the pure core does not know HTTP methods, so adapters set it |
/// | [`with_replayable`](Self::with_replayable) | true | as above |
/// | [`with_paced`](Self::with_paced) | false | a call without a pacer adds its own delay, so that calls spread out |
///
/// # Example
///
/// ```
/// use breather::driver::CallSpec;
///
/// const UPLOAD: CallSpec = CallSpec::new().with_idempotent(false).with_replayable(false);
/// assert!(!UPLOAD.is_replayable());
/// assert_eq!(UPLOAD.with_idempotent(true).with_replayable(true), CallSpec::new());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct CallSpec {
    idempotent: bool,
    replayable: bool,
    paced: bool,
}

impl CallSpec {
    /// Creates a spec for an idempotent, replayable call without a pacer.
    pub const fn new() -> Self {
        Self {
            idempotent: true,
            replayable: true,
            paced: false,
        }
    }

    /// Sets whether the call is idempotent.
    ///
    /// Executing an idempotent call twice has the same effect as executing it once.
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Sets whether the request, including its body, can be sent a second time.
    pub const fn with_replayable(mut self, replayable: bool) -> Self {
        self.replayable = replayable;
        self
    }

    /// Sets whether a pacer schedules each attempt.
    ///
    /// [`Breather::start`](crate::Breather::start) sets this itself. A paced call returns at
    /// exactly the instant that the server named, because the pacer spreads out the calls that
    /// return at that instant. Any other call adds its own delay to the instant.
    pub const fn with_paced(mut self, paced: bool) -> Self {
        self.paced = paced;
        self
    }

    /// Returns whether the request can be sent a second time.
    #[must_use]
    pub const fn is_replayable(&self) -> bool {
        self.replayable
    }
}

impl Default for CallSpec {
    fn default() -> Self {
        Self::new()
    }
}

/// Tracks one call from its start to its end.
///
/// You tell it when each attempt ended and with which outcome. It tells you when to send the next
/// attempt, or why the call ends. It does not read a clock and does not sleep.
///
/// Call [`on_sent`](Self::on_sent) for each attempt and [`on_outcome`](Self::on_outcome) when the
/// attempt ends. If you pass a time that is earlier than a previous one, the call uses the latest
/// time that it has seen.
///
/// # Example
///
/// ```
/// use breather::{Executed, Hint, Outcome, Policy, driver::{Call, CallSpec, Decision, Instant}};
///
/// let now = Instant::ORIGIN;
/// let mut call = Call::new(Policy::default(), CallSpec::new(), 0xC0FFEE, now);
/// call.on_sent(now);
/// let failed = Outcome::transient(Executed::No, "connection refused");
/// match call.on_outcome(now, failed, &Hint::new(now), None) {
///     Decision::Retry(wait) => assert!(wait.delay() <= Policy::default().backoff().ceiling(0)),
///     Decision::End(_) => unreachable!("three retries are left"),
/// }
/// ```
#[derive(Debug)]
pub struct Call {
    policy: Policy,
    spec: CallSpec,
    draws: Draws,
    since: Instant,
    deadline: Option<Instant>,
    latest: Instant,
    /// Set while the call waits between two attempts.
    not_before: Option<Instant>,
    /// When the call began to wait for a permit.
    asking_since: Option<Instant>,
    polls: u32,
    /// Transient failures after the latest pending outcome. That outcome resets both counts,
    /// because a call that polls for a long time may fail now and then.
    failures: u32,
    rejections: u32,
    /// The rejections of this call alone.
    own_rejections: u32,
    /// Whether the latest attempt was throttled.
    was_throttled: bool,
    /// The cost of the latest retry, and the number of attempts before it.
    draw: Option<(Withdrawal, u32)>,
    report: Report,
}

/// The kind of a decision. It is much smaller than a [`Decision`].
enum Verdict {
    Retry {
        until: Instant,
        wait_reason: WaitReason,
    },
    Stop(EndReason),
    TooLate {
        reason: EndReason,
        retry_at: Instant,
        by_hint: bool,
    },
}

impl Call {
    /// Creates a call that starts at `now`.
    ///
    /// Use a different `seed` for each call.
    #[must_use]
    pub fn new(policy: Policy, spec: CallSpec, seed: u64, now: Instant) -> Self {
        Self {
            policy,
            spec,
            draws: Draws::new(seed),
            since: now,
            deadline: policy.deadline().map(|deadline| now + deadline),
            latest: now,
            not_before: None,
            asking_since: None,
            polls: 0,
            failures: 0,
            rejections: 0,
            own_rejections: 0,
            was_throttled: false,
            draw: None,
            report: Report::default(),
        }
    }

    /// Records that the call could not share its scope with other calls.
    #[cfg(feature = "std")]
    pub(crate) fn on_unshared(&mut self) {
        self.report.unshared = true;
    }

    /// Records that another server sent the response, after a redirect.
    #[cfg(feature = "std")]
    pub(crate) fn on_elsewhere(&mut self) {
        let elsewhere = &mut self.report.answered_elsewhere;
        *elsewhere = elsewhere.saturating_add(1);
    }

    /// Sets whether the request can be sent again.
    ///
    /// See [`CallSpec::with_replayable`].
    pub const fn set_replayable(&mut self, replayable: bool) {
        self.spec.replayable = replayable;
    }

    /// Records that the attempt in flight was dropped at `now` because its time was up.
    ///
    /// This is [`on_outcome`](Self::on_outcome) with [`Outcome::timed_out`], because the server may
    /// have executed the attempt. At the deadline, the call always ends.
    #[cfg(feature = "std")]
    pub(crate) fn on_timed_out(
        &mut self,
        now: Instant,
        opens: Option<Instant>,
        draw: &mut dyn FnMut(u32) -> Option<Withdrawal>,
    ) -> Decision {
        let now = self.at(now);
        let outcome = Outcome::timed_out();
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.report.failures = self.report.failures.saturating_add(1);
            let end = End::new(EndReason::Deadline, now).because(outcome.reason());
            return Decision::End(self.stopped(end));
        }
        let is_paced = self.spec.paced;
        self.on_outcome_drawing(now, outcome, &Hint::new(now), opens, is_paced, draw)
    }

    /// Records that an attempt is being sent.
    pub fn on_sent(&mut self, now: Instant) {
        let now = self.at(now);
        if let Some(since) = self.asking_since.take() {
            self.report.add_wait(WaitReason::Pacer, since, now);
        }
        self.not_before = None;
        self.report.attempts = self.report.attempts.saturating_add(1);
    }

    /// Takes back [`on_sent`](Self::on_sent), because the attempt was not sent after all.
    #[cfg(feature = "std")]
    pub(crate) fn on_unsent(&mut self) {
        self.report.attempts = self.report.attempts.saturating_sub(1);
    }

    /// Checks the deadline before the call asks for a permit or is sent.
    ///
    /// Returns the end of the call if the deadline has passed.
    pub fn on_asking(&mut self, now: Instant) -> Option<End> {
        let now = self.at(now);
        // A deadline of zero has passed as soon as the call starts.
        let has_none = self
            .policy
            .deadline()
            .is_some_and(|deadline| deadline.is_zero());
        self.deadline
            .filter(|&deadline| has_none || now > deadline)?;
        Some(self.stopped(End::new(EndReason::Deadline, now)))
    }

    /// Records that the pacer does not have a permit for the call yet.
    ///
    /// `opens` is the instant until which the server's statements rule out a permit. If that is too
    /// late for the call, it ends immediately and this returns the end. The call then still has a
    /// place in the queue and has to [leave](crate::driver::Pacer::leave) it.
    ///
    /// Pass only an instant that a hold or a stated window names, together with the header that
    /// stated it. An estimate is not a reason to end a call.
    pub fn on_waiting(
        &mut self,
        now: Instant,
        opens: Option<Instant>,
        evidence: Option<&Evidence>,
    ) -> Option<End> {
        let now = self.at(now);
        self.asking_since.get_or_insert(now);
        let too_late = opens.and_then(|opens| {
            // The earlier of both ends says why.
            let is_first = |ends| self.deadline.is_none_or(|deadline| ends <= deadline);
            match self.queue_ends() {
                Some(ends) if is_first(ends) && opens > ends => {
                    Some((EndReason::MaxQueueTime, opens))
                }
                _ => self.too_late(now, opens, opens),
            }
        });
        let too_late = too_late
            .map(|(reason, retry_at)| End::new(reason, now).until(retry_at, evidence.copied()));
        // A call that asks exactly at its deadline does not have time left to wait.
        let is_over = |until: Option<Instant>| until.is_some_and(|until| now >= until);
        let over = || {
            let reason = match (is_over(self.deadline), is_over(self.queue_ends())) {
                (true, _) => EndReason::Deadline,
                (_, true) => EndReason::MaxQueueTime,
                _ => return None,
            };
            let end = End::new(reason, now);
            Some(match opens {
                Some(opens) if reason == EndReason::MaxQueueTime => {
                    end.until(opens, evidence.copied())
                }
                _ => end,
            })
        };
        let end = too_late.or_else(over)?;
        Some(self.stopped(end))
    }

    /// Records that a [stated limit](crate::driver::Pacer::stated_limit), if any, makes the call wait.
    pub const fn on_limited(&mut self, limit: Option<StatedLimit>) {
        if let Some(limit) = limit {
            self.report.stated |= Report::bit(limit);
        }
    }

    /// Returns when the call has waited for permits for as long as it may, if it waits for one.
    fn queue_ends(&self) -> Option<Instant> {
        Some(self.asking_since? + self.queue_time_left()?)
    }

    /// Returns for how long the call may still wait for permits.
    fn queue_time_left(&self) -> Option<Duration> {
        let waited = self.report.waited(WaitReason::Pacer);
        Some(self.policy.max_queue_time()?.saturating_sub(waited))
    }

    /// Returns when the call ends if it gets no permit until then. It waits for one.
    #[must_use]
    pub fn waits_until(&self) -> Option<Instant> {
        let ends = self.deadline.into_iter().chain(self.queue_ends());
        ends.min()
    }

    /// Adds to `end` when the scope is likely to permit an attempt, if the server has not stated it.
    #[cfg(feature = "std")]
    pub(crate) fn expects(&mut self, end: End, at: Option<Instant>) -> End {
        match at {
            Some(at) if end.reason() == EndReason::MaxQueueTime && end.retry_at().is_none() => {
                let end = end.until(at, None);
                self.report.end = Some(end);
                end
            }
            _ => end,
        }
    }

    /// Ends the call because the queue of its scope is full.
    pub fn on_queue_full(&mut self, now: Instant) -> End {
        let now = self.at(now);
        self.stopped(End::new(EndReason::QueueFull, now))
    }

    /// Ends the call because the server keeps rejecting its scope.
    ///
    /// The server has rejected every probe of the scope for a long time. See
    /// [`Admission::Rejected`](crate::driver::Admission::Rejected).
    pub fn on_rejected(
        &mut self,
        now: Instant,
        opens: Option<Instant>,
        evidence: Option<&Evidence>,
    ) -> End {
        let now = self.at(now);
        let end = End::new(EndReason::ScopeThrottled, now);
        self.stopped(match opens {
            Some(opens) => end.until(opens, evidence.copied()),
            None => end,
        })
    }

    /// Records the outcome of the latest attempt and decides the next step.
    ///
    /// `now` is when the attempt ended, and `hint` comes from its response. If the hint says
    /// whether to send the request again, that overrides `outcome`. See
    /// [`Outcome::with_server_advice`].
    ///
    /// `opens` is the instant until which the server's statements keep the pacer from granting any
    /// permit.
    #[inline]
    pub fn on_outcome(
        &mut self,
        now: Instant,
        outcome: Outcome,
        hint: &Hint<'_>,
        opens: Option<Instant>,
    ) -> Decision {
        let is_paced = self.spec.paced;
        self.on_outcome_drawing(now, outcome, hint, opens, is_paced, &mut |_| {
            Some(Withdrawal::unbudgeted())
        })
    }

    /// Works like [`on_outcome`](Self::on_outcome), within a budget.
    ///
    /// A retry takes its cost from `budget`, and gives it back if it succeeds.
    /// [`Breather`](crate::Breather) does this for its calls.
    pub fn on_outcome_within(
        &mut self,
        now: Instant,
        outcome: Outcome,
        hint: &Hint<'_>,
        opens: Option<Instant>,
        budget: &mut RetryBudget,
    ) -> Decision {
        if let Some(draw) = self.take_draw(outcome) {
            budget.refund(draw);
        }
        let is_paced = self.spec.paced;
        self.on_outcome_drawing(now, outcome, hint, opens, is_paced, &mut |cost| {
            budget.withdraw(now, cost)
        })
    }

    /// Takes the withdrawal to give back, if the retry that drew it succeeded or is pending.
    pub(crate) fn take_draw(&mut self, outcome: Outcome) -> Option<Withdrawal> {
        let is_answer = matches!(outcome.kind(), OutcomeKind::Success | OutcomeKind::Pending);
        let (draw, _) = self.draw.take_if(|_| is_answer)?;
        Some(draw)
    }

    /// Takes the withdrawal to give back, if the call ends before it sends the retry that drew it.
    #[cfg(feature = "std")]
    pub(crate) fn take_unsent_draw(&mut self) -> Option<Withdrawal> {
        let attempts = self.report.attempts;
        let (draw, _) = self.draw.take_if(|&mut (_, before)| before == attempts)?;
        Some(draw)
    }

    /// Works like [`on_outcome`](Self::on_outcome), within the budget behind `draw`.
    ///
    /// It asks the budget last, only if the call would otherwise be retried. `is_paced` says
    /// whether the pacer was told the outcome.
    pub(crate) fn on_outcome_drawing(
        &mut self,
        now: Instant,
        outcome: Outcome,
        hint: &Hint<'_>,
        opens: Option<Instant>,
        is_paced: bool,
        draw: &mut dyn FnMut(u32) -> Option<Withdrawal>,
    ) -> Decision {
        if outcome.states_delay() {
            let (outcome, hint) = outcome.with_delay_in(hint);
            return self.on_outcome_drawing(now, outcome, &hint, opens, is_paced, draw);
        }
        let now = self.at(now);
        let outcome = outcome.with_server_advice(hint);
        let end = match self.decide(now, outcome, hint, opens, is_paced) {
            Verdict::Retry { until, wait_reason } => {
                if self.pays(outcome, is_paced, draw) {
                    return Decision::Retry(self.wait(now, until, wait_reason, hint));
                }
                End::new(EndReason::Budget, now)
            }
            Verdict::Stop(reason) => End::new(reason, now),
            Verdict::TooLate {
                reason,
                retry_at,
                by_hint,
            } => {
                let evidence = if by_hint { hint.evidence() } else { None };
                End::new(reason, now).until(retry_at, evidence)
            }
        };
        Decision::End(self.stopped(end.because(outcome.reason())))
    }

    /// Names the header that asked for the wait behind `end`.
    #[cfg(feature = "std")]
    pub(crate) fn attest(&mut self, end: &mut End, evidence: Evidence) {
        *end = end.with_evidence(evidence);
        self.report.end = Some(*end);
    }

    /// Takes the cost of a retry after `outcome` from the budget, and returns whether it could.
    fn pays(
        &mut self,
        outcome: Outcome,
        is_paced: bool,
        draw: &mut dyn FnMut(u32) -> Option<Withdrawal>,
    ) -> bool {
        self.draw = None;
        // An overload does not need the budget as a second brake if the pacer already slows all
        // calls down.
        if outcome.budget_cost() == 0 || outcome.is_overload() && is_paced {
            return true;
        }
        let drawn = draw(outcome.budget_cost().into());
        self.draw = drawn.map(|draw| (draw, self.report.attempts));
        self.draw.is_some()
    }

    fn wait(
        &mut self,
        now: Instant,
        until: Instant,
        wait_reason: WaitReason,
        hint: &Hint<'_>,
    ) -> Wait {
        self.not_before = Some(until);
        self.report.add_wait(wait_reason, now, until);
        let evidence = None;
        let wait = self.report.last_wait.insert(Wait {
            since: now,
            until,
            reason: wait_reason,
            evidence,
        });
        if wait_reason == WaitReason::Hint {
            hint.put_evidence(&mut wait.evidence);
        }
        *wait
    }

    /// Returns the instant before which the call must not be sent again.
    ///
    /// This is `None` unless the call waits between two attempts.
    #[must_use]
    pub const fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// Returns the instant by which the call must be over.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns how long the call may wait for a permit.
    ///
    /// Pass the limits to [`Pacer::request`](crate::driver::Pacer::request).
    pub fn wait_limits(&self) -> WaitLimits {
        let limits = WaitLimits::endless()
            .with_longest_nanos(self.policy.max_retry_after)
            .with_most_rejections(self.policy.max_throttles(), self.since)
            .with_early_probe(self.spec.idempotent && self.report.throttled == 0)
            .with_retry(self.was_throttled);
        let since = self.asking_since.unwrap_or(self.latest);
        let queue_ends = self.queue_time_left().map(|left| since + left);
        match self.deadline.into_iter().chain(queue_ends).min() {
            Some(until) => limits.with_deadline(until),
            None => limits,
        }
    }

    /// Returns the report so far.
    ///
    /// If the report has an [end](Report::end), the call is over.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    fn decide(
        &mut self,
        now: Instant,
        outcome: Outcome,
        hint: &Hint<'_>,
        opens: Option<Instant>,
        is_paced: bool,
    ) -> Verdict {
        self.was_throttled = outcome.kind() == OutcomeKind::Throttled;
        let report = &mut self.report;
        let number = match outcome.kind() {
            OutcomeKind::Success => return Verdict::Stop(EndReason::Success),
            OutcomeKind::Permanent => return Verdict::Stop(EndReason::Permanent),
            OutcomeKind::Pending if !self.policy.can_retry() => {
                return Verdict::Stop(EndReason::RetriesDisabled);
            }
            OutcomeKind::Pending => {
                self.polls = self.polls.saturating_add(1);
                (self.failures, self.rejections, self.own_rejections) = (0, 0, 0);
                self.polls
            }
            OutcomeKind::Transient => {
                report.failures = report.failures.saturating_add(1);
                self.failures = self.failures.saturating_add(1);
                if self.failures > self.policy.max_retries() {
                    return Verdict::Stop(EndReason::MaxRetries);
                }
                self.failures
            }
            OutcomeKind::Throttled => {
                report.throttled = report.throttled.saturating_add(1);
                self.rejections = self.rejections.saturating_add(1);
                if self.rejections > self.policy.max_throttles() {
                    return Verdict::Stop(EndReason::MaxThrottles);
                }
                self.own_rejections += u32::from(outcome.is_own());
                if self.own_rejections > MOST_OWN_REJECTIONS {
                    return Verdict::Stop(EndReason::ThrottledAlone);
                }
                self.rejections
            }
        };
        if !self.spec.replayable {
            return Verdict::Stop(EndReason::NotReplayable);
        }
        if outcome.executed() != Executed::No && !self.spec.idempotent {
            return Verdict::Stop(EndReason::NotIdempotent);
        }
        let hinted = hint.not_before();
        let is_poll = outcome.kind() == OutcomeKind::Pending;
        let (until, wait_reason) = self.align(now, is_poll, number - 1, hinted, is_paced);
        let stated = hinted.unwrap_or(now).max(opens.unwrap_or(now));
        // A throttled call waits for what its own response says. Others wait for the scope after their backoff.
        let rules_out = match self.was_throttled {
            true => stated.duration_since(now),
            false => opens.unwrap_or(now).duration_since(until),
        };
        let left = self.queue_time_left().filter(|_| is_paced);
        if left.is_some_and(|left| rules_out > left) {
            return Verdict::TooLate {
                reason: EndReason::MaxQueueTime,
                retry_at: stated,
                by_hint: hinted >= opens,
            };
        }
        match self.too_late(now, stated, until.max(stated)) {
            Some((reason, retry_at)) => Verdict::TooLate {
                reason,
                retry_at,
                // `None` sorts before any instant. The header is the evidence only if its own
                // instant is too late, without the policy's delay.
                by_hint: hinted >= opens
                    && (wait_reason == WaitReason::Hint || reason == EndReason::RetryAfterTooLong)
                    && self.too_late(now, stated, stated).is_some(),
            },
            None => Verdict::Retry { until, wait_reason },
        }
    }

    /// Combines the policy's delay with the hint, so that calls come neither early nor all at once.
    fn align(
        &mut self,
        now: Instant,
        is_poll: bool,
        retry: u32,
        hinted: Option<Instant>,
        is_paced: bool,
    ) -> (Instant, WaitReason) {
        let backoff = match is_poll {
            true => &self.policy.polling,
            false => &self.policy.backoff,
        };
        let range = self.draws.range(backoff, &self.policy.jitter, retry);
        match hinted {
            // Behind a pacer, calls with the same hint queue. The policy's delay cannot end later
            // than this hint.
            Some(hinted) if is_paced && hinted >= now.add_nanos(range.high()) => {
                (hinted, WaitReason::Hint)
            }
            // Without a pacer, the delay keeps calls with the same hint from returning together.
            Some(hinted) if !is_paced => (
                hinted.add_nanos(self.draws.draw(range)).max(now),
                WaitReason::Hint,
            ),
            hinted => {
                let own = now.add_nanos(self.draws.draw(range));
                match hinted {
                    Some(hinted) if hinted >= own => (hinted, WaitReason::Hint),
                    _ => (own, WaitReason::Backoff),
                }
            }
        }
    }

    /// Returns the reason to end the call, and the full instant, if the next attempt is too late.
    ///
    /// It is too late if `retry_at` is past the deadline, or if the policy does not accept a wait
    /// until `stated`.
    fn too_late(
        &self,
        now: Instant,
        stated: Instant,
        retry_at: Instant,
    ) -> Option<(EndReason, Instant)> {
        if self.deadline.is_some_and(|deadline| retry_at > deadline) {
            Some((EndReason::Deadline, retry_at))
        } else if stated.nanos_since(now) > self.policy.max_retry_after {
            Some((EndReason::RetryAfterTooLong, stated))
        } else {
            None
        }
    }

    fn stopped(&mut self, end: End) -> End {
        if let Some(since) = self.asking_since.take() {
            self.report.add_wait(WaitReason::Pacer, since, end.at());
        }
        self.report.end = Some(end);
        end
    }

    fn at(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

/// A call that the server throttles for itself although quota is left ends with the fourth such rejection. Another
/// attempt is unlikely to be accepted.
const MOST_OWN_REJECTIONS: u32 = 3;
