//! Counts of recent events, by second.

use std::{collections::VecDeque, iter};

use breather::driver::Instant;
use serde::Serialize;

/// Counts events in each of the last [`SECONDS`] seconds, in bounded memory.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// One bin for each second without gaps. The last bin is the second `newest`.
    bins: VecDeque<Bin>,
    newest: u64,
}

/// The events of one second.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Bin {
    /// Attempts sent.
    pub sends: u32,
    /// Attempts throttled.
    pub rejections: u32,
    /// Attempts that failed with a transient error.
    pub failures: u32,
}

/// The counts of the last [`SECONDS`] seconds, with the current second last.
///
/// Each column always has this length.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Columns {
    sends: Vec<u32>,
    rejections: Vec<u32>,
    failures: Vec<u32>,
}

impl Series {
    /// Returns the bin of the second of `at`, or `None` if that second is too old.
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

    /// Returns the counts up to the second of `now`.
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

/// Covers two windows of a minute and the current one.
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
    fn memory_is_bounded() {
        let mut series = Series::default();
        assert_eq!(sends(&series, 5), [0; SECONDS]);
        for second in [10, 10, 11, 500, 499, 100_000, 3, 99_999] {
            if let Some(bin) = series.at(at(second)) {
                bin.sends += 1;
            }
            assert!(series.bins.len() <= SECONDS);
        }
        // The series starts again at 100,000, so 99,999 is too old to count.
        assert_eq!(sends(&series, 100_000).iter().sum::<u32>(), 1);
    }

    #[test]
    fn seconds_without_sends_count_zero() {
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
