//! Room for one more attempt: whether there is some, and when there will be.

use core::time::Duration;

use super::Pacer;
use super::costs::{Costs, UNKNOWN};
use super::ledger::Tally;
use super::pacing::Pace;
use super::phase::Phase;
use crate::instant::Instant;

impl Pacer {
    /// Returns the costs of the next call to be offered a permit, if one waits.
    pub(super) fn costs_of_next(&self) -> Option<Costs> {
        let next = self.next()?;
        self.waiters.costs(next).copied()
    }

    /// Returns the attempts so far, and the costs of the next one.
    #[inline]
    pub(super) const fn tally<'c>(&self, now: Instant, costs: &'c Costs) -> Tally<'c> {
        Tally {
            now,
            sent: self.sent,
            in_flight: self.in_flight,
            costs,
        }
    }

    /// Returns whether one more attempt may be sent or promised.
    pub(super) fn has_room(&mut self, now: Instant, costs: &Costs) -> bool {
        let promised = self.waiters.open();
        let wanted = self.waiters.any_waiting();
        match self.phase {
            Phase::Running => self.has_room_in_run(now, costs, promised, wanted),
            Phase::Probing { sent: None, .. } if promised == 0 => {
                (self.pacing.is_plain() || self.is_permitted(now, promised))
                    && self.has_place(now, self.in_flight, wanted)
            }
            Phase::Held(_) => {
                promised == 0
                    && self.is_contested()
                    && (self.pacing.is_plain() || self.is_permitted(now, promised))
            }
            Phase::Probing { .. } => false,
        }
    }

    /// Returns the same while no hold is in force, if so many are promised, and calls are waiting or not.
    // Each permit asks this. By itself, the compiler prefers a call that costs a tenth of the permit.
    #[inline(always)]
    pub(super) fn has_room_in_run(
        &mut self,
        now: Instant,
        costs: &Costs,
        promised: u32,
        wanted: bool,
    ) -> bool {
        let left = match self.windows.is_empty() {
            true => None,
            false => self.windows.left(self.tally(now, costs), promised.into()),
        };
        let left = left.or_else(|| self.rate.left(now));
        if left.is_some_and(|left| left <= u64::from(promised)) {
            return false;
        }
        if !self.pacing.is_plain() && !self.is_permitted(now, promised) {
            return false;
        }
        let used = self.in_flight.saturating_add(promised);
        self.has_place(now, used, wanted)
    }

    /// Returns whether the cap permits one more attempt.
    #[inline(always)]
    fn has_place(&mut self, now: Instant, used: u32, wanted: bool) -> bool {
        let (service, is_told) = (self.service_time, !self.windows.is_empty());
        self.concurrency.room(now, used, wanted, service, is_told) > 0
    }

    /// Returns when the cap permits one more attempt even if none comes back.
    pub(super) fn grows_at(&self) -> Option<Instant> {
        let (service, is_told) = (self.service_time.get(), !self.windows.is_empty());
        self.concurrency.grows_at(self.used(), service, is_told)
    }

    /// Returns whether the settings permit another attempt.
    #[inline(never)]
    pub(super) fn is_permitted(&mut self, now: Instant, promised: u32) -> bool {
        if self.forbidden_by(now, promised).is_some() {
            return false;
        }
        let is_even = self.pacing.pace() == Pace::Even && matches!(self.phase, Phase::Running);
        !is_even || self.is_even(now, promised)
    }

    /// Returns when the stated limit permits the next attempt.
    pub(super) fn ceiling_frees_at(&self) -> Option<Instant> {
        let (_, per) = self.pacing.limit()?;
        self.ceiling.frees_at(per)
    }

    /// Returns whether another attempt keeps the even pace.
    fn is_even(&self, now: Instant, promised: u32) -> bool {
        if self.service_time.is_zero() {
            return self.used() == 0;
        }
        promised == 0 && self.next_even().is_none_or(|at| at <= now)
    }

    /// Returns when the next attempt goes at an even pace.
    pub(super) fn next_even(&self) -> Option<Instant> {
        let apart = self
            .windows
            .spread(self.sent_at, self.tally(self.sent_at, &UNKNOWN))?;
        Some(self.sent_at + apart)
    }

    /// Returns the number of attempts in flight or promised.
    pub(super) fn used(&self) -> u32 {
        self.in_flight.saturating_add(self.waiters.open())
    }

    /// Returns when the next call may go, if it waits for a refill or for its turn at an even pace.
    pub(super) fn comes_back(&self) -> Option<Instant> {
        let is_even = self.is_evenly_running();
        if !is_even && !self.windows.is_refilling() {
            return None;
        }
        let costs = self.costs_of_next().unwrap_or_default();
        let tally = self.tally(self.latest, &costs);
        let promised = self.waiters.open().into();
        let refills = self.windows.stated_refill(tally.with_promised(promised));
        // The first one goes alone and at once.
        let is_even = is_even && !self.service_time.is_zero();
        let even = is_even.then(|| self.next_even()).flatten();
        refills.max(even).filter(|&at| at > self.latest)
    }

    /// Returns whether the scope runs at an even pace.
    pub(super) const fn is_evenly_running(&self) -> bool {
        matches!(self.pacing.pace(), Pace::Even) && matches!(self.phase, Phase::Running)
    }

    /// Returns a time that accepted attempts do not exceed unless they are lost.
    pub(super) fn long_service(&self) -> Duration {
        self.service_time
            .get()
            .saturating_mul(2)
            .max(SHORTEST_SERVICE)
    }

    /// Returns when there may be room for the next call, if the pacer is told nothing until then.
    pub(super) fn room_at(&self) -> Option<Instant> {
        let promised = u64::from(self.waiters.open());
        let costs = self.costs_of_next().unwrap_or_default();
        let tally = self.tally(self.latest, &costs);
        let refills = self.windows.refills_at(tally.with_promised(promised));
        let grows = self.grows_at();
        let is_unknown = self.windows.left(tally, promised).is_none();
        let by_rate = is_unknown.then(|| self.rate.frees_at()).flatten();
        let is_even = self.pacing.pace() == Pace::Even;
        let even = is_even.then(|| self.next_even()).flatten();
        let by_ceiling = self.ceiling_frees_at();
        let all = refills.into_iter().chain(grows).chain(by_rate);
        let all = all.chain(even).chain(by_ceiling);
        all.filter(|&at| at > self.latest).min()
    }
}

/// The least time before an attempt counts as lost.
const SHORTEST_SERVICE: Duration = Duration::from_secs(1);
