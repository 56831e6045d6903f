//! Until when a scope sends nothing.

use core::time::Duration;

use super::ledger::BLUR;
use super::snapshot::HoldReason;
use crate::instant::Instant;

/// An instant before which a scope sends nothing, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    /// The instant, by what is known now.
    pub(super) until: Instant,
    pub(super) cause: Cause,
    /// What the server stated; for a guess, when it throttled.
    pub(super) from: Instant,
    /// How many probes were throttled since.
    pub(super) rejections: u32,
    /// When it is expected to be over; an earlier probe is one on suspicion.
    due: Instant,
    /// Whether it may be made longer, for more to come of it, when it is due.
    pub(super) is_elastic: bool,
    /// When it began.
    since: Instant,
    /// How many answers state its end.
    answers: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cause {
    /// By our own count nothing remains in the window, and the server stated when it resets.
    Counted,
    /// By our own count nothing remains, and nobody said until when; the instant is an estimate.
    Spent,
    /// The server throttled, and said until when.
    Throttled,
    /// The server throttled, and said nothing; the instant is an estimate.
    Guessed,
    /// The server had too much to do, many times in a row; the instant is an estimate.
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
            is_elastic: false,
            since: now,
            answers: 1,
        }
    }

    /// When it began.
    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    /// How many answers state its end.
    pub(super) const fn answers(&self) -> u32 {
        self.answers
    }

    /// The hold rests on at least so many answers.
    pub(super) fn stated_by(mut self, answers: u32) -> Self {
        self.answers = self.answers.max(answers);
        self
    }

    /// Another answer, received at `now`, puts the end of the hold at `at`. If that is about as long, the two confirm
    /// each other.
    pub(super) fn confirmed_by(self, now: Instant, at: Instant, before: &Self) -> Self {
        let (ours, theirs) = (at.duration_since(now), before.from.duration_since(now));
        let is_as_long = ours.max(theirs) - ours.max(theirs) / 8 <= ours.min(theirs) + BLUR;
        match is_as_long {
            true => self.stated_by(before.answers.saturating_add(1)),
            false => self,
        }
    }

    pub(super) const fn elastic(mut self, is_elastic: bool) -> Self {
        self.is_elastic = is_elastic;
        self
    }

    pub(super) const fn due(mut self, due: Instant) -> Self {
        self.due = due;
        self
    }

    /// A probe was throttled at `now`, and the server stated that instant anew: it is later than it said,
    /// or than we guessed.
    ///
    /// The first time, the new instant is taken for the old one, rounded up anew; a server that goes on
    /// so is taken at its word.
    pub(super) fn on_probe_throttled(mut self, now: Instant, stated: Option<Instant>) -> Self {
        let wait = match self.cause {
            Cause::Counted | Cause::Throttled => {
                let overdue = now.duration_since(self.due);
                (overdue / 2).clamp(SHORTEST_PROBE, LONGEST_PROBE)
            }
            Cause::Spent | Cause::Guessed | Cause::Overloaded => {
                let overdue = now.duration_since(self.from);
                (overdue / 10).clamp(SHORTEST_GUESS, LONGEST_GUESS)
            }
        };
        self.rejections += 1;
        self.until = (now + wait).max(self.due);
        if self.rejections > TAKEN_FOR_BLUR {
            self.until = stated.unwrap_or(now).max(self.until);
        }
        self
    }

    /// Another answer of the same window puts the end of the hold at `at`.
    pub(super) fn moved_to(mut self, at: Instant, guard: Duration) -> Self {
        self.from = at;
        self.until = at + guard;
        self.due = self.until;
        self
    }

    /// The instant, if the server stated it: neither a guess nor what we add of our own.
    pub(super) fn stated(&self) -> Option<Instant> {
        let is_stated = matches!(self.cause, Cause::Counted | Cause::Throttled);
        (is_stated && self.rejections == 0).then_some(self.from)
    }
}

/// How late after its hint a server really opens.
#[derive(Debug)]
pub(super) struct Lateness {
    /// Learned from resets that came true later than stated.
    learned: Duration,
    /// What the two holds before made of it. The least of three is taken, as it is luck how late one is where others
    /// are first at what comes back.
    before: [Duration; 2],
}

impl Lateness {
    pub(super) const fn new() -> Self {
        Self {
            learned: Duration::ZERO,
            before: [LONGEST_GUARD; 2],
        }
    }

    /// What to add to an instant that the server stated.
    pub(super) const fn guard(&self) -> Duration {
        self.learned
    }

    /// A probe that was sent at `sent` ended `hold`, whose end the server had stated: it was accepted.
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

/// How many throttled probes in a row a blurred reset explains.
const TAKEN_FOR_BLUR: u32 = 2;

/// A server that is more than this late does not round, it is wrong; each reset then costs a probe.
pub(super) const LONGEST_GUARD: Duration = Duration::from_secs(5);

const SHORTEST_PROBE: Duration = Duration::from_millis(100);

/// The server states a new instant with each rejection; what is longer than this is for it to say.
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

    /// The guard after holds whose probes were accepted so late, in tenths of a second; the first one, if it is 0.
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
            hold = hold.on_probe_throttled(probed, None);
            let apart = hold.until.duration_since(probed);
            assert!(
                (SHORTEST_GUESS..=LONGEST_GUESS).contains(&apart),
                "{apart:?}"
            );
        }
        // The outage has lasted for days by now.
        assert!(hold.until > Instant::ORIGIN + 3 * 24 * 3_600 * S);
    }

    #[test]
    fn a_server_is_not_thought_to_be_later_than_the_longest() {
        assert_eq!(guard(&[600, 600, 600]), LONGEST_GUARD);
    }
}
