//! The average cost of an attempt.

use crate::hint::Unit;
use crate::instant::Instant;

/// The mean by which a window's `remaining` falls for each of our attempts.
///
/// In requests, the mean is more than one if others use the quota, too. An answer says how many of our
/// attempts are in flight, but not how many of others'. The pacer expects as many for each of ours as
/// others had in the window so far. (Two processes of 500 calls each, which do not know of each other,
/// are throttled 20 times at the ends of their windows without this, and 10 times with it.)
///
/// In other units, the mean is the cost of a call, and others' use.
#[derive(Debug)]
pub(super) struct Usage {
    unit: Unit,
    /// An early answer of the window.
    origin: Option<Origin>,
    /// The mean in 1/16 of a unit, or 0 if it is unknown.
    cost: u64,
    /// The mean at the origin.
    before: u64,
}

/// The answer from which the mean is taken.
#[derive(Clone, Copy, Debug)]
struct Origin {
    number: u64,
    remaining: u64,
    at: Instant,
}

impl Usage {
    pub(super) const fn new(unit: Unit) -> Self {
        let cost = match unit {
            Unit::Requests => ONE,
            _ => 0,
        };
        Self {
            unit,
            origin: None,
            cost,
            before: cost,
        }
    }

    /// Adds the answer to attempt `number`, which says how much remained at `at`. `refilled` returns how
    /// much came back since an instant.
    pub(super) fn on_answer(
        &mut self,
        number: u64,
        remaining: u64,
        at: Instant,
        refilled: impl Fn(Instant) -> u64,
    ) {
        let here = Origin {
            number,
            remaining,
            at,
        };
        let Some(origin) = self.origin.filter(|origin| origin.number < number) else {
            self.origin = Some(here);
            return;
        };
        let ours = number - origin.number;
        let level = origin.remaining.saturating_add(refilled(origin.at));
        let taken = level.saturating_sub(remaining).saturating_mul(ONE);
        if self.unit == Unit::Requests {
            if ours >= ENOUGH {
                self.cost = (taken / ours).clamp(ONE, MOST);
            }
            return;
        }
        // An empty window does not tell how much more was used.
        if remaining == 0 {
            self.origin = None;
            return;
        }
        // The mean before counts as much as a whole span.
        let weight = if self.before == 0 { 0 } else { SPAN };
        let sum = self.before.saturating_mul(weight).saturating_add(taken);
        self.cost = (sum / (weight + ours)).max(1);
        if ours >= SPAN {
            self.origin = Some(here);
            self.before = self.cost;
        }
    }

    /// Returns the cost of `ours` attempts, with those that others send meanwhile.
    pub(super) const fn of(&self, ours: u64) -> u64 {
        ours.saturating_mul(self.cost).div_ceil(ONE)
    }

    /// Returns a number of attempts of unknown cost that leave enough of `level` for one more. It is less than
    /// there really are, and soon computed.
    pub(super) const fn spare(&self, level: u64) -> u64 {
        // Each of the three figures of an exact calculation may be rounded up.
        let level = level.saturating_sub(3).saturating_mul(ONE);
        match level.checked_div(self.cost) {
            Some(attempts) if matches!(self.unit, Unit::Requests) => attempts,
            Some(_) if self.before == 0 => 0,
            Some(attempts) => attempts.saturating_sub(SPARED_REFILLING / 2) / (1 + SPREAD / 2),
            None => 0,
        }
    }

    /// Returns the mean, if it is known.
    pub(super) const fn mean(&self) -> Option<u64> {
        match self.of(1) {
            0 => None,
            mean => Some(mean),
        }
    }

    /// Returns how much must be left for one more attempt of unknown cost, if the costs of `unknown`
    /// others are estimated.
    ///
    /// A window loses the rest each time that it resets. A bucket that refills loses it only once.
    pub(super) const fn spared(&self, unknown: u64, refills: bool) -> u64 {
        let halves = if refills { SPARED_REFILLING } else { SPARED };
        let spared = self.cost.saturating_mul(halves).div_ceil(2 * ONE);
        spared.saturating_add(self.spread(unknown))
    }

    /// Returns how much more than estimated so many attempts may cost.
    pub(super) const fn spread(&self, unknown: u64) -> u64 {
        let halves = unknown.isqrt().saturating_mul(SPREAD);
        self.cost.saturating_mul(halves).div_ceil(2 * ONE)
    }

    /// Adds the actual cost of an attempt. It is the mean while no answer has told one.
    #[cfg(feature = "std")]
    pub(super) const fn on_settled(&mut self, cost: u64) {
        if self.cost == 0 {
            self.cost = cost.saturating_mul(ONE);
            self.before = self.cost;
        }
    }

    /// Begins a new window.
    pub(super) const fn renew(&mut self) {
        self.origin = None;
        self.before = self.cost;
    }
}

const ONE: u64 = 16;

/// With fewer attempts, the order of the answers would matter more than others' use.
const ENOUGH: u64 = 16;

/// The most attempts that one of ours counts for, if others use most of the quota.
const MOST: u64 = 8 * ONE;

/// The attempts over which a cost is averaged. With costs whose 99th percentile is 15 times the
/// median, the mean of so many is off by a fifth.
const SPAN: u64 = 128;

/// The reserve in a window, and in a bucket that refills, in halves of the mean cost.
const SPARED: u64 = 5;
const SPARED_REFILLING: u64 = 16;

/// The standard deviation of costs, in halves of the mean.
const SPREAD: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers `calls` attempts that cost `cost` each, of a window that never resets.
    fn use_up(usage: &mut Usage, number: &mut u64, remaining: &mut u64, calls: u64, cost: u64) {
        for _ in 0..calls {
            *number += 1;
            *remaining -= cost;
            usage.on_answer(*number, *remaining, Instant::ORIGIN, |_| 0);
        }
    }

    #[test]
    fn mean_follows_calls_that_cost_more_however_many_were_cheap() {
        let mut usage = Usage::new(Unit::Tokens);
        let (mut number, mut remaining) = (0, 100_000_000);
        use_up(&mut usage, &mut number, &mut remaining, 10_000, 100);
        assert_eq!(usage.mean(), Some(100));
        use_up(&mut usage, &mut number, &mut remaining, 5 * SPAN, 1_000);
        assert!(usage.mean() > Some(900), "{usage:?}");
        use_up(&mut usage, &mut number, &mut remaining, 5 * SPAN, 100);
        assert!(usage.mean() < Some(150), "{usage:?}");
    }
}
