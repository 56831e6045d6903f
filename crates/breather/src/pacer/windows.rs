//! The windows of a scope.

use alloc::vec::Vec;
use core::time::Duration;

use super::costs::Costs;
use super::ledger::{Ledger, Tally, is_blur};
use super::permit::Permit;
use crate::hint::fingerprint::fingerprint;
use crate::hint::{Evidence, Hint, MAX_WINDOWS, Unit, Window};
use crate::instant::Instant;

/// How many attempts a scope's windows permit, and when they permit more.
///
/// An attempt needs room in all of them. Each has a name, a unit and a limit: some servers tell of
/// all their windows in each response, others of whichever is the tightest, under one name.
#[derive(Debug, Default)]
pub(super) struct Windows {
    ledgers: Vec<Ledger>,
    /// How many attempts were sent before the latest hold was over.
    since: u64,
    /// How many attempts may be sent before any window can be spent, at least. 0 if that is not known.
    spare: u64,
}

/// The window that permits no more attempts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spent {
    /// It comes back call by call.
    Refills,
    /// It comes back at its reset, if that is known. It permits so many in all.
    Until(Option<Instant>, Option<u64>),
}

/// What a throttled response says of the windows.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Verdict {
    /// There is enough left in all of them.
    Left,
    /// What is left in one of them may be less than the call costs.
    TooLittle,
    /// One of them is spent for all calls.
    Spent,
}

impl Windows {
    /// The answer to `permit` carried `hint`. The server's delays count from `base`. An accepted one
    /// comes with how many attempts were throttled. Answers take at most `service`.
    pub(super) fn on_answer(
        &mut self,
        tally: Tally<'_>,
        permit: &Permit,
        base: Instant,
        hint: &Hint<'_>,
        accepted: Option<u64>,
        service: Duration,
    ) {
        self.spare = 0;
        let now = tally.now;
        let mut told = 0;
        for (window, remaining) in counted(hint) {
            told += 1;
            let ledger = self.ledger(window);
            ledger.on_answer(permit, base, window, remaining, now, service);
            ledger.on_empty(now, permit.sent, remaining == 0, accepted.is_some());
            if let Some(throttled) = accepted {
                ledger.on_accepted(remaining, tally.sent, throttled);
            }
        }
        if told < self.ledgers.len() {
            self.forget_obsolete(permit.number, tally);
        }
    }

    fn ledger(&mut self, window: &Window<'_>) -> &mut Ledger {
        let name = fingerprint(window.name());
        let at = self.ledgers.iter().position(|it| it.is_of(name, window));
        let at = at.unwrap_or_else(|| self.add(window));
        &mut self.ledgers[at]
    }

    /// Adds the ledger of a window, in place of the one that was reported longest ago if there are many.
    #[cold]
    fn add(&mut self, window: &Window<'_>) -> usize {
        let mut ledgers = self.ledgers.iter();
        let ledger = match ledgers.find(|it| it.is_named(window)) {
            Some(same) => same.with_limit_of(window),
            None => Ledger::new(window, self.since),
        };
        if self.ledgers.len() >= MAX_WINDOWS {
            let ledgers = self.ledgers.iter().enumerate();
            let oldest = ledgers.min_by_key(|(_, it)| it.told());
            self.ledgers.remove(oldest.map_or(0, |(at, _)| at));
        }
        self.ledgers.push(ledger);
        self.ledgers.len() - 1
    }

    /// Returns whether no window is known.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.ledgers.is_empty()
    }

    /// Forgets `window`, which another scope owns.
    pub(super) fn disown(&mut self, window: &Window<'_>) {
        self.spare = 0;
        let name = fingerprint(window.name());
        self.ledgers.retain(|it| !it.is_of(name, window));
    }

    /// Forgets windows of which the answer to send number `number` did not tell, and that are over or
    /// have another limit by now.
    #[cold]
    fn forget_obsolete(&mut self, number: u64, tally: Tally<'_>) {
        let mut at = 0;
        while at < self.ledgers.len() {
            let ledger = &self.ledgers[at];
            let mut others = self.ledgers.iter();
            if !ledger.is_told_by(number)
                && (ledger.is_over(tally.now) || others.any(|it| ledger.is_replaced_by(it, tally)))
            {
                self.ledgers.remove(at);
            } else {
                at += 1;
            }
        }
    }

    /// Returns how many attempts may still be sent, or a lower number that is more than `promised`. `None`
    /// while nothing is known.
    #[inline]
    pub(super) fn left(&self, tally: Tally<'_>, promised: u64) -> Option<u64> {
        if self.ledgers.is_empty() {
            return None;
        }
        if self.spare > promised && tally.costs.is_empty() {
            return Some(self.spare);
        }
        self.left_of_all(tally)
    }

    fn left_of_all(&self, tally: Tally<'_>) -> Option<u64> {
        let left = self.ledgers.iter().filter_map(|it| it.left(tally));
        left.min()
    }

    /// The window that permits no more, if there is one. Of several, it is the one that resets last, and one that resets comes before one that refills.
    ///
    /// An attempt in flight may come in later than others that were sent after it. Then there is no room for another one
    /// until it is back, but nothing is spent.
    #[inline]
    pub(super) fn spent(&mut self, tally: Tally<'_>) -> Option<Spent> {
        if self.ledgers.is_empty() || self.spare > 0 && tally.costs.is_empty() {
            return None;
        }
        self.spent_of_all(tally)
    }

    fn spent_of_all(&mut self, tally: Tally<'_>) -> Option<Spent> {
        let tally = Tally {
            in_flight: 0,
            ..tally
        };
        let mut spent = None;
        let mut least = u64::MAX;
        for ledger in &self.ledgers {
            let left = ledger.left(tally);
            if left != Some(0) {
                let sure = if ledger.is_cautious() { 0 } else { u64::MAX };
                least = least.min(left.unwrap_or(u64::MAX)).min(sure);
                continue;
            }
            least = 0;
            let reset = ledger.reset();
            spent = match spent {
                _ if ledger.is_refilling() => spent.or(Some(Spent::Refills)),
                Some(Spent::Until(other, _)) if other >= reset => spent,
                _ => Some(Spent::Until(reset, ledger.limit())),
            };
        }
        if tally.costs.is_empty() {
            self.spare = least / MOST_COST;
        }
        spent
    }

    /// Returns when all windows that refill permit the next attempt, if one of them does not yet.
    pub(super) fn refills_at(&self, tally: Tally<'_>) -> Option<Instant> {
        let refilling = self.ledgers.iter().filter_map(|it| it.refills_at(tally));
        refilling.max()
    }

    /// Returns the same instant from the server's statements alone.
    pub(super) fn stated_refill(&self, tally: Tally<'_>) -> Option<Instant> {
        let refilling = self.ledgers.iter().filter_map(|it| it.stated_refill(tally));
        refilling.max()
    }

    /// Attempt `number` was sent, which costs what `costs` state.
    pub(super) fn on_sent(&mut self, number: u64, costs: &Costs) {
        self.spare = self.spare.saturating_sub(1);
        if costs.is_empty() {
            return;
        }
        self.spare = 0;
        for ledger in &mut self.ledgers {
            ledger.on_sent(number, costs);
        }
    }

    /// Attempt `number` turned out to cost `cost` in `unit`.
    #[cfg(feature = "std")]
    pub(super) fn on_settled(&mut self, number: u64, unit: Unit, cost: u64) {
        self.spare = 0;
        let ledgers = self.ledgers.iter_mut().filter(|it| it.unit() == unit);
        ledgers.for_each(|it| it.on_settled(number, cost));
    }

    /// Whether a window's quota comes back call by call.
    pub(super) fn is_refilling(&self) -> bool {
        self.ledgers.iter().any(Ledger::is_refilling)
    }

    /// Adds an accepted attempt, whatever its answer said.
    #[inline]
    pub(super) fn on_accepted(&mut self) {
        for ledger in &mut self.ledgers {
            ledger.on_any_accepted();
        }
    }

    /// An attempt was throttled, and the server said `hint`. Requests that should have come back have
    /// not, if the server does not say that some are left.
    pub(super) fn on_throttled(&mut self, hint: &Hint<'_>) {
        self.spare = 0;
        for ledger in &mut self.ledgers {
            let mut windows = counted(hint).filter(|(window, _)| ledger.is_named(window));
            if ledger.unit() == Unit::Requests && windows.all(|(_, remaining)| remaining == 0) {
                ledger.on_throttled();
            }
        }
    }

    /// Returns what a throttled response with `hint` to attempt `number` says of the windows. `None` if it
    /// does not say what remains.
    pub(super) fn verdict(&self, number: u64, hint: &Hint<'_>) -> Option<Verdict> {
        let mut verdict = None;
        for (window, remaining) in counted(hint) {
            let found = if window.unit() == Unit::Requests {
                match remaining {
                    0 => Verdict::Spent,
                    _ => Verdict::Left,
                }
            } else {
                let name = fingerprint(window.name());
                let mut ledgers = self.ledgers.iter();
                let ledger = ledgers.find(|it| it.is_of(name, window));
                let may_lack = match ledger {
                    Some(ledger) => ledger.may_lack(remaining, number),
                    None => Ledger::new(window, 0).may_lack(remaining, number),
                };
                match may_lack {
                    true => Verdict::TooLittle,
                    false => Verdict::Left,
                }
            };
            verdict = verdict.max(Some(found));
        }
        // The hint may report windows that the pacer does not count.
        let is_spent = verdict == Some(Verdict::Left) && hint.is_spent();
        if is_spent {
            Some(Verdict::Spent)
        } else {
            verdict
        }
    }

    /// How long after the latest send at `sent_at` the next one goes if those that are left are spread
    /// over the time to the reset.
    pub(super) fn spread(&self, sent_at: Instant, tally: Tally<'_>) -> Option<Duration> {
        let spreads = self
            .ledgers
            .iter()
            .filter_map(|it| it.spread(sent_at, tally));
        spreads.max()
    }

    #[cfg(feature = "std")]
    pub(super) fn on_unsent(&mut self, number: u64) {
        self.spare = 0;
        for ledger in &mut self.ledgers {
            ledger.on_unsent(number);
        }
    }

    /// The window that permits the fewest attempts.
    pub(super) fn tightest(&self, tally: Tally<'_>) -> Option<&Ledger> {
        let known = self.ledgers.iter();
        let known = known.filter_map(|it| Some((it.left(tally)?, it)));
        let tightest = known.min_by_key(|&(left, it)| (left, core::cmp::Reverse(it.reset())));
        tightest.map(|(_, ledger)| ledger)
    }

    /// The header that states the reset of the tightest window, if `hint` has it.
    pub(super) fn evidence(&self, tally: Tally<'_>, hint: &Hint<'_>) -> Option<Evidence> {
        let ledger = self.tightest(tally)?;
        let mut windows = counted(hint).map(|(window, _)| window);
        let own = windows.find(|window| ledger.is_named(window))?;
        own.evidence()
    }

    /// `at`, which the server stated, or the same instant by what other answers say of a window that is
    /// spent.
    pub(super) fn tightened(&self, at: Instant, tally: Tally<'_>) -> Instant {
        let spent = self.ledgers.iter();
        let spent = spent.filter(|it| it.left(tally) == Some(0));
        let same = spent.filter_map(Ledger::reset);
        same.filter(|&reset| is_blur(reset, at))
            .fold(at, Instant::min)
    }

    /// How many answers say that a window resets at `at`, or nearly.
    pub(super) fn answers(&self, at: Instant) -> u32 {
        let answers = self.ledgers.iter().map(|it| it.answers(at));
        answers.max().unwrap_or_default()
    }

    /// What the next windows give is anybody's guess.
    pub(super) fn distrust(&mut self) {
        self.ledgers.iter_mut().for_each(Ledger::distrust);
    }

    /// A hold is over. Windows that have reset begin anew.
    pub(super) fn renew(&mut self, tally: Tally<'_>) {
        self.spare = 0;
        self.since = tally.sent;
        self.ledgers.iter_mut().for_each(|it| it.renew(tally));
    }

    /// Whether all windows are likely to permit more than one attempt after a hold, and there is one.
    pub(super) fn is_promising(&self, tally: Tally<'_>) -> bool {
        !self.ledgers.is_empty() && self.ledgers.iter().all(|it| it.is_promising(tally))
    }

    /// Attempt number `number` was sent while the scope was held, and accepted. Windows of which its
    /// answer does not tell are not as the server said.
    pub(super) fn on_contradicted(&mut self, number: u64) {
        self.spare = 0;
        self.ledgers.retain(|it| it.is_told_by(number));
    }

    /// Takes the prospects of new windows for granted, of which number `number` was sent first at
    /// `at`, until answers say better.
    pub(super) fn assume(&mut self, at: Instant, number: u64) {
        self.spare = 0;
        for ledger in &mut self.ledgers {
            ledger.assume(at, number);
        }
    }
}

/// The windows that count what attempts cost, and what remains of them.
///
/// A limit on attempts in flight is no quota: the pacer finds it by itself.
fn counted<'h, 'a>(hint: &'h Hint<'a>) -> impl Iterator<Item = (&'h Window<'a>, u64)> {
    let windows = hint.windows().filter(|it| it.unit() != Unit::Concurrency);
    windows.filter_map(|window| Some((window, window.remaining()?)))
}

/// Others' use counts as at most so many of our own attempts.
const MOST_COST: u64 = 8;
