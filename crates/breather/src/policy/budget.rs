//! Retries as a share of traffic.

use core::time::Duration;

use crate::instant::{Instant, nanos};

/// How many retries calls may make together: a share of the calls, and a floor for when there are few.
///
/// Retries help against failures of a few calls. When all fail, they multiply the load of a server that
/// already has too much of it; with a budget, what fails of a server's own doing is met with the calls that come anyhow, and a
/// share more. A call that would be sent again and finds the budget spent stops, with
/// [`EndReason::Budget`](crate::EndReason::Budget), and hands on what it has.
///
/// Each scope of a handle has one of its own, which all adapters share. What it counts lies within a window: for each
/// retry that is made, its cost; for each call that began, the share. A retry that ends in success gives its cost
/// back, so that failures that pass cost nothing for long. Rejections and polls are free: the server asked
/// for them, and the pacer bounds them; without one, nothing does but the policy of each call. So are failures for overload behind a pacer, which slows all down, and connections
/// that did not come about, which are no load to a server.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | [`share`](Self::with_share) | 0.2 | a fifth more load in the worst case, as in Finagle's [retry budgets](https://twitter.github.io/finagle/guide/Clients.html#retry-budget) |
/// | [`floor`](Self::with_floor) | 10 a second | as there: a client of a few calls a second is not kept from its retries |
/// | [`window`](Self::with_window) | 10 seconds | as there: what happened earlier says little about now |
/// | cost of a retry | 1, after a time-out 2, without a connection 0 | see [`Outcome::with_budget_cost`](crate::Outcome::with_budget_cost) |
///
/// # Example
///
/// By itself; a handle does this for its calls.
///
/// ```
/// use breather::{RetryBudget, driver::Instant};
///
/// let mut budget = RetryBudget::new().with_share(0.3).with_floor(0);
/// let now = Instant::ORIGIN;
/// (0..10).for_each(|_| budget.on_call(now));
///
/// // Three tenths of ten calls are three retries, and not four.
/// let mut retries: Vec<_> = (0..4).filter_map(|_| budget.withdraw(now, 1)).collect();
/// assert_eq!(retries.len(), 3);
///
/// // One of them succeeded.
/// budget.refund(retries.remove(0));
/// assert!(budget.withdraw(now, 1).is_some());
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
#[doc(alias = "Budget")]
#[doc(alias = "retry ratio")]
pub struct RetryBudget {
    /// In millionths: `0.3` has no exact binary fraction.
    share: u32,
    floor: u32,
    slot_nanos: u64,
    /// The number, counted from the clock's origin, of the newest slot.
    newest: u64,
    slots: [Slot; SLOTS],
    /// What all slots hold together.
    sum: Slot,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    calls: u64,
    spent: u64,
}

/// What a retry took from a [`RetryBudget`], to be given back if it succeeds.
#[derive(Debug, Eq, PartialEq)]
pub struct Withdrawal {
    slot: u64,
    cost: u32,
}

impl Withdrawal {
    /// Of a retry that no budget limits.
    pub(crate) const fn unbudgeted() -> Self {
        Self { slot: 0, cost: 0 }
    }
}

impl RetryBudget {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            share: 200_000,
            floor: 10,
            slot_nanos: 1_000_000_000,
            newest: 0,
            slots: [Slot { calls: 0, spent: 0 }; SLOTS],
            sum: Slot { calls: 0, spent: 0 },
        }
    }

    /// Sets how many retries there may be for each call: 0.2 permits one for five. Exact to a millionth, and clamped to
    /// between 0 and 1,000; what is not a number is 0. Defaults to 0.2.
    pub const fn with_share(mut self, share: f64) -> Self {
        // Written so that NaN, which compares with nothing, falls to 0.
        self.share = if share >= 1_000.0 {
            1_000 * MILLION as u32
        } else if share >= 0.0 {
            (share * MILLION as f64 + 0.5) as u32
        } else {
            0
        };
        self
    }

    /// Sets how many retries there may be in each second of the window, however few the calls. Defaults to 10.
    pub const fn with_floor(mut self, retries_per_second: u32) -> Self {
        self.floor = retries_per_second;
        self
    }

    /// Sets for how long calls and retries count, to a tenth of it. At least a millisecond. Defaults to 10 seconds.
    pub const fn with_window(mut self, window: Duration) -> Self {
        let slot = nanos(window) / SLOTS as u64;
        self.slot_nanos = if slot < SHORTEST_SLOT {
            SHORTEST_SLOT
        } else {
            slot
        };
        self
    }

    /// A call begins, and adds its share.
    pub fn on_call(&mut self, now: Instant) {
        let slot = self.slot_at(now);
        slot.calls += 1;
        self.sum.calls += 1;
    }

    /// Takes `cost` for a retry; `None` if there is not as much left.
    pub fn withdraw(&mut self, now: Instant, cost: u32) -> Option<Withdrawal> {
        self.slot_at(now);
        if u64::from(cost) * MILLION > self.left() {
            return None;
        }
        let slot = self.slot_at(now);
        slot.spent += u64::from(cost);
        self.sum.spent += u64::from(cost);
        let slot = self.newest;
        Some(Withdrawal { slot, cost })
    }

    /// The retry that drew this succeeded: it is as if it had taken nothing.
    pub fn refund(&mut self, draw: Withdrawal) {
        let age = self.newest.wrapping_sub(draw.slot);
        // What has left the window counts no longer, and is not to count twice.
        if age >= SLOTS as u64 {
            return;
        }
        let slot = &mut self.slots[index(draw.slot)];
        let cost = u64::from(draw.cost).min(slot.spent);
        slot.spent -= cost;
        self.sum.spent -= cost;
    }

    /// How many retries of cost 1 there may be now.
    #[must_use]
    pub fn available(&mut self, now: Instant) -> u64 {
        self.slot_at(now);
        self.left() / MILLION
    }

    /// What is left, in millionths of a retry.
    fn left(&self) -> u64 {
        let window = u128::from(self.slot_nanos) * SLOTS as u128;
        let floor = u128::from(self.floor) * window * u128::from(MILLION) / SECOND;
        let share = u128::from(self.sum.calls) * u128::from(self.share);
        let spent = u128::from(self.sum.spent) * u128::from(MILLION);
        let left = (floor + share).saturating_sub(spent);
        u64::try_from(left).unwrap_or(u64::MAX)
    }

    /// The slot of `now`. What is older than the window leaves it: ten steps at most, however long nothing happened.
    fn slot_at(&mut self, now: Instant) -> &mut Slot {
        let newest = now.as_nanos() / self.slot_nanos;
        if newest > self.newest {
            let passed = (newest - self.newest).min(SLOTS as u64);
            for number in newest - passed + 1..=newest {
                let slot = core::mem::take(&mut self.slots[index(number)]);
                self.sum.calls -= slot.calls;
                self.sum.spent -= slot.spent;
            }
            self.newest = newest;
        }
        // A time before the newest counts as the newest.
        &mut self.slots[index(self.newest)]
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

const fn index(number: u64) -> usize {
    (number % SLOTS as u64) as usize
}

const SLOTS: usize = 10;

const MILLION: u64 = 1_000_000;

const SECOND: u128 = 1_000_000_000;

const SHORTEST_SLOT: u64 = 100_000;
