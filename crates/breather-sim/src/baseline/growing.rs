//! The loops that everybody writes.

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::callers::{Callers, Failure, Retries};

/// Waits that double from a second on, with up to a second more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growing {
    ceiling_s: f64,
}

impl Growing {
    /// As people write it who have seen what the other one does: the ceiling is over the jitter too, so that from
    /// the fifth retry on all delays are the same.
    pub(crate) const fn capped() -> Self {
        Self { ceiling_s: 10.0 }
    }

    /// Only the time of a run bounds it.
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
    fn the_ceiling_takes_the_jitter_too() {
        let delays = delays(&mut *Growing::capped().call(1), 6, None);
        for (delay, least) in delays.iter().zip([1.0, 2.0, 4.0, 8.0]) {
            assert!((least..least + 1.0).contains(delay), "{delays:?}");
        }
        assert_eq!(delays[4..], [10.0, 10.0]);
    }

    #[test]
    fn without_a_ceiling_it_doubles_for_a_day() {
        let delays = delays(&mut *Growing::uncapped().call(1), 2_000, None);
        assert!((1_024.0..1_025.0).contains(&delays[10]));
        assert_eq!(delays[1_999], 86_400.0);
    }

    #[test]
    fn seeds_decide() {
        let delays = |seed| delays(&mut *Growing::capped().call(seed), 4, None);
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }
}
