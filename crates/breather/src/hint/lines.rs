//! The header lines of a response, one after the other.

use super::common;
use super::crowd::Crowd;
use super::family::{HeaderFamily, LONGEST_NAME};
use super::found::{Entry, Found};
use super::number::Number;
use super::parts;
use super::plain::plain;
use super::said::Said;
use super::time::Now;
use super::{Content, Dialect, Hint};
use crate::hint::moment::Moment;

/// The state of a pass over the header lines of a response.
pub(super) struct Lines<'a, 'm> {
    moment: Moment<'m>,
    found: Found<'a>,
    /// Whether any `Age` is above 0. One that is unreadable says nothing (RFC 9111 section 5.1).
    is_aged: bool,
    date: Date<'a>,
}

/// The response's `Date`, which should appear once.
#[derive(Clone, Copy)]
enum Date<'a> {
    Absent,
    Once(&'a [u8]),
    /// It appears again with another value.
    Disagreeing,
}

impl<'a, 'm> Lines<'a, 'm> {
    #[inline]
    pub(super) fn new(moment: Moment<'m>) -> Self {
        Self {
            moment,
            found: Found::new(),
            is_aged: false,
            date: Date::Absent,
        }
    }

    /// Returns whether a header of that name may state a limit or a delay.
    #[cfg(feature = "http")]
    #[inline]
    pub(super) fn may_tell(dialects: &[Dialect], name: &[u8]) -> bool {
        parts::may_be(name) || may_be_of(dialects, name)
    }

    /// Reads a header for which there was no room and all after it, and keeps those that count.
    // Ordinary responses never get here, so they pay neither for its stack nor for its allocations.
    #[cold]
    #[inline(never)]
    pub(super) fn conclude_crowd(
        &mut self,
        name: &'a str,
        value: &'a [u8],
        headers: &mut dyn Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Hint<'a> {
        let mut crowd = Crowd::new();
        self.move_to(&mut crowd);
        self.note(name, value);
        for (name, value) in headers {
            if !self.note(name, value) {
                self.move_to(&mut crowd);
                self.note(name, value);
            }
        }
        self.move_to(&mut crowd);
        self.found = crowd.settle(&self.now());
        self.weigh()
    }

    fn move_to(&mut self, crowd: &mut Crowd<'a>) {
        for entry in self.found.entries() {
            crowd.push(*entry);
        }
        self.found = Found::new();
    }

    /// Keeps the value of a header that breather reads. Returns whether there was room.
    // It is part of the loop over the headers. With a call for each, four of them cost a tenth more.
    #[inline(always)]
    pub(super) fn note(&mut self, name: &'a str, value: &'a [u8]) -> bool {
        match name.len() {
            3 if name.eq_ignore_ascii_case("age") => self.note_age(value),
            4 if name.eq_ignore_ascii_case("date") => self.note_date(value),
            _ if parts::may_be(name.as_bytes()) => return self.look_up(name, value),
            _ if may_be_of(self.moment.dialects(), name.as_bytes()) => {
                return self.look_up_with_care(name, value);
            }
            _ => {}
        }
        true
    }

    fn note_age(&mut self, value: &[u8]) {
        let mut ages = value.split(|&byte| byte == b',').filter_map(Number::read);
        self.is_aged |= ages.any(|age| !age.as_secs().is_zero());
    }

    fn note_date(&mut self, value: &'a [u8]) {
        self.date = match self.date {
            Date::Absent => Date::Once(value),
            // Proxies repeat a header as it is.
            Date::Once(first) if first == value => Date::Once(first),
            Date::Once(_) | Date::Disagreeing => Date::Disagreeing,
        };
    }

    #[inline(always)]
    fn look_up(&mut self, name: &'a str, value: &'a [u8]) -> bool {
        if self.moment.dialects().is_empty() {
            // Most clients have names in lower case.
            if let Some(row) = common::find_as_it_is(name.as_bytes()) {
                return self.found.push(row, value);
            }
        }
        self.look_up_with_care(name, value)
    }

    #[cold]
    fn look_up_with_care(&mut self, name: &'a str, value: &'a [u8]) -> bool {
        let dialects = self.moment.dialects();
        let entry = find_in(dialects, name.as_bytes()).map(|entry| Entry { value, ..entry });
        let entry = entry.or_else(|| {
            // Dialects count before.
            let rank = dialects.len().min(usize::from(u8::MAX)) as u8;
            Some(Entry {
                rank,
                ..parts::read(name, value)?
            })
        });
        entry.is_none_or(|entry| self.found.push_with_care(entry))
    }

    /// Makes the hint after the last line.
    // A caller would make the hint first and then move it, which costs a fifth more.
    #[inline(never)]
    pub(super) fn conclude(&mut self) -> Hint<'a> {
        let received = self.moment.instant();
        if self.found.is_empty() {
            return Hint::new(received);
        }
        if !self.is_aged {
            if let Some(said) = plain(&self.found) {
                let found = self.found.few_alone();
                let content = Some(Content { said, found });
                return Hint { received, content };
            }
        }
        self.weigh()
    }

    #[cold]
    fn weigh(&mut self) -> Hint<'a> {
        let received = self.moment.instant();
        let mut said = Said::new();
        if self.is_aged {
            self.found.on_cached();
        } else {
            let now = self.now();
            self.found.tell(&now, &mut said);
        }
        let found = self.found;
        if found.is_few() && said.is_few() {
            let (said, found) = (said.without_more(), found.without_more());
            let content = Some(Content { said, found });
            return Hint { received, content };
        }
        let content = Some(Content { said, found });
        Hint { received, content }
    }

    /// Returns the time to read dates and epochs against.
    fn now(&self) -> Now<'m>
    where
        'a: 'm,
    {
        let date = match self.date {
            Date::Once(date) => Some(date),
            Date::Absent | Date::Disagreeing => None,
        };
        Now::new(date, self.moment)
    }
}

/// Returns whether a dialect may name a header.
#[inline]
fn may_be_of(dialects: &[Dialect], name: &[u8]) -> bool {
    !dialects.is_empty() && name.len() <= LONGEST_NAME
}

/// The header called `name` of the first dialect that has it, or of those that are read whoever sends them.
fn find_in(dialects: &[Dialect], name: &[u8]) -> Option<Entry<'static>> {
    let rank = |at: usize| at.min(usize::from(u8::MAX)) as u8;
    let mut found = dialects.iter().enumerate();
    let by_dialect = found.find_map(|(at, dialect)| {
        let (header, order, family) = dialect.find(name)?;
        let entry = Entry::new(header, order, family, b"");
        Some(Entry {
            rank: rank(at),
            ..entry
        })
    });
    by_dialect.or_else(|| {
        let row = common::find(name)?;
        let window = adopting(dialects, row.family).unwrap_or(row.family);
        Some(Entry {
            rank: rank(dialects.len()),
            ..Entry::new(row.header, row.order, window, b"")
        })
    })
}

/// The family of a dialect that names a header of `common`.
fn adopting(dialects: &[Dialect], common: &HeaderFamily) -> Option<&'static HeaderFamily> {
    let mut families = dialects.iter().flat_map(Dialect::families);
    families.find(|family| {
        let names = family.headers().map(|header| header.name.as_bytes());
        let mut known = names.filter_map(common::find);
        known.any(|row| core::ptr::eq(row.family, common))
    })
}
