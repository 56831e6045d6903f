//! The rate limiter in front of a client's sends.

use std::time::Duration;

use super::measured_rate::MeasuredRate;
use super::send_rate::SendRate;

/// A token bucket that starts to limit sends at the first rejection.
///
/// Each response adjusts the refill rate. The rate follows a cubic function of the time since the
/// latest rejection, and never exceeds twice the recently measured rate of responses.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateLimiter {
    is_enabled: bool,
    send_rate: SendRate,
    measured: MeasuredRate,
    /// In tokens a second.
    fill_rate: f64,
    tokens: f64,
    most_tokens: f64,
    /// The time of the last refill in seconds. `None` until the first response.
    filled_at: Option<f64>,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self {
            is_enabled: false,
            send_rate: SendRate::new(),
            measured: MeasuredRate::default(),
            fill_rate: SLOWEST,
            tokens: 0.0,
            most_tokens: LEAST_TOKENS,
            filled_at: None,
        }
    }
}

impl RateLimiter {
    /// Takes a token for a send. If there is none, returns the wait until the next token.
    ///
    /// The caller gets no claim to that token and has to ask again, as in the SDKs for Python, Go
    /// and Ruby. The SDKs for Rust and JavaScript let each send take its token in advance instead.
    pub(super) fn take(&mut self, now: Duration) -> Option<Duration> {
        if !self.is_enabled {
            return None;
        }
        self.fill(now.as_secs_f64());
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return None;
        }
        let wait = Duration::from_secs_f64((1.0 - self.tokens) / self.fill_rate);
        // Rounding to nanoseconds may have shortened the wait.
        Some(wait + Duration::from_nanos(1))
    }

    /// Adjusts the rate to a response.
    pub(super) fn on_answer(&mut self, now: Duration, is_throttled: bool) {
        let now = now.as_secs_f64();
        let measured = self.measured.on_answer(now);
        if is_throttled {
            let throttled = if self.is_enabled {
                measured.min(self.fill_rate)
            } else {
                measured
            };
            self.send_rate = SendRate::throttled(throttled, now);
            self.is_enabled = true;
        }
        self.set_rate(now, self.send_rate.at(now).min(MOST_AHEAD * measured));
    }

    fn set_rate(&mut self, now: f64, rate: f64) {
        // The time until now still refills at the old rate.
        self.fill(now);
        self.fill_rate = rate.max(SLOWEST);
        self.most_tokens = rate.max(LEAST_TOKENS);
        self.tokens = self.tokens.min(self.most_tokens);
    }

    fn fill(&mut self, now: f64) {
        let since = self.filled_at.replace(now).unwrap_or(now);
        let filled = self.tokens + (now - since) * self.fill_rate;
        self.tokens = filled.min(self.most_tokens);
    }
}

/// In sends a second.
const SLOWEST: f64 = 0.5;

const LEAST_TOKENS: f64 = 1.0;

/// How far the rate may exceed the measured rate.
const MOST_AHEAD: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        // From the same source as the vectors of the cubic function. The columns are the time of
        // the response, whether it was a rejection, the rate measured then, and the resulting rate.
        let vectors = [
            (0.2, false, 0.0, 0.5),
            (0.4, false, 0.0, 0.5),
            (0.6, false, 4.8, 0.5),
            (0.8, false, 4.8, 0.5),
            (1.0, false, 4.16, 0.5),
            (1.2, false, 4.16, 0.69),
            (1.4, false, 4.16, 1.10),
            (1.6, false, 5.63, 1.63),
            (1.8, false, 5.63, 2.33),
            (2.0, true, 4.32, 3.02),
            (2.2, false, 4.32, 3.48),
            (2.4, false, 4.32, 3.82),
            (2.6, false, 5.66, 4.05),
            (2.8, false, 5.66, 4.20),
            (3.0, false, 4.33, 4.28),
            (3.2, true, 4.33, 2.99),
            (3.4, false, 4.32, 3.45),
        ];
        let mut limiter = RateLimiter::default();
        for (now, is_throttled, measured, rate) in vectors {
            limiter.on_answer(Duration::from_secs_f64(now), is_throttled);
            let reached = (limiter.measured.rate(), limiter.fill_rate);
            let off = (reached.0 - measured).abs().max((reached.1 - rate).abs());
            assert!(off < 0.015, "at {now}: {reached:?}");
        }
    }

    #[test]
    fn token_is_not_taken_early() {
        let mut limiter = RateLimiter::default();
        let millis = Duration::from_millis;
        // There is no measurement yet, so the rate is the slowest one, a token in two seconds.
        limiter.on_answer(millis(100), true);
        let wait = limiter.take(millis(600)).unwrap();
        assert_eq!(wait.as_millis(), 1_500);
        assert_eq!(limiter.take(millis(600)), Some(wait));
        assert_eq!(limiter.take(millis(600) + wait), None);
        let next = limiter.take(millis(600) + wait).unwrap();
        assert!(next > millis(1_999));
        // A long pause gains one token and no more.
        assert_eq!(limiter.take(millis(100_000)), None);
        assert!(limiter.take(millis(100_000)).is_some());
    }

    #[test]
    fn rate_is_at_most_twice_the_response_rate() {
        let mut limiter = RateLimiter::default();
        limiter.on_answer(Duration::ZERO, true);
        // One response a second, until long after a rejection.
        for second in 1..100 {
            limiter.on_answer(Duration::from_secs(second), false);
        }
        assert!((limiter.fill_rate - 2.0).abs() < 0.01);
    }
}
