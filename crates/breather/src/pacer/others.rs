//! Who else uses the quota.

/// How many calls the quota loses for each of ours: more than one if others use it, too.
///
/// Of what is in flight, an answer tells only ours. What others have in flight is about as many for each of
/// ours as they had in the window so far. (Two processes of 500 calls each that know nothing of one another are
/// throttled 20 times at the ends of their windows without this, and 10 times with it.)
#[derive(Debug)]
pub(super) struct Others {
    /// The number of an early send of the window, and what remained with it.
    origin: Option<(u64, u64)>,
    /// In 1/16 of a call.
    cost: u64,
}

impl Others {
    /// The answer to send number `number` told what remained.
    pub(super) fn on_answer(&mut self, number: u64, remaining: u64) {
        let Some((first, at_first)) = self.origin.filter(|&(first, _)| first < number) else {
            self.origin = Some((number, remaining));
            return;
        };
        let ours = number - first;
        if ours >= ENOUGH {
            let cost = at_first.saturating_sub(remaining).saturating_mul(ONE) / ours;
            self.cost = cost.clamp(ONE, MOST);
        }
    }

    /// What `ours` cost, with what others send meanwhile.
    pub(super) const fn with(&self, ours: u64) -> u64 {
        ours.saturating_mul(self.cost).div_ceil(ONE)
    }

    /// A new window begins.
    pub(super) fn renew(&mut self) {
        self.origin = None;
    }
}

impl Default for Others {
    fn default() -> Self {
        Self {
            origin: None,
            cost: ONE,
        }
    }
}

const ONE: u64 = 16;

/// With fewer, the order in which answers come would tell more than others do.
const ENOUGH: u64 = 16;

/// Where others use most of the quota, this much of what is in flight is guessed at all.
const MOST: u64 = 8 * ONE;
