//! Decides for one call whether and when it is sent again.
//!
//! This file has the state machine, [`Call`]. Its parts are plain values:
//!
//! - `outcome`: how did an attempt end?
//! - `redirects`: what does a redirect prove about the first request?
//! - `decision`: what does the driver do next, and why does it wait?
//! - `end`: why is no further attempt made?
//! - `report`: what can a finished call tell about itself?

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
use crate::hint::Evidence;
use crate::hint::Hint;
use crate::instant::Instant;
use crate::pacer::WaitLimits;
use crate::policy::Draws;
use crate::policy::Policy;
use crate::policy::{RetryBudget, Withdrawal};

/// What is known of a call before its first attempt.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | [`with_idempotent`](Self::with_idempotent) | true | the pure core knows no methods; adapters tell it |
/// | [`with_replayable`](Self::with_replayable) | true | as above |
/// | [`with_paced`](Self::with_paced) | false | a call without a pacer spreads its own returns |
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
    /// An idempotent, replayable call that passes no pacer.
    pub const fn new() -> Self {
        Self {
            idempotent: true,
            replayable: true,
            paced: false,
        }
    }

    /// Sets whether executing the call twice does no more than executing it once.
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Sets whether the request can be sent a second time, body included.
    pub const fn with_replayable(mut self, replayable: bool) -> Self {
        self.replayable = replayable;
        self
    }

    /// Sets whether a pacer stands before each attempt; [`Breather::start`](crate::Breather::start) sets it
    /// itself. If so, a call returns at the very instant
    /// that the server named, since the pacer sees to it that not all do; if not, its own delay is
    /// added.
    pub const fn with_paced(mut self, paced: bool) -> Self {
        self.paced = paced;
        self
    }

    /// Whether the request can be sent a second time.
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

/// One call, from its start to its stop: told what happened and when, it answers with an instant or
/// a reason.
///
/// It reads no clock and waits for nothing. Tell it of each attempt by
/// [`on_sent`](Self::on_sent) and of its end by [`on_outcome`](Self::on_outcome). A time earlier than
/// one it has seen is taken as the latest it has seen.
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
    /// Since when the call has been waiting for a permit.
    asking_since: Option<Instant>,
    polls: u32,
    /// Since it was last pending: what is polled for long may fail now and then.
    failures: u32,
    rejections: u32,
    /// What the latest retry took of the budget, and how many attempts there were before it.
    draw: Option<(Withdrawal, u32)>,
    report: Report,
}

/// What a call decides, before it says so: a decision is large.
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
    /// A call that starts at `now`. No two calls should have the same `seed`.
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
            draw: None,
            report: Report::default(),
        }
    }

    /// The call's scope could not be shared with other calls; the report will say so.
    #[cfg(feature = "std")]
    pub(crate) fn on_unshared(&mut self) {
        self.report.unshared = true;
    }

    /// Records that another server answered the latest attempt after a redirect. The report counts it.
    #[cfg(feature = "std")]
    pub(crate) fn on_elsewhere(&mut self) {
        let elsewhere = &mut self.report.answered_elsewhere;
        *elsewhere = elsewhere.saturating_add(1);
    }

    /// Sets whether the request can be sent again: see [`CallSpec::with_replayable`].
    pub const fn set_replayable(&mut self, replayable: bool) {
        self.spec.replayable = replayable;
    }

    /// The attempt in flight was dropped at `now`, since its time was up, and may have been executed. As
    /// [`on_outcome`](Self::on_outcome) with [`Outcome::timed_out`]; at the deadline it is always a stop.
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

    /// An attempt is being sent.
    pub fn on_sent(&mut self, now: Instant) {
        let now = self.at(now);
        if let Some(since) = self.asking_since.take() {
            self.report.add_wait(WaitReason::Pacer, since, now);
        }
        self.not_before = None;
        self.report.attempts = self.report.attempts.saturating_add(1);
    }

    /// The attempt that was told by [`on_sent`](Self::on_sent) was not sent after all.
    #[cfg(feature = "std")]
    pub(crate) fn on_unsent(&mut self) {
        self.report.attempts = self.report.attempts.saturating_sub(1);
    }

    /// The call is about to ask for a permit, or to be sent. A stop if its deadline has passed meanwhile.
    pub fn on_asking(&mut self, now: Instant) -> Option<End> {
        let now = self.at(now);
        // Without any time, nothing is in time.
        let has_none = self
            .policy
            .deadline()
            .is_some_and(|deadline| deadline.is_zero());
        self.deadline
            .filter(|&deadline| has_none || now > deadline)?;
        Some(self.stopped(End::new(EndReason::Deadline, now)))
    }

    /// The pacer has no permit for the call yet, and by what the server stated will have none before
    /// `opens`. A stop if that is too late: the wait would be in vain.
    ///
    /// A call that stops here still has its place in the queue, and has to [leave](crate::driver::Pacer::leave) it.
    ///
    /// An estimate is never a reason to stop: hand in only what a hold or a stated window says, with the
    /// header that said it.
    pub fn on_waiting(
        &mut self,
        now: Instant,
        opens: Option<Instant>,
        evidence: Option<&Evidence>,
    ) -> Option<End> {
        let now = self.at(now);
        self.asking_since.get_or_insert(now);
        let too_late = opens.and_then(|opens| self.too_late(now, opens, opens));
        let too_late = too_late
            .map(|(reason, retry_at)| End::new(reason, now).until(retry_at, evidence.copied()));
        // Whoever asks at the deadline's very instant has no time left to wait.
        let over = || {
            self.deadline.filter(|&deadline| now >= deadline)?;
            Some(End::new(EndReason::Deadline, now))
        };
        let end = too_late.or_else(over)?;
        Some(self.stopped(end))
    }

    /// The call is throttled a place among the waiting.
    pub fn on_queue_full(&mut self, now: Instant) -> End {
        let now = self.at(now);
        self.stopped(End::new(EndReason::QueueFull, now))
    }

    /// Ends the call because the server has rejected every probe of its scope for a long time: see
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

    /// The latest attempt ended at `now`, with `outcome`, and the server said `hint`. Where that says whether to send it
    /// again, it counts: see [`Outcome::with_server_advice`].
    ///
    /// `opens` is the instant before which the call's pacer, by what the server stated, will give no
    /// permit to anyone.
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

    /// As [`on_outcome`](Self::on_outcome), within a budget: what the other attempt costs is taken from it, and given
    /// back if it succeeds. A handle does this for its calls.
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

    /// What is to be given back to the budget, if the attempt that drew it has come to an answer.
    pub(crate) fn take_draw(&mut self, outcome: Outcome) -> Option<Withdrawal> {
        let is_answer = matches!(outcome.kind(), OutcomeKind::Success | OutcomeKind::Pending);
        let (draw, _) = self.draw.take_if(|_| is_answer)?;
        Some(draw)
    }

    /// What is to be given back to the budget, if the call ends before the attempt is sent that it was drawn for.
    #[cfg(feature = "std")]
    pub(crate) fn take_unsent_draw(&mut self) -> Option<Withdrawal> {
        let attempts = self.report.attempts;
        let (draw, _) = self.draw.take_if(|&mut (_, before)| before == attempts)?;
        Some(draw)
    }

    /// As [`on_outcome`](Self::on_outcome); the budget is asked only if nothing else stops the call. `is_paced` says
    /// whether a pacer was told of it.
    pub(crate) fn on_outcome_drawing(
        &mut self,
        now: Instant,
        outcome: Outcome,
        hint: &Hint<'_>,
        opens: Option<Instant>,
        is_paced: bool,
        draw: &mut dyn FnMut(u32) -> Option<Withdrawal>,
    ) -> Decision {
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

    /// The wait that `end` says is too long was asked for by the header that `evidence` is of.
    #[cfg(feature = "std")]
    pub(crate) fn attest(&mut self, end: &mut End, evidence: Evidence) {
        *end = end.with_evidence(evidence);
        self.report.end = Some(*end);
    }

    /// Takes what another attempt after `outcome` costs from the budget, if that has it.
    fn pays(
        &mut self,
        outcome: Outcome,
        is_paced: bool,
        draw: &mut dyn FnMut(u32) -> Option<Withdrawal>,
    ) -> bool {
        self.draw = None;
        // An overloaded server's pacer slows all of its calls down, which needs no second brake.
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

    /// The instant before which the call must not be sent again, while it waits between two attempts.
    #[must_use]
    pub const fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// The instant by which the call must be over.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// What is the most that the call will wait for a permit, as
    /// [`Pacer::request`](crate::driver::Pacer::request) asks.
    pub const fn wait_limits(&self) -> WaitLimits {
        let limits = WaitLimits::endless()
            .with_longest_nanos(self.policy.max_retry_after)
            .with_most_rejections(self.policy.max_throttles(), self.since)
            .with_early_probe(self.spec.idempotent && self.report.throttled == 0);
        match self.deadline {
            Some(deadline) => limits.with_deadline(deadline),
            None => limits,
        }
    }

    /// What the call can tell so far; with a stop in it, it is over.
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
        let report = &mut self.report;
        let number = match outcome.kind() {
            OutcomeKind::Success => return Verdict::Stop(EndReason::Success),
            OutcomeKind::Permanent => return Verdict::Stop(EndReason::Permanent),
            OutcomeKind::Pending if !self.policy.can_retry() => {
                return Verdict::Stop(EndReason::RetriesDisabled);
            }
            OutcomeKind::Pending => {
                self.polls = self.polls.saturating_add(1);
                (self.failures, self.rejections) = (0, 0);
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
        match self.too_late(now, stated, until.max(stated)) {
            Some((reason, retry_at)) => Verdict::TooLate {
                reason,
                retry_at,
                // Nothing stated is earlier than anything stated. What the header asked for has to be too late by
                // itself: our own delay is not of its asking.
                by_hint: hinted >= opens
                    && (wait_reason == WaitReason::Hint || reason == EndReason::RetryAfterTooLong)
                    && self.too_late(now, stated, stated).is_some(),
            },
            None => Verdict::Retry { until, wait_reason },
        }
    }

    /// Joins our own delay with the hint: never earlier than it, and not all calls at once.
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
            // Behind a pacer, those who were told the same instant queue, and no delay of our own is later than this.
            Some(hinted) if is_paced && hinted >= now.add_nanos(range.high()) => {
                (hinted, WaitReason::Hint)
            }
            // Otherwise they would all return at it.
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

    /// Why to stop, and until when one would have waited, if the call could be sent only at `retry_at`, past its
    /// deadline, or if the server asks to wait until `stated`, longer than the policy obeys.
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
