//! Who waits for a permit, in the order of their calls.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::ops::Bound;
use core::time::Duration;

use super::costs::Costs;
use super::permit::Ticket;
use super::streak::LONGEST;
use crate::instant::{Instant, nanos};

/// The calls that wait for a permit, oldest first.
///
/// The oldest call is offered the next permit. If its future is not polled within [`OFFER`], for example
/// in `select!` or `buffer_unordered`, the offer passes on. The call keeps its place, and is served as
/// soon as it asks again. Every operation takes O(log n), except a search for calls of a certain kind.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    all: BTreeMap<Ticket, Waiter>,
    /// Those that have neither an open offer nor one that they let pass.
    waiting: BTreeSet<Ticket>,
    /// Those that should hear of a hold beyond their deadline.
    deadlines: BTreeSet<(Instant, Ticket)>,
    /// Those that should hear of a hold that is longer than they obey.
    longest: BTreeSet<(u64, Ticket)>,
    /// Calls that give up if the server rejects every probe, by when to look at them next.
    weary: BTreeSet<(Instant, Ticket)>,
    /// Open offers in the order in which they were made, and such as were taken or withdrawn since.
    offers: VecDeque<(Instant, Ticket)>,
    /// Those that have an open offer.
    offered: BTreeSet<Ticket>,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    limits: WaitLimits,
    /// Until when an offer stands, if one was made.
    offer: Option<Instant>,
    /// When to look next at whether it gives up.
    weary: Instant,
}

/// The longest time that a call waits for a permit.
///
/// If a hold lasts longer, the call is told immediately.
///
/// # Example
///
/// ```
/// use breather::{Policy, driver::{Call, CallSpec, Instant, WaitLimits}};
/// use core::time::Duration;
///
/// let policy = Policy::default().with_deadline(Duration::from_secs(30));
/// let call = Call::new(policy, CallSpec::new(), 1, Instant::ORIGIN);
/// let deadline = Instant::ORIGIN + Duration::from_secs(30);
/// let limits = WaitLimits::endless()
///     .with_deadline(deadline)
///     .with_longest(policy.max_retry_after())
///     .with_most_rejections(policy.max_throttles(), Instant::ORIGIN)
///     .with_early_probe(true);
/// assert_eq!(call.wait_limits(), limits);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct WaitLimits {
    deadline: Instant,
    /// In nanoseconds.
    longest: u64,
    most_rejections: u32,
    since: Instant,
    may_probe: bool,
    costs: Costs,
}

impl WaitLimits {
    /// Any hold is waited for.
    pub const fn endless() -> Self {
        Self {
            deadline: Instant::MAX,
            longest: u64::MAX,
            most_rejections: u32::MAX,
            since: Instant::ORIGIN,
            may_probe: false,
            costs: Costs::new(),
        }
    }

    /// Gives up when the server has rejected more than `most` probes in a row since the call began, and that was over 61
    /// minutes ago, at `since`. Defaults to no limit.
    pub const fn with_most_rejections(mut self, most: u32, since: Instant) -> Self {
        self.most_rejections = most;
        self.since = since;
        self
    }

    /// Allows the call to probe a hold that is longer than the call accepts, and that only one answer asked for.
    /// Defaults to no. Only for calls that may be executed twice, and that were not throttled themselves.
    pub const fn with_early_probe(mut self, may_probe: bool) -> Self {
        self.may_probe = may_probe;
        self
    }

    /// Sets the costs of the call, as far as its caller stated them.
    pub const fn with_costs(mut self, costs: Costs) -> Self {
        self.costs = costs;
        self
    }

    /// Returns the costs of the call.
    #[inline]
    pub(super) const fn costs(&self) -> &Costs {
        &self.costs
    }

    /// The longest hold that the call accepts, in nanoseconds, if it may probe a longer one.
    pub(super) fn probes_after(&self) -> Option<u64> {
        self.may_probe.then_some(self.longest)
    }

    /// How many rejected probes in a row the call accepts.
    pub(super) const fn most_rejections(&self) -> u32 {
        self.most_rejections
    }

    /// Before when the call accepts any number of them.
    pub(super) fn stays_until(&self) -> Instant {
        self.since + LONGEST
    }

    /// No hold that ends after `deadline` is waited for.
    pub const fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = deadline;
        self
    }

    /// No hold that lasts longer than `longest` is waited for.
    pub const fn with_longest(self, longest: Duration) -> Self {
        self.with_longest_nanos(nanos(longest))
    }

    /// The same in nanoseconds.
    pub(crate) const fn with_longest_nanos(mut self, longest: u64) -> Self {
        self.longest = longest;
        self
    }
}

impl Waiters {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn contains(&self, ticket: Ticket) -> bool {
        self.all.contains_key(&ticket)
    }

    /// How many offers are open.
    pub(super) fn open(&self) -> u32 {
        self.offered.len() as u32
    }

    /// Returns whether a call waits without an offer.
    pub(super) fn any_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns the oldest call without an offer that is younger than `after`, or else the oldest of all.
    pub(super) fn next_after(&self, after: Option<Ticket>) -> Option<Ticket> {
        let younger = after.and_then(|after| {
            let younger = (Bound::Excluded(after), Bound::Unbounded);
            self.waiting.range(younger).next()
        });
        younger.or_else(|| self.waiting.first()).copied()
    }

    /// Returns the oldest call without an offer for which `is_it` holds.
    pub(super) fn next_of(&self, is_it: impl Fn(Ticket) -> bool) -> Option<Ticket> {
        self.waiting.iter().copied().find(|&ticket| is_it(ticket))
    }

    /// Returns the costs of the call at `ticket`, if it waits.
    pub(super) fn costs(&self, ticket: Ticket) -> Option<&Costs> {
        Some(self.all.get(&ticket)?.limits.costs())
    }

    /// Lets the call wait, or wait on.
    pub(super) fn enter(&mut self, ticket: Ticket, limits: WaitLimits) {
        self.leave(ticket);
        let offer = None;
        let weary = limits.stays_until();
        let waiter = Waiter {
            limits,
            offer,
            weary,
        };
        self.all.insert(ticket, waiter);
        if limits.most_rejections < u32::MAX {
            self.weary.insert((weary, ticket));
        }
        self.waiting.insert(ticket);
        // Most calls have no deadline, and an entry that never comes up costs as much as any other.
        if limits.deadline < Instant::MAX {
            self.deadlines.insert((limits.deadline, ticket));
        }
        if limits.longest < u64::MAX {
            self.longest.insert((limits.longest, ticket));
        }
    }

    /// The call got its permit, or gave up.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        let Some(waiter) = self.all.remove(&ticket) else {
            return;
        };
        self.waiting.remove(&ticket);
        self.offered.remove(&ticket);
        let limits = waiter.limits;
        if limits.deadline < Instant::MAX {
            self.deadlines.remove(&(limits.deadline, ticket));
        }
        if limits.longest < u64::MAX {
            self.longest.remove(&(limits.longest, ticket));
        }
        if limits.most_rejections < u32::MAX {
            self.weary.remove(&(waiter.weary, ticket));
        }
        if self.all.is_empty() {
            self.offers.clear();
        }
    }

    /// Offers a permit to the call at `ticket`.
    pub(super) fn offer(&mut self, now: Instant, ticket: Ticket) {
        self.waiting.remove(&ticket);
        let until = now + OFFER;
        if let Some(waiter) = self.all.get_mut(&ticket) {
            waiter.offer = Some(until);
        }
        self.offers.push_back((until, ticket));
        self.offered.insert(ticket);
    }

    /// Takes an offer back that was made to a younger call than `ticket`, which is there and asks. Whether
    /// one was.
    pub(super) fn take_from_younger(&mut self, ticket: Ticket) -> bool {
        let Some(&youngest) = self.offered.last().filter(|&&youngest| youngest > ticket) else {
            return false;
        };
        self.withdraw(youngest);
        self.waiting.insert(youngest);
        true
    }

    fn withdraw(&mut self, ticket: Ticket) {
        self.offered.remove(&ticket);
        if let Some(waiter) = self.all.get_mut(&ticket) {
            waiter.offer = None;
        }
    }

    /// Withdraws the offers that were not taken in time.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&(until, ticket)) = self.offers.front() {
            if self
                .all
                .get(&ticket)
                .is_some_and(|it| it.offer == Some(until))
            {
                if until > now {
                    return;
                }
                self.withdraw(ticket);
            }
            self.offers.pop_front();
        }
    }

    /// When the oldest open offer passes on.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        self.offers.front().map(|&(until, _)| until)
    }

    /// A call that gives up, each once. `exceeds` says whether the server has rejected more probes than a call accepts.
    ///
    /// No call gives up before `earliest`.
    pub(super) fn weary(
        &mut self,
        now: Instant,
        earliest: Instant,
        exceeds: impl Fn(Ticket, u32) -> bool,
    ) -> Option<Ticket> {
        if now <= earliest {
            return None;
        }
        loop {
            let &(at, ticket) = self.weary.first().filter(|&&(at, _)| at < now)?;
            self.weary.remove(&(at, ticket));
            let Some(waiter) = self.all.get_mut(&ticket) else {
                continue;
            };
            if exceeds(ticket, waiter.limits.most_rejections) {
                return Some(ticket);
            }
            waiter.weary = now + RECHECK;
            self.weary.insert((waiter.weary, ticket));
        }
    }

    /// Returns when to look next for a call that gives up. No call does before `earliest`.
    pub(super) fn weary_at(&self, earliest: Instant) -> Option<Instant> {
        let &(at, _) = self.weary.first()?;
        Some(at.max(earliest).add_nanos(1))
    }

    /// A call that should not wait for a hold that ends at `opens`, each once.
    pub(super) fn impatient(&mut self, now: Instant, opens: Instant) -> Option<Ticket> {
        if let Some(&(deadline, ticket)) = self.deadlines.first() {
            if deadline < opens {
                self.deadlines.pop_first();
                return Some(ticket);
            }
        }
        let &(longest, ticket) = self.longest.first()?;
        if longest >= opens.nanos_since(now) {
            return None;
        }
        self.longest.pop_first();
        Some(ticket)
    }
}

/// Long enough for a task to be scheduled on a busy runtime, short enough not to matter.
pub(super) const OFFER: Duration = Duration::from_millis(1);

/// How soon a call that accepts more rejections is looked at again. Probes of a long outage are a minute apart.
const RECHECK: Duration = Duration::from_secs(60);
