//! How fast to send, by what is throttled.

/// A rate of sends that grows by the cubic function of TCP CUBIC (RFC 9438): back to where it was throttled last, a
/// while around it, and then ever faster beyond. In sends a second; times are in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendRate {
    /// What was throttled last.
    highest: f64,
    /// When.
    throttled_at: f64,
}

impl SendRate {
    /// One of which nothing is known.
    pub(super) const fn new() -> Self {
        Self::throttled(0.0, 0.0)
    }

    /// One that was throttled at `rate`.
    pub(super) const fn throttled(rate: f64, at: f64) -> Self {
        Self {
            highest: rate,
            throttled_at: at,
        }
    }

    /// The rate at a time after the rejection; at that time itself, the share that is left of what was throttled.
    pub(super) fn at(&self, now: f64) -> f64 {
        let regained = (self.highest * (1.0 - LEFT) / GROWTH).cbrt();
        GROWTH * (now - self.throttled_at - regained).powi(3) + self.highest
    }
}

/// What a rejection leaves of the rate.
const LEFT: f64 = 0.7;

/// In sends a second, for each cubed second.
const GROWTH: f64 = 0.4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors() {
        // Of the SDKs' own tests, of which those for Ruby are public (smithy-ruby, `Hearth::Retry`), cut off after
        // their last digit.
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
    fn by_hand() {
        // 20 / 0.4 * 0.3 = 15, and its cube root is 2.466 s: when all that was lost is regained.
        let rate = SendRate::throttled(20.0, 100.0);
        assert!((rate.at(100.0) - 14.0).abs() < 1e-9);
        assert!((rate.at(102.466) - 20.0).abs() < 1e-9);
        // As far beyond as it was below, when as much time has passed again.
        assert!((rate.at(104.932) - 26.0).abs() < 0.01);
    }
}
