//! Which windows are a scope's own, where its calls pass more specific ones as well.

use alloc::vec::Vec;

use super::ledger::is_blur;
use crate::hint::Window;
use crate::hint::fingerprint::fingerprint;
use crate::instant::Instant;

/// Which of the windows that answers tell of count all calls of this scope.
///
/// An organisation's answers tell of its own window and of those of its tokens, and nothing in them says which is
/// which. But what remains of its own falls from answer to answer, whichever token asked; of the tokens', each
/// has a count of its own. A window that only one of the more specific scopes was seen with is left to that one:
/// it makes no difference.
#[derive(Debug, Default)]
pub(super) struct Kinship {
    seen: Vec<Seen>,
}

/// What the answer to the latest-sent request told of a window.
#[derive(Debug)]
struct Seen {
    /// The fingerprint of its name, and its limit. Some servers tell of whichever window is the tightest, under one
    /// name.
    window: (u64, Option<u64>),
    /// The more specific scope of that request.
    by: u64,
    number: u64,
    remaining: u64,
    resets: Option<Instant>,
    score: i8,
}

impl Kinship {
    /// An answer to send number `number`, by the more specific scope `by`, told of `window`. Whether it is one of
    /// ours.
    pub(super) fn on_answer(
        &mut self,
        window: &Window<'_>,
        resets: Option<Instant>,
        by: u64,
        number: u64,
    ) -> bool {
        let Some(remaining) = window.remaining() else {
            return false;
        };
        let id = (fingerprint(window.name()), window.limit());
        let Some(seen) = self.seen.iter_mut().find(|seen| seen.window == id) else {
            if self.seen.len() >= MOST {
                self.seen.remove(0);
            }
            self.seen.push(Seen {
                window: id,
                by,
                number,
                remaining,
                resets,
                score: 0,
            });
            return false;
        };
        if number > seen.number {
            let is_same_period = match (seen.resets, resets) {
                (Some(one), Some(other)) => is_blur(one, other),
                _ => true,
            };
            if by != seen.by && is_same_period {
                let score = if remaining < seen.remaining {
                    seen.score + 1
                } else {
                    seen.score - 2
                };
                seen.score = score.clamp(-MOST_SURE, MOST_SURE);
            }
            seen.by = by;
            seen.number = number;
            seen.remaining = remaining;
            seen.resets = resets;
        }
        seen.score > 0
    }
}

/// As many as a response of any known server carries, twice: a quota that changes has another limit.
const MOST: usize = 8;

/// So that a server that changes its mind is believed after a few answers.
const MOST_SURE: i8 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the window is ours after these answers: by whom, and what remained.
    fn is_kin(answers: &[(u64, u64)]) -> bool {
        let mut kinship = Kinship::default();
        let mut is_kin = false;
        for (&(by, remaining), number) in answers.iter().zip(1..) {
            let window = Window::new("").with_limit(300).with_remaining(remaining);
            is_kin = kinship.on_answer(&window, None, by, number);
        }
        is_kin
    }

    #[test]
    fn what_falls_whoever_asks_is_ours() {
        assert!(is_kin(&[(1, 299), (2, 298), (1, 297), (2, 295)]));
    }

    #[test]
    fn a_count_for_each_is_theirs() {
        assert!(!is_kin(&[(1, 299), (2, 299), (1, 298), (2, 298)]));
        // One has used more than the other.
        assert!(!is_kin(&[(1, 200), (2, 100), (1, 199), (2, 99), (1, 198)]));
        // They take turns, and one is a call ahead.
        assert!(!is_kin(&[(1, 200), (2, 199), (1, 199), (2, 198)]));
    }

    #[test]
    fn what_one_alone_was_seen_with_is_left_to_it() {
        assert!(!is_kin(&[(1, 299), (1, 298), (1, 297)]));
    }

    #[test]
    fn answers_that_overtake_one_another_do_not_count() {
        let mut kinship = Kinship::default();
        let mut told = |by, number, remaining| {
            let window = Window::new("").with_limit(300).with_remaining(remaining);
            kinship.on_answer(&window, None, by, number)
        };
        told(1, 1, 299);
        assert!(told(2, 3, 297));
        assert!(told(1, 2, 298));
        assert!(told(1, 4, 296));
    }

    #[test]
    fn a_limit_of_another_size_is_another_window() {
        let mut kinship = Kinship::default();
        let mut told = |by, number, limit, remaining| {
            let window = Window::new("").with_limit(limit).with_remaining(remaining);
            kinship.on_answer(&window, None, by, number)
        };
        told(1, 1, 3_000, 2_000);
        told(1, 2, 300, 100);
        assert!(told(2, 3, 3_000, 1_998));
        assert!(!told(2, 4, 300, 250));
    }

    #[test]
    fn no_more_are_remembered_than_bounded() {
        let mut kinship = Kinship::default();
        for limit in 0..1_000 {
            let window = Window::new("").with_limit(limit).with_remaining(1);
            kinship.on_answer(&window, None, 1, limit);
        }
        assert_eq!(kinship.seen.len(), MOST);
    }
}
