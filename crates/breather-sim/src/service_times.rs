//! The service times of accepted calls.

use std::f64::consts::TAU;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

/// An endless sequence of service times for accepted calls.
///
/// The same median and seed give the same times. Times are log-normal, which is typical of real
/// services. Most lie within a quarter of the median, and a few take twice as long.
///
/// # Example
///
/// ```
/// use breather_sim::ServiceTimes;
/// use std::time::Duration;
///
/// let times = || ServiceTimes::new(Duration::from_millis(200), 7).take(100);
/// assert!(times().eq(times()));
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct ServiceTimes {
    median: Duration,
    random: Xoshiro256PlusPlus,
}

impl ServiceTimes {
    /// Creates times around `median`, drawn with `seed`.
    pub fn new(median: Duration, seed: u64) -> Self {
        Self {
            median,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }
}

impl Iterator for ServiceTimes {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let normal = normal(&mut self.random);
        Some(self.median.mul_f64((SIGMA * normal).exp()))
    }
}

/// Draws from the standard normal distribution, by the Box-Muller transform.
pub(crate) fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    // The first draw is mapped from [0, 1) to (0, 1] because the logarithm of zero would make the
    // result infinite.
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (TAU * random.random::<f64>()).cos()
}

/// The standard deviation of the logarithm of a service time.
const SIGMA: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIAN: Duration = Duration::from_millis(200);

    #[test]
    fn seeds_determine_times() {
        let times = |seed| ServiceTimes::new(MEDIAN, seed).take(50);
        assert!(times(1).eq(times(1)));
        assert!(times(1).ne(times(2)));
    }

    #[test]
    fn log_normal_around_the_median() {
        let mut times: Vec<_> = ServiceTimes::new(MEDIAN, 1).take(10_001).collect();
        times.sort_unstable();
        let at = |quantile: f64| times[(10_000.0 * quantile) as usize].as_secs_f64() / 0.2;
        assert!((at(0.5) - 1.0).abs() < 0.02, "{}", at(0.5));
        // One standard deviation above and below.
        assert!((at(0.8413).ln() - SIGMA).abs() < 0.02, "{}", at(0.8413));
        assert!((at(0.1587).ln() + SIGMA).abs() < 0.02, "{}", at(0.1587));
    }
}
