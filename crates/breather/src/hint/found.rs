//! The headers of a response that tell something.

use super::common;
use super::family::{Family, LONGEST_NAME, Part};
use super::number::Number;
use super::{Dialect, MAX_NOTES};

/// The headers of a response that tell something, as they stand there.
pub(super) struct Found<'a, 'd> {
    dialects: &'d [Dialect],
    entries: [Option<Entry<'a>>; MAX_NOTES],
    len: usize,
    /// How many of the headers state a delay, and how many are structured fields: mostly one, and none.
    pub(super) delays: u8,
    pub(super) fields: u8,
    /// Whether there were more than are kept.
    pub(super) is_crowded: bool,
    /// Whether any `Age` is above 0. One that is unreadable says nothing (RFC 9111 section 5.1).
    is_aged: bool,
    date: Field<'a>,
}

/// A header that tells something.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) family: &'static Family,
    /// The family whose window it tells of: mostly its own, and that of a dialect if one names another of its headers.
    pub(super) window: &'static Family,
    pub(super) value: &'a [u8],
    pub(super) part: Part,
    /// Its place in the family.
    pub(super) place: u8,
    /// Before which others it counts: those of dialects before all.
    pub(super) rank: u8,
    /// Whether the header appears again with another value.
    pub(super) is_disputed: bool,
}

impl Entry<'_> {
    pub(super) const fn header(&self) -> &'static str {
        self.family.header(self.place).name
    }

    /// Whether it states a delay by whatever was spent.
    pub(super) const fn is_delay(&self) -> bool {
        matches!(
            self.part,
            Part::Delay(_) | Part::RetryAfter | Part::Pushback
        )
    }

    /// Whether it is one of the drafts' structured fields.
    pub(super) const fn is_structured(&self) -> bool {
        matches!(self.part, Part::RateLimit | Part::Policy)
    }

    pub(super) fn is_same_header(&self, other: &Self) -> bool {
        core::ptr::eq(self.family, other.family) && self.place == other.place
    }
}

/// A header that should appear once.
#[derive(Clone, Copy)]
enum Field<'a> {
    Absent,
    Once(&'a [u8]),
    /// It appears again with another value.
    Disagreeing,
}

impl<'a> Field<'a> {
    fn note(&mut self, value: &'a [u8]) {
        *self = match *self {
            Self::Absent => Self::Once(value),
            // Proxies repeat a header as it is; that changes nothing.
            Self::Once(first) if first == value => Self::Once(first),
            Self::Once(_) | Self::Disagreeing => Self::Disagreeing,
        };
    }
}

impl<'a, 'd> Found<'a, 'd> {
    pub(super) const fn new(dialects: &'d [Dialect]) -> Self {
        Self {
            dialects,
            entries: [None; MAX_NOTES],
            len: 0,
            delays: 0,
            fields: 0,
            is_crowded: false,
            is_aged: false,
            date: Field::Absent,
        }
    }

    /// Whether a header of that name may tell of time; `Date` and `Age` tell nothing by themselves.
    #[inline]
    pub(super) fn may_tell(dialects: &[Dialect], name: &[u8]) -> bool {
        common::may_be(name) || !dialects.is_empty() && name.len() <= LONGEST_NAME
    }

    /// Keeps the value of a header if it is one that is read.
    #[inline]
    pub(super) fn note(&mut self, name: &[u8], value: &'a [u8]) {
        match name.len() {
            3 if name.eq_ignore_ascii_case(b"age") => self.note_age(value),
            4 if name.eq_ignore_ascii_case(b"date") => self.date.note(value),
            _ if Self::may_tell(self.dialects, name) => self.look_up(name, value),
            _ => {}
        }
    }

    fn note_age(&mut self, value: &[u8]) {
        let mut ages = value.split(|&byte| byte == b',').filter_map(Number::read);
        self.is_aged |= ages.any(|age| !age.as_secs().is_zero());
    }

    fn look_up(&mut self, name: &[u8], value: &'a [u8]) {
        let by_dialect = || {
            let mut found = self.dialects.iter().enumerate();
            found.find_map(|(rank, dialect)| Some((rank, dialect.find(name)?)))
        };
        let common = || Some((self.dialects.len(), common::find(name)?));
        if let Some((rank, (family, place))) = by_dialect().or_else(common) {
            let is_common = rank == self.dialects.len();
            let adopting = if is_common {
                self.adopting(family)
            } else {
                None
            };
            self.push(Entry {
                family,
                window: adopting.unwrap_or(family),
                value,
                part: family.header(place).part,
                place,
                rank: rank.min(usize::from(u8::MAX)) as u8,
                is_disputed: false,
            });
        }
    }

    /// The family of a dialect that names a header of `common`.
    fn adopting(&self, common: &Family) -> Option<&'static Family> {
        let families = self.dialects.iter().flat_map(Dialect::families);
        families.into_iter().find(|family| {
            let names = family.headers().map(|header| header.name.as_bytes());
            let known = names.filter_map(common::find);
            known.into_iter().any(|(it, _)| core::ptr::eq(it, common))
        })
    }

    fn push(&mut self, mut entry: Entry<'a>) {
        for other in self.entries[..self.len].iter_mut().flatten() {
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
        // What tells of windows leaves room for what says when to come back.
        let is_first = entry.is_delay() || entry.part == Part::Verdict;
        let room = if is_first {
            MAX_NOTES
        } else {
            MAX_NOTES - KEPT_FREE
        };
        match self.entries[..room].get_mut(self.len) {
            Some(slot) => {
                *slot = Some(entry);
                self.len += 1;
                self.delays += u8::from(entry.is_delay());
                self.fields += u8::from(entry.is_structured());
            }
            None => self.is_crowded = true,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries[..self.len].iter().flatten()
    }

    /// The response's `Date`, if it has one that is undisputed.
    pub(super) const fn date(&self) -> Option<&'a [u8]> {
        match self.date {
            Field::Once(date) => Some(date),
            Field::Absent | Field::Disagreeing => None,
        }
    }

    /// Whether the response tells of now, and was not kept by a cache.
    pub(super) const fn is_fresh(&self) -> bool {
        !self.is_aged
    }
}

/// As many headers as state a delay or a verdict, at most, in a response of any known server.
const KEPT_FREE: usize = 6;
