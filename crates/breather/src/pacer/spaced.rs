//! Attempts at even intervals.

use super::rate::{LONGEST, Rest};

/// A limit of one attempt per interval, as of a bucket that is empty.
///
/// A bucket is empty whenever it throttles an attempt. So the attempts between two throttled ones tell
/// at which rate it refills, however uneven their costs are.
#[derive(Debug)]
pub(super) struct Spaced {
    /// The number of attempts in the intervals by which the rate is measured.
    sends: u64,
    /// The length of those intervals, in nanoseconds.
    time: u64,
    /// The interval between attempts, in nanoseconds.
    interval: u64,
    /// Each attempt makes the interval shorter by one part in so many.
    patience: u64,
    /// How many attempts were accepted since the patience last rose.
    since: u64,
    /// The longest rest, in nanoseconds.
    longest: u64,
}

impl Spaced {
    /// Creates a limit from the attempts of the period before `rest`. The former limit had an interval of `before`
    /// nanoseconds, and the new one is taken for no shorter.
    ///
    /// After a rest, a sliding counter accepts several attempts at once, and in the whole window no more than before.
    pub(super) fn new(rest: &Rest, before: u64) -> Self {
        let sends = rest.gave.max(1);
        let mut spaced = Self {
            sends,
            time: rest.took.max(sends.saturating_mul(before)),
            interval: 0,
            patience: SHORTEST_PATIENCE,
            since: 0,
            longest: rest.length,
        };
        spaced.interval = spaced.bounded_mean();
        spaced
    }

    /// Returns the interval in nanoseconds.
    pub(super) const fn interval(&self) -> u64 {
        self.interval
    }

    /// Returns the measured interval.
    fn mean(&self) -> u64 {
        (self.time / self.sends.max(1)).clamp(1, LONGEST)
    }

    /// Returns the measured interval, or twice the longest rest if that is shorter, because the server accepts one after a
    /// rest. Twice allows for others who use the bucket, too. A rest of no length is ignored.
    pub(super) fn bounded_mean(&self) -> u64 {
        match self.longest.saturating_mul(2) {
            0 => self.mean(),
            longest => self.mean().min(longest),
        }
    }

    /// Adds an attempt. Until one is throttled, the next ones follow at ever shorter intervals.
    pub(super) fn on_sent(&mut self) {
        self.interval = (self.interval - self.interval / self.patience).max(1);
        self.patience = (self.patience - self.patience / FORGETS).max(SHORTEST_PATIENCE);
    }

    /// Adds a rest of this `length`. `sends` attempts were accepted in the `time` since the rest before.
    ///
    /// All times are in nanoseconds.
    pub(super) fn on_rest(&mut self, sends: u64, time: u64, length: u64) {
        self.sends += sends;
        self.time += time;
        if self.sends > ENOUGH {
            self.sends /= 2;
            self.time /= 2;
        }
        self.longest = self.longest.max(length);
        self.interval = self.bounded_mean();
        self.since += sends;
        if self.since >= APART {
            self.since = 0;
            self.patience = (self.patience * 2).min(MOST_PATIENT);
        }
    }
}

/// Each attempt lowers the patience by one part in so many, so that the interval shrinks faster and faster.
const FORGETS: u64 = 128;

/// If each attempt is 6 % faster than the one before, the rate triples in 18 attempts. A server that rounds its
/// delays up to whole seconds may seem as slow as that.
const SHORTEST_PATIENCE: u64 = 16;

/// At this patience, 100 attempts speed up by a percent.
const MOST_PATIENT: u64 = 8_192;

/// The attempts that have to be accepted before another rest slows the search down. Rests that follow each other at once
/// show the same excess.
const APART: u64 = 4;

/// With costs whose 99th percentile is 15 times the median, the mean of so many is off by a quarter.
const ENOUGH: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// A rest of `length` after two attempts in 400 ms.
    fn rest(length: u64) -> Rest {
        Rest {
            gave: 2,
            of_late: 2,
            took: 400 * MS,
            since_oldest: 400 * MS,
            length,
            throttled_until: 0,
            is_stated: true,
        }
    }

    #[test]
    fn interval_is_bounded_by_two_rests_unless_they_have_no_length() {
        assert_eq!(Spaced::new(&rest(500 * MS), 0).interval(), 200 * MS);
        assert_eq!(Spaced::new(&rest(30 * MS), 0).interval(), 60 * MS);
        assert_eq!(Spaced::new(&rest(0), 0).interval(), 200 * MS);
        assert_eq!(Spaced::new(&rest(500 * MS), 300 * MS).interval(), 300 * MS);
    }

    #[test]
    fn patience_grows_after_a_few_attempts_however_short_the_spans() {
        let mut spaced = Spaced::new(&rest(200 * MS), 0);
        (0..2).for_each(|_| spaced.on_rest(2, 400 * MS, 200 * MS));
        assert_eq!(spaced.patience, 2 * SHORTEST_PATIENCE);
        (0..APART).for_each(|_| spaced.on_rest(1, 200 * MS, 200 * MS));
        assert_eq!(spaced.patience, 4 * SHORTEST_PATIENCE);
    }
}
