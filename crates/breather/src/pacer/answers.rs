//! The consequences of an answer for the scope.

use super::Pacer;
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

    pub(super) fn on_throttled(
        &mut self,
        now: Instant,
        permit: &Permit,
        hint: &Hint<'_>,
        verdict: Option<Verdict>,
    ) {
        self.throttled += 1;
        let rejection_time = self.rejection_time.get_or_insert_default();
        rejection_time.on_answer(permit.sent, now);

        let crowded = match verdict {
            Some(verdict) => verdict == Verdict::Left,
            None => !self.rate.is_exceeded(now) && self.concurrency.suspects(permit),
        };
        // The server rejected an early probe because of the hold.
        let is_early = self.early.is_latest(permit.number) || self.probes_overage(now, permit);
        if crowded && !is_early && !self.was_alone(permit) {
            self.concurrency
                .on_throttled(permit, self.in_flight, self.sent);
            if !self.is_probing() {
                self.rate.on_throttled(permit.number);
            }
            self.open(permit.number, permit.sent);
            return;
        }
        if self.is_probing() {
            // A call that costs more than is left is the next to be sent.
            let probes_again = verdict == Some(Verdict::TooLittle);
            self.throttled_probe = (!probes_again).then_some(permit.ticket);
            self.streak.on_probe_rejected();
            self.rate.on_probe_throttled(permit.sent);
        } else if !is_early {
            self.rate.on_throttled(permit.number);
            self.rate.on_rest(now, hint.not_before());
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
                hold.on_probe_throttled(now, stated.map(|at| at + apart))
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
        self.phase = Phase::Held(hold);
        self.concurrency.on_slack(now);
    }

    /// Returns whether the attempt was sent to an empty window, to see whether the server bills it.
    pub(super) fn probes_overage(&self, now: Instant, permit: &Permit) -> bool {
        match self.phase {
            Phase::Probing { hold, before, .. } => permit.number > before && hold.from > now,
            Phase::Running | Phase::Held(_) => false,
        }
    }

    /// Returns whether the attempt was alone in flight. Then it did not exceed the cap.
    const fn was_alone(&self, permit: &Permit) -> bool {
        permit.level == 1 && permit.number == self.sent
    }

    pub(super) fn on_accepted(&mut self, now: Instant, permit: &Permit) {
        self.windows.on_accepted();
        self.service_time.on_answer(permit.sent, now);
        self.concurrency
            .on_accepted(permit, self.windows.is_empty());
        self.streak.on_accepted(now);
        self.outage.on_accepted(now);
        if !matches!(self.phase, Phase::Running) {
            self.on_accepted_in_hold(now, permit);
        }
        self.rate.on_accepted(permit.number);
    }

    #[cold]
    fn on_accepted_in_hold(&mut self, now: Instant, permit: &Permit) {
        if self.early.is_latest(permit.number) || self.probes_overage(now, permit) {
            self.windows.on_contradicted(permit.number);
        }
        self.open(permit.number, permit.sent);
    }

    /// Handles an overload without a stated end. Returns the outcome that it is for the call.
    ///
    /// If the server accepts others meanwhile, an overload is a limit like any other that the server does not
    /// state. If it accepts none, the scope probes for the time of a restart, so that queued calls keep their
    /// retries. After that, the calls fail.
    pub(super) fn on_overloaded(
        &mut self,
        now: Instant,
        permit: &Permit,
        outcome: Outcome,
        hint: &Hint<'_>,
    ) -> Outcome {
        let may_exceed_cap = self.concurrency.cap().is_some() && !self.was_alone(permit);
        let overload = self.outage.on_overloaded(now, may_exceed_cap);
        if overload == Overload::Limit {
            self.on_throttled(now, permit, hint, None);
            return outcome.shed();
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
        match overload {
            Overload::Shed => outcome.shed(),
            _ => outcome,
        }
    }

    /// Probes until the server has restarted.
    fn on_restart(&mut self, now: Instant, permit: &Permit) {
        let hold = match self.phase {
            Phase::Running => Outage::hold(now),
            Phase::Held(hold) => hold,
            Phase::Probing { hold, .. } => {
                self.throttled_probe = Some(permit.ticket);
                hold.on_probe_throttled(now, None)
            }
        };
        self.phase = Phase::Held(hold);
        self.concurrency.on_slack(now);
    }

    /// Handles an attempt whose outcome is unknown. If it was the probe, the next call probes.
    pub(super) fn on_lost(&mut self, permit: &Permit) {
        self.rate.on_lost(permit.number);
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
