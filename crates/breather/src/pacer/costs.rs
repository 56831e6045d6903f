//! The costs of a call, as its caller states them.

use crate::hint::Unit;

/// The costs of a call in units other than requests, as far as its caller knows them.
///
/// An application states costs with [`CallOptions::with_cost`](crate::CallOptions::with_cost).
///
/// # Example
///
/// ```
/// use breather::Unit;
/// use breather::driver::Costs;
///
/// let costs = Costs::new().with(Unit::InputTokens, 900).with(Unit::OutputTokens, 300);
/// assert_eq!(costs.get(Unit::InputTokens), Some(900));
/// assert_eq!(costs.get(Unit::Points), None);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[must_use]
pub struct Costs {
    units: [u32; MOST],
    amounts: [u64; MOST],
}

impl Costs {
    /// Creates the costs of a call whose caller states none.
    pub const fn new() -> Self {
        Self {
            units: [0; MOST],
            amounts: [0; MOST],
        }
    }

    /// Sets the cost in `unit`. It replaces an earlier one.
    ///
    /// Costs in [`Unit::Requests`] are ignored, because a call always costs one request. Costs in more
    /// than three units are ignored, too.
    pub fn with(mut self, unit: Unit, cost: u64) -> Self {
        if unit == Unit::Requests {
            return self;
        }
        let code = unit.code();
        let mut units = self.units.iter();
        if let Some(at) = units.position(|&it| it == code || it == 0) {
            self.units[at] = code;
            self.amounts[at] = cost;
        }
        self
    }

    /// Returns the cost in `unit`, if it is known.
    #[must_use]
    pub fn get(&self, unit: Unit) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let code = unit.code();
        let at = self.units.iter().position(|&it| it == code)?;
        Some(self.amounts[at])
    }

    /// Returns whether no cost is known.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.units[0] == 0
    }

    /// Fills unknown costs from `others`.
    #[cfg(feature = "std")]
    pub(crate) fn or(mut self, others: &Self) -> Self {
        for (&code, &cost) in others.units.iter().zip(&others.amounts) {
            if code == 0 || self.units.contains(&code) {
                continue;
            }
            if let Some(at) = self.units.iter().position(|&it| it == 0) {
                self.units[at] = code;
                self.amounts[at] = cost;
            }
        }
        self
    }
}

/// Language models count tokens of input, of output, and of both. Known servers count no more.
const MOST: usize = 3;

/// The costs of a call whose caller states none.
pub(super) static UNKNOWN: Costs = Costs::new();
