//! The windows of a scope.

use alloc::vec::Vec;
use core::time::Duration;

use super::costs::Costs;
use super::ledger::{Answer, Ledger, Tally, is_blur};
use crate::hint::fingerprint::fingerprint;
use crate::hint::{Evidence, Hint, MAX_WINDOWS, Unit, Window};
use crate::instant::Instant;

/// The windows of a scope, which say how many attempts may be sent, and when more may.
///
/// An attempt needs room in all of them. The pacer tells windows apart by name, unit and limit, because
/// some servers report only the tightest of their windows, always under the same name.
#[derive(Debug, Default)]
pub(super) struct Windows {
    ledgers: Vec<Ledger>,
    /// How many attempts were sent before the latest hold was over.
    since: u64,
    /// So many attempts leave something in all windows. While it is positive, most calls need not look at the
    /// ledgers.
    spare: u64,
    /// How many answers in a row were [skipped](Self::skips).
    skipped: u64,
    /// How many answers were not, since a window began.
    read: u64,
}

/// The window that permits no more attempts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spent {
    /// It refills call by call.
    Refills,
    /// It is empty until its reset, if that is known. Then it permits this many attempts.
    Until(Option<Instant>, Option<u64>),
}

/// The state of the windows, by a throttled response.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Verdict {
    /// All of them have enough left.
    Left,
    /// One of them may have less left than the call costs.
    TooLittle,
    /// One of them is spent for all calls.
    Spent,
}

impl Windows {
    /// Adds an answer that carried `hint`.
    pub(super) fn on_answer(&mut self, answer: &Answer<'_>, hint: &Hint<'_>) {
        if self.skips(answer, hint) {
            self.skipped += 1;
            return;
        }
        self.spare = 0;
        self.read += 1;
        let attempts = core::mem::take(&mut self.skipped) + 1;
        let mut told = 0;
        for (window, remaining) in counted(hint) {
            told += 1;
            self.ledger(window)
                .on_answer(answer, window, remaining, attempts);
        }
        if told < self.ledgers.len() {
            self.forget_obsolete(answer.permit.number, answer.tally);
        }
    }

    /// Returns whether the answer need not be read, because much is left of all windows. A later one says as much.
    #[inline]
    fn skips(&self, answer: &Answer<'_>, hint: &Hint<'_>) -> bool {
        self.spare > MUCH
            && self.read >= FIRST
            && self.skipped < MOST_SKIPPED
            && answer.accepted.is_some()
            && hint.windows().all(has_much)
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
        let ledger = Ledger::new(window, self.since);
        if self.ledgers.len() >= MAX_WINDOWS {
            let ledgers = self.ledgers.iter().enumerate();
            let oldest = ledgers.min_by_key(|(_, it)| it.told());
            self.ledgers.remove(oldest.map_or(0, |(at, _)| at));
        }
        self.ledgers.push(ledger);
        self.read = 0;
        self.ledgers.len() - 1
    }

    /// Returns whether all windows certainly permit an attempt of unknown cost.
    #[inline]
    pub(super) const fn has_spare(&self) -> bool {
        self.spare > 0
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

    /// Forgets windows that the answer to attempt `number` did not report, if they are over or have a new
    /// limit.
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
        if self.spare > promised && tally.costs.is_empty() && !self.is_empty() {
            return Some(self.spare);
        }
        self.left_of_all(tally)
    }

    fn left_of_all(&self, tally: Tally<'_>) -> Option<u64> {
        let left = self.ledgers.iter().filter_map(|it| it.left(tally));
        left.min()
    }

    /// Returns the window that permits no more attempts, if there is one.
    ///
    /// If there are several, it is the one that resets last. One that resets comes before one that
    /// refills. A window that only waits for attempts in flight to come back is not spent.
    #[inline]
    pub(super) fn spent(&mut self, tally: Tally<'_>) -> Option<Spent> {
        if self.has_spare() && tally.costs.is_empty() {
            return None;
        }
        self.spent_of_all(tally)
    }

    fn spent_of_all(&mut self, tally: Tally<'_>) -> Option<Spent> {
        if tally.in_flight == 1 {
            let ledgers = self.ledgers.iter_mut();
            ledgers.for_each(|it| it.on_alone(tally));
        }
        if tally.costs.is_empty() {
            let spare = self.ledgers.iter().map(|it| it.spare(tally));
            self.spare = spare.min().unwrap_or(u64::MAX);
            if self.spare > 0 {
                return None;
            }
        }
        let all = tally;
        let tally = Tally {
            in_flight: 0,
            ..tally
        };
        let mut spent = None;
        for ledger in &self.ledgers {
            if ledger.left(tally) != Some(0) {
                continue;
            }
            let reset = ledger.opens(all);
            spent = match spent {
                _ if ledger.is_refilling() => spent.or(Some(Spent::Refills)),
                Some(Spent::Until(other, _)) if other >= reset => spent,
                _ => Some(Spent::Until(reset, ledger.limit())),
            };
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

    /// Adds attempt `number`, with the costs that its caller stated.
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

    /// Adds the actual cost of attempt `number` in `unit`.
    #[cfg(feature = "std")]
    pub(super) fn on_settled(&mut self, number: u64, unit: Unit, cost: u64) {
        self.spare = 0;
        let ledgers = self.ledgers.iter_mut().filter(|it| it.unit() == unit);
        ledgers.for_each(|it| it.on_settled(number, cost));
    }

    /// Returns whether a window counts costs that differ from call to call.
    pub(super) fn count_costs(&self) -> bool {
        self.ledgers.iter().any(|it| it.unit() != Unit::Requests)
    }

    /// Returns whether a window refills call by call.
    pub(super) fn is_refilling(&self) -> bool {
        self.ledgers.iter().any(Ledger::is_refilling)
    }

    /// Adds an accepted attempt.
    #[inline]
    pub(super) fn on_accepted(&mut self) {
        for ledger in &mut self.ledgers {
            ledger.on_any_accepted();
        }
    }

    /// Adds an attempt that was throttled. It shows that buckets of requests refill more slowly than
    /// expected.
    pub(super) fn on_throttled(&mut self) {
        self.spare = 0;
        let of_requests = self.ledgers.iter_mut();
        let of_requests = of_requests.filter(|it| it.unit() == Unit::Requests);
        of_requests.for_each(Ledger::on_throttled);
    }

    /// Returns the state of the windows by `hint`, in the throttled response to attempt `number`. `None` if
    /// the hint does not say how much remains.
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

    /// Returns the time between attempts if those that are left are spread evenly until the reset.
    pub(super) fn spread(&self, sent_at: Instant, tally: Tally<'_>) -> Option<Duration> {
        let spreads = self
            .ledgers
            .iter()
            .filter_map(|it| it.spread(sent_at, tally));
        spreads.max()
    }

    /// Gives back attempt `number`, which was counted and not sent.
    #[cfg(feature = "std")]
    pub(super) fn on_unsent(&mut self, number: u64) {
        self.spare = 0;
        for ledger in &mut self.ledgers {
            ledger.on_unsent(number);
        }
    }

    /// Returns the window that permits the fewest attempts.
    pub(super) fn tightest(&self, tally: Tally<'_>) -> Option<&Ledger> {
        let known = self.ledgers.iter();
        let known = known.filter_map(|it| Some((it.left(tally)?, it)));
        let tightest = known.min_by_key(|&(left, it)| (left, core::cmp::Reverse(it.reset())));
        tightest.map(|(_, ledger)| ledger)
    }

    /// Returns the header that states the reset of the tightest window, if `hint` has it.
    pub(super) fn evidence(&self, tally: Tally<'_>, hint: &Hint<'_>) -> Option<Evidence> {
        let ledger = self.tightest(tally)?;
        let mut windows = counted(hint).map(|(window, _)| window);
        let own = windows.find(|window| ledger.is_named(window))?;
        own.evidence()
    }

    /// Returns the stated instant `at`, or the more exact reset of a spent window if it is the same
    /// instant.
    pub(super) fn tightened(&self, at: Instant, tally: Tally<'_>) -> Instant {
        let spent = self.ledgers.iter();
        let spent = spent.filter(|it| it.left(tally) == Some(0));
        let same = spent.filter_map(|it| it.opens(tally));
        same.filter(|&reset| is_blur(reset, at))
            .fold(at, Instant::min)
    }

    /// Returns how many answers say that a window resets at about `at`.
    pub(super) fn answers(&self, at: Instant) -> u32 {
        let answers = self.ledgers.iter().map(|it| it.answers(at));
        answers.max().unwrap_or_default()
    }

    /// Forgets how much the next windows are likely to permit.
    pub(super) fn distrust(&mut self) {
        self.ledgers.iter_mut().for_each(Ledger::distrust);
    }

    /// Begins new windows in place of those that have reset, because a hold is over.
    pub(super) fn renew(&mut self, tally: Tally<'_>) {
        self.spare = 0;
        self.since = tally.sent;
        self.read = 0;
        self.ledgers.iter_mut().for_each(|it| it.renew(tally));
    }

    /// Returns whether all windows are likely to permit more than one attempt after a hold.
    pub(super) fn is_promising(&self, tally: Tally<'_>) -> bool {
        !self.ledgers.is_empty() && self.ledgers.iter().all(|it| it.is_promising(tally))
    }

    /// Forgets windows that the answer to attempt `number` did not report. The server accepted it
    /// although the scope was held, so they were wrong.
    pub(super) fn on_contradicted(&mut self, number: u64) {
        self.spare = 0;
        self.ledgers.retain(|it| it.is_told_by(number));
    }

    /// Expects new windows to permit as much as is likely, until answers say more. Attempt `number` was
    /// their first, at `at`.
    pub(super) fn assume(&mut self, at: Instant, number: u64) {
        self.spare = 0;
        for ledger in &mut self.ledgers {
            ledger.assume(at, number);
        }
    }
}

/// Returns the windows that count the costs of attempts, and how much remains.
///
/// A limit on attempts in flight is not a quota. The pacer finds it by itself.
fn counted<'h, 'a>(hint: &'h Hint<'a>) -> impl Iterator<Item = (&'h Window<'a>, u64)> {
    let windows = hint.windows().filter(|it| it.unit() != Unit::Concurrency);
    windows.filter_map(|window| Some((window, window.remaining()?)))
}

/// Returns whether more than a quarter of `window` is left.
fn has_much(window: &Window<'_>) -> bool {
    let known = window.limit().zip(window.remaining());
    known.is_some_and(|(limit, remaining)| remaining > limit / 4)
}

/// While so many attempts may follow, answers are skipped.
const MUCH: u64 = 64;

/// The most answers in a row that are skipped. If they are not, a permit with two windows costs 1,340 instructions
/// instead of 580 (`cargo bench --bench decide`).
const MOST_SKIPPED: u64 = 7;

/// The answers by which a window is known.
const FIRST: u64 = 16;
