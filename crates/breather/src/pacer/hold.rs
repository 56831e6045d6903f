//! The period in which a scope sends no attempt.

use core::time::Duration;

use super::ledger::BLUR;
use super::rate::LONGEST;
use super::snapshot::HoldReason;
use crate::instant::Instant;

/// An instant before which a scope sends no attempt, and the reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    /// The end of the hold, as known now.
    pub(super) until: Instant,
    pub(super) cause: Cause,
    /// The stated end. If the end is a guess, the time of the throttled response.
    pub(super) from: Instant,
    /// The number of probes that were throttled since.
    pub(super) rejections: u32,
    /// When the hold is expected to be over. An earlier probe tests whether it is shorter.
    due: Instant,
    /// When it began.
    since: Instant,
    /// How many answers state its end.
    answers: u32,
    /// Whether another call is to probe it at once.
    is_contested: bool,
    /// Whether the caller stated a longer time than the pacer would hold the scope.
    is_prolonged: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cause {
    /// A window is spent by our own count, and the server stated its reset.
    Counted,
    /// A window is spent by our own count, without a stated reset. The end is an estimate.
    Spent,
    /// The server throttled an attempt, and stated the end.
    Throttled,
    /// The server throttled an attempt without a stated end. The end is an estimate.
    Guessed,
    /// The server reported overload many times in a row. The end is an estimate.
    Overloaded,
}

impl Cause {
    pub(super) const fn reason(self) -> HoldReason {
        match self {
            Self::Counted | Self::Spent => HoldReason::Spent,
            Self::Throttled => HoldReason::Throttled,
            Self::Guessed => HoldReason::ThrottledSilently,
            Self::Overloaded => HoldReason::Overloaded,
        }
    }
}

impl Hold {
    pub(super) const fn new(now: Instant, cause: Cause, from: Instant, until: Instant) -> Self {
        Self {
            until,
            cause,
            from,
            rejections: 0,
            due: until,
            since: now,
            answers: 1,
            is_contested: false,
            is_prolonged: false,
        }
    }

    /// Returns when the hold began.
    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    /// Returns how many answers state its end.
    pub(super) const fn answers(&self) -> u32 {
        self.answers
    }

    /// Returns whether another call is to probe it at once.
    pub(super) const fn is_contested(&self) -> bool {
        self.is_contested
    }

    /// Returns whether it is longer because the caller stated so.
    pub(super) const fn is_prolonged(&self) -> bool {
        self.is_prolonged
    }

    /// Returns whether the probe at its end is likely to be throttled, because the end is a guess or was wrong before.
    pub(super) fn is_doubtful(&self) -> bool {
        self.rejections > 0 || self.cause == Cause::Guessed
    }

    /// Sets whether another call is to probe it at once.
    pub(super) const fn contested(mut self, is_contested: bool) -> Self {
        self.is_contested = is_contested;
        self
    }

    /// Counts at least so many answers that state its end.
    pub(super) fn stated_by(mut self, answers: u32) -> Self {
        self.answers = self.answers.max(answers);
        self
    }

    /// Adds an answer at `now` that states the end `at`. If that is about as long, the answers confirm each
    /// other.
    pub(super) fn confirmed_by(self, now: Instant, at: Instant, before: &Self) -> Self {
        let (ours, theirs) = (at.duration_since(now), before.from.duration_since(now));
        let is_as_long = ours.max(theirs) - ours.max(theirs) / 8 <= ours.min(theirs) + BLUR;
        match is_as_long {
            true => self.stated_by(before.answers.saturating_add(1)),
            false => self,
        }
    }

    /// Sets the instant at which it is expected to be over, which may be after the first probe.
    pub(super) const fn due(mut self, due: Instant) -> Self {
        self.due = due;
        self
    }

    /// Handles a probe that was throttled at `now`, with a newly stated end.
    ///
    /// At first the pacer takes the new end for the old one, rounded up again. If the server continues so,
    /// the pacer obeys the new end.
    ///
    /// If the server has accepted nothing yet and the call `is_alone`, there is no limit to measure, and each probe costs
    /// the call a rejection. Then guesses are further apart. Otherwise they are at least as far apart as `least`.
    pub(super) fn on_probe_throttled(
        mut self,
        now: Instant,
        stated: Option<Instant>,
        is_alone: bool,
        least: Duration,
    ) -> Self {
        let wait = match self.cause {
            Cause::Counted | Cause::Throttled => {
                let overdue = now.duration_since(self.due);
                (overdue / 2).clamp(SHORTEST_PROBE, LONGEST_PROBE)
            }
            Cause::Guessed if is_alone => {
                let overdue = now.duration_since(self.from);
                (overdue + overdue / 2).clamp(SHORTEST_GUESS, LONGEST_GUESS)
            }
            Cause::Spent | Cause::Guessed | Cause::Overloaded => {
                let overdue = now.duration_since(self.from);
                let part = match self.cause {
                    // Each probe may make a lock-out longer.
                    Cause::Guessed if overdue >= Duration::from_nanos(LONGEST) => 2,
                    _ => 10,
                };
                (overdue / part).clamp(least.clamp(SHORTEST_GUESS, LONGEST_GUESS), LONGEST_GUESS)
            }
        };
        self.rejections += 1;
        self.until = (now + wait).max(self.due);
        if self.rejections > TAKEN_FOR_BLUR {
            self.until = stated.unwrap_or(now).max(self.until);
        }
        self
    }

    /// Ends the hold at `at` at the earliest.
    pub(super) fn at_least(mut self, at: Instant) -> Self {
        self.is_prolonged |= at > self.until;
        self.until = self.until.max(at);
        self.due = self.due.max(at);
        self
    }

    /// Moves the end of the hold to `at`, by another answer of the same window.
    pub(super) fn moved_to(mut self, at: Instant, guard: Duration) -> Self {
        self.from = at;
        self.until = at + guard;
        self.due = self.until;
        self
    }

    /// Returns the end that the server stated, if it did, without our additions.
    pub(super) fn stated(&self) -> Option<Instant> {
        let is_stated = matches!(self.cause, Cause::Counted | Cause::Throttled);
        (is_stated && self.rejections == 0).then_some(self.from)
    }
}

/// The time by which a server opens later than it states.
#[derive(Debug)]
pub(super) struct Lateness {
    /// Learned from resets that came true later than stated.
    learned: Duration,
    /// The lateness after the two holds before. The least of three counts, because the lateness of one is a
    /// matter of luck if others take the quota first.
    before: [Duration; 2],
}

impl Lateness {
    pub(super) const fn new() -> Self {
        Self {
            learned: Duration::ZERO,
            before: [LONGEST_GUARD; 2],
        }
    }

    /// Returns the time to add to a stated instant.
    pub(super) const fn guard(&self) -> Duration {
        self.learned
    }

    /// Handles an accepted probe that was sent at `sent` and ended `hold`, which had a stated end.
    pub(super) fn on_opened(&mut self, hold: &Hold, sent: Instant) {
        let late = if hold.rejections == 0 {
            self.learned - self.learned / 10
        } else {
            sent.duration_since(hold.from).min(LONGEST_GUARD)
        };
        let [older, old] = self.before;
        self.before = [old, late];
        self.learned = late.min(old).min(older);
    }
}

/// The number of throttled probes in a row that rounding explains.
const TAKEN_FOR_BLUR: u32 = 2;

/// A server that is later than this is wrong, and does not only round. Each reset then costs a probe.
pub(super) const LONGEST_GUARD: Duration = Duration::from_secs(5);

const SHORTEST_PROBE: Duration = Duration::from_millis(100);

/// The server states a new end with each rejection. It has to state longer waits itself.
const LONGEST_PROBE: Duration = Duration::from_secs(5);

/// A tenth of the first pause.
const SHORTEST_GUESS: Duration = Duration::from_millis(25);

/// After an outage of hours, the first call is sent at most this late. A server that is down for a day
/// is probed once a minute.
const LONGEST_GUESS: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    /// The guard after holds whose probes were accepted so late, in tenths of a second. An acceptance after 0
    /// is the first probe's.
    fn guard(lates: &[u32]) -> Duration {
        let mut lateness = Lateness::new();
        for &late in lates {
            let mut hold = Hold::new(
                Instant::ORIGIN,
                Cause::Throttled,
                Instant::ORIGIN,
                Instant::ORIGIN,
            );
            hold.rejections = u32::from(late > 0);
            lateness.on_opened(&hold, Instant::ORIGIN + late * S / 10);
        }
        lateness.guard()
    }

    #[test]
    fn a_server_that_says_too_early_is_believed_later() {
        assert_eq!(guard(&[10]), S);
        assert_eq!(guard(&[10, 10, 10, 10]), S);
    }

    #[test]
    fn what_came_true_makes_it_less() {
        assert_eq!(guard(&[10, 0]), S * 9 / 10);
        assert_eq!(guard(&[10, 0, 0]), S * 81 / 100);
    }

    #[test]
    fn bad_luck_alone_does_not_make_it_more() {
        assert_eq!(guard(&[10, 10, 40]), S);
        assert_eq!(guard(&[10, 10, 40, 0, 40]), S * 9 / 10);
        assert_eq!(guard(&[40, 40, 40]), 4 * S);
    }

    #[test]
    fn probes_of_a_silent_outage_are_at_most_a_minute_apart() {
        let mut hold = Hold::new(
            Instant::ORIGIN,
            Cause::Guessed,
            Instant::ORIGIN,
            Instant::ORIGIN + S,
        );
        for _ in 0..5_000 {
            let probed = hold.until;
            hold = hold.on_probe_throttled(probed, None, false, Duration::ZERO);
            let apart = hold.until.duration_since(probed);
            assert!(
                (SHORTEST_GUESS..=LONGEST_GUESS).contains(&apart),
                "{apart:?}"
            );
        }
        // The outage has lasted for days by now.
        assert!(hold.until > Instant::ORIGIN + 3 * 24 * 3_600 * S);
    }

    /// The number of probes in the first minute of an outage, with the first after 250 ms.
    fn probes_in_a_minute(is_alone: bool) -> usize {
        let mut hold = Hold::new(
            Instant::ORIGIN,
            Cause::Guessed,
            Instant::ORIGIN,
            Instant::ORIGIN + S / 4,
        );
        let mut probes = 0;
        while hold.until < Instant::ORIGIN + 60 * S {
            hold = hold.on_probe_throttled(hold.until, None, is_alone, Duration::ZERO);
            probes += 1;
        }
        probes
    }

    #[test]
    fn probes_leave_room_for_a_server_that_counts_them() {
        let hold = Hold::new(
            Instant::ORIGIN,
            Cause::Guessed,
            Instant::ORIGIN,
            Instant::ORIGIN + S,
        );
        let apart = |least| {
            let hold = hold.on_probe_throttled(hold.until, None, false, least);
            hold.until.duration_since(Instant::ORIGIN + S)
        };
        assert_eq!(apart(Duration::ZERO), S / 10);
        assert_eq!(apart(S / 2), S / 2);
        assert_eq!(apart(3_600 * S), LONGEST_GUESS);
    }

    #[test]
    fn a_lone_call_probes_a_silent_outage_a_few_times() {
        assert_eq!(probes_in_a_minute(true), 6);
        assert_eq!(probes_in_a_minute(false), 58);
    }

    #[test]
    fn a_server_is_not_thought_to_be_later_than_the_longest() {
        assert_eq!(guard(&[600, 600, 600]), LONGEST_GUARD);
    }
}
