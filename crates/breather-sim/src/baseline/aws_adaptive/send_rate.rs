//! The send rate, which follows rejections.

/// A send rate that grows by the cubic function of TCP CUBIC (RFC 9438).
///
/// The rate returns to the one that was last throttled, stays near it for a while, and then grows
/// ever faster. Rates are in sends a second, times in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendRate {
    /// The rate that was last throttled.
    highest: f64,
    /// The time of that rejection.
    throttled_at: f64,
}

impl SendRate {
    /// Creates a rate without any history.
    pub(super) const fn new() -> Self {
        Self::throttled(0.0, 0.0)
    }

    /// Creates a rate that was throttled at `rate`.
    pub(super) const fn throttled(rate: f64, at: f64) -> Self {
        Self {
            highest: rate,
            throttled_at: at,
        }
    }

    /// Returns the rate at a time after the rejection. At the rejection itself, it is the reduced
    /// rate.
    pub(super) fn at(&self, now: f64) -> f64 {
        let regained = (self.highest * (1.0 - LEFT) / GROWTH).cbrt();
        GROWTH * (now - self.throttled_at - regained).powi(3) + self.highest
    }
}

/// The share of the rate that is left after a rejection.
const LEFT: f64 = 0.7;

/// In sends a second, per second cubed.
const GROWTH: f64 = 0.4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        // From the SDKs' own tests, with digits truncated. The tests of the Ruby SDK are public
        // (smithy-ruby, `Hearth::Retry`).
        let rate = SendRate::throttled(10.0, 5.0);
        for (now, expected) in [
            (5.0, 7.0),
            (6.0, 9.6),
            (7.0, 10.0),
            (8.0, 10.45),
            (9.0, 13.4),
            (10.0, 21.2),
            (11.0, 36.4),
        ] {
            let rate = rate.at(now) + 1e-9;
            assert!(
                (expected..expected + 0.1).contains(&rate),
                "at {now}: {rate}"
            );
        }
    }

    #[test]
    fn rate_matches_hand_computation() {
        // 20 / 0.4 * 0.3 = 15, and its cube root is 2.466 s. The rate has recovered by then.
        let rate = SendRate::throttled(20.0, 100.0);
        assert!((rate.at(100.0) - 14.0).abs() < 1e-9);
        assert!((rate.at(102.466) - 20.0).abs() < 1e-9);
        // After the same time again, the rate is as far above the throttled one as it was below.
        assert!((rate.at(104.932) - 26.0).abs() < 0.01);
    }
}
