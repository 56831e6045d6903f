//! The headers of a response that tell something.

use core::time::Duration;

use super::MAX_NOTES;
use super::assembly::Assembly;
use super::common::Row;
use super::family::{Family, Header, Part};
use super::few::Few;
use super::notes::Notes;
use super::reading::{Clock, Why};
use super::said::Said;
use super::time::{LARGEST_DELAY, Now};
use super::window::Stated;
use crate::unix_time::UnixTime;

/// The headers of a response that tell something, as they stand there, and what else it takes to say what they tell:
/// all but that is left for when somebody asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    entries: Few<Entry<'a>, 6, { MAX_NOTES - 6 }>,
    /// The [bits](Row::bit) of those that are there, at least.
    seen: u64,
    /// Whether more tell of windows than are kept.
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
    /// Before which others it counts: those of dialects before all.
    pub(super) rank: u8,
    /// Whether the header appears again with another value.
    pub(super) is_disputed: bool,
}

impl<'a> Entry<'a> {
    /// One that counts before no other.
    #[inline]
    pub(super) const fn new(
        header: &'static Header,
        window: &'static Family,
        value: &'a [u8],
    ) -> Self {
        Self {
            header,
            window,
            value,
            rank: 0,
            is_disputed: false,
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.header.name
    }

    pub(super) const fn part(&self) -> Part {
        self.header.part
    }

    /// Whether it says what to do, and not how much is left of what.
    fn is_order(&self) -> bool {
        self.part().is_delay() || self.part() == Part::Verdict
    }

    pub(super) fn is_same_header(&self, other: &Self) -> bool {
        core::ptr::eq(self.header, other.header)
    }

    /// Where it stands in the tables, by which all are read: which of them came first changes nothing.
    fn order(&self) -> (u8, *const Header) {
        (self.rank, core::ptr::from_ref(self.header))
    }

    pub(super) fn is_of(&self, window: &Family) -> bool {
        core::ptr::eq(self.window, window)
    }

    pub(super) const fn stated(&self, delay: Duration) -> Stated<'a> {
        Stated {
            header: self.name(),
            raw: self.value,
            ..Stated::by_hand(delay)
        }
    }

    /// What is too large for a delay is an epoch by mistake, and no one knows of which unit.
    pub(super) fn stated_seconds(&self, seconds: u64) -> Option<Stated<'a>> {
        (seconds < LARGEST_DELAY).then(|| self.stated(Duration::from_secs(seconds)))
    }
}

impl<'a> Found<'a> {
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            entries: Few::new(),
            seen: 0,
            is_crowded: false,
            is_cached: false,
            now: None,
        }
    }

    /// Keeps a header that counts before no other.
    #[inline]
    pub(super) fn push(&mut self, row: &Row, value: &'a [u8]) {
        let entry = || Entry::new(row.header, row.family, value);
        if self.seen & row.bit == 0 && self.entries.has_room_for_few() {
            self.seen |= row.bit;
            self.entries.push(entry());
        } else {
            self.push_with_care(entry());
        }
    }

    /// The same, if it may be a header that is there already, or one too many. From then on, any may be.
    #[cold]
    pub(super) fn push_with_care(&mut self, mut entry: Entry<'a>) {
        self.seen = u64::MAX;
        for at in 0..self.entries.len() {
            let Some(other) = self.entries.get_mut(at) else {
                break;
            };
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
        // What tells of windows leaves room for what says when to come back, and the other way round.
        let is_order = entry.is_order();
        let room = if is_order { ORDERS } else { MAX_NOTES - ORDERS };
        let of_its_kind = self.entries().filter(|it| it.is_order() == is_order);
        if of_its_kind.count() < room {
            self.entries.push(entry);
        } else {
            self.is_crowded |= !is_order;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    #[inline]
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<'a>> + Clone {
        self.entries.iter()
    }

    /// The headers, if there are no more than a few.
    #[inline]
    pub(super) fn few(&self) -> Option<impl Iterator<Item = &Entry<'a>>> {
        self.entries.is_few().then(|| self.entries.few())
    }

    /// Whether there are no more than a few.
    pub(super) const fn is_few(&self) -> bool {
        self.entries.is_few()
    }

    /// With the few that come first alone, which is less to be moved.
    #[inline]
    pub(super) const fn without_more(&self) -> Self {
        Self {
            entries: self.entries.without_more(),
            ..*self
        }
    }

    /// The same where the time was not needed.
    #[inline]
    pub(super) const fn without_more_or_time(&self) -> Self {
        Self {
            now: None,
            ..self.without_more()
        }
    }

    /// Whether headers should tell what remains in the family's window: one that does, or what is used and of how many.
    pub(super) fn tells_remaining(&self, family: &Family) -> bool {
        let tells = |part| self.tells(family, part);
        tells(Part::Remaining)
            || tells(Part::UsedOfLimit)
            || (tells(Part::Used) && tells(Part::Limit))
    }

    /// Whether a header tells that of the family's window.
    pub(super) fn tells(&self, family: &Family, part: Part) -> bool {
        self.entries()
            .any(|entry| entry.is_of(family) && entry.part() == part)
    }

    fn sort(&mut self) {
        self.entries.sort_by_key(Entry::order);
    }

    /// Works out what the headers say together.
    pub(super) fn tell(&mut self, now: &Now<'_>, said: &mut Said<'a>) {
        self.sort();
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
        let mut found = *self;
        found.sort();
        if self.is_cached {
            for entry in found.entries() {
                notes.push(entry.name(), entry.value, Err(Why::Cached));
            }
        } else {
            let now = Now::again(self.now);
            Assembly::new(&found, &now, &mut Said::new(), Some(&mut notes)).fill();
        }
        notes
    }
}

/// As many headers as say what to do, at most, in a response of any known server.
const ORDERS: usize = 6;
