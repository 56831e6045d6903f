//! The phases of a scope: when a hold ends, and whether a probe opens the scope.

use core::time::Duration;

use super::costs::UNKNOWN;
use super::hold::{Cause, Hold};
use super::ledger::Tally;
use super::permit::Ticket;
use super::queue::Preference;
use super::waiters::WaitLimits;
use super::{Pacer, rate};
use crate::instant::Instant;

/// The phase of the scope. It usually goes from running to held, probing and running. A throttled probe
/// leads back to held.
// A tag of its own is compared in one instruction, in each attempt several times.
#[repr(u8)]
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Sends as quota and concurrency permit.
    Running,
    /// Waits until the hold is over.
    Held(Hold),
    /// Sends one attempt, and waits to see whether the hold is really over. `sent` is the number and time
    /// of the probe in flight.
    Probing {
        hold: Hold,
        sent: Option<(u64, Instant)>,
        /// The number of the latest attempt before the probes.
        before: u64,
    },
}

impl Pacer {
    pub(super) fn is_probing(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. })
    }

    /// Returns whether the hold is contested and no answer is outstanding. Then a call probes that was not throttled.
    pub(super) fn is_contested(&self) -> bool {
        matches!(self.phase, Phase::Held(hold) if hold.is_contested()) && self.in_flight == 0
    }

    /// Returns the next call to be offered a permit.
    pub(super) fn next(&self) -> Option<Ticket> {
        if self.is_contested() {
            return self.waiters.next_of(|ticket| !self.repeats.has(ticket.age));
        }
        self.waiters.next(self.preference())
    }

    /// Returns which calls are preferred for the next attempt. While the scope probes, the throttled call goes last.
    pub(super) fn preference(&self) -> Preference {
        match self.phase {
            Phase::Probing { hold, .. } => Preference {
                after: self.throttled_probe,
                is_doubtful: hold.is_doubtful(),
            },
            Phase::Running | Phase::Held(_) => Preference::default(),
        }
    }

    /// Advances the state to `now`, or to the latest time if that is later.
    #[inline]
    pub(super) fn advance(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        let now = self.latest;
        if !self.waiters.is_empty() {
            self.waiters.expire(now);
        }
        if !matches!(self.phase, Phase::Running) {
            self.step(now);
        }
        now
    }

    /// Ends a hold or the wait for a probe, if its time has come.
    #[cold]
    fn step(&mut self, now: Instant) {
        match self.phase {
            Phase::Held(hold) if now >= hold.until => {
                self.phase = self.probing(hold);
                self.ceiling.on_held(now);
                // A bucket that names its next token looks like the short rest of a window.
                let rest = hold.until.duration_since(self.sent_at);
                let is_short = hold.rejections == 0 && rest < rate::LONG_REST;
                if is_short {
                    self.windows.distrust();
                }
                self.begin_epoch(now, self.sent);
            }
            Phase::Probing {
                hold,
                sent: Some((number, at)),
                ..
            } if now >= self.silent_at(at) => {
                if self.is_promising() {
                    self.windows.assume(at, number);
                    self.open(number, at);
                    self.recount(now);
                } else {
                    self.phase = self.probing(hold);
                }
            }
            Phase::Running | Phase::Held(_) | Phase::Probing { .. } => {}
        }
    }

    /// Sends one, to see whether `hold` is over.
    pub(super) const fn probing(&self, hold: Hold) -> Phase {
        Phase::Probing {
            hold,
            sent: None,
            before: self.sent,
        }
    }

    /// Attempt `number`, which is sent now, probes a hold before its end.
    #[cold]
    pub(super) fn on_early_probe(&mut self, number: u64, now: Instant) {
        self.early.on_sent(number, now);
        self.begin_epoch(now, self.sent);
    }

    /// Begins an epoch in which answers to attempts up to number `before` are ignored.
    fn begin_epoch(&mut self, now: Instant, before: u64) {
        self.epoch = self.epoch.wrapping_add(1);
        self.throttled = 0;
        let sent = before;
        self.windows.renew(Tally {
            sent,
            ..self.tally(now, &UNKNOWN)
        });
    }

    /// Returns whether a call with these `limits` probes a hold that only one answer asked for.
    pub(crate) fn probes_early(&mut self, now: Instant, limits: WaitLimits) -> bool {
        let (Phase::Held(hold), Some(longest)) = (&self.phase, limits.probes_after()) else {
            return false;
        };
        let now = now.max(self.latest);
        self.early.is_due(hold, now, self.sent, longest)
            && (self.pacing.is_plain() || self.is_permitted(now, 0))
    }

    /// Returns when the pacer stops waiting for a probe that was sent at `at`. By then a rejection would be
    /// back.
    pub(super) fn silent_at(&self, at: Instant) -> Instant {
        match self.rejection_time {
            Some(time) if self.is_promising() => at + (time.get() * 2).max(SHORTEST_SILENCE),
            _ => at + self.long_service(),
        }
    }

    /// Returns whether a probe that is not rejected in time opens the scope. A window of one has no more
    /// to give.
    pub(super) fn is_promising(&self) -> bool {
        self.rejection_time.is_some()
            && match self.windows.is_empty() {
                true => self.rate.is_promising(),
                false => self.windows.is_promising(self.tally(self.latest, &UNKNOWN)),
            }
    }

    /// Handles the acceptance of attempt `number`, which was sent at `sent`.
    pub(super) fn open(&mut self, number: u64, sent: Instant) {
        self.outage.on_opened();
        match self.phase {
            Phase::Probing { hold, before, .. } if number > before => {
                match hold.cause {
                    Cause::Counted | Cause::Throttled => {
                        // If others take the quota first, the lateness of a reset is theirs.
                        if !self.rhythm.on_opened(&hold, sent) {
                            self.lateness.on_opened(&hold, sent);
                        }
                    }
                    Cause::Guessed | Cause::Spent | Cause::Overloaded => {}
                }
                self.rate.on_opened(number, sent);
                self.throttled_probe = None;
                self.phase = Phase::Running;
            }
            // This is not an outage. Too many attempts were sent at once.
            Phase::Held(hold) if hold.cause == Cause::Overloaded => self.phase = Phase::Running,
            // The server did not mean what it said, or only one call.
            Phase::Held(hold) if self.early.is_latest(number) => {
                if hold.is_contested() {
                    self.contest.on_lifted();
                    self.rate.on_lifted();
                }
                self.phase = Phase::Running;
            }
            Phase::Running | Phase::Held(_) | Phase::Probing { .. } => {}
        }
    }
}

/// A rejection over loopback takes longer under load.
const SHORTEST_SILENCE: Duration = Duration::from_millis(5);
