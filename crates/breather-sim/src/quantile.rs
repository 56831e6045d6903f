//! Quantiles of times.

use std::time::Duration;

/// Returns the smallest value that at least this share of `sorted` does not exceed.
///
/// An empty slice returns zero.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// let sorted = [1, 2, 3, 4].map(Duration::from_secs);
/// assert_eq!(breather_sim::quantile(&sorted, 0.5), Duration::from_secs(2));
/// assert_eq!(breather_sim::quantile(&sorted, 0.51), Duration::from_secs(3));
/// assert_eq!(breather_sim::quantile(&[], 0.5), Duration::ZERO);
/// ```
#[must_use]
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let index = rank.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).copied().unwrap_or_default()
}
