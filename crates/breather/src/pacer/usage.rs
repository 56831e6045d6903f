//! How much an attempt takes of a window.

use crate::hint::Unit;
use crate::instant::Instant;

/// The mean by which a window's `remaining` falls for each of our attempts.
///
/// In requests, it is more than one if others use the quota, too. Of the attempts in flight, an
/// answer tells only ours. Others have about as many in flight for each of ours as they had in the
/// window so far. (Two processes of 500 calls each that know nothing of one another are throttled 20
/// times at the ends of their windows without this, and 10 times with it.)
///
/// In other units, it is what calls cost, and others' use.
#[derive(Clone, Debug)]
pub(super) struct Usage {
    unit: Unit,
    /// An early answer of the window.
    origin: Option<Origin>,
    /// In 1/16 of a unit; 0 if unknown.
    cost: u64,
    /// What it was at the origin.
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

    /// The answer to send number `number` told what remained at `at`. `refilled` says how much came
    /// back since an instant.
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
        // The mean before counts as much as a whole span.
        let weight = if self.before == 0 { 0 } else { SPAN };
        let sum = self.before.saturating_mul(weight).saturating_add(taken);
        self.cost = (sum / (weight + ours)).max(1);
        if ours >= SPAN {
            self.origin = Some(here);
            self.before = self.cost;
        }
    }

    /// What `ours` cost, with what others send meanwhile.
    pub(super) const fn of(&self, ours: u64) -> u64 {
        ours.saturating_mul(self.cost).div_ceil(ONE)
    }

    /// The mean, if it is known.
    pub(super) const fn mean(&self) -> Option<u64> {
        match self.of(1) {
            0 => None,
            mean => Some(mean),
        }
    }

    /// What has to be left for one more attempt of unknown cost, when the costs of `unknown` others
    /// are estimated.
    ///
    /// In a window, what is spared is lost. In a bucket that refills, it is lost once.
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

    /// An attempt turned out to cost `cost`.
    #[cfg(feature = "std")]
    pub(super) const fn on_settled(&mut self, cost: u64) {
        let cost = cost.saturating_mul(ONE);
        self.cost = match self.cost {
            0 => cost,
            mean => mean - mean / SETTLED + cost / SETTLED,
        };
        self.before = self.cost;
    }

    /// A new window begins.
    pub(super) const fn renew(&mut self) {
        self.origin = None;
        self.before = self.cost;
    }
}

const ONE: u64 = 16;

/// With fewer, the order in which answers come would tell more than others do.
const ENOUGH: u64 = 16;

/// Where others use most of the quota, this much of what is in flight is guessed at all.
const MOST: u64 = 8 * ONE;

/// The attempts over which a cost is averaged. With costs whose 99th percentile is 15 times the
/// median, the mean of so many is off by a fifth.
const SPAN: u64 = 128;

/// Halves of a mean cost.
const SPARED: u64 = 5;
const SPARED_REFILLING: u64 = 16;

/// Halves of a mean cost: the standard deviation of costs.
const SPREAD: u64 = 4;

/// The weight of the mean before, against a settled cost.
#[cfg(feature = "std")]
const SETTLED: u64 = 32;
