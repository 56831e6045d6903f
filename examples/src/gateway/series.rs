//! What happened in each of the last seconds.

use std::{collections::VecDeque, iter};

use breather::driver::Instant;
use serde::Serialize;

/// What happened in each of the last seconds, so many of them that memory is bounded.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Up to the second that `newest` is, without gaps.
    bins: VecDeque<Bin>,
    newest: u64,
}

/// What happened in a second.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Bin {
    /// Attempts sent.
    pub sends: u32,
    /// Attempts throttled.
    pub rejections: u32,
    /// Attempts that failed in a way that may pass.
    pub failures: u32,
}

/// The last seconds, as many at any time, each with what happened in it; the one that goes on comes last.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Columns {
    sends: Vec<u32>,
    rejections: Vec<u32>,
    failures: Vec<u32>,
}

impl Series {
    /// The second of `at`, to be counted in; none if it is too long ago.
    pub fn at(&mut self, at: Instant) -> Option<&mut Bin> {
        let second = second(at);
        if self.bins.is_empty() || second >= self.newest.saturating_add(SECONDS as u64) {
            self.bins.clear();
            self.bins.push_back(Bin::default());
            self.newest = second;
        }
        while self.newest < second {
            self.newest += 1;
            self.bins.push_back(Bin::default());
        }
        while self.bins.len() > SECONDS {
            self.bins.pop_front();
        }
        let back = usize::try_from(self.newest - second).ok()?;
        let index = self.bins.len().checked_sub(1 + back)?;
        self.bins.get_mut(index)
    }

    /// The last seconds up to that of `now`.
    pub fn until(&self, now: Instant) -> Columns {
        let quiet = usize::try_from(second(now).saturating_sub(self.newest)).unwrap_or(SECONDS);
        let quiet = quiet.min(SECONDS);
        let known = self.bins.len().min(SECONDS - quiet);
        let none = Bin::default();
        let before = iter::repeat_n(none, SECONDS - quiet - known);
        let known = self.bins.iter().copied().skip(self.bins.len() - known);
        let mut columns = Columns::default();
        for bin in before.chain(known).chain(iter::repeat_n(none, quiet)) {
            columns.sends.push(bin.sends);
            columns.rejections.push(bin.rejections);
            columns.failures.push(bin.failures);
        }
        columns
    }
}

fn second(at: Instant) -> u64 {
    at.as_nanos() / 1_000_000_000
}

/// Two windows of a minute, and the one that goes on.
pub const SECONDS: usize = 180;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ORIGIN + Duration::from_secs(seconds)
    }

    fn sends(series: &Series, now: u64) -> Vec<u32> {
        series.until(at(now)).sends
    }

    #[test]
    fn memory_is_bounded_however_long_it_goes_on() {
        let mut series = Series::default();
        assert_eq!(sends(&series, 5), [0; SECONDS]);
        for second in [10, 10, 11, 500, 499, 100_000, 3, 99_999] {
            if let Some(bin) = series.at(at(second)) {
                bin.sends += 1;
            }
            assert!(series.bins.len() <= SECONDS);
        }
        // The second before the first that is known is not counted any more.
        assert_eq!(sends(&series, 100_000).iter().sum::<u32>(), 1);
    }

    #[test]
    fn seconds_pass_without_sends_too() {
        let mut series = Series::default();
        series.at(at(1_000)).unwrap().sends = 7;
        series.at(at(1_002)).unwrap().sends = 9;
        series.at(at(1_001)).unwrap().sends = 8;
        assert_eq!(sends(&series, 1_002)[SECONDS - 4..], [0, 7, 8, 9]);
        assert_eq!(sends(&series, 1_004)[SECONDS - 6..], [0, 7, 8, 9, 0, 0]);
        assert_eq!(sends(&series, 1_002 + SECONDS as u64 - 1)[..2], [9, 0]);
        assert_eq!(sends(&series, 9_999), [0; SECONDS]);
        assert_eq!(sends(&series, 0).len(), SECONDS);
    }
}
