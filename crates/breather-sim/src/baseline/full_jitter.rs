//! Exponential backoff with full jitter.

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::callers::{Callers, Failure, Retries};

/// Draws each wait between zero and a ceiling that doubles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FullJitter;

impl Callers for FullJitter {
    fn call(&mut self, seed: u64) -> Box<dyn Retries> {
        Box::new(Drawn(Xoshiro256PlusPlus::seed_from_u64(seed)))
    }
}

#[derive(Debug)]
struct Drawn(Xoshiro256PlusPlus);

impl Retries for Drawn {
    fn on_failure(&mut self, failure: &Failure) -> Option<Duration> {
        let exponent = i32::try_from(failure.retry).unwrap_or(i32::MAX);
        let ceiling_s = (BASE_S * 2_f64.powi(exponent)).min(CEILING_S);
        Some(Duration::from_secs_f64(ceiling_s * self.0.random::<f64>()))
    }
}

/// The ceiling is that of the AWS SDKs, and the base is about the time of a request.
const BASE_S: f64 = 0.1;
const CEILING_S: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::super::delays;
    use super::*;

    #[test]
    fn delays_are_below_their_ceilings() {
        for seed in 0..50 {
            let delays = delays(&mut *FullJitter.call(seed), 12, Some(60));
            for (retry, delay) in delays.iter().enumerate() {
                assert!(*delay < 0.1 * 2_f64.powi(retry as i32), "{delays:?}");
                assert!(*delay < 20.0);
            }
        }
    }
}
