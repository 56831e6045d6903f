//! Retry budgets, as a share of the calls.

use core::time::Duration;

use crate::instant::{Instant, nanos};

/// Limits the retries of many calls to a share of those calls.
///
/// Retries help against failures of a few calls. If all calls fail, retries multiply the load of a
/// server that is already overloaded. With a budget, a failing server gets its usual calls and a
/// share more. If a call needs a retry and the budget is spent, the call ends with
/// [`EndReason::Budget`](crate::EndReason::Budget), and you get its last response or error.
///
/// Each scope of a [`Breather`](crate::Breather) has its own budget, which all adapters share. A
/// budget counts within a window:
///
/// - Each call that begins adds the share. A floor permits some retries even if there are few
///   calls.
/// - Each retry takes its cost. A retry that succeeds gives its cost back, so failures that pass
///   cost little in the long run.
///
/// Some attempts are free:
///
/// - Attempts after a rejection or a pending response, because the server asked for them. The pacer
///   limits them. If there is no pacer, only the policy of each call does.
/// - Retries after an overload behind a pacer, because the pacer slows all calls down.
/// - Retries after a failed connection, because it put no load on the server.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | [`share`](Self::with_share) | 0.2 | a fifth more load in the worst case, as in Finagle's [retry budgets](https://twitter.github.io/finagle/guide/Clients.html#retry-budget) |
/// | [`floor`](Self::with_floor) | 10 a second | as in Finagle, so that a client with a few calls a second can retry |
/// | [`window`](Self::with_window) | 10 seconds | as in Finagle, because earlier failures say little about the present |
/// | cost of a retry | 1; after a timeout 2; after a failed connection 0 | see [`Outcome::with_budget_cost`](crate::Outcome::with_budget_cost) |
///
/// # Example
///
/// `Breather` does this for its calls. You can also use a budget on its own:
///
/// ```
/// use breather::{RetryBudget, driver::Instant};
///
/// let mut budget = RetryBudget::new().with_share(0.3).with_floor(0);
/// let now = Instant::ORIGIN;
/// (0..10).for_each(|_| budget.on_call(now));
///
/// // A share of 0.3 permits three retries for ten calls.
/// let mut retries: Vec<_> = (0..4).filter_map(|_| budget.withdraw(now, 1)).collect();
/// assert_eq!(retries.len(), 3);
///
/// // One of them succeeded and gives its cost back.
/// budget.refund(retries.remove(0));
/// assert!(budget.withdraw(now, 1).is_some());
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
#[doc(alias = "Budget")]
#[doc(alias = "retry ratio")]
pub struct RetryBudget {
    /// In millionths, because `0.3` has no exact binary fraction.
    share: u32,
    floor: u32,
    slot_nanos: u64,
    /// The number of the newest slot, counted from the clock's origin.
    newest: u64,
    slots: [Slot; SLOTS],
    /// The sum of all slots.
    sum: Slot,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    calls: u64,
    spent: u64,
}

/// The cost that a retry took from a [`RetryBudget`].
///
/// Pass it to [`RetryBudget::refund`] if the retry succeeds.
///
/// # Example
///
/// ```
/// use breather::{RetryBudget, driver::Instant};
///
/// let now = Instant::ORIGIN;
/// let mut budget = RetryBudget::new();
/// let before = budget.available(now);
///
/// // A retry after a timeout costs 2.
/// let withdrawal = budget.withdraw(now, 2).unwrap();
/// assert_eq!(budget.available(now), before - 2);
///
/// budget.refund(withdrawal);
/// assert_eq!(budget.available(now), before);
/// ```
#[derive(Debug, Eq, PartialEq)]
pub struct Withdrawal {
    slot: u64,
    cost: u32,
}

impl Withdrawal {
    /// Creates the withdrawal of a retry that does not have a budget.
    pub(crate) const fn unbudgeted() -> Self {
        Self { slot: 0, cost: 0 }
    }
}

impl RetryBudget {
    /// Creates a budget with the defaults.
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

    /// Sets how many retries each call permits.
    ///
    /// Defaults to 0.2, which permits one retry for five calls. The share is exact to a millionth
    /// and clamped to between 0 and 1,000. NaN counts as 0.
    pub const fn with_share(mut self, share: f64) -> Self {
        // NaN fails every comparison, so it becomes 0.
        self.share = if share >= 1_000.0 {
            1_000 * MILLION as u32
        } else if share >= 0.0 {
            (share * MILLION as f64 + 0.5) as u32
        } else {
            0
        };
        self
    }

    /// Sets how many retries each second of the window permits.
    ///
    /// Defaults to 10. These retries are permitted however few calls there are.
    pub const fn with_floor(mut self, retries_per_second: u32) -> Self {
        self.floor = retries_per_second;
        self
    }

    /// Sets how long calls and retries count.
    ///
    /// Defaults to 10 seconds, and is at least a millisecond. Calls and retries leave the window in
    /// steps of a tenth of it.
    pub const fn with_window(mut self, window: Duration) -> Self {
        let slot = nanos(window) / SLOTS as u64;
        self.slot_nanos = if slot < SHORTEST_SLOT {
            SHORTEST_SLOT
        } else {
            slot
        };
        self
    }

    /// Records that a call begins, which adds its share.
    pub fn on_call(&mut self, now: Instant) {
        let slot = self.slot_at(now);
        slot.calls += 1;
        self.sum.calls += 1;
    }

    /// Takes `cost` for a retry, or returns `None` if less is left.
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

    /// Gives back the cost of a retry that succeeded.
    ///
    /// This has the same effect as if the retry had never taken its cost.
    pub fn refund(&mut self, draw: Withdrawal) {
        let age = self.newest.wrapping_sub(draw.slot);
        // A cost that has left the window no longer counts, so it must not be subtracted again.
        if age >= SLOTS as u64 {
            return;
        }
        let slot = &mut self.slots[index(draw.slot)];
        let cost = u64::from(draw.cost).min(slot.spent);
        slot.spent -= cost;
        self.sum.spent -= cost;
    }

    /// Returns how many retries of cost 1 the budget permits now.
    #[must_use]
    pub fn available(&mut self, now: Instant) -> u64 {
        self.slot_at(now);
        self.left() / MILLION
    }

    /// Returns the remaining budget, in millionths of a retry.
    fn left(&self) -> u64 {
        let window = u128::from(self.slot_nanos) * SLOTS as u128;
        let floor = u128::from(self.floor) * window * u128::from(MILLION) / SECOND;
        let share = u128::from(self.sum.calls) * u128::from(self.share);
        let spent = u128::from(self.sum.spent) * u128::from(MILLION);
        let left = (floor + share).saturating_sub(spent);
        u64::try_from(left).unwrap_or(u64::MAX)
    }

    /// Returns the slot of `now` and drops older slots. This takes ten steps at most, however long
    /// the budget was idle.
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
        // A time before the newest slot counts as the newest.
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
