//! The headers of a response that tell something.

use core::cmp::Ordering;
use core::time::Duration;

use super::common::Row;
use super::family::{Header, HeaderFamily, Part};
use super::few::Few;
use super::fingerprint::START;
use super::reading::{IgnoreReason, ReferenceClock, TimeFormat};
use super::sizes::MAX_NOTES;
use super::structured::list;
use super::time::{Kind, LARGEST_DELAY, Now, Reach, Time, joined};
use super::window::Stated;
use crate::unix_time::UnixTime;

/// The headers of a response that tell something, as they stand there, and everything else that it takes to read them
/// again if somebody asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    entries: Few<Entry<'a>, 6, { MAX_NOTES - 6 }>,
    /// The [bits](Row::bit) of those that are there, at least.
    seen: u64,
    /// One of the headers for which there was no room.
    pub(super) left_out: Option<(&'a str, &'a [u8])>,
    /// Whether they come out of a cache, and tell of another time.
    pub(super) is_cached: bool,
    /// The time against which dates were read, once it was needed.
    pub(super) now: Option<Result<(UnixTime, ReferenceClock), IgnoreReason>>,
}

/// A header that tells something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) part: Part,
    /// Its place in the tables. Headers that were read by the parts of their names come last.
    pub(super) order: u16,
    pub(super) window: Subject<'a>,
    pub(super) value: &'a [u8],
    /// Before which others it counts. Those of dialects come first.
    pub(super) rank: u8,
    /// Whether the header appears again with another value.
    pub(super) dispute: Dispute,
}

/// A name in whatever case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caseless<'a>(&'a str);

impl Caseless<'_> {
    fn lower(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl Ord for Caseless<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lower().cmp(other.lower())
    }
}

impl PartialOrd for Caseless<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Caseless<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for Caseless<'_> {}

/// The window of which a header tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    /// Mostly the header's own family, and that of a dialect if one names another header of it.
    pub(super) family: &'static HeaderFamily,
    /// The part of the header's name that says whose window it is. Empty if the family says so.
    pub(super) words: &'a str,
    /// A fingerprint of these words. Other words may stand between them.
    pub(super) key: u64,
}

impl<'a> Subject<'a> {
    pub(super) const fn of(family: &'static HeaderFamily) -> Self {
        Self {
            family,
            words: "",
            key: START,
        }
    }

    pub(super) const fn name(&self) -> &'a str {
        match self.words.is_empty() {
            true => self.family.name,
            false => self.words,
        }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        core::ptr::eq(self.family, other.family) && self.key == other.key
    }
}

/// Whether a header has several values.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Dispute {
    No,
    Yes,
    /// It does, and a value with an earlier epoch was dropped.
    HidesEpoch,
}

impl<'a> Entry<'a> {
    /// One that counts before no other.
    #[inline]
    pub(super) const fn new(
        header: &'static Header,
        order: u16,
        family: &'static HeaderFamily,
        value: &'a [u8],
    ) -> Self {
        Self {
            name: header.name,
            part: header.part,
            order,
            window: Subject::of(family),
            value,
            rank: 0,
            dispute: Dispute::No,
        }
    }

    pub(super) const fn name(&self) -> &'a str {
        self.name
    }

    pub(super) const fn part(&self) -> Part {
        self.part
    }

    /// Whether it is a dictionary of draft -07, which tells of its family's window.
    pub(super) fn is_dictionary(&self) -> bool {
        self.part() == Part::RateLimit && list(self.value).is_none()
    }

    /// Reads the delay or the reset that it states.
    pub(super) fn time(&self, now: &Now<'_>) -> Result<Time, IgnoreReason> {
        let time = match self.part() {
            Part::Delay(form) => Time::read_latest(self.value, form, Kind::Duration, now),
            Part::Reset(form) => Time::read_latest(self.value, form, Kind::Instant, now),
            // gRPC says not to retry if this is no number of milliseconds.
            _ => Time::read_number(self.value, TimeFormat::Millis, now),
        };
        match self.dispute == Dispute::HidesEpoch && self.has_implausible_epoch(now) {
            // The epoch that was dropped may have been plausible.
            true => Ok(Time::farthest()),
            false => time,
        }
    }

    /// Returns whether one of its values is an epoch that is too far ahead.
    #[cold]
    fn has_implausible_epoch(&self, now: &Now<'_>) -> bool {
        let (form, kind) = match self.part() {
            Part::Delay(form) => (form, Kind::Duration),
            Part::Reset(form) => (form, Kind::Instant),
            _ => return false,
        };
        let is_implausible = Err(IgnoreReason::Implausible);
        joined(self.value).any(|value| Time::read(value, form, kind, now) == is_implausible)
    }

    /// Measures the delay or the reset before the time is known.
    pub(super) fn reach(&self) -> Reach {
        Reach::of(|now| self.time(now))
    }

    /// How exactly it states a delay. The least is the most exact.
    pub(super) const fn exactness(&self) -> (u8, u8) {
        (self.rank, self.part().grade())
    }

    /// Returns whether a table or a dialect has it.
    pub(super) const fn is_listed(&self) -> bool {
        self.order != u16::MAX
    }

    pub(super) fn is_same_header(&self, other: &Self) -> bool {
        core::ptr::eq(self.name, other.name)
            || self.order == other.order && self.name.eq_ignore_ascii_case(other.name)
    }

    /// Whether the header appears again with another value.
    pub(super) fn is_disputed(&self) -> bool {
        self.dispute != Dispute::No
    }

    pub(super) fn on_dispute(&mut self) {
        self.dispute = self.dispute.max(Dispute::Yes);
    }

    /// Returns its place in the tables, so that the order of the lines does not matter.
    pub(super) const fn order(&self) -> (u8, u16, Caseless<'a>) {
        (self.rank, self.order, Caseless(self.name))
    }

    pub(super) fn is_of(&self, window: &Subject<'_>) -> bool {
        self.window.is(window)
    }

    pub(super) const fn stated(&self, delay: Duration) -> Stated<'a> {
        Stated {
            header: self.name(),
            raw: self.value,
            ..Stated::by_hand(delay)
        }
    }

    /// Returns the delay, unless it is so long that it must be an epoch of an unknown unit.
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
            left_out: None,
            is_cached: false,
            now: None,
        }
    }

    /// Keeps a header without a dialect. Returns whether there was room.
    #[inline]
    pub(super) fn push(&mut self, row: &Row, value: &'a [u8]) -> bool {
        let entry = || Entry::new(row.header, row.order, row.family, value);
        // Two tests cost less than one of both.
        if !self.entries.has_room_for_few() {
            return self.push_with_care(entry());
        }
        if self.seen & row.bit != 0 {
            return self.push_with_care(entry());
        }
        self.seen |= row.bit;
        self.entries.push(entry());
        true
    }

    /// Does the same for a header that may be there already, or be one too many. From then on, any may be.
    #[cold]
    pub(super) fn push_with_care(&mut self, mut entry: Entry<'a>) -> bool {
        self.seen = u64::MAX;
        for at in 0..self.entries.len() {
            let Some(other) = self.entries.get_mut(at) else {
                break;
            };
            if !other.is_same_header(&entry) {
                continue;
            }
            if other.value == entry.value {
                // Proxies repeat a header as it is.
                return true;
            }
            other.on_dispute();
            entry.on_dispute();
        }
        self.entries.push(entry).is_some()
    }

    /// Returns how many more headers fit.
    pub(super) const fn room(&self) -> usize {
        MAX_NOTES - self.entries.len()
    }

    /// Remembers one of the headers for which there was no room.
    pub(super) const fn leave_out(&mut self, entry: &Entry<'a>) {
        self.left_out = Some((entry.name, entry.value));
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

    /// Returns the same for headers that are few and did not need the time.
    #[inline]
    pub(super) const fn few_alone(&self) -> Self {
        Self {
            entries: self.entries.without_more(),
            seen: 0,
            left_out: None,
            is_cached: false,
            now: None,
        }
    }

    /// Whether a header tells that of the family's window.
    pub(super) fn tells(&self, window: &Subject<'_>, part: Part) -> bool {
        tells(self.entries(), window, part)
    }

    pub(super) fn sort(&mut self) {
        self.entries.sort_by_key(Entry::order);
    }

    /// They come out of a cache, and say nothing.
    pub(super) const fn on_cached(&mut self) {
        self.is_cached = true;
    }
}

/// Whether one of `entries` tells that part of the family's window.
pub(super) fn tells<'a: 'e, 'e>(
    mut entries: impl Iterator<Item = &'e Entry<'a>>,
    window: &Subject<'_>,
    part: Part,
) -> bool {
    entries.any(|entry| entry.is_of(window) && entry.part() == part)
}
