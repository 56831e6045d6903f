//! The latest attempts.

use alloc::collections::VecDeque;

use crate::instant::Instant;

/// The times of the latest attempts.
///
/// Neighbours share an entry if there are many, so that the memory is bounded. An entry has the time
/// of its latest attempt.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: VecDeque<Entry>,
    count: u64,
    /// The most attempts per entry.
    size: u64,
    /// Whether the latest entry takes more.
    is_open: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    latest: Instant,
    count: u64,
}

impl Recent {
    /// Returns the number of attempts.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the time of the oldest ones.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.latest)
    }

    /// Adds an attempt that is sent now.
    pub(super) fn on_sent(&mut self, now: Instant) {
        self.count += 1;
        let size = self.size;
        if let Some(entry) = self.entries.back_mut().filter(|_| self.is_open) {
            if entry.count < size || entry.latest == now {
                entry.latest = entry.latest.max(now);
                entry.count += 1;
                return;
            }
        }
        if self.entries.len() == MOST {
            self.halve();
        }
        self.entries.push_back(Entry {
            latest: now,
            count: 1,
        });
        self.is_open = true;
    }

    /// Begins a period. Its attempts share no entry with earlier ones.
    pub(super) const fn begin_period(&mut self) {
        self.is_open = false;
    }

    fn halve(&mut self) {
        self.size = self.size.max(1).saturating_mul(2);
        for at in 0..MOST / 2 {
            let (one, other) = (self.entries[2 * at], self.entries[2 * at + 1]);
            self.entries[at] = Entry {
                latest: other.latest,
                count: one.count + other.count,
            };
        }
        self.entries.truncate(MOST / 2);
    }

    /// Removes the latest attempt.
    pub(super) fn on_throttled(&mut self) {
        let Some(entry) = self.entries.back_mut() else {
            return;
        };
        self.count -= 1;
        entry.count -= 1;
        if entry.count == 0 {
            self.entries.pop_back();
        }
    }

    /// Removes the attempts that were sent `nanos` nanoseconds before `now`, or earlier.
    pub(super) fn forget(&mut self, now: Instant, nanos: u64) {
        while let Some(entry) = self.entries.front() {
            if now.nanos_since(entry.latest) < nanos {
                return;
            }
            self.count -= entry.count;
            self.entries.pop_front();
        }
        self.size = 1;
    }
}

/// The most entries. If 300 attempts are sent in a second of each minute, an entry of them spans 23 ms.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * MS)
    }

    #[test]
    fn attempts_are_forgotten_after_the_period() {
        let mut recent = Recent::default();
        for ms in [0, 10, 20] {
            recent.on_sent(at(ms));
        }
        recent.forget(at(109), 100 * MS);
        assert_eq!((recent.count(), recent.oldest()), (2, Some(at(10))));
        recent.forget(at(120), 100 * MS);
        assert_eq!((recent.count(), recent.oldest()), (0, None));
    }

    #[test]
    fn a_throttled_attempt_is_taken_back() {
        let mut recent = Recent::default();
        recent.on_throttled();
        recent.on_sent(at(0));
        recent.on_sent(at(5));
        recent.on_throttled();
        assert_eq!((recent.count(), recent.oldest()), (1, Some(at(0))));
    }

    #[test]
    fn attempts_of_two_periods_share_no_entry() {
        let mut recent = Recent::default();
        let full = 2 * MOST as u64;
        (0..full).for_each(|ms| recent.on_sent(at(ms)));
        recent.on_sent(at(1_000));
        recent.begin_period();
        recent.on_sent(at(60_000));
        recent.forget(at(61_000), 60_000 * MS);
        assert_eq!(recent.count(), 1);
    }

    #[test]
    fn many_attempts_share_entries_and_none_is_forgotten_early() {
        let mut recent = Recent::default();
        for ms in 0..10_000 {
            recent.on_sent(at(ms));
            assert!(recent.entries.len() <= MOST);
        }
        assert_eq!(recent.count(), 10_000);
        recent.forget(at(15_000), 10_000 * MS);
        // Those of the first 5,001 ms are due. The entry that has the last of them may have later ones.
        assert!((4_999..=4_999 + 10_000 / 32).contains(&recent.count()));
        recent.forget(at(30_000), 10_000 * MS);
        assert_eq!(recent.count(), 0);
    }
}
