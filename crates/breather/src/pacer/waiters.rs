//! Who waits for a permit, in the order of their calls.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::time::Duration;

use super::claim::{Claim, Priority};
use super::costs::Costs;
use super::permit::Ticket;
use super::queue::{Preference, Queue, Round, Turn};
use super::streak::LONGEST;
use crate::instant::{Instant, nanos};

/// The calls that wait for a permit.
///
/// The first call of the [`Queue`] is offered the next permit. If its future is not polled within [`OFFER`], for example
/// in `select!` or `buffer_unordered`, the offer passes on. The call keeps its place, and is served as
/// soon as it asks again. Every operation takes O(log n), except a search for calls of a certain kind.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    all: BTreeMap<Ticket, Waiter>,
    /// Those that have neither an open offer nor one that they let pass.
    waiting: Queue,
    /// Those that should hear of a hold beyond their deadline.
    deadlines: BTreeSet<(Instant, Ticket)>,
    /// Those that should hear of a hold that is longer than they obey.
    longest: BTreeSet<(u64, Ticket)>,
    /// Calls that give up if the server rejects every probe, by when to look at them next.
    weary: BTreeSet<(Instant, Ticket)>,
    /// Open offers in the order in which they were made, and such as were taken or withdrawn since.
    offers: VecDeque<(Instant, Ticket)>,
    /// Those that have an open offer.
    offered: BTreeSet<(Turn, Ticket)>,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    limits: WaitLimits,
    /// Until when an offer stands, if one was made, and whose turn it was.
    offer: Option<(Instant, Turn)>,
    /// The round of an offer that it let pass.
    passed_on: Option<Round>,
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
    is_retry: bool,
    claim: Claim,
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
            is_retry: false,
            claim: Claim::new(),
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
        self.claim.costs = costs;
        self
    }

    /// Sets the priority of the call. Defaults to [`Priority::Normal`].
    pub const fn with_priority(mut self, priority: Priority) -> Self {
        self.claim.priority = priority;
        self
    }

    /// Sets the key whose calls share a turn in the queue. Defaults to 0, the key of calls without a share.
    pub const fn with_share(mut self, key: u64) -> Self {
        self.claim.share = key;
        self
    }

    /// Sets whether the latest attempt of the call was throttled. Then it gets its turn back, and keeps its place. Defaults
    /// to no.
    pub const fn with_retry(mut self, is_retry: bool) -> Self {
        self.is_retry = is_retry;
        self
    }

    /// Sets the costs, the priority and the key at once.
    #[cfg(feature = "std")]
    pub(crate) const fn with_claim(mut self, claim: Claim) -> Self {
        self.claim = claim;
        self
    }

    /// Returns what the call asks for.
    #[inline]
    pub(crate) const fn claim(&self) -> &Claim {
        &self.claim
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

    /// How many offers are open.
    pub(super) fn open(&self) -> u32 {
        self.offered.len() as u32
    }

    /// Returns whether a call waits without an offer.
    pub(super) fn any_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns the next call without an offer. See [`Queue::next`].
    pub(super) fn next(&self, preference: Preference) -> Option<Ticket> {
        self.waiting.next(preference)
    }

    /// Returns the first call without an offer for which `is_it` holds.
    pub(super) fn next_of(&self, is_it: impl Fn(Ticket) -> bool) -> Option<Ticket> {
        self.waiting.find(is_it)
    }

    /// Returns whether a call that is awake goes before those without an offer. See [`Queue::goes_first`].
    pub(super) fn goes_first(
        &self,
        ticket: Ticket,
        claim: &Claim,
        round: Option<Round>,
        preference: Preference,
    ) -> bool {
        self.waiting.goes_first(ticket, claim, round, preference)
    }

    /// Returns the round in which the call at `ticket` waits, if it does.
    pub(super) fn round(&self, ticket: Ticket) -> Option<Round> {
        let waiter = self.all.get(&ticket)?;
        Some(match waiter.offer {
            Some((_, turn)) => turn.round,
            None => match waiter.passed_on {
                Some(round) => round,
                None => self.waiting.round_of_waiting(&waiter.limits.claim),
            },
        })
    }

    /// Adds that a call was sent while others wait.
    pub(super) fn on_sent(&mut self, claim: &Claim) {
        self.waiting.choose(claim, None);
    }

    /// Returns the costs of the call at `ticket`, if it waits.
    pub(super) fn costs(&self, ticket: Ticket) -> Option<&Costs> {
        Some(&self.all.get(&ticket)?.limits.claim.costs)
    }

    /// Lets the call wait, or wait on, in `round` if it waited before.
    pub(super) fn enter(&mut self, ticket: Ticket, limits: WaitLimits, round: Option<Round>) {
        self.leave(ticket);
        let offer = None;
        let weary = limits.stays_until();
        let waiter = Waiter {
            limits,
            offer,
            passed_on: None,
            weary,
        };
        self.all.insert(ticket, waiter);
        if limits.most_rejections < u32::MAX {
            self.weary.insert((weary, ticket));
        }
        match limits.is_retry && round.is_none() {
            true => self.waiting.insert_retry(ticket, &limits.claim),
            false => self.waiting.insert(ticket, &limits.claim, round),
        }
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
        let limits = waiter.limits;
        match waiter.offer {
            // If it is sent now, its turn is taken again.
            Some((_, turn)) => {
                self.offered.remove(&(turn, ticket));
                self.waiting.take_back(&limits.claim, turn);
            }
            None => self.waiting.remove(ticket, &limits.claim),
        }
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
        let Some(waiter) = self.all.get_mut(&ticket) else {
            return;
        };
        let claim = &waiter.limits.claim;
        let round = self.waiting.round_of_waiting(claim);
        self.waiting.remove(ticket, claim);
        let turn = self.waiting.choose(claim, Some(round));
        let until = now + OFFER;
        waiter.offer = Some((until, turn));
        self.offers.push_back((until, ticket));
        self.offered.insert((turn, ticket));
    }

    /// Takes an offer back that was made to a call whose turn is after that of `ticket`, which is there and asks. Whether
    /// one was.
    pub(super) fn take_from_later(
        &mut self,
        ticket: Ticket,
        claim: &Claim,
        round: Option<Round>,
    ) -> bool {
        let last = self.offered.last().filter(|(turn, _)| turn.is_revocable);
        let Some(&(turn, last)) = last else {
            return false;
        };
        let other = match self.all.get(&last) {
            Some(waiter) => waiter.limits.claim,
            None => return false,
        };
        let (asks, has) = ((ticket, claim, round), (last, &other, turn));
        if !self.waiting.outranks(asks, has) {
            return false;
        }
        self.withdraw(last);
        self.waiting.insert(last, &other, Some(turn.round));
        true
    }

    /// The call keeps its place, and is not offered another permit until it asks, unless it is put back.
    fn withdraw(&mut self, ticket: Ticket) {
        let Some(waiter) = self.all.get_mut(&ticket) else {
            return;
        };
        if let Some((_, turn)) = waiter.offer.take() {
            waiter.passed_on = Some(turn.round);
            self.offered.remove(&(turn, ticket));
            self.waiting.take_back(&waiter.limits.claim, turn);
        }
    }

    /// Withdraws the offers that were not taken in time.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&(until, ticket)) = self.offers.front() {
            if self
                .all
                .get(&ticket)
                .is_some_and(|it| it.offer.is_some_and(|(at, _)| at == until))
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
