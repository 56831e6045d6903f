//! The headers of a response that tell something.

use core::time::Duration;

use super::MAX_NOTES;
use super::assembly::Assembly;
use super::family::{Family, Header, Part};
use super::notes::Notes;
use super::reading::{Clock, Why};
use super::said::Said;
use super::time::{LARGEST_DELAY, Now};
use super::window::Stated;
use crate::unix_time::UnixTime;

/// The headers of a response that tell something, as they stand there, and what else it takes to say what they tell:
/// all but that is left for when somebody asks.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    entries: [Option<Entry<'a>>; MAX_NOTES],
    len: u8,
    /// How many of the headers state a delay, and how many are structured fields: mostly one, and none.
    pub(super) delays: u8,
    pub(super) fields: u8,
    /// Whether there were more than are kept.
    pub(super) is_crowded: bool,
    /// Whether they come out of a cache, and tell of another time.
    is_cached: bool,
    /// What the time was taken to be, once that was needed.
    now: Option<Result<(UnixTime, Clock), Why>>,
}

/// A header that tells something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) header: &'static Header,
    /// The family whose window it tells of: mostly its own, and that of a dialect if one names another of its headers.
    pub(super) window: &'static Family,
    pub(super) value: &'a [u8],
    /// Its place in its own family.
    pub(super) place: u8,
    /// Before which others it counts: those of dialects before all.
    pub(super) rank: u8,
    /// Whether the header appears again with another value.
    pub(super) is_disputed: bool,
}

impl<'a> Entry<'a> {
    pub(super) const fn name(&self) -> &'static str {
        self.header.name
    }

    pub(super) const fn part(&self) -> Part {
        self.header.part
    }

    pub(super) fn is_same_header(&self, other: &Self) -> bool {
        core::ptr::eq(self.header, other.header)
    }

    pub(super) fn is_of(&self, window: &Family) -> bool {
        core::ptr::eq(self.window, window)
    }

    /// Whether it counts before `other`, which tells the same of the same window.
    pub(super) fn precedes(&self, other: &Self) -> bool {
        (self.rank, self.place) < (other.rank, other.place)
    }

    pub(super) const fn stated(&self, delay: Duration) -> Stated<'a> {
        Stated {
            delay,
            header: self.name(),
            raw: self.value,
        }
    }

    /// What is too large for a delay is an epoch by mistake, and no one knows of which unit.
    pub(super) fn stated_seconds(&self, seconds: u64) -> Option<Stated<'a>> {
        (seconds < LARGEST_DELAY).then(|| self.stated(Duration::from_secs(seconds)))
    }
}

impl<'a> Found<'a> {
    #[inline]
    pub(super) const fn new() -> Self {
        Self {
            entries: [const { None }; MAX_NOTES],
            len: 0,
            delays: 0,
            fields: 0,
            is_crowded: false,
            is_cached: false,
            now: None,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, mut entry: Entry<'a>) {
        for other in self.entries[..usize::from(self.len)].iter_mut().flatten() {
            if !other.is_same_header(&entry) {
                continue;
            }
            if other.value == entry.value {
                // Proxies repeat a header as it is; that changes nothing.
                return;
            }
            other.is_disputed = true;
            entry.is_disputed = true;
        }
        let part = entry.part();
        // What tells of windows leaves room for what says when to come back.
        let room = if part.is_delay() || matches!(part, Part::Verdict) {
            MAX_NOTES
        } else {
            MAX_NOTES - KEPT_FREE
        };
        match self.entries[..room].get_mut(usize::from(self.len)) {
            Some(slot) => {
                *slot = Some(entry);
                self.len += 1;
                self.delays += u8::from(part.is_delay());
                self.fields += u8::from(part.is_structured());
            }
            None => self.is_crowded = true,
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries[..usize::from(self.len)].iter().flatten()
    }

    /// Whether a header should tell what remains in the family's window.
    pub(super) fn tells_remaining(&self, family: &Family) -> bool {
        self.entries().any(|entry| {
            entry.is_of(family) && matches!(entry.part(), Part::Remaining | Part::UsedOfLimit)
        })
    }

    /// Works out what the headers say together.
    pub(super) fn tell(&mut self, now: &Now<'_>, said: &mut Said<'a>) {
        Assembly::new(self, now, said, None).fill();
        self.now = now.known();
    }

    /// They come out of a cache, and say nothing.
    pub(super) const fn on_cached(&mut self) {
        self.is_cached = true;
    }

    /// What became of each header: worked out again, since hardly any hint is asked for it.
    pub(super) fn notes(&self) -> Notes<'a> {
        let mut notes = Notes::new();
        if self.is_cached {
            for entry in self.entries() {
                notes.push(entry.name(), entry.value, Err(Why::Cached));
            }
        } else {
            let now = Now::again(self.now);
            Assembly::new(self, &now, &mut Said::new(), Some(&mut notes)).fill();
        }
        notes
    }
}

/// As many headers as state a delay or a verdict, at most, in a response of any known server.
const KEPT_FREE: usize = 6;
