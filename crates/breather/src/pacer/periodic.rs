//! A number of attempts in any period.

use core::time::Duration;

use super::rate::{LONG_REST, LONGEST, Limit, Rest, is_usual};
use super::spaced::Spaced;
use crate::instant::nanos;

/// A limit of so many attempts in any period, as of a window.
#[derive(Debug)]
pub(super) struct Periodic {
    number: u64,
    /// The length of the period, in nanoseconds.
    length: u64,
    /// The longest time into a period after which the server still throttled, in nanoseconds.
    shortest: u64,
    /// The number and length before a search found a higher limit, until the higher one is confirmed.
    lower: Option<(u64, u64)>,
    /// Whether the server throttled an attempt beyond the limit.
    is_confirmed: bool,
    /// Each forgiven contradiction adds [`DOUBT`]. Each full period subtracts one.
    doubts: u32,
    /// Whether this limit was measured anew after a contradiction.
    is_retried: bool,
    /// Whether its length is that of a rest whose end the server did not state, after several attempts. If the server
    /// locks callers out for a time, its period is shorter.
    is_doubtful: bool,
    /// The number of full periods before more attempts than the limit are sent.
    wait: u32,
    /// How many attempts beyond the limit a search begins with. It doubles with each search that finds more.
    step: u64,
    /// How many full periods the search waits after the latest attempt in vain.
    interval: u32,
}

impl Periodic {
    /// Creates the limit that `rest` suggests.
    pub(super) fn new(rest: &Rest) -> Self {
        let period = rest.period(rest.throttled_until);
        Self {
            is_doubtful: !rest.is_stated && rest.gave > 1,
            ..Self::of(rest.gave, period, rest.throttled_until)
        }
    }

    /// Creates a limit after a rest that is short in proportion to the time before it. The server may be a
    /// bucket that was full.
    pub(super) fn few(rest: &Rest) -> Self {
        Self::of(rest.gave.min(FEW), rest.length, rest.throttled_until)
    }

    /// Creates the limit that the caller assumes. The first search for a higher one comes after a full period.
    pub(super) fn assumed(number: u64, per: Duration) -> Self {
        Self {
            wait: 1,
            ..Self::of(number, nanos(per), 0)
        }
    }

    fn of(number: u64, length: u64, shortest: u64) -> Self {
        Self {
            number: number.max(1),
            length: length.clamp(1, LONGEST),
            shortest,
            lower: None,
            is_confirmed: false,
            doubts: 0,
            is_retried: false,
            is_doubtful: false,
            wait: 0,
            step: 1,
            interval: 1,
        }
    }

    /// Returns the number of attempts in a period.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Returns the length of the period in nanoseconds.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Returns the mean time between two attempts at the limit, in nanoseconds.
    pub(super) const fn mean(&self) -> u64 {
        self.length / self.number
    }

    /// Returns the time into a period, in nanoseconds, after which a probe tells whether it is shorter than
    /// expected.
    pub(super) fn probed_after(&self) -> u64 {
        if !self.is_confirmed {
            return self.length / 2;
        }
        let unsure = self.length.saturating_sub(self.shortest);
        match unsure > self.length / EXACT && !is_usual(self.length) {
            true => self.shortest + unsure / 2,
            false => self.length,
        }
    }

    /// Returns whether a server that throttles an attempt after so many others is likely to have another limit.
    pub(super) const fn is_contradicted_by(&self, count: u64) -> bool {
        !self.is_confirmed && count < self.number / 4
    }

    /// Returns whether the server has confirmed it.
    pub(super) const fn is_sure(&self) -> bool {
        self.is_confirmed
    }

    /// Returns how many attempts may be sent in a period whose first one was sent `time` nanoseconds ago. `accepted`
    /// ones were accepted so far.
    ///
    /// A search for a higher limit begins with a [step](Self::step). Each accepted one beyond the limit permits two more.
    pub(super) fn allowed(&self, accepted: u64, time: u64) -> u64 {
        if time < self.searched_after() {
            return self.number;
        }
        let beyond = accepted.saturating_sub(self.number);
        let allowed = self.number + self.step + 2 * beyond;
        match self.is_doubtful {
            true => allowed.min(2 * self.number),
            false => allowed,
        }
    }

    /// Returns the time into a period, in nanoseconds, after which a search sends more than the limit.
    ///
    /// If the length is in doubt, this is half of it. A window throttles the attempt as it would earlier, and a server
    /// whose period is shorter accepts it.
    pub(super) const fn searched_after(&self) -> u64 {
        match (self.wait > 0, self.is_doubtful) {
            (true, _) => self.length,
            (false, true) => self.length / 2,
            (false, false) => 0,
        }
    }

    /// Adds a period of `sends` attempts without a throttled one.
    pub(super) fn on_period(&mut self, sends: u64) {
        if sends > self.number {
            if self.is_doubtful && sends >= 2 * self.number {
                self.raise(self.number, (self.length / 2).max(1));
            } else {
                self.raise(sends, self.length);
                self.step = (self.step * 2).min(self.number);
            }
            self.interval = 1;
            self.wait = 0;
        } else if sends == self.number {
            self.wait = self.wait.saturating_sub(1);
            self.doubts = self.doubts.saturating_sub(1);
        }
    }

    fn raise(&mut self, number: u64, length: u64) {
        self.lower = Some((self.number, self.length));
        (self.number, self.length) = (number, length);
        self.is_confirmed = false;
    }

    /// Returns the limit after a rest. `sends` attempts were accepted in the `time` since the rest before.
    pub(super) fn after(mut self, rest: &Rest, sends: u64, time: u64) -> Limit {
        // The scope was not at its limit, because the probe at half time was accepted.
        let is_stray = !rest.is_stated
            && !self.is_sure()
            && self.doubts < MOST_DOUBTS
            && rest.took < self.length / 4 * 3
            && !self.is_contradicted_by(rest.of_late);
        if is_stray {
            self.doubts += DOUBT;
            return Limit::Periodic(self);
        }
        if rest.gave == 0 && rest.took < self.length / EARLY {
            // The period began a little too early.
            if !is_usual(self.length) {
                self.length = (self.length + rest.took).min(LONGEST);
            }
            return Limit::Periodic(self);
        }
        if let Some(lower) = self.lower {
            // A window of this length does not rest for longer.
            let is_lock_out = !rest.is_stated && rest.length > self.length;
            if is_lock_out || rest.of_late < self.number {
                self.return_to(lower, is_lock_out);
                return Limit::Periodic(self);
            }
        }
        self.shortest = match self.shortest < rest.since_oldest {
            true => self.shortest.max(rest.throttled_until),
            false => rest.throttled_until,
        };
        if self.number == 1 {
            return Limit::Spaced(Spaced::new(rest, 0));
        }
        if rest.of_late >= self.number {
            self.confirm(rest);
        } else if self.is_confirmed && self.doubts < MOST_DOUBTS {
            self.is_confirmed = false;
            self.doubts += DOUBT;
        } else if rest.length >= nanos(LONG_REST) {
            self.measure(rest, sends, time);
        } else if self.is_as_long(rest) && rest.gave > 1 && !self.is_retried {
            self = Self {
                is_retried: true,
                ..Self::new(rest)
            };
        } else {
            return Limit::Spaced(Spaced::new(rest, self.mean()));
        }
        self.begin_wait();
        Limit::Periodic(self)
    }

    /// Returns to the limit before a search. After a lock-out, the next search comes late, because it may cost another.
    const fn return_to(&mut self, (number, length): (u64, u64), is_lock_out: bool) {
        (self.number, self.length) = (number, length);
        self.lower = None;
        self.is_confirmed = true;
        if is_lock_out {
            self.interval = LONGEST_INTERVAL;
            // If it was a window instead, the number is too low, and not the length too high.
            self.is_doubtful = false;
        }
        self.begin_wait();
    }

    /// Begins to wait for the next search.
    const fn begin_wait(&mut self) {
        self.wait = if self.is_confirmed { self.interval } else { 0 };
        self.step = 1;
    }

    /// Returns whether the period was of the same usual length as expected.
    fn is_as_long(&self, rest: &Rest) -> bool {
        is_usual(self.length) && rest.period(self.shortest) == self.length
    }

    /// Adds an attempt that was throttled because it was sent beyond the limit.
    fn confirm(&mut self, rest: &Rest) {
        self.interval = (self.interval * 2).min(LONGEST_INTERVAL);
        self.lower = None;
        self.is_confirmed = true;
        self.is_retried = false;
        if rest.of_late > self.number {
            self.raise(rest.of_late, self.length);
        }
        let length = rest.usual(self.shortest, rest.since_oldest);
        if length < self.length {
            self.length = length;
            self.number = rest.of_late.max(1);
        }
    }

    /// Takes the higher of two rates: that of the latest period, and that since the rest before.
    fn measure(&mut self, rest: &Rest, sends: u64, time: u64) {
        let (time, period) = (time.max(self.length), rest.period(self.shortest));
        let is_higher =
            u128::from(rest.gave) * u128::from(time) >= u128::from(sends) * u128::from(period);
        if is_higher {
            (self.number, self.length) = (rest.gave.max(1), period);
        } else {
            self.number = scaled(self.length, sends, time).max(1);
            self.length = scaled(time, self.number, sends.max(1)).clamp(1, LONGEST);
        }
    }
}

/// Returns `value * numerator / denominator`.
fn scaled(value: u64, numerator: u64, denominator: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(numerator) / u128::from(denominator.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// A bucket that was full looks like a window at first. If this number were higher, more attempts would be
/// sent in vain before its second rest shows that it is a bucket.
pub(super) const FEW: u64 = 8;

/// The most full periods between two attempts to exceed the limit.
const LONGEST_INTERVAL: u32 = 64;

/// A period that began too early by less than this part of it was measured well.
const EARLY: u64 = 8;

/// The length of a period is measured to one part in so many.
const EXACT: u64 = 32;

/// A contradiction is forgotten after so many full periods.
const DOUBT: u32 = 4;

/// With so many doubts, the limit is given up.
const MOST_DOUBTS: u32 = 2 * DOUBT;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// A rest of ten seconds after so many attempts at once.
    fn rest(gave: u64) -> Rest {
        Rest {
            gave,
            of_late: gave,
            took: 10_000 * MS,
            since_oldest: 10_000 * MS,
            length: 10_000 * MS,
            throttled_until: 9_500 * MS,
            is_stated: false,
        }
    }

    #[test]
    fn search_after_several_attempts_waits_for_half_of_the_period() {
        let limit = Periodic::new(&rest(5));
        assert_eq!(limit.allowed(5, 4_999 * MS), 5);
        assert_eq!(limit.allowed(5, 5_000 * MS), 6);
        assert_eq!(limit.allowed(9, 5_000 * MS), 10);
    }

    /// One rejection after one attempt may be the call's own.
    #[test]
    fn search_after_a_single_attempt_begins_at_once() {
        assert_eq!(Periodic::new(&rest(1)).allowed(1, 0), 2);
    }
}
