//! One window of a scope: how much is left of it.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::costs::Costs;
use super::order::{Least, Order};
use super::overage::{LONG_HOLD, Overage};
use super::permit::Permit;
use super::refill::Refill;
use super::sliding::Sliding;
use super::usage::Usage;
use crate::hint::fingerprint::fingerprint;
use crate::hint::{Unit, Window};
use crate::instant::{Instant, nanos};

/// How much of a window is left, and when it gives more.
///
/// A response says what remained when the server counted the request. The ledger subtracts the costs
/// of later attempts, and adds what has come back since. An attempt costs one request. In other
/// units, it costs what attempts have cost so far, on average.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The fingerprint of the window's name.
    name: u64,
    unit: Unit,
    limit: Option<u64>,
    known: Option<Known>,
    order: Order,
    overage: Overage,
    reset: Option<Reset>,
    /// The likely quota of the next window, which is the limit if nearly all of this one was ours.
    prospect: Option<u64>,
    refill: Refill,
    usage: Usage,
    stated: Stated,
    sliding: Sliding,
    /// How many attempts were sent before the window began.
    since: u64,
    /// The number of the latest-sent attempt whose answer reported the window.
    told: u64,
}

/// How much of a window remained, by the answer to the latest-sent request among those answered.
///
/// Answers arrive out of order. The answer to an earlier-sent request describes an earlier state.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// The number of that request.
    number: u64,
    remaining: u64,
    /// When that was so.
    at: Instant,
    /// The number of the latest attempt that this includes.
    counted: u64,
}

/// The attempts since the known one whose costs were stated.
#[derive(Debug, Default)]
struct Stated {
    /// Their numbers and costs, in the order in which they were sent.
    attempts: VecDeque<(u64, u64)>,
    sum: u64,
}

/// An answer to an attempt, apart from its hint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'p> {
    pub(super) permit: &'p Permit,
    /// The attempts so far.
    pub(super) tally: Tally<'p>,
    /// Delays count from here.
    pub(super) base: Instant,
    /// If the attempt was accepted, how many others of the epoch were throttled.
    pub(super) accepted: Option<u64>,
}

/// The attempts so far, and the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally<'c> {
    pub(super) now: Instant,
    /// The number of the latest attempt.
    pub(super) sent: u64,
    /// How many attempts are in flight.
    pub(super) in_flight: u32,
    /// The costs of the next attempt, as far as its caller stated them.
    pub(super) costs: &'c Costs,
}

impl Tally<'_> {
    /// Counts `promised` attempts as sent.
    pub(super) const fn with_promised(mut self, promised: u64) -> Self {
        self.sent += promised;
        self
    }
}

/// When the window resets, by all answers of the epoch.
#[derive(Clone, Copy, Debug)]
struct Reset {
    earliest: Instant,
    latest: Instant,
    newest: Instant,
    newest_number: u64,
    /// How many answers stated it.
    answers: u32,
}

impl Ledger {
    pub(super) fn new(window: &Window<'_>, since: u64) -> Self {
        Self {
            name: fingerprint(window.name()),
            unit: window.unit(),
            limit: window.limit(),
            known: None,
            order: Order::default(),
            overage: Overage::default(),
            reset: None,
            prospect: None,
            refill: Refill::default(),
            usage: Usage::new(window.unit()),
            stated: Stated::default(),
            sliding: Sliding::default(),
            since,
            told: 0,
        }
    }

    /// Returns the number of the latest-sent attempt whose answer reported it.
    pub(super) const fn told(&self) -> u64 {
        self.told
    }

    /// Returns whether this is `window`, whose name has the fingerprint `name`.
    pub(super) fn is_of(&self, name: u64, window: &Window<'_>) -> bool {
        self.name == name && self.unit == window.unit() && self.limit == window.limit()
    }

    /// Returns whether `window` has the same name and unit.
    pub(super) fn is_named(&self, window: &Window<'_>) -> bool {
        self.unit == window.unit() && self.name == fingerprint(window.name())
    }

    /// Returns whether the window is over at `now`, by the latest answer that reported it.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.reset().is_none_or(|reset| reset <= now)
    }

    /// Returns whether `other` is the same window with a new limit.
    ///
    /// Some servers report the tightest of several windows under one name. Such a server does not
    /// report a window that has more left than another.
    pub(super) fn is_replaced_by(&self, other: &Self, tally: Tally<'_>) -> bool {
        let resets = self.reset().zip(other.reset());
        (self.name, self.unit) == (other.name, other.unit)
            && self.told < other.told
            && (resets.is_none_or(|(own, others)| is_blur(own, others))
                || self.level(tally) < other.level(tally))
    }

    /// Returns whether attempt `number` or a later one reported it.
    pub(super) const fn is_told_by(&self, number: u64) -> bool {
        self.told >= number
    }

    /// Adds an answer that says that `remaining` is left of `window`. It stands for so many `attempts`.
    pub(super) fn on_answer(
        &mut self,
        answer: &Answer<'_>,
        window: &Window<'_>,
        remaining: u64,
        attempts: u64,
    ) {
        let &Answer {
            permit,
            tally,
            base,
            ..
        } = answer;
        self.told = self.told.max(permit.number);
        self.refill.on_answer(window);
        let refilled = |since: Instant| self.refill.in_time(base.nanos_since(since));
        self.usage
            .on_answer(permit.number, remaining, base, refilled);
        if self.known.is_none_or(|known| known.number <= permit.number) {
            self.known = Some(Known {
                number: permit.number,
                remaining,
                at: base + self.debt(window, remaining),
                counted: permit.number,
            });
            self.stated.forget_until(permit.number);
        }
        self.order.on_answer(answer, remaining, self.reset());
        // A bucket that has some left may say that the next one comes in no time.
        let is_next = |delay: u64| delay == 0 && remaining > 0;
        if let Some(delay) = window.reset_nanos().filter(|&delay| !is_next(delay)) {
            let is_new = self.on_reset(permit.number, base.add_nanos(delay));
            self.sliding.on_reset(delay);
            if is_new && self.is_nearly_all(remaining, tally.sent + 1 - permit.number) {
                self.sliding.on_full();
            }
        }
        if self.is_of_requests() {
            if answer.accepted.is_some() {
                (0..attempts).for_each(|_| self.sliding.on_accepted(permit.sent));
            } else if remaining == 0 && permit.level == 1 {
                self.sliding.on_throttled(base);
            }
        }
        let is_far = |at: Instant| at.duration_since(tally.now) > LONG_HOLD;
        if remaining == 0 && self.reset().is_some_and(is_far) {
            self.overage.on_empty(answer);
        } else {
            self.overage.on_left();
        }
        if let Some(throttled) = answer.accepted {
            self.on_accepted(remaining, tally.sent, throttled);
        }
    }

    /// Returns the time until `window` has something to give again, if more was used than it had.
    ///
    /// A server that charges costs when it responds may state that nothing remains, and a time until it is full
    /// that is longer than it takes to fill.
    fn debt(&self, window: &Window<'_>, remaining: u64) -> Duration {
        let refill = self.refill.per_unit().filter(|_| !self.is_of_requests());
        let known = refill.zip(self.limit).zip(window.reset_nanos());
        let Some(((per_unit, limit), reset)) = known.filter(|_| remaining == 0) else {
            return Duration::ZERO;
        };
        Duration::from_nanos(reset.saturating_sub(per_unit.saturating_mul(limit)))
    }

    /// Adds an accepted answer that says that `remaining` is left. Of the attempts up to number `sent`, so
    /// many were throttled.
    ///
    /// The answer to a throttled probe describes the window before, so it does not count.
    fn on_accepted(&mut self, remaining: u64, sent: u64, throttled: u64) {
        let ours = sent.saturating_sub(self.since).saturating_sub(throttled);
        let ours = match self.unit {
            Unit::Requests => ours,
            _ => self.usage.of(ours),
        };
        let is_nearly_all = self.is_nearly_all(remaining, ours);
        self.prospect = self.limit.filter(|_| is_nearly_all);
    }

    /// Returns whether the window gave nearly all to us. `remaining` is left after `ours`.
    fn is_nearly_all(&self, remaining: u64, ours: u64) -> bool {
        // Some of the attempts that were sent later may have come in earlier.
        let is_nearly_all = |limit: u64| remaining.saturating_add(ours) >= limit - limit / OTHERS;
        self.limit.is_some_and(is_nearly_all)
    }

    /// Adds a stated reset. Returns whether it is the first one of a window.
    fn on_reset(&mut self, number: u64, at: Instant) -> bool {
        let was_known = self.reset.is_some();
        let reset = self.reset.get_or_insert(Reset {
            earliest: at,
            latest: at,
            newest: at,
            newest_number: number,
            answers: 0,
        });
        let is_same = is_blur(reset.newest, at);
        let moves = !is_same && number >= reset.newest_number;
        if moves {
            reset.answers = 0;
        }
        if is_same || number >= reset.newest_number {
            reset.answers = reset.answers.saturating_add(1);
        }
        reset.earliest = reset.earliest.min(at);
        reset.latest = reset.latest.max(at);
        if number >= reset.newest_number {
            reset.newest = at;
            reset.newest_number = number;
        }
        moves || !was_known
    }

    /// Returns how much is left, in the window's unit. `None` while that is unknown.
    #[inline]
    pub(super) fn level(&self, tally: Tally<'_>) -> Option<u64> {
        let known = self.known?;
        let ours = tally.sent.saturating_sub(known.counted);
        if self.is_bucket() {
            // If others use a bucket, too, it seems to refill more slowly.
            return Some(self.refilled(tally.now, known.remaining, known.at, ours));
        }
        let level = self.refilled(tally.now, known.remaining, known.at, self.used(ours));
        let Some(least) = self.least() else {
            return Some(level);
        };
        // The server may count any of the attempts in flight after the one that left least.
        let in_flight = self.usage.of(tally.in_flight.into());
        let least = self.refilled(tally.now, least.remaining, least.at, in_flight);
        Some(level.min(least))
    }

    /// Returns a number of attempts of unknown cost that leave enough for one more. It is less than there
    /// really are, and soon computed.
    pub(super) fn spare(&self, tally: Tally<'_>) -> u64 {
        let Some(known) = self.known.filter(|_| self.stated.attempts.is_empty()) else {
            return 0;
        };
        // The next attempt may meet a bucket that has been full for long.
        if self.is_refilling() && tally.in_flight == 0 {
            return 0;
        }
        let least = self.least();
        let least = least.map_or(known.remaining, |least| {
            least.remaining.min(known.remaining)
        });
        let level = self.limit.map_or(least, |limit| limit.min(least));
        let later = tally.sent.saturating_sub(known.counted);
        let spare = self.usage.spare(level);
        let spare = spare.saturating_sub(later.max(tally.in_flight.into()));
        debug_assert!(
            spare == 0 || self.left(tally.with_promised(spare)) != Some(0),
            "{spare} attempts leave nothing"
        );
        spare
    }

    /// Returns the least that was left, if less may be left than the latest answer says.
    fn least(&self) -> Option<Least> {
        match self.unit {
            Unit::Requests => self.order.least().filter(|_| !self.is_bucket()),
            // A server may charge the cost of an attempt when it ends.
            _ => self.order.least_in_any_order(),
        }
    }

    /// Returns how many attempts may still be sent. `None` if the window does not limit them.
    #[inline]
    pub(super) fn left(&self, tally: Tally<'_>) -> Option<u64> {
        if self.overage.is_billed() {
            return None;
        }
        let level = self.level(tally)?;
        if self.is_of_requests() {
            return Some(level);
        }
        let Some(cost) = self.cost_of_next(tally) else {
            // Calls of any cost need more.
            return (level == 0).then_some(0);
        };
        let more = level.checked_sub(self.need(tally, cost));
        Some(more.map_or(0, |more| (more / cost.max(1)).saturating_add(1)))
    }

    /// Returns the stated cost of the next attempt, or else the mean if it is known.
    fn cost_of_next(&self, tally: Tally<'_>) -> Option<u64> {
        tally.costs.get(self.unit).or_else(|| self.usage.mean())
    }

    /// Returns the least level at which the next attempt, of that `cost`, is sent.
    fn need(&self, tally: Tally<'_>, cost: u64) -> u64 {
        if self.is_of_requests() {
            return 1;
        }
        let known = self.known.map_or(tally.sent, |known| known.counted);
        let later = tally.sent.saturating_sub(known);
        let unknown = later.saturating_sub(self.stated.attempts.len() as u64);
        let need = match tally.costs.get(self.unit) {
            Some(_) => {
                // The rate of the refill is known from rounded figures.
                let rounded = match self.is_refilling() {
                    true => cost / ROUNDED,
                    false => 0,
                };
                let spread = self.usage.spread(unknown);
                cost.saturating_add(rounded).saturating_add(spread)
            }
            None => self.usage.spared(unknown, self.is_refilling()),
        };
        // A call that costs more than the window goes when the window is full.
        self.limit.map_or(need, |limit| need.min(limit))
    }

    /// Returns the costs of the `ours` latest attempts.
    fn used(&self, ours: u64) -> u64 {
        let unknown = ours.saturating_sub(self.stated.attempts.len() as u64);
        self.stated.sum.saturating_add(self.usage.of(unknown))
    }

    /// Returns whether it counts requests that come back one by one.
    const fn is_bucket(&self) -> bool {
        self.is_of_requests() && self.is_refilling()
    }

    const fn is_of_requests(&self) -> bool {
        matches!(self.unit, Unit::Requests)
    }

    /// Returns how much is left at `now` if `remaining` was left at `at` and `used` was used since.
    #[inline]
    fn refilled(&self, now: Instant, remaining: u64, at: Instant, used: u64) -> u64 {
        if !self.is_refilling() {
            return remaining.saturating_sub(used);
        }
        let refilled = self.refill.in_time(now.nanos_since(at));
        remaining.saturating_add(refilled).saturating_sub(used)
    }

    /// Returns when the window has refilled enough for the next attempt, if it has not yet.
    pub(super) fn refills_at(&self, tally: Tally<'_>) -> Option<Instant> {
        self.after_refill(tally, self.refill.per_unit())
    }

    /// Returns the same instant from the server's statements alone. It is not later than the reset.
    pub(super) fn stated_refill(&self, tally: Tally<'_>) -> Option<Instant> {
        let next = self.after_refill(tally, self.refill.stated_per_unit())?;
        Some(self.reset().map_or(next, |full| full.min(next)))
    }

    fn after_refill(&self, tally: Tally<'_>, per_unit: Option<u64>) -> Option<Instant> {
        let (known, time) = self.known.zip(per_unit)?;
        let ours = tally.sent.saturating_sub(known.counted);
        let (used, need) = match self.is_of_requests() {
            true => (ours, 1),
            false => {
                // Calls of any cost need more than nothing.
                let cost = self.cost_of_next(tally);
                let need = cost.map_or(1, |cost| self.need(tally, cost));
                (self.used(ours), need)
            }
        };
        let refilled = |remaining: u64, at: Instant, used: u64| {
            let missing = used.saturating_add(need).checked_sub(remaining)?;
            Some(at + Duration::from_nanos(time.saturating_mul(missing)))
        };
        let by_known = refilled(known.remaining, known.at, used);
        let by_least = self.least().and_then(|least| {
            let in_flight = self.usage.of(tally.in_flight.into());
            refilled(least.remaining, least.at, in_flight)
        });
        by_known.max(by_least)
    }

    /// Adds that only the latest attempt is in flight. A bucket that is full without it gains no more.
    pub(super) fn on_alone(&mut self, tally: Tally<'_>) {
        let (sent, now) = (tally.sent.saturating_sub(1), tally.now);
        if !self.is_refilling() {
            return;
        }
        let Some((limit, known)) = self.limit.zip(self.known) else {
            return;
        };
        let used = self.used(sent.saturating_sub(known.counted));
        if self.refilled(now, known.remaining, known.at, used) < limit {
            return;
        }
        self.stated.forget_until(sent);
        self.known = Some(Known {
            remaining: limit,
            at: now,
            counted: sent,
            ..known
        });
    }

    /// Adds attempt `number`, with the costs that its caller stated.
    pub(super) fn on_sent(&mut self, number: u64, costs: &Costs) {
        if let Some(cost) = costs.get(self.unit) {
            self.stated.set(number, cost);
        }
    }

    /// Adds the actual cost of attempt `number`. A `remaining` that was reported after it takes precedence.
    #[cfg(feature = "std")]
    pub(super) fn on_settled(&mut self, number: u64, cost: u64) {
        self.usage.on_settled(cost);
        let is_open = self.known.is_none_or(|known| known.counted < number);
        if is_open && number > self.since {
            self.stated.set(number, cost);
        }
    }

    /// Adds a throttled attempt for which the bucket should have refilled.
    pub(super) fn on_throttled(&mut self) {
        self.refill.on_throttled();
    }

    /// Adds an accepted attempt, also if its answer did not report the window.
    pub(super) fn on_any_accepted(&mut self) {
        self.refill.on_accepted();
    }

    /// Returns whether a call that was throttled when `remaining` was left may have cost more. Its caller
    /// may have stated the cost.
    pub(super) fn may_lack(&self, remaining: u64, number: u64) -> bool {
        if self.is_of_requests() {
            return false;
        }
        if let Some(cost) = self.stated.get(number) {
            return remaining < cost;
        }
        let mean = self.usage.mean().unwrap_or_default();
        let share = self.limit.unwrap_or_default() / LARGE_SHARE;
        remaining < share.max(mean.saturating_mul(LARGE))
    }

    /// Returns how much the window permits in all.
    pub(super) const fn limit(&self) -> Option<u64> {
        self.limit
    }

    pub(super) const fn unit(&self) -> Unit {
        self.unit
    }

    /// Returns the time between attempts if those that are left are spread evenly until the reset.
    pub(super) fn spread(&self, sent_at: Instant, tally: Tally<'_>) -> Option<Duration> {
        if let Some(per_unit) = self.refill.per_unit() {
            let cost = match self.is_of_requests() {
                true => 1,
                false => self.usage.mean()?,
            };
            return Some(Duration::from_nanos(per_unit.saturating_mul(cost)));
        }
        let left = self.left(tally)?;
        let time = self.reset()?.duration_since(sent_at);
        Some(Duration::from_nanos(nanos(time) / left.saturating_add(1)))
    }

    /// Returns whether the window refills call by call.
    pub(super) const fn is_refilling(&self) -> bool {
        self.refill.per_unit().is_some()
    }

    /// Gives back attempt `number`, which was counted and not sent. Answers to later ones never included
    /// it.
    #[cfg(feature = "std")]
    pub(super) fn on_unsent(&mut self, number: u64) {
        if let Some(known) = self.known.as_mut().filter(|known| known.counted <= number) {
            let cost = match self.unit {
                Unit::Requests => 1,
                // It stays among those that were sent, and is balanced here.
                _ => self.stated.get(number).unwrap_or_else(|| self.usage.of(1)),
            };
            known.remaining = known.remaining.saturating_add(cost);
        }
    }

    /// Returns when the window resets, if its answers say so.
    ///
    /// Servers round a reset up to whole seconds. If several answers state about the same instant, the
    /// earliest is right. If they are further apart than rounding explains, the window moves, and the
    /// newest answer counts.
    pub(super) fn reset(&self) -> Option<Instant> {
        let reset = self.reset?;
        Some(if is_blur(reset.earliest, reset.latest) {
            reset.earliest
        } else {
            reset.newest
        })
    }

    /// Returns when the window permits the next attempt if it is spent and its reset is stated.
    pub(super) fn opens(&self, tally: Tally<'_>) -> Option<Instant> {
        let reset = self.reset()?;
        // Attempts in flight may take what the log permits, and so may others.
        let is_ours = tally.in_flight == 0 && self.is_nearly_all(0, self.sliding.count());
        let exact = self.sliding.opens().filter(|_| is_ours);
        let exact = exact.filter(|&at| is_blur(at, reset));
        Some(exact.map_or(reset, |at| at.min(reset)))
    }

    /// Returns how many answers say that the window resets at about `at`.
    pub(super) fn answers(&self, at: Instant) -> u32 {
        let is_it = self.reset().is_some_and(|reset| is_blur(reset, at));
        self.reset
            .filter(|_| is_it)
            .map_or(0, |reset| reset.answers)
    }

    /// Forgets how much the next window is likely to permit.
    pub(super) const fn distrust(&mut self) {
        self.prospect = None;
    }

    /// Begins a new window, because a hold is over. Only the prospect is kept.
    ///
    /// A window that has something left goes on until its reset. An empty one begins anew even if its
    /// reset has not come, because the server said to retry now.
    pub(super) fn renew(&mut self, tally: Tally<'_>) {
        let goes_on = |at: Instant| at > tally.now && !is_blur(at, tally.now);
        let is_healthy = || self.left(tally) != Some(0) && self.reset().is_some_and(goes_on);
        if self.is_refilling() || self.known.is_some() && is_healthy() {
            return;
        }
        self.known = None;
        self.stated = Stated::default();
        self.reset = None;
        self.order.renew();
        self.overage.on_left();
        self.usage.renew();
        self.since = tally.sent;
    }

    /// Returns whether the window is likely to permit more than one attempt after a hold.
    pub(super) fn is_promising(&self, tally: Tally<'_>) -> bool {
        match self.known {
            // The cost of the probe is unknown.
            Some(_) if !self.is_of_requests() => false,
            Some(_) => self.left(tally).is_none_or(|left| left > 1),
            None => self.prospect.is_some_and(|prospect| prospect > 1),
        }
    }

    /// Returns whether no answer has reported the new window yet.
    pub(super) const fn is_new(&self) -> bool {
        self.known.is_none()
    }

    /// Expects a new window to permit as much as is likely, until an answer says more. Attempt `number`
    /// was its first.
    pub(super) fn assume(&mut self, at: Instant, number: u64) {
        let first = match self.unit {
            Unit::Requests => 1,
            _ => self.stated.get(number).unwrap_or_else(|| self.usage.of(1)),
        };
        if let Some(prospect) = self.prospect.filter(|_| self.is_new()) {
            self.stated.forget_until(number);
            self.known = Some(Known {
                number,
                remaining: prospect.saturating_sub(first),
                at,
                counted: number,
            });
        }
    }
}

impl Stated {
    /// Sets the cost of attempt `number`.
    fn set(&mut self, number: u64, cost: u64) {
        match self.attempts.binary_search_by_key(&number, |it| it.0) {
            Ok(at) => {
                let before = core::mem::replace(&mut self.attempts[at].1, cost);
                self.sum = self.sum.saturating_sub(before).saturating_add(cost);
            }
            Err(at) => {
                if self.attempts.len() >= MOST_STATED {
                    return;
                }
                self.attempts.insert(at, (number, cost));
                self.sum = self.sum.saturating_add(cost);
            }
        }
    }

    fn get(&self, number: u64) -> Option<u64> {
        let at = self.attempts.binary_search_by_key(&number, |it| it.0);
        at.ok().map(|at| self.attempts[at].1)
    }

    /// Forgets the attempts up to `number`.
    fn forget_until(&mut self, number: u64) {
        while let Some(&(_, cost)) = self.attempts.front().filter(|it| it.0 <= number) {
            self.attempts.pop_front();
            self.sum = self.sum.saturating_sub(cost);
        }
    }
}

/// Whether two instants may be one, seen through rounding.
pub(super) fn is_blur(one: Instant, other: Instant) -> bool {
    one.as_nanos().abs_diff(other.as_nanos()) <= nanos(BLUR)
}

/// Rounding to whole seconds moves a reset by up to a second; the rest is for the network.
pub(super) const BLUR: Duration = Duration::from_millis(1_500);

/// If others took less than this part of a window, nearly all of it was ours.
const OTHERS: u64 = 20;

/// A call may cost that many times the mean. Of costs whose 99th percentile is 15 times the median,
/// one in 200 does.
const LARGE: u64 = 8;

/// A call may also cost that part of a window.
const LARGE_SHARE: u64 = 8;

/// The stated costs of attempts without an answer that a window keeps. The others count as the mean.
const MOST_STATED: usize = 10_000;

/// The part of a stated cost that is spared. Figures of thousands are rounded by less.
const ROUNDED: u64 = 128;
