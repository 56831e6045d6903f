//! Whose limit a throttled attempt exceeded.

use alloc::collections::BTreeMap;

use super::windows::Verdict;

/// Whose limit a throttled attempt exceeded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Blame {
    /// The call's own. The server accepts others.
    Call,
    /// The limit on attempts in flight.
    Cap,
    /// That of the scope, by a window or a rate.
    Scope,
}

/// The evidence about a throttled attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Throttled {
    /// The state of the windows, if the response states one.
    pub(super) verdict: Option<Verdict>,
    /// Whether the response states when to retry.
    pub(super) is_stated: bool,
    /// Whether it was alone in flight.
    pub(super) was_alone: bool,
    /// Whether so many were in flight that the cap is the likely reason, and whether it is a possible one.
    pub(super) exceeds_cap: bool,
    pub(super) may_exceed_cap: bool,
    /// Whether more were sent than the learned rate permits.
    pub(super) exceeds_rate: bool,
    /// Whether less may be left than the call costs, although others are accepted.
    pub(super) may_lack_quota: bool,
    /// How many attempts were accepted that were sent since the call was last throttled.
    pub(super) accepted_since: usize,
    /// Whether it is the only call that is throttled, although enough others are accepted.
    pub(super) is_only: bool,
}

impl Throttled {
    /// Returns whose limit it was.
    ///
    /// A stated window comes first. A call that is throttled again although others were accepted has a
    /// limit of its own, unless so many attempts were sent or in flight that another limit explains it.
    pub(super) fn blame(&self) -> Blame {
        let needed = if self.is_stated { 1 } else { ENOUGH };
        let may_exceed_cap = self.may_exceed_cap && !self.was_alone;
        // A bucket would throttle others, too.
        let may_lack_quota = self.may_lack_quota && !self.is_only;
        let is_explained = may_exceed_cap || self.exceeds_rate || may_lack_quota;
        let is_own = (self.accepted_since >= needed || self.is_only) && !is_explained;
        match self.verdict {
            Some(Verdict::Spent | Verdict::TooLittle) => Blame::Scope,
            Some(Verdict::Left) | None if is_own => Blame::Call,
            Some(Verdict::Left) if !self.was_alone => Blame::Cap,
            None if self.exceeds_cap && !self.exceeds_rate && !self.was_alone => Blame::Cap,
            Some(Verdict::Left) | None => Blame::Scope,
        }
    }
}

/// The calls that were throttled and not accepted since, and the attempts that were accepted.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// By the age of the call.
    calls: BTreeMap<u64, Repeat>,
    /// The numbers of the latest attempts that were accepted while there were such calls, and how many attempts were
    /// accepted and throttled.
    latest: [u64; ENOUGH],
    next: usize,
    accepted: u64,
    throttled: u64,
    /// Rises with each call that is throttled again although others were accepted, and falls with each that is
    /// accepted.
    own: u32,
    /// How many attempts had been accepted when it last rose. Probes in a row are one piece of evidence.
    own_at: u64,
}

/// The state of a scope when a call was throttled.
#[derive(Clone, Copy, Debug, Default)]
struct Repeat {
    /// How many attempts were sent, accepted and throttled.
    sent: u64,
    accepted: u64,
    throttled: u64,
    /// How often it was throttled without another call in between, and how many attempts had been accepted before.
    own: u64,
    accepted_before: u64,
}

impl Repeats {
    /// Adds that attempt `number` was accepted, of the call of this `age`.
    #[inline]
    pub(super) fn on_accepted(&mut self, number: u64, age: u64) {
        if !self.calls.is_empty() {
            self.on_accepted_among(number, age);
        }
    }

    fn on_accepted_among(&mut self, number: u64, age: u64) {
        self.latest[self.next] = number;
        self.next = (self.next + 1) % ENOUGH;
        self.accepted += 1;
        if self.calls.remove(&age).is_some() {
            self.own = self.own.saturating_sub(FALL);
        }
    }

    /// Adds that the call of this `age` was throttled after `sent` attempts. Returns how many attempts were accepted
    /// that were sent since it was last throttled, up to [`ENOUGH`], and whether it is the only call that is throttled.
    ///
    /// If more others were throttled than accepted meanwhile, the number is 0.
    pub(super) fn on_throttled(&mut self, age: u64, sent: u64) -> (usize, bool) {
        let before = self.calls.remove(&age);
        let accepted = before.map_or(0, |before| self.accepted_since(before));
        if accepted == ENOUGH && self.accepted > self.own_at {
            self.own_at = self.accepted;
            self.own = (self.own + 1).min(MOST_SURE);
        }
        let is_next = |before: &Repeat| before.throttled == self.throttled;
        let first = Repeat {
            accepted_before: self.accepted,
            ..Repeat::default()
        };
        let mut repeat = before.filter(is_next).unwrap_or(first);
        self.throttled += 1;
        repeat.own += 1;
        (repeat.sent, repeat.accepted, repeat.throttled) = (sent, self.accepted, self.throttled);
        let accepted_meanwhile = self.accepted - repeat.accepted_before;
        let is_only = repeat.own * accepted_meanwhile >= SURELY_ALONE;
        if self.calls.len() >= MOST {
            let ages = self.calls.iter();
            let longest_ago = ages.min_by_key(|(_, it)| it.sent).map(|(&age, _)| age);
            longest_ago.and_then(|age| self.calls.remove(&age));
        }
        self.calls.insert(age, repeat);
        (accepted, is_only)
    }

    /// Returns whether the call of this `age` was throttled and not accepted since.
    pub(super) fn has(&self, age: u64) -> bool {
        self.calls.contains_key(&age)
    }

    /// Returns whether so few calls are throttled that the next one may be accepted.
    pub(super) fn are_few(&self) -> bool {
        self.calls.len() <= FEW
    }

    /// Returns whether calls that are throttled are likely to have limits of their own.
    pub(super) const fn are_own(&self) -> bool {
        self.own >= SURE
    }

    fn accepted_since(&self, before: Repeat) -> usize {
        let (accepted, throttled) = (self.accepted, self.throttled);
        if accepted - before.accepted < throttled - before.throttled {
            return 0;
        }
        let later = self.latest.iter().filter(|&&number| number > before.sent);
        later.count()
    }
}

/// Calls that were throttled so often for themselves make a limit of the next one likely.
const SURE: u32 = 3;

/// The score does not rise any further, so that a server that changes is believed after a few answers.
const MOST_SURE: u32 = 8;

/// A retry that is accepted counts as much as so many that are throttled again. A bucket accepts most of them.
const FALL: u32 = 4;

/// If a response does not state when to retry, as many neighbours have to be accepted before a call is throttled for
/// itself. A limiter may let some of them in between two others.
pub(super) const ENOUGH: usize = 5;

/// If only so many calls are throttled, one that was not is sent to see whether the scope is. A crowd exceeds this at
/// once.
const FEW: usize = 4;

/// If only one call was throttled, each of its rejections and each acceptance of another one are a pair that contradicts a
/// limit of the scope. Two rejections need five acceptances, and three need three.
const SURELY_ALONE: u64 = 9;

/// The most throttled calls that are remembered.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// A call that is throttled again although many others were accepted.
    const AGAIN: Throttled = Throttled {
        verdict: None,
        is_stated: true,
        was_alone: false,
        exceeds_cap: false,
        may_exceed_cap: false,
        exceeds_rate: false,
        may_lack_quota: false,
        accepted_since: ENOUGH,
        is_only: false,
    };

    #[test]
    fn call_that_is_throttled_again_among_accepted_ones_has_its_own_limit() {
        assert_eq!(AGAIN.blame(), Blame::Call);
        let left = Some(Verdict::Left);
        let with_quota = Throttled {
            verdict: left,
            ..AGAIN
        };
        assert_eq!(with_quota.blame(), Blame::Call);
    }

    #[test]
    fn spent_window_is_the_scopes() {
        for verdict in [Verdict::Spent, Verdict::TooLittle] {
            let verdict = Some(verdict);
            assert_eq!(Throttled { verdict, ..AGAIN }.blame(), Blame::Scope);
        }
    }

    #[test]
    fn one_acceptance_is_enough_only_if_the_response_states_a_delay() {
        let once = Throttled {
            accepted_since: 1,
            ..AGAIN
        };
        assert_eq!(once.blame(), Blame::Call);
        let bare = Throttled {
            is_stated: false,
            ..once
        };
        assert_eq!(bare.blame(), Blame::Scope);
    }

    #[test]
    fn another_limit_that_explains_it_comes_first() {
        let crowded = Throttled {
            exceeds_cap: true,
            may_exceed_cap: true,
            ..AGAIN
        };
        assert_eq!(crowded.blame(), Blame::Cap);
        let unsure = Throttled {
            exceeds_cap: false,
            ..crowded
        };
        assert_eq!(unsure.blame(), Blame::Scope);
        let too_fast = Throttled {
            exceeds_rate: true,
            ..AGAIN
        };
        assert_eq!(too_fast.blame(), Blame::Scope);
        let costly = Throttled {
            may_lack_quota: true,
            ..AGAIN
        };
        assert_eq!(costly.blame(), Blame::Scope);
    }

    #[test]
    fn first_rejection_is_the_caps_if_quota_is_left_and_the_scopes_otherwise() {
        let first = Throttled {
            accepted_since: 0,
            ..AGAIN
        };
        assert_eq!(first.blame(), Blame::Scope);
        let verdict = Some(Verdict::Left);
        assert_eq!(Throttled { verdict, ..first }.blame(), Blame::Cap);
        let alone = Throttled {
            verdict,
            was_alone: true,
            ..first
        };
        assert_eq!(alone.blame(), Blame::Scope);
    }

    #[test]
    fn acceptances_since_the_last_rejection_count() {
        let mut repeats = Repeats::default();
        repeats.on_accepted(1, 0);
        assert_eq!(repeats.on_throttled(7, 2).0, 0);
        repeats.on_accepted(2, 0);
        assert_eq!(repeats.on_throttled(7, 3).0, 0);
        (4..20).for_each(|number| repeats.on_accepted(number, 0));
        assert_eq!(repeats.on_throttled(8, 20).0, 0);
        assert_eq!(repeats.on_throttled(7, 20).0, ENOUGH);
        repeats.on_accepted(21, 0);
        assert_eq!(repeats.on_throttled(7, 22).0, 1);
    }

    #[test]
    fn only_throttled_call_has_its_own_limit_even_if_the_server_may_be_a_bucket() {
        let learned = Throttled {
            may_lack_quota: true,
            accepted_since: 1,
            is_only: true,
            ..AGAIN
        };
        assert_eq!(learned.blame(), Blame::Call);
        let of_several = Throttled {
            is_only: false,
            ..learned
        };
        assert_eq!(of_several.blame(), Blame::Scope);
        let crowded = Throttled {
            may_exceed_cap: true,
            ..learned
        };
        assert_eq!(crowded.blame(), Blame::Scope);
        let alone = Throttled {
            was_alone: true,
            ..crowded
        };
        assert_eq!(alone.blame(), Blame::Call);
    }

    #[test]
    fn call_is_the_only_one_until_another_is_throttled() {
        let mut repeats = Repeats::default();
        let mut number = 0;
        let mut rejects = |repeats: &mut Repeats, age, accepted: u64| {
            for _ in 0..accepted {
                number += 1;
                repeats.on_accepted(number, 0);
            }
            number += 1;
            repeats.on_throttled(age, number).1
        };
        assert!(!rejects(&mut repeats, 7, 9));
        // Two rejections and two acceptances are four pairs, and then three and three are nine.
        assert!(!rejects(&mut repeats, 7, 2));
        assert!(rejects(&mut repeats, 7, 1));
        assert!(!rejects(&mut repeats, 8, 1));
        assert!(!rejects(&mut repeats, 7, 9));
        assert!(rejects(&mut repeats, 7, 5));
    }

    #[test]
    fn acceptances_tell_nothing_if_most_calls_are_throttled() {
        let mut repeats = Repeats::default();
        repeats.on_throttled(100, 1);
        (1..7).for_each(|age| _ = repeats.on_throttled(age, 1));
        (2..7).for_each(|number| repeats.on_accepted(number, 0));
        assert_eq!(repeats.on_throttled(100, 7).0, 0);
        // Of those since, one was throttled.
        assert_eq!(repeats.on_throttled(6, 7).0, 5);
    }

    #[test]
    fn probes_in_a_row_are_one_piece_of_evidence() {
        let mut repeats = Repeats::default();
        (0..20).for_each(|age| _ = repeats.on_throttled(age, 1));
        (2..22).for_each(|number| repeats.on_accepted(number, 100));
        for age in 0..20 {
            assert_eq!(repeats.on_throttled(age, 23).0, ENOUGH);
        }
        assert!(!repeats.are_own());

        let mut repeats = Repeats::default();
        (0..3).for_each(|age| _ = repeats.on_throttled(age, 1));
        (2..12).for_each(|number| repeats.on_accepted(number, 100));
        for age in 0..3 {
            assert_eq!(repeats.on_throttled(age, 12).0, ENOUGH);
            repeats.on_accepted(12, 100);
        }
        assert!(repeats.are_own(), "one was accepted after each");
    }

    #[test]
    fn remembered_calls_are_bounded() {
        let mut repeats = Repeats::default();
        for age in 0..10_000 {
            repeats.on_throttled(age, age);
        }
        assert_eq!(repeats.calls.len(), MOST);
    }
}
