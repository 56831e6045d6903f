//! The consequences of an answer for the scope.

use core::time::Duration;

use super::Pacer;
use super::attribution::{Blame, ENOUGH, Throttled};
use super::costs::UNKNOWN;
use super::hold::Cause;
use super::ledger::{Answer, is_blur};
use super::outage::{Outage, Overload};
use super::permit::Permit;
use super::phase::Phase;
use super::windows::Verdict;
use crate::call::{Outcome, OutcomeKind};
use crate::hint::Hint;
use crate::instant::Instant;

impl Pacer {
    /// Handles the answer to an attempt of an earlier epoch.
    #[cold]
    pub(super) fn on_former_outcome(&mut self, permit: &Permit, outcome: Outcome) {
        if outcome.kind() == OutcomeKind::Throttled {
            self.rate.on_throttled(permit.number);
        } else if is_accepted(outcome) {
            self.rate.on_accepted(permit.number);
        }
    }

    /// Adds what an answer says of the windows. Returns their state if it was throttled.
    pub(super) fn on_hint(
        &mut self,
        now: Instant,
        permit: &Permit,
        outcome: Outcome,
        hint: &Hint<'_>,
    ) -> Option<Verdict> {
        // A limiter counts a call when it arrives, and throttles immediately. So the delays of an accepted call
        // count from about when it was sent. An attempt that is sent at such an instant arrives after it.
        let (base, verdict) = match outcome.kind() {
            OutcomeKind::Throttled => (hint.received(), self.windows.verdict(permit.number, hint)),
            _ => (permit.sent, None),
        };
        self.on_windows(now, permit, hint, base, is_accepted(outcome));
        verdict
    }

    /// Adds what the answer to an attempt says of the windows. Its delays count from `base`.
    pub(super) fn on_windows(
        &mut self,
        now: Instant,
        permit: &Permit,
        hint: &Hint<'_>,
        base: Instant,
        is_accepted: bool,
    ) {
        let answer = Answer {
            permit,
            tally: self.tally(now, &UNKNOWN),
            base,
            accepted: is_accepted.then_some(self.throttled),
        };
        self.windows.on_answer(&answer, hint);
    }

    /// Handles a throttled attempt. Returns whether the server throttles this call alone, although quota is left.
    #[inline(never)]
    pub(super) fn on_throttled(
        &mut self,
        now: Instant,
        permit: &Permit,
        hint: &Hint<'_>,
        verdict: Option<Verdict>,
    ) -> bool {
        self.throttled += 1;
        let rejection_time = self.rejection_time.get_or_insert_default();
        rejection_time.on_answer(permit.sent, now);

        // The server rejected an early probe because of the hold.
        let is_early = self.early.is_latest(permit.number) || self.probes_overage(now, permit);
        let (accepted_since, is_only) = self.repeats.on_throttled(permit.ticket.age, self.sent);
        if accepted_since == ENOUGH && self.repeats.are_own() {
            self.forget_limits();
        }
        let throttled = Throttled {
            verdict,
            is_stated: hint.not_before().is_some(),
            was_alone: self.was_alone(permit),
            exceeds_cap: self.concurrency.suspects(permit),
            may_exceed_cap: self.concurrency.may_exceed(permit),
            exceeds_rate: self.rate.is_exceeded(now) || self.is_at_ceiling(now),
            may_lack_quota: self.rate.may_be_bucket() || self.windows.count_costs(),
            accepted_since,
            is_only,
        };
        match throttled.blame() {
            _ if is_early => {}
            Blame::Call => {
                if is_only {
                    self.forget_limits();
                }
                self.on_throttled_for_itself(permit);
                return verdict == Some(Verdict::Left);
            }
            Blame::Cap => {
                self.concurrency
                    .on_throttled(permit, self.in_flight, self.sent);
                if !self.is_probing() {
                    self.rate.on_throttled(permit.number);
                }
                self.open(permit.number, permit.sent);
                return false;
            }
            Blame::Scope => {}
        }
        // If a window explains the rejection, the call keeps its turn. In particular, a call that costs more than is
        // left is the next to be sent.
        let is_explained = match self.is_probing() {
            true => verdict == Some(Verdict::TooLittle),
            false => matches!(verdict, Some(Verdict::Spent | Verdict::TooLittle)),
        };
        self.throttled_probe = (!is_explained).then_some(permit.ticket);
        if self.is_probing() {
            self.streak.on_probe_rejected();
            self.rate.on_probe_throttled(permit.sent);
        } else if !is_early {
            self.rate.on_throttled(permit.number);
            match self.pacing.limit() {
                None => self.rate.on_rest(now, hint.not_before()),
                Some(_) if verdict.is_none() => self.ceiling.on_throttled(),
                Some(_) => {}
            }
            self.windows.on_throttled();
        }
        if hint.is_spent() {
            self.overage.on_throttled(now);
        }
        let stated = hint.not_before();
        if stated.is_some() {
            self.evidence = hint.evidence();
        }
        let hold = match (self.phase, stated) {
            // Rounding does not explain this, so another window began.
            (Phase::Probing { hold, .. }, Some(at)) if !is_blur(now, at) => {
                self.throttled_until(now, at).confirmed_by(now, at, &hold)
            }
            (Phase::Probing { hold, .. }, stated) => {
                let apart = self.rhythm.apart();
                let stated = stated.map(|at| at + apart);
                let is_alone = self.probes_alone(permit);
                hold.on_probe_throttled(now, stated, is_alone, self.rate.least_apart())
            }
            (Phase::Running, Some(at)) => self.throttled_until(now, at),
            (Phase::Running, None) => self.rate.hold(now),
            // An early probe is the newest attempt, and the only one that counts.
            (Phase::Held(hold), Some(at)) if is_early => {
                self.throttled_until(now, at).confirmed_by(now, at, &hold)
            }
            (Phase::Held(hold), Some(at)) => match hold.cause {
                Cause::Counted => self.throttled_until(now, at).confirmed_by(now, at, &hold),
                Cause::Spent | Cause::Guessed | Cause::Overloaded => self.throttled_until(now, at),
                Cause::Throttled if is_blur(hold.from, at) => hold
                    .moved_to(hold.from.min(at), self.lateness.guard())
                    .confirmed_by(now, at, &hold),
                Cause::Throttled if at > hold.from => {
                    self.throttled_until(now, at).confirmed_by(now, at, &hold)
                }
                Cause::Throttled => hold.confirmed_by(now, at, &hold),
            },
            (Phase::Held(hold), None) => hold,
        };
        let silent_hold = self.pacing.silent_hold();
        let hold = match stated {
            None if !silent_hold.is_zero() => hold.at_least(now + silent_hold),
            _ => hold,
        };
        let is_contested = match self.phase {
            Phase::Running => !is_explained && self.repeats.are_own() && self.contest.begins(),
            Phase::Held(before) => before.is_contested() && !self.contest.confirms(),
            // A call that comes now was not throttled, and may be accepted.
            Phase::Probing { .. } => {
                stated.is_none() && silent_hold.is_zero() && self.repeats.are_few()
            }
        };
        self.phase = Phase::Held(hold.contested(is_contested));
        self.concurrency.on_slack(now);
        false
    }

    /// Forgets the limits that were learned from calls that have limits of their own.
    fn forget_limits(&mut self) {
        self.rate.forget_limit();
        self.concurrency.forget_cap();
    }

    /// Handles an attempt that the server throttled because of its call alone. It tells nothing of the scope, and if it
    /// was a probe, another call probes.
    fn on_throttled_for_itself(&mut self, permit: &Permit) {
        if !self.is_probing() {
            self.rate.on_throttled(permit.number);
        }
        self.forget_probe(permit);
    }

    /// Returns whether the attempt was sent to an empty window, to see whether the server bills it.
    pub(super) fn probes_overage(&self, now: Instant, permit: &Permit) -> bool {
        match self.phase {
            Phase::Probing { hold, before, .. } => permit.number > before && hold.from > now,
            Phase::Running | Phase::Held(_) => false,
        }
    }

    /// Returns whether the call of a probe is likely to be alone in a scope that has accepted nothing yet.
    fn probes_alone(&self, permit: &Permit) -> bool {
        self.waiters.is_empty() && self.arrived == permit.ticket.age && self.accepted_at().is_none()
    }

    /// Returns whether as many attempts were sent as the caller permits.
    fn is_at_ceiling(&mut self, now: Instant) -> bool {
        let limit = self.pacing.limit();
        limit.is_some_and(|(number, per)| self.ceiling.left(now, number, per) == 0)
    }

    /// Returns whether the attempt was alone in flight. Then it did not exceed the cap.
    const fn was_alone(&self, permit: &Permit) -> bool {
        permit.level == 1 && permit.number == self.sent
    }

    pub(super) fn on_accepted(&mut self, now: Instant, permit: &Permit) {
        self.windows.on_accepted();
        self.service_time.on_answer(permit.sent, now);
        self.repeats.on_accepted(permit.number, permit.ticket.age);
        self.concurrency.on_accepted(permit);
        self.streak.on_accepted(now);
        self.outage.on_accepted();
        if !matches!(self.phase, Phase::Running) {
            self.on_accepted_in_hold(now, permit);
        }
        self.rate.on_accepted(permit.number);
        if !self.pacing.is_plain() {
            self.ceiling.on_accepted();
        }
    }

    #[cold]
    fn on_accepted_in_hold(&mut self, now: Instant, permit: &Permit) {
        if self.early.is_latest(permit.number) || self.probes_overage(now, permit) {
            self.windows.on_contradicted(permit.number);
        }
        self.open(permit.number, permit.sent);
    }

    /// Handles an overload without a stated end. Returns whether the server sheds load.
    ///
    /// If the server accepts others meanwhile, an overload is a limit like any other that the server does not
    /// state. If it accepts none, the scope probes for the time of a restart, so that queued calls keep their
    /// retries. After that, the calls fail.
    pub(super) fn on_overloaded(&mut self, now: Instant, permit: &Permit, hint: &Hint<'_>) -> bool {
        let has_cap = self.concurrency.cap().is_some();
        let overload = self.outage.on_overloaded(now, self.accepted_at(), has_cap);
        if overload == Overload::Limit {
            let _ = self.on_throttled(now, permit, hint, None);
            return true;
        }
        let may_be_cap = self.outage.is_shedding() && !self.was_alone(permit);
        if may_be_cap && self.concurrency.suspects(permit) {
            self.concurrency
                .on_throttled(permit, self.in_flight, self.sent);
        }
        match overload {
            Overload::Restart => self.on_restart(now, permit),
            Overload::Single | Overload::Shed | Overload::Limit => self.on_lost(permit),
            Overload::Down => {
                self.on_lost(permit);
                if self.is_probing() {
                    self.phase = Phase::Running;
                }
            }
        }
        overload == Overload::Shed
    }

    /// Returns when the server last accepted an attempt.
    fn accepted_at(&self) -> Option<Instant> {
        Some(self.streak.accepted_at()).filter(|&at| at > Instant::ORIGIN)
    }

    /// Probes until the server has restarted.
    fn on_restart(&mut self, now: Instant, permit: &Permit) {
        let hold = match self.phase {
            Phase::Running => Outage::hold(now),
            Phase::Held(hold) => hold,
            Phase::Probing { hold, .. } => {
                self.throttled_probe = Some(permit.ticket);
                hold.on_probe_throttled(now, None, false, Duration::ZERO)
            }
        };
        self.phase = Phase::Held(hold);
        self.concurrency.on_slack(now);
    }

    /// Handles an attempt whose outcome is unknown.
    pub(super) fn on_lost(&mut self, permit: &Permit) {
        self.rate.on_lost(permit.number);
        self.forget_probe(permit);
    }

    /// If the attempt was the probe, the next call probes.
    fn forget_probe(&mut self, permit: &Permit) {
        if let Phase::Probing { sent, .. } = &mut self.phase {
            *sent = sent.filter(|(number, _)| *number != permit.number);
        }
    }
}

/// Returns whether the server accepted the attempt, whatever came of it.
const fn is_accepted(outcome: Outcome) -> bool {
    matches!(
        outcome.kind(),
        OutcomeKind::Success | OutcomeKind::Pending | OutcomeKind::Permanent
    )
}
