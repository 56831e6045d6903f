//! Which waiting call is next, by its class, its share and its age.

use alloc::collections::{BTreeMap, BTreeSet};
use core::mem;
use core::ops::Bound;

use super::claim::Claim;
use super::permit::Ticket;

/// The order of the calls that wait without an offer.
///
/// A more urgent class goes first, except that a class which let [`OWED`] others go is next. Within a class, the keys of
/// [shares](crate::CallOptions::with_share) take turns, and each call counts as one (round robin, with numbered
/// rounds). Calls without a key have one turn together. The oldest call of a key goes first. Each operation takes
/// O(log n).
#[derive(Debug, Default)]
pub(super) struct Queue {
    classes: [Class; CLASSES],
}

#[derive(Debug, Default)]
struct Class {
    /// The calls without a key, and those with more keys than are kept.
    pool: Line,
    /// The calls of each key. No line is empty.
    lines: BTreeMap<u64, Line>,
    /// The same lines by the round of their next call, and by the age of that call.
    turns: BTreeSet<(Round, Ticket, u64)>,
    /// The round of the latest call that was chosen.
    round: Round,
    /// How many calls of more urgent classes were chosen while this class waited.
    passed: u32,
}

/// The calls of one key.
#[derive(Debug, Default)]
struct Line {
    /// The round of the next call.
    round: Round,
    calls: BTreeSet<Ticket>,
}

/// Counts the turns of each key.
pub(super) type Round = u64;

/// The turn in which a call was chosen.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Turn {
    /// Whether a more urgent call may take it.
    pub(super) is_revocable: bool,
    class: usize,
    pub(super) round: Round,
    /// How many others its class had let go before.
    passed: u32,
}

/// Which calls are preferred for the next attempt.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Preference {
    /// The call that goes last, because its probe was throttled. Younger ones of its line go first.
    pub(super) after: Option<Ticket>,
    /// Whether the attempt is likely to be throttled. Then the least urgent class goes first, because a rejection uses
    /// up the patience of its call.
    pub(super) is_doubtful: bool,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        !self.classes.iter().any(Class::waits)
    }

    /// Returns the key by which a call waits. If the table is full, a new key is pooled.
    fn key(&self, claim: &Claim) -> u64 {
        let (key, keys) = (
            claim.share,
            self.classes.iter().map(|class| class.lines.len()),
        );
        let is_known = self.classes[claim.priority.class()]
            .lines
            .contains_key(&key);
        match is_known || keys.sum::<usize>() < MOST_KEYS {
            true => key,
            false => 0,
        }
    }

    /// Adds a call that waits. If no other call of its key does, it comes in `round`, or after all keys that wait.
    pub(super) fn insert(&mut self, ticket: Ticket, claim: &Claim, round: Option<Round>) {
        self.add(ticket, claim, round, false);
    }

    /// Adds a call that comes back for a retry. Its key gets the turn back.
    pub(super) fn insert_retry(&mut self, ticket: Ticket, claim: &Claim) {
        self.add(ticket, claim, Some(0), true);
    }

    fn add(&mut self, ticket: Ticket, claim: &Claim, round: Option<Round>, has_turn: bool) {
        let key = self.key(claim);
        let class = &mut self.classes[claim.priority.class()];
        let earliest = class.round;
        let new = round.map_or_else(|| class.last_round(), |round| round.max(earliest));
        if key != 0 {
            class.lines.entry(key).or_default();
        }
        class.change(key, |line| {
            let is_new = line.calls.is_empty();
            line.calls.insert(ticket);
            if is_new {
                line.round = new;
            } else if has_turn {
                line.round = line.round.saturating_sub(1).max(earliest);
            }
        });
    }

    /// Removes a call that does not wait any longer, if it is there.
    pub(super) fn remove(&mut self, ticket: Ticket, claim: &Claim) {
        let class = &mut self.classes[claim.priority.class()];
        if !class.pool.calls.remove(&ticket) {
            class.change(claim.share, |line| _ = line.calls.remove(&ticket));
        }
    }

    /// Returns the next call.
    pub(super) fn next(&self, preference: Preference) -> Option<Ticket> {
        let (.., next) = self.pick(preference)?;
        Some(next)
    }

    /// Returns the class and the line of the next call, and the call.
    fn pick(&self, preference: Preference) -> Option<(usize, &Line, Ticket)> {
        let after = preference.after;
        let mut only = None;
        for class in self.in_order(preference.is_doubtful, None) {
            for line in self.classes[class].first_lines() {
                let next = line.next(after)?;
                only = Some((class, line, next));
                if Some(next) != after {
                    return only;
                }
            }
        }
        only
    }

    /// Returns the first call for which `is_it` holds.
    pub(super) fn find(&self, is_it: impl Fn(Ticket) -> bool) -> Option<Ticket> {
        let calls = self.in_order(false, None).flat_map(|index| {
            let class = &self.classes[index];
            let lines = class.lines.values().flat_map(|line| &line.calls);
            class.pool.calls.iter().chain(lines)
        });
        calls.copied().find(|&ticket| is_it(ticket))
    }

    /// Returns the round in which this call comes next, if it waited in `round` or not at all.
    fn round_of(&self, claim: &Claim, round: Option<Round>) -> Round {
        let class = &self.classes[claim.priority.class()];
        let own = class.line(self.key(claim)).map(|line| line.round);
        let round = round.map(|round| round.max(class.round));
        let own = own.into_iter().chain(round).min();
        own.unwrap_or_else(|| class.last_round())
    }

    /// Returns whether a call that is awake goes before those that wait. It waited in `round`, or not at all.
    pub(super) fn goes_first(
        &self,
        ticket: Ticket,
        claim: &Claim,
        round: Option<Round>,
        preference: Preference,
    ) -> bool {
        let Some((class, line, next)) = self.pick(preference) else {
            return true;
        };
        let after = preference.after;
        // The call that let others go goes last.
        if Some(ticket) == after || Some(next) == after {
            return Some(ticket) != after;
        }
        let own = claim.priority.class();
        if own != class {
            let mut order = self.in_order(preference.is_doubtful, Some(own));
            return order.find(|&it| it == own || it == class) == Some(own);
        }
        let own_line = self.classes[own].line(self.key(claim));
        if own_line.is_some_and(|own| core::ptr::eq(line, own)) {
            let turn = |ticket| (Some(ticket) <= after, ticket);
            return turn(ticket) < turn(next);
        }
        let oldest = own_line.and_then(|line| line.calls.first()).copied();
        let oldest = oldest.map_or(ticket, |oldest| oldest.min(ticket));
        (self.round_of(claim, round), Some(oldest)) < (line.round, line.calls.first().copied())
    }

    /// Adds that a call was chosen, which waited in `round` or not at all, and was removed.
    pub(super) fn choose(&mut self, claim: &Claim, round: Option<Round>) -> Turn {
        let own = claim.priority.class();
        let is_owed = self.classes[own].is_due() && self.classes[..own].iter().any(Class::waits);
        let passed = mem::take(&mut self.classes[own].passed);
        for class in &mut self.classes[own + 1..] {
            class.passed += u32::from(class.waits());
        }
        let (key, round) = (self.key(claim), self.round_of(claim, round));
        let class = &mut self.classes[own];
        class.round = class.round.max(round);
        if class.line(key).is_some() {
            class.change(key, |line| line.round = round + 1);
        }
        Turn {
            is_revocable: !is_owed,
            class: own,
            round,
            passed,
        }
    }

    /// Takes a choice back, because the call is not sent yet.
    pub(super) fn take_back(&mut self, claim: &Claim, turn: Turn) {
        let key = self.key(claim);
        for class in &mut self.classes[turn.class + 1..] {
            class.passed = class.passed.saturating_sub(u32::from(class.waits()));
        }
        let class = &mut self.classes[turn.class];
        class.passed += turn.passed;
        if class.line(key).is_some() {
            class.change(key, |line| {
                if line.round > turn.round {
                    line.round -= 1;
                }
            });
        }
    }

    /// Returns the round in which a call waits.
    pub(super) fn round_of_waiting(&self, claim: &Claim) -> Round {
        self.round_of(claim, None)
    }

    /// Returns whether the call at `ticket`, which waited in `round` or not at all, goes before the one that was chosen in
    /// `turn`.
    pub(super) fn outranks(
        &self,
        (ticket, claim, round): (Ticket, &Claim, Option<Round>),
        (chosen, other, turn): (Ticket, &Claim, Turn),
    ) -> bool {
        let class = claim.priority.class();
        if class == turn.class && claim.share == other.share {
            return ticket < chosen;
        }
        (class, self.round_of(claim, round)) < (turn.class, turn.round)
    }

    /// Returns the classes in the order in which they are served. A call of class `asks` waits although it is not here.
    fn in_order(&self, is_doubtful: bool, asks: Option<usize>) -> impl Iterator<Item = usize> {
        let is_due = |&index: &usize| {
            let class = &self.classes[index];
            class.is_due() && (class.waits() || Some(index) == asks)
        };
        let due = (0..CLASSES).find(is_due).filter(|_| !is_doubtful);
        let nth = move |nth| if is_doubtful { CLASSES - 1 - nth } else { nth };
        let others = (0..CLASSES).map(nth);
        due.into_iter().chain(others)
    }
}

impl Class {
    fn waits(&self) -> bool {
        !self.pool.calls.is_empty() || !self.lines.is_empty()
    }

    const fn is_due(&self) -> bool {
        self.passed >= OWED
    }

    /// Returns the line with this key, if calls wait in it.
    fn line(&self, key: u64) -> Option<&Line> {
        let line = if key == 0 {
            Some(&self.pool)
        } else {
            self.lines.get(&key)
        };
        line.filter(|line| !line.calls.is_empty())
    }

    /// Returns the round after which all keys that wait had one more turn. A key that is new comes in this round, so that
    /// no number of new keys keeps another waiting.
    fn last_round(&self) -> Round {
        let pool = Some(self.pool.round).filter(|_| !self.pool.calls.is_empty());
        let keyed = self.turns.last().map(|&(round, ..)| round);
        pool.max(keyed).unwrap_or(0).max(self.round)
    }

    /// Changes the line with this key, which is there.
    fn change(&mut self, key: u64, change: impl FnOnce(&mut Line)) {
        let Some(line) = self.lines.get_mut(&key) else {
            change(&mut self.pool);
            return;
        };
        let place = |line: &Line| Some((line.round, *line.calls.first()?, key));
        let before = place(line);
        change(line);
        let now = place(line);
        if before != now {
            if let Some(before) = before {
                self.turns.remove(&before);
            }
        }
        match now {
            Some(now) => _ = self.turns.insert(now),
            None => _ = self.lines.remove(&key),
        }
    }

    /// Returns the first lines, which are that of the calls without a key and two others.
    fn first_lines(&self) -> impl Iterator<Item = &Line> {
        let mut pool = Some(&self.pool).filter(|pool| !pool.calls.is_empty());
        let mut keyed = self.turns.iter().take(2).peekable();
        core::iter::from_fn(move || {
            let is_pool = match (pool, keyed.peek()) {
                (Some(pool), Some(&&(round, first, _))) => {
                    (pool.round, pool.calls.first()) < (round, Some(&first))
                }
                (pool, _) => pool.is_some(),
            };
            match is_pool {
                true => pool.take(),
                false => self.lines.get(&keyed.next()?.2),
            }
        })
    }
}

impl Line {
    /// Returns the oldest call that is younger than `after`, or else the oldest of all.
    fn next(&self, after: Option<Ticket>) -> Option<Ticket> {
        let younger = after.and_then(|after| {
            let younger = (Bound::Excluded(after), Bound::Unbounded);
            self.calls.range(younger).next()
        });
        younger.or_else(|| self.calls.first()).copied()
    }
}

const CLASSES: usize = 3;

/// A class that waits gets one grant in 16, whatever more urgent ones wait. That is a window's worth in 16 windows,
/// and costs the urgent calls 6 % of theirs.
const OWED: u32 = 15;

/// The most keys of a scope that have turns of their own. The others share one.
const MOST_KEYS: usize = 1_024;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::pacer::Priority;

    const PRIORITIES: [Priority; CLASSES] =
        [Priority::Interactive, Priority::Normal, Priority::Batch];

    const fn claim(priority: Priority, share: u64) -> Claim {
        let mut claim = Claim::new();
        (claim.priority, claim.share) = (priority, share);
        claim
    }

    const fn ticket(age: u64) -> Ticket {
        Ticket { age, rejected: 0 }
    }

    const fn after(age: u64) -> Preference {
        Preference {
            after: Some(ticket(age)),
            is_doubtful: false,
        }
    }

    /// Calls that wait, with their ages.
    #[derive(Default)]
    struct Crowd {
        queue: Queue,
        claims: BTreeMap<u64, Claim>,
        arrived: u64,
    }

    impl Crowd {
        fn arrive(&mut self, priority: Priority, share: u64) -> u64 {
            self.arrived += 1;
            let claim = claim(priority, share);
            self.claims.insert(self.arrived, claim);
            self.queue.insert(ticket(self.arrived), &claim, None);
            self.arrived
        }

        fn serve(&mut self) -> Option<(u64, Claim)> {
            let next = self.queue.next(Preference::default())?;
            let claim = self.claims.remove(&next.age).unwrap();
            let round = self.queue.round_of_waiting(&claim);
            self.queue.remove(next, &claim);
            self.queue.choose(&claim, Some(round));
            Some((next.age, claim))
        }

        fn keys(&self) -> usize {
            let classes = self.queue.classes.iter();
            classes.map(|class| class.lines.len()).sum()
        }

        /// Serves `number` calls and returns how many belong to each class.
        fn classes_of(&mut self, number: usize) -> [usize; CLASSES] {
            let mut served = [0; CLASSES];
            for _ in 0..number {
                let (_, claim) = self.serve().unwrap();
                served[claim.priority.class()] += 1;
            }
            served
        }
    }

    #[test]
    fn keys_take_turns() {
        let mut crowd = Crowd::default();
        (0..1_000).for_each(|_| _ = crowd.arrive(Priority::Normal, 1));
        (0..100).for_each(|_| _ = crowd.serve());
        let small: Vec<_> = (0..5).map(|_| crowd.arrive(Priority::Normal, 2)).collect();
        let served: Vec<_> = (0..10).map(|_| crowd.serve().unwrap().0).collect();
        assert!(small.iter().all(|age| served.contains(age)), "{served:?}");
    }

    #[test]
    fn key_with_one_call_at_a_time_takes_no_more_than_its_turn() {
        let mut crowd = Crowd::default();
        (0..1_000).for_each(|_| _ = crowd.arrive(Priority::Normal, 1));
        let mut quick = 0;
        for _ in 0..100 {
            crowd.arrive(Priority::Normal, 2);
            while crowd.claims.values().any(|claim| claim.share == 2) {
                quick += usize::from(crowd.serve().unwrap().1.share == 2);
            }
        }
        assert_eq!((quick, crowd.claims.len()), (100, 900));
    }

    #[test]
    fn calls_without_a_key_take_turns_with_the_keys() {
        let mut crowd = Crowd::default();
        for share in [0, 7, 8] {
            (0..100).for_each(|_| _ = crowd.arrive(Priority::Normal, share));
        }
        let mut served = BTreeMap::new();
        for _ in 0..90 {
            *served.entry(crowd.serve().unwrap().1.share).or_insert(0) += 1;
        }
        assert_eq!(served, BTreeMap::from([(0, 30), (7, 30), (8, 30)]));
    }

    #[test]
    fn more_keys_than_are_kept_share_a_turn() {
        let mut crowd = Crowd::default();
        for share in 1..=3_000 {
            crowd.arrive(Priority::Normal, share);
        }
        assert_eq!(crowd.keys(), MOST_KEYS);
        let served = core::iter::from_fn(|| crowd.serve()).count();
        assert_eq!(served, 3_000);
        assert!(crowd.queue.is_empty());
    }

    #[test]
    fn new_keys_keep_no_call_waiting_and_old_ones_are_forgotten() {
        let mut crowd = Crowd::default();
        (0..3).for_each(|_| _ = crowd.arrive(Priority::Normal, 1));
        for share in 2..=10_000 {
            crowd.arrive(Priority::Normal, share);
            crowd.serve();
            let old = crowd.claims.values().filter(|it| it.share == 1).count();
            assert_eq!(old == 0, share >= 7, "{share}");
            assert!(crowd.keys() <= 4, "{}", crowd.keys());
        }
    }

    #[test]
    fn lower_classes_get_one_in_sixteen_each() {
        let mut crowd = Crowd::default();
        for priority in PRIORITIES {
            (0..1_000).for_each(|_| _ = crowd.arrive(priority, 0));
        }
        // With two of them, both are due at once.
        assert_eq!(crowd.classes_of(340), [300, 20, 20]);
    }

    #[test]
    fn class_that_is_alone_is_served_at_once() {
        let mut crowd = Crowd::default();
        (0..100).for_each(|_| _ = crowd.arrive(Priority::Batch, 0));
        assert_eq!(crowd.classes_of(50), [0, 0, 50]);
        crowd.arrive(Priority::Interactive, 0);
        assert_eq!(crowd.classes_of(1), [1, 0, 0]);
    }

    #[test]
    fn retry_keeps_the_turn_of_its_key() {
        let mut crowd = Crowd::default();
        for share in 1..=3 {
            (0..10).for_each(|_| _ = crowd.arrive(Priority::Normal, share));
        }
        let (age, claim) = crowd.serve().unwrap();
        // All keys have had a turn, and the first one two.
        (0..3).for_each(|_| _ = crowd.serve());
        crowd.queue.insert_retry(ticket(age), &claim);
        assert_eq!(crowd.queue.next(Preference::default()), Some(ticket(age)));
    }

    #[test]
    fn attempt_that_is_likely_to_be_throttled_is_one_of_a_batch() {
        let mut crowd = Crowd::default();
        let calls = PRIORITIES.map(|priority| crowd.arrive(priority, 0));
        let doubtful = |after: Option<u64>| Preference {
            after: after.map(ticket),
            is_doubtful: true,
        };
        assert_eq!(crowd.queue.next(doubtful(None)), Some(ticket(calls[2])));
        assert_eq!(
            crowd.queue.next(doubtful(Some(calls[2]))),
            Some(ticket(calls[1]))
        );
    }

    #[test]
    fn class_without_calls_takes_no_turn_of_another() {
        let mut crowd = Crowd::default();
        let dropped = crowd.arrive(Priority::Normal, 0);
        for priority in [Priority::Interactive, Priority::Batch] {
            (0..100).for_each(|_| _ = crowd.arrive(priority, 0));
        }
        assert_eq!(crowd.classes_of(15), [15, 0, 0]);
        let claim = crowd.claims.remove(&dropped).unwrap();
        crowd.queue.remove(ticket(dropped), &claim);
        assert_eq!(crowd.classes_of(48), [45, 0, 3]);
    }

    #[test]
    fn old_turn_moves_its_key_back_by_one() {
        let mut crowd = Crowd::default();
        for share in [1, 2] {
            (0..200).for_each(|_| _ = crowd.arrive(Priority::Normal, share));
        }
        let claim = claim(Priority::Normal, 1);
        let first = crowd.queue.next(Preference::default()).unwrap();
        crowd.claims.remove(&first.age);
        crowd.queue.remove(first, &claim);
        let turn = crowd.queue.choose(&claim, None);
        (0..100).for_each(|_| _ = crowd.serve());
        // The call did not take its offer, and comes back.
        crowd.queue.take_back(&claim, turn);
        crowd.queue.insert(first, &claim, Some(turn.round));
        crowd.claims.insert(first.age, claim);
        let mut served = [0; 2];
        for _ in 0..3 {
            served[crowd.serve().unwrap().1.share as usize - 1] += 1;
        }
        assert_eq!(served, [2, 1]);
    }

    #[test]
    fn throttled_probe_passes_the_turn_on() {
        let mut crowd = Crowd::default();
        crowd.arrive(Priority::Interactive, 0);
        crowd.arrive(Priority::Normal, 0);
        assert_eq!(crowd.queue.next(after(1)), Some(ticket(2)));
        assert_eq!(crowd.queue.next(after(2)), Some(ticket(1)));
        crowd.arrive(Priority::Interactive, 5);
        assert_eq!(crowd.queue.next(after(1)), Some(ticket(3)));
    }

    /// Whatever happens, all parts of the queue agree, and the next call is one that goes first.
    #[test]
    fn parts_agree() {
        let mut random = crate::rng::Rng::new(7);
        let mut draw = |below: u64| random.between(0, below - 1);
        let mut crowd = Crowd::default();
        for _ in 0..5_000 {
            match draw(6) {
                0..=2 => _ = crowd.arrive(PRIORITIES[draw(3) as usize], draw(4)),
                3 | 4 => _ = crowd.serve(),
                _ if !crowd.claims.is_empty() => {
                    let at = draw(crowd.claims.len() as u64) as usize;
                    let (&age, &claim) = crowd.claims.iter().nth(at).unwrap();
                    crowd.queue.remove(ticket(age), &claim);
                    // It comes back as a retry does, or is gone.
                    if draw(2) == 0 {
                        crowd.queue.insert_retry(ticket(age), &claim);
                    } else {
                        crowd.claims.remove(&age);
                    }
                }
                _ => {}
            }
            // Whoever is next goes first when it asks.
            let after = match crowd.claims.len() as u64 {
                0 => None,
                len => crowd.claims.keys().nth(draw(len) as usize),
            };
            let after = after.map(|&age| ticket(age));
            for (after, is_doubtful) in [(None, false), (after, false), (None, true), (after, true)]
            {
                let preference = Preference { after, is_doubtful };
                let Some(next) = crowd.queue.next(preference) else {
                    assert!(crowd.claims.is_empty());
                    continue;
                };
                let claim = &crowd.claims[&next.age];
                let round = Some(crowd.queue.round_of_waiting(claim));
                crowd.queue.remove(next, claim);
                assert!(
                    crowd.queue.goes_first(next, claim, round, preference),
                    "{preference:?}"
                );
                crowd.queue.insert(next, claim, round);
            }
            let queue = &crowd.queue;
            assert_eq!(queue.is_empty(), crowd.claims.is_empty());
            let mut waiting = 0;
            for class in &queue.classes {
                assert_eq!(class.turns.len(), class.lines.len());
                for (round, first, key) in &class.turns {
                    let line = &class.lines[key];
                    assert_eq!((*round, Some(first)), (line.round, line.calls.first()));
                }
                let keyed = class.lines.values().map(|line| line.calls.len());
                waiting += keyed.sum::<usize>() + class.pool.calls.len();
            }
            assert_eq!(waiting, crowd.claims.len());
            if let Some(next) = queue.next(Preference::default()) {
                let claim = crowd.claims[&next.age];
                let mut others = crowd.claims.keys().filter(|&&age| age != next.age);
                let precedes = |age: &u64| {
                    let claim = &crowd.claims[age];
                    let round = queue.round_of_waiting(claim);
                    queue.goes_first(ticket(*age), claim, Some(round), Preference::default())
                };
                assert!(!others.any(precedes), "{next:?} {claim:?}");
            }
        }
    }
}
