//! The measured rate of responses.

/// The responses a second, counted over half a second each and smoothed.
///
/// The latest count weighs most. Times are in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MeasuredRate {
    rate: f64,
    /// The start of the current half second.
    since: f64,
    count: u32,
}

impl MeasuredRate {
    /// Counts a response and returns the new rate.
    pub(super) fn on_answer(&mut self, now: f64) -> f64 {
        let half = (now * 2.0).floor() / 2.0;
        self.count += 1;
        if half > self.since {
            let latest = f64::from(self.count) / (half - self.since);
            self.rate = LATEST * latest + (1.0 - LATEST) * self.rate;
            self.count = 0;
            self.since = half;
        }
        self.rate
    }

    #[cfg(test)]
    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }
}

/// The weight of the latest count.
const LATEST: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_rate_matches_hand_computation() {
        let mut measured = MeasuredRate::default();
        // The first response of a half second ends the one before and is counted in it.
        let rates = [0.1, 0.2, 0.6, 0.7, 2.0].map(|now| measured.on_answer(now));
        // 3 responses in 0.5 s, then 2 in 1.5 s.
        let expected = [0.0, 0.0, 0.8 * 6.0, 4.8, 0.8 * 2.0 / 1.5 + 0.2 * 4.8];
        for (rate, expected) in rates.iter().zip(expected) {
            assert!((rate - expected).abs() < 1e-9, "{rates:?}");
        }
    }
}
