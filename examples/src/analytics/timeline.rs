use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use breather_storm::Bin;

/// Counts accepted and throttled requests, by arrival time.
///
/// You pass the time of each request. The first request starts the timeline and its first bin. All
/// bins are equally wide. The width is 100 ms at first. The timeline doubles it as often as needed
/// to keep 1200 bins or fewer, so memory is bounded.
///
/// # Example
///
/// ```
/// use breather_examples::analytics::Timeline;
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let mut timeline = Timeline::default();
/// timeline.on_accepted(start);
/// timeline.on_throttled_by_cap(start);
/// timeline.on_throttled_by_quota(start + Duration::from_millis(250));
/// assert_eq!(timeline.start(), Some(start));
/// assert_eq!(timeline.bin_width(), Duration::from_millis(100));
///
/// let sends: Vec<_> = timeline.bins().iter().map(|bin| bin.sends()).collect();
/// assert_eq!(sends, [2, 0, 1]);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Timeline {
    start: Option<Instant>,
    bin_width: Duration,
    /// At most `MOST_BINS`, and the last one is not empty.
    bins: Vec<Bin>,
}

impl Timeline {
    /// Counts a request that arrived now and was accepted.
    ///
    /// A time before the first request counts as the time of the first request.
    pub fn on_accepted(&mut self, now: Instant) {
        self.bin(now).accepted += 1;
    }

    /// Counts a request that arrived now and was throttled because the quota was spent.
    pub fn on_throttled_by_quota(&mut self, now: Instant) {
        self.bin(now).throttled_by_quota += 1;
    }

    /// Counts a request that arrived now and was throttled because the cap was reached.
    pub fn on_throttled_by_cap(&mut self, now: Instant) {
        self.bin(now).throttled_by_cap += 1;
    }

    /// Returns the time of the first request, or `None` before it.
    #[must_use]
    pub fn start(&self) -> Option<Instant> {
        self.start
    }

    /// Returns the width of each bin, which is 100 ms until bins are merged or grouped.
    #[must_use]
    pub fn bin_width(&self) -> Duration {
        self.bin_width
    }

    /// Returns the bins from the first request to the latest, without gaps.
    #[must_use]
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// Merges each group of `count` bins into one.
    #[must_use]
    pub fn grouped(mut self, count: NonZeroU32) -> Self {
        self.group(count);
        self
    }

    fn bin(&mut self, now: Instant) -> &mut Bin {
        let start = *self.start.get_or_insert(now);
        let since_start = now.saturating_duration_since(start).as_nanos();
        while since_start / self.bin_width.as_nanos() >= MOST_BINS as u128 {
            self.group(const { NonZeroU32::new(2).unwrap() });
        }
        let index = (since_start / self.bin_width.as_nanos()) as usize;
        if index >= self.bins.len() {
            self.bins.resize(index + 1, Bin::default());
        }
        &mut self.bins[index]
    }

    fn group(&mut self, count: NonZeroU32) {
        self.bin_width = self.bin_width.saturating_mul(count.get());
        self.bins = self
            .bins
            .chunks(count.get() as usize)
            .map(Bin::sum)
            .collect();
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            start: None,
            bin_width: FINEST,
            bins: Vec::new(),
        }
    }
}

/// Finer than a window and most service times, so that a burst is visible.
const FINEST: Duration = Duration::from_millis(100);

/// Two minutes of the finest bins, and more than a chart can show.
const MOST_BINS: usize = 1200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_half_open() {
        let start = Instant::now();
        let mut timeline = Timeline::default();
        timeline.on_accepted(start);
        timeline.on_throttled_by_cap(start + FINEST - Duration::from_nanos(1));
        timeline.on_throttled_by_quota(start + FINEST);
        let [first, second] = timeline.bins() else {
            panic!("{timeline:?}");
        };
        assert_eq!(
            (first.accepted, first.throttled_by_cap, first.sends()),
            (1, 1, 2)
        );
        assert_eq!((second.throttled_by_quota, second.sends()), (1, 1));
    }

    #[test]
    fn long_timeline_widens_its_bins() {
        let start = Instant::now();
        let mut timeline = Timeline::default();
        for second in 0..1000 {
            timeline.on_accepted(start + Duration::from_secs(second));
            timeline.on_throttled_by_quota(start + Duration::from_secs(second));
        }
        // 1000 s in 100 ms are 10 000 bins. Four doublings halve that four times.
        assert_eq!(timeline.bin_width(), Duration::from_millis(1600));
        assert_eq!(timeline.bins().len(), 625);
        assert_eq!(counts(&timeline), (1000, 1000));
        // The first bin has the seconds 0 and 1, the second 2 and 3, and the third only 4.
        let firsts: Vec<_> = timeline.bins()[..3]
            .iter()
            .map(|bin| bin.accepted)
            .collect();
        assert_eq!(firsts, [2, 2, 1]);
    }

    #[test]
    fn leap_of_years_keeps_bins_bounded() {
        let start = Instant::now();
        let mut timeline = Timeline::default();
        timeline.on_accepted(start);
        timeline.on_accepted(start + Duration::from_secs(1 << 32));
        assert!(timeline.bins().len() <= MOST_BINS);
        assert_eq!(counts(&timeline), (2, 0));
    }

    #[test]
    fn last_group_may_be_smaller() {
        let start = Instant::now();
        let mut timeline = Timeline::default();
        for ms in [0, 100, 200, 300, 400] {
            timeline.on_accepted(start + Duration::from_millis(ms));
        }
        let timeline = timeline.grouped(NonZeroU32::new(3).unwrap());
        assert_eq!(timeline.bin_width(), Duration::from_millis(300));
        let accepted: Vec<_> = timeline.bins().iter().map(|bin| bin.accepted).collect();
        assert_eq!(accepted, [3, 2]);
        assert_eq!(timeline.start(), Some(start));
    }

    fn counts(timeline: &Timeline) -> (u64, u64) {
        let sum = Bin::sum(timeline.bins());
        (sum.accepted, sum.throttled_by_quota + sum.throttled_by_cap)
    }
}
