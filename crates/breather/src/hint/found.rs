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
    /// Whether there were more than are kept.
    pub(super) is_crowded: bool,
    age: Field<'a>,
    date: Field<'a>,
}

/// A header that tells something.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) family: &'static Family,
    /// Its place in the family.
    pub(super) place: usize,
    /// Before which others it counts: those of dialects before all.
    pub(super) rank: usize,
    pub(super) header: &'static str,
    pub(super) part: Part,
    pub(super) value: &'a [u8],
}

impl Entry<'_> {
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
            is_crowded: false,
            age: Field::Absent,
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
        if Self::may_tell(self.dialects, name) || matches!(name.len(), 3 | 4) {
            let mut lower = [0; LONGEST_NAME];
            let lower = &mut lower[..name.len()];
            lower.copy_from_slice(name);
            lower.make_ascii_lowercase();
            self.note_lower(lower, value);
        }
    }

    /// As [`note`](Self::note), of a name that is in lower case.
    #[cfg(feature = "http")]
    #[inline]
    pub(super) fn note_known(&mut self, name: &[u8], value: &'a [u8]) {
        if Self::may_tell(self.dialects, name) || matches!(name.len(), 3 | 4) {
            self.note_lower(name, value);
        }
    }

    fn note_lower(&mut self, name: &[u8], value: &'a [u8]) {
        match name {
            b"age" => return self.age.note(value),
            b"date" => return self.date.note(value),
            _ => {}
        }
        let by_dialect = || {
            let found = self.dialects.iter().enumerate();
            found
                .filter_map(|(rank, dialect)| Some((rank, dialect.find(name)?)))
                .next()
        };
        let common = || Some((self.dialects.len(), common::find(name)?));
        let Some((rank, (family, place))) = by_dialect().or_else(common) else {
            return;
        };
        let Some(header) = family.header(place) else {
            return;
        };
        self.push(Entry {
            family,
            place,
            rank,
            header: header.name,
            part: header.part,
            value,
        });
    }

    fn push(&mut self, entry: Entry<'a>) {
        let is_repeated =
            |other: &Entry<'_>| other.is_same_header(&entry) && other.value == entry.value;
        if self.entries().any(is_repeated) {
            // Proxies repeat a header as it is; that changes nothing.
            return;
        }
        match self.entries.get_mut(self.len) {
            Some(slot) => {
                *slot = Some(entry);
                self.len += 1;
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
    pub(super) fn is_fresh(&self) -> bool {
        match self.age {
            Field::Absent => true,
            Field::Once(age) => Number::read(age).is_some_and(|age| age.as_secs().is_zero()),
            Field::Disagreeing => false,
        }
    }
}
