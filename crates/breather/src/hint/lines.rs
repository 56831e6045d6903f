//! The header lines of a response, one after the other.

use super::common;
use super::family::{Family, LONGEST_NAME};
use super::found::Entry;
use super::number::Number;
use super::time::Now;
use super::{Content, Dialect, Hint};
use crate::unix_time::Moment;

/// What is kept in mind of the header lines of a response while they are gone through.
pub(super) struct Lines<'a, 'm> {
    moment: Moment<'m>,
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
    pub(super) const fn new(moment: Moment<'m>) -> Self {
        Self {
            moment,
            is_aged: false,
            date: Date::Absent,
        }
    }

    /// Whether a header of that name may tell of time; `Date` and `Age` tell nothing by themselves.
    #[inline]
    pub(super) fn may_tell(dialects: &[Dialect], name: &[u8]) -> bool {
        common::may_be(name) || !dialects.is_empty() && name.len() <= LONGEST_NAME
    }

    /// Keeps the value of a header if it is one that is read.
    #[inline]
    pub(super) fn note(&mut self, name: &[u8], value: &'a [u8], hint: &mut Hint<'a>) {
        match name.len() {
            3 if name.eq_ignore_ascii_case(b"age") => self.note_age(value),
            4 if name.eq_ignore_ascii_case(b"date") => self.note_date(value),
            _ if Self::may_tell(self.moment.dialects(), name) => self.look_up(name, value, hint),
            _ => {}
        }
    }

    fn note_age(&mut self, value: &[u8]) {
        let mut ages = value.split(|&byte| byte == b',').filter_map(Number::read);
        self.is_aged |= ages.any(|age| !age.as_secs().is_zero());
    }

    fn note_date(&mut self, value: &'a [u8]) {
        self.date = match self.date {
            Date::Absent => Date::Once(value),
            // Proxies repeat a header as it is; that changes nothing.
            Date::Once(first) if first == value => Date::Once(first),
            Date::Once(_) | Date::Disagreeing => Date::Disagreeing,
        };
    }

    fn look_up(&self, name: &[u8], value: &'a [u8], hint: &mut Hint<'a>) {
        let dialects = self.moment.dialects();
        let by_dialect = || {
            let mut found = dialects.iter().enumerate();
            found.find_map(|(rank, dialect)| Some((rank, dialect.find(name)?)))
        };
        let common = || Some((dialects.len(), common::find(name)?));
        if let Some((rank, (family, place))) = by_dialect().or_else(common) {
            let is_common = rank == dialects.len();
            let adopting = if is_common {
                self.adopting(family)
            } else {
                None
            };
            hint.content().found.push(Entry {
                header: family.header(place),
                window: adopting.unwrap_or(family),
                value,
                place,
                rank: rank.min(usize::from(u8::MAX)) as u8,
                is_disputed: false,
            });
        }
    }

    /// The family of a dialect that names a header of `common`.
    fn adopting(&self, common: &Family) -> Option<&'static Family> {
        let families = self.moment.dialects().iter().flat_map(Dialect::families);
        families.into_iter().find(|family| {
            let names = family.headers().map(|header| header.name.as_bytes());
            let known = names.filter_map(common::find);
            known.into_iter().any(|(it, _)| core::ptr::eq(it, common))
        })
    }

    /// They were the last: what do they say?
    pub(super) fn conclude(&self, hint: &mut Hint<'a>) {
        let Some(Content { said, found }) = &mut hint.content else {
            return;
        };
        if self.is_aged {
            // It was kept by a cache, and tells of another time.
            return found.on_cached();
        }
        let date = match self.date {
            Date::Once(date) => Some(date),
            Date::Absent | Date::Disagreeing => None,
        };
        found.tell(&Now::new(date, self.moment), said);
    }
}
