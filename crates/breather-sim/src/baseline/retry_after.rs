//! A client that obeys `Retry-After`.

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use super::Growing;
use crate::callers::{Callers, Failure, Retries};

/// Waits as long as `Retry-After` says, and without that header as long as the capped loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryAfter {
    jitter_s: f64,
}

impl RetryAfter {
    pub(crate) const fn exact() -> Self {
        Self { jitter_s: 0.0 }
    }

    /// Creates a client that waits up to a second longer.
    pub(crate) const fn jittered() -> Self {
        Self { jitter_s: 1.0 }
    }
}

impl Callers for RetryAfter {
    fn call(&mut self, seed: u64) -> Box<dyn Retries> {
        Box::new(Obedient {
            jitter_s: self.jitter_s,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        })
    }
}

#[derive(Debug)]
struct Obedient {
    jitter_s: f64,
    random: Xoshiro256PlusPlus,
}

impl Retries for Obedient {
    fn on_failure(&mut self, failure: &Failure) -> Option<Duration> {
        let Some(stated) = failure.retry_after else {
            return Some(Growing::capped().delay(failure.retry, &mut self.random));
        };
        let jitter_s = self.jitter_s * self.random.random::<f64>();
        Some(stated.saturating_add(Duration::from_secs_f64(jitter_s)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::delays;
    use super::*;

    #[test]
    fn retry_after_is_obeyed() {
        let exact = delays(&mut *RetryAfter::exact().call(1), 3, Some(7));
        assert_eq!(exact, [7.0, 7.0, 7.0]);
        let jittered = delays(&mut *RetryAfter::jittered().call(1), 3, Some(7));
        assert!(jittered.iter().all(|it| (7.0..8.0).contains(it)));
        assert_ne!(jittered[0], jittered[1]);
    }

    #[test]
    fn missing_retry_after_falls_back_to_the_loop() {
        let delays = delays(&mut *RetryAfter::exact().call(1), 6, None);
        assert!((4.0..5.0).contains(&delays[2]), "{delays:?}");
        assert_eq!(delays[5], 10.0);
    }
}
