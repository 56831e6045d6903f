use std::time::Duration;

use breather::driver::Instant;
use breather_sim::{Fate, Run};

/// The fates of requests over time, counted in bins of equal width.
///
/// # Example
///
/// ```
/// use breather_storm::{Bin, Bins, Chart, Track};
/// use std::time::Duration;
///
/// let mut bin = Bin::default();
/// bin.accepted = 2;
/// bin.failed = 1;
/// assert_eq!(bin.sends(), 3);
/// let second = Duration::from_secs(1);
/// let track = Track::new("mine", Bins::new(second, vec![bin; 2]), second * 2);
/// let chart = Chart::new("6 calls.", second).with_track(track);
/// assert!(chart.description().contains("at most 3"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bins {
    start: Duration,
    width: Duration,
    bins: Vec<Bin>,
}

/// The requests that arrived in one bin.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Bin {
    /// Accepted requests.
    pub accepted: u64,
    /// Requests that were throttled because a quota was spent.
    pub throttled_by_quota: u64,
    /// Requests that were throttled because too many were in flight.
    pub throttled_by_cap: u64,
    /// Requests that the server failed, or that never reached it.
    pub failed: u64,
}

impl Bins {
    /// Creates bins of this width, from the start of the load on.
    ///
    /// A width of zero counts as a nanosecond.
    #[must_use]
    pub fn new(width: Duration, bins: Vec<Bin>) -> Self {
        Self {
            start: Duration::ZERO,
            width: width.max(Duration::from_nanos(1)),
            bins,
        }
    }

    /// Sets a later start of the first bin.
    #[must_use]
    pub const fn with_start(mut self, start: Duration) -> Self {
        self.start = start;
        self
    }

    /// Counts the requests of a run in bins of 100 ms.
    ///
    /// The width is doubled until there are 1200 bins or fewer.
    #[must_use]
    pub fn of_run(run: &Run) -> Self {
        let since_start = |at: &Instant| at.duration_since(Instant::ORIGIN);
        let last = run.send_times().last().map_or(Duration::ZERO, since_start);
        let mut width = FINEST;
        while last.as_nanos() / width.as_nanos() >= MOST_BINS {
            width *= 2;
        }
        let index = |at: &Instant| (since_start(at).as_nanos() / width.as_nanos()) as usize;
        let count = run.send_times().last().map_or(0, |last| index(last) + 1);
        let mut bins = vec![Bin::default(); count];
        for (at, fate) in run.send_times().iter().zip(run.fates()) {
            let bin = &mut bins[index(at)];
            match fate {
                Fate::Accepted => bin.accepted += 1,
                Fate::ThrottledQuota => bin.throttled_by_quota += 1,
                Fate::ThrottledCap => bin.throttled_by_cap += 1,
                // `Fate` may get more variants. All of them count as failures.
                _ => bin.failed += 1,
            }
        }
        Self::new(width, bins)
    }

    /// Returns when the first bin begins.
    pub(crate) const fn start(&self) -> Duration {
        self.start
    }

    pub(crate) const fn width(&self) -> Duration {
        self.width
    }

    pub(crate) fn each(&self) -> &[Bin] {
        &self.bins
    }

    /// Returns the most sends of a bin.
    pub(crate) fn most_sends(&self) -> u64 {
        self.bins.iter().map(Bin::sends).max().unwrap_or(0)
    }

    /// Merges bins into wider ones. The new width must be a multiple of the old one.
    pub(crate) fn widened(&self, width: Duration) -> Self {
        let count = u32::try_from(width.as_nanos() / self.width.as_nanos());
        let count = count.unwrap_or(u32::MAX).max(1);
        Self {
            start: self.start,
            width: self.width.saturating_mul(count),
            bins: self.bins.chunks(count as usize).map(Bin::sum).collect(),
        }
    }
}

impl Bin {
    /// Returns the number of requests in the bin.
    #[must_use]
    pub const fn sends(&self) -> u64 {
        self.accepted + self.throttled_by_quota + self.throttled_by_cap + self.failed
    }

    /// Returns the sum of several bins.
    #[must_use]
    pub fn sum(bins: &[Self]) -> Self {
        Self {
            accepted: bins.iter().map(|bin| bin.accepted).sum(),
            throttled_by_quota: bins.iter().map(|bin| bin.throttled_by_quota).sum(),
            throttled_by_cap: bins.iter().map(|bin| bin.throttled_by_cap).sum(),
            failed: bins.iter().map(|bin| bin.failed).sum(),
        }
    }
}

/// Finer than a window and most service times, but wide enough to show a burst as one.
const FINEST: Duration = Duration::from_millis(100);

/// Two minutes of the finest bins, which is more than a chart has room for.
const MOST_BINS: u128 = 1200;

#[cfg(test)]
mod tests {
    use super::*;
    use breather_sim::{Client, Load, Outage, Server, run_client};

    #[test]
    fn every_send_is_in_a_bin() {
        let run = run_client(&Server::default(), &Load::spike(1_000), &Client::Loop, 1);
        let bins = Bins::of_run(&run);
        // The run takes more than two minutes.
        assert!(bins.width() >= FINEST * 2);
        assert!(bins.each().len() <= 1200);
        let sum = Bin::sum(bins.each());
        assert_eq!(sum.sends(), run.sends() as u64);
        assert_eq!(sum.accepted, 1_000);
        assert_eq!(sum.throttled_by_cap, run.throttled_cap() as u64);
        let last = run
            .send_times()
            .last()
            .unwrap()
            .duration_since(Instant::ORIGIN);
        assert!(last < bins.width() * bins.each().len() as u32);
    }

    #[test]
    fn failed_requests_in_an_outage_are_not_accepted() {
        let second = Duration::from_secs(1);
        let server = Server::default().with_outage(Duration::ZERO, second, Outage::Lost);
        let run = run_client(&server, &Load::spike(10), &Client::LoopCapped, 1);
        let sum = Bin::sum(Bins::of_run(&run).each());
        assert_eq!((sum.failed, sum.accepted), (10, 10));
        assert_eq!(sum.sends(), run.sends() as u64);
    }

    #[test]
    fn last_of_wider_bins_may_have_less() {
        let bin = Bin {
            accepted: 1,
            ..Bin::default()
        };
        let bins = Bins::new(FINEST, vec![bin; 5]);
        let wide = bins.widened(FINEST * 3);
        assert_eq!(wide.width(), FINEST * 3);
        let accepted: Vec<_> = wide.each().iter().map(|bin| bin.accepted).collect();
        assert_eq!(accepted, [3, 2]);
    }

    #[test]
    fn empty_run_has_no_bins() {
        assert!(Bins::of_run(&Run::default()).each().is_empty());
    }
}
