//! The retry loops that most people write first.

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::callers::{Callers, Failure, Retries};

/// Waits that double, starting at one second, plus up to a second of jitter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growing {
    ceiling_s: f64,
}

impl Growing {
    /// Creates the loop that people write after they have seen the uncapped one.
    ///
    /// The ceiling includes the jitter, so all delays are the same from the fifth retry on.
    pub(crate) const fn capped() -> Self {
        Self { ceiling_s: 10.0 }
    }

    /// Creates the loop that only the length of a run bounds.
    pub(crate) const fn uncapped() -> Self {
        Self {
            ceiling_s: 86_400.0,
        }
    }

    pub(crate) fn delay(self, retry: u32, random: &mut Xoshiro256PlusPlus) -> Duration {
        let exponent = i32::try_from(retry).unwrap_or(i32::MAX);
        let delay_s = 2_f64.powi(exponent) + random.random::<f64>();
        Duration::from_secs_f64(delay_s.min(self.ceiling_s))
    }
}

impl Callers for Growing {
    fn call(&mut self, seed: u64) -> Box<dyn Retries> {
        Box::new(Loop {
            growing: *self,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        })
    }
}

#[derive(Debug)]
struct Loop {
    growing: Growing,
    random: Xoshiro256PlusPlus,
}

impl Retries for Loop {
    fn on_failure(&mut self, failure: &Failure) -> Option<Duration> {
        Some(self.growing.delay(failure.retry, &mut self.random))
    }
}

#[cfg(test)]
mod tests {
    use super::super::delays;
    use super::*;

    #[test]
    fn ceiling_includes_the_jitter() {
        let delays = delays(&mut *Growing::capped().call(1), 6, None);
        for (delay, least) in delays.iter().zip([1.0, 2.0, 4.0, 8.0]) {
            assert!((least..least + 1.0).contains(delay), "{delays:?}");
        }
        assert_eq!(delays[4..], [10.0, 10.0]);
    }

    #[test]
    fn uncapped_delay_doubles_for_a_day() {
        let delays = delays(&mut *Growing::uncapped().call(1), 2_000, None);
        assert!((1_024.0..1_025.0).contains(&delays[10]));
        assert_eq!(delays[1_999], 86_400.0);
    }

    #[test]
    fn seeds_determine_delays() {
        let delays = |seed| delays(&mut *Growing::capped().call(seed), 4, None);
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }
}
