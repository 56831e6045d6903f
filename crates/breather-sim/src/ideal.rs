//! The all-knowing schedule.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::quantile::quantile;

/// The schedule of someone who knows quota, cap and service times beforehand, and loses no time
/// between a call and the next: each call starts as soon as a place in flight is free and the quota
/// of the window permits.
///
/// No client can finish earlier, as the server gives the n-th call that it accepts the n-th service
/// time, whoever makes it.
///
/// # Example
///
/// ```
/// use breather_sim::Ideal;
/// use std::time::Duration;
///
/// // Three calls of 200 ms, two a window of 10 s.
/// let times = [Duration::from_millis(200); 3];
/// let ideal = Ideal::new(2, Duration::from_secs(10), 50, times);
/// assert_eq!(ideal.resets(), 1);
/// assert_eq!(ideal.makespan(), Duration::from_millis(10_200));
/// ```
#[derive(Clone, Debug)]
pub struct Ideal {
    /// In ascending order.
    completions: Vec<Duration>,
    resets: u32,
}

impl Ideal {
    /// Schedules a call for each service time: at most `quota` start in each window, and at most
    /// `places` run at a time.
    ///
    /// A window of nothing counts as one nanosecond, a quota or places of 0 as 1.
    #[must_use]
    pub fn new(
        quota: u64,
        window: Duration,
        places: usize,
        service_times: impl IntoIterator<Item = Duration>,
    ) -> Self {
        let (quota, places) = (quota.max(1), places.max(1));
        let window = window.as_nanos().max(1);
        let mut in_flight = BinaryHeap::new();
        let mut completions = Vec::new();
        let mut now = 0;
        let mut current_window = 0;
        let mut spent = 0;
        let mut resets = 0;
        for service_time in service_times {
            if in_flight.len() >= places {
                if let Some(Reverse(freed)) = in_flight.pop() {
                    now = now.max(freed);
                }
            }
            if now / window > current_window {
                current_window = now / window;
                spent = 0;
            }
            if spent == quota {
                current_window += 1;
                spent = 0;
                resets += 1;
                now = current_window * window;
            }
            spent += 1;
            let completion = now + service_time.as_nanos();
            in_flight.push(Reverse(completion));
            completions.push(completion);
        }
        completions.sort_unstable();
        Self {
            completions: completions.into_iter().map(from_nanos).collect(),
            resets,
        }
    }

    /// When the last call is completed.
    #[must_use]
    pub fn makespan(&self) -> Duration {
        self.quantile(1.0)
    }

    /// When this share of the calls is completed.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        quantile(&self.completions, share)
    }

    /// The resets that calls wait for because the quota before them is spent.
    #[must_use]
    pub const fn resets(&self) -> u32 {
        self.resets
    }
}

fn from_nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    /// Service times of some unevenness.
    fn times(count: u64) -> Vec<Duration> {
        (0..count)
            .map(|n| Duration::from_millis(150 + n * 37 % 100))
            .collect()
    }

    #[test]
    fn fewer_calls_than_places() {
        let ideal = Ideal::new(300, WINDOW, 50, times(20));
        assert_eq!(ideal.makespan(), times(20).into_iter().max().unwrap());
        assert_eq!(ideal.resets(), 0);
    }

    #[test]
    fn more_calls_than_places() {
        let times = times(4);
        let ideal = Ideal::new(300, WINDOW, 2, times.clone());
        // The third call follows the shorter of the first two, the fourth whatever ends next.
        let third = times[0].min(times[1]) + times[2];
        let fourth = times[0].max(times[1]).min(third) + times[3];
        let mut expected = vec![times[0], times[1], third, fourth];
        expected.sort_unstable();
        assert_eq!(ideal.completions, expected);
        assert_eq!(ideal.resets(), 0);
    }

    #[test]
    fn several_windows() {
        let ideal = Ideal::new(10, WINDOW, 50, times(25));
        let last = times(25).into_iter().skip(20).max().unwrap();
        assert_eq!(ideal.makespan(), 2 * WINDOW + last);
        assert_eq!(ideal.resets(), 2);
        assert!(ideal.quantile(0.4) < WINDOW);
        assert!(ideal.quantile(0.5) > WINDOW);
    }

    #[test]
    fn a_last_window_spent_exactly_is_not_waited_for() {
        assert_eq!(Ideal::new(10, WINDOW, 50, times(20)).resets(), 1);
    }

    #[test]
    fn places_may_be_scarcer_than_quota() {
        // One place and 200 ms a call never spend the quota of a window, so nobody waits for it.
        let ideal = Ideal::new(100, Duration::from_secs(1), 1, times(50));
        assert_eq!(ideal.makespan(), times(50).into_iter().sum());
        assert_eq!(ideal.resets(), 0);
    }

    #[test]
    fn calls_in_flight_keep_their_place_over_a_reset() {
        // Two places, and calls that take much longer than a window.
        let times = [12, 9, 11].map(Duration::from_secs);
        let ideal = Ideal::new(1, Duration::from_secs(1), 2, times);
        // The second starts at the reset at 1 s, the third when the second is over at 10 s.
        assert_eq!(ideal.completions, [10, 12, 21].map(Duration::from_secs));
        assert_eq!(ideal.resets(), 1);
    }

    #[test]
    fn nothing_to_schedule_or_nothing_to_schedule_with() {
        assert_eq!(Ideal::new(10, WINDOW, 50, []).makespan(), Duration::ZERO);
        assert_eq!(
            Ideal::new(0, Duration::ZERO, 0, times(3)).completions.len(),
            3
        );
    }
}
