//! Families whose headers list one figure for each of several windows.

use super::count::{count, used};
use super::family::Part;
use super::found::{Entry, Subject};
use super::time::is_in_thousands;
use super::window::Window;

/// The headers of a family that each list a figure for each of its windows, as Strava's do.
///
/// The windows have no names but their places.
pub(super) struct Columns<'a> {
    subject: Subject<'a>,
    limits: &'a [u8],
    used: Option<&'a [u8]>,
    remaining: Option<&'a [u8]>,
}

impl<'a> Columns<'a> {
    /// Returns the columns, if limits and another figure have as many places. `None` if each may be one number with
    /// commas for thousands, or the same number again, as proxies join lines.
    pub(super) fn of<'e>(
        entries: impl Iterator<Item = &'e Entry<'a>> + Clone,
        subject: Subject<'a>,
    ) -> Option<Self>
    where
        'a: 'e,
    {
        let own = entries.filter(|entry| entry.is_of(&subject) && !entry.is_disputed());
        let column = |part| own.clone().find(|entry| entry.part() == part);
        let limits = column(Part::Limit)?.value;
        let number = places(limits)?;
        let as_many = |part| {
            let value = column(part)?.value;
            (places(value) == Some(number)).then_some(value)
        };
        let columns = Self {
            subject,
            limits,
            used: as_many(Part::Used),
            remaining: as_many(Part::Remaining),
        };
        let others = columns.used.into_iter().chain(columns.remaining);
        let are_numbers = others.clone().chain([limits]).all(is_in_thousands);
        let are_same = others.clone().chain([limits]).all(is_repeated);
        (others.count() > 0 && !are_numbers && !are_same).then_some(columns)
    }

    /// Returns whether `entry` is one of the columns.
    pub(super) fn has(&self, entry: &Entry<'_>) -> bool {
        match entry.part() {
            Part::Limit => true,
            Part::Used => self.used.is_some(),
            Part::Remaining => self.remaining.is_some(),
            _ => false,
        }
    }

    /// Returns the windows.
    pub(super) fn windows(&self) -> impl Iterator<Item = Window<'a>> {
        let all = NAMES.into_iter().zip(values(self.limits)).enumerate();
        all.map(|(at, (name, limit))| {
            let nth = |column: Option<&'a [u8]>| values(column?).nth(at);
            let mut window = Window::new(name).with_unit(self.subject.family.unit);
            window.limit = count(limit).ok();
            window.used = nth(self.used).and_then(|value| used(value).ok());
            window.remaining = nth(self.remaining).and_then(|value| count(value).ok());
            window
        })
    }
}

/// Returns how many numbers `value` lists, if it is such a list.
fn places(value: &[u8]) -> Option<usize> {
    let is_number = |value: &[u8]| count(value).is_ok();
    let places = values(value).count();
    let fits = (2..=NAMES.len()).contains(&places);
    (fits && values(value).all(is_number)).then_some(places)
}

fn is_repeated(value: &[u8]) -> bool {
    let first = values(value).next();
    values(value).all(|value| Some(value) == first)
}

fn values(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

/// The names of windows that have none.
const NAMES: [&str; 4] = ["1", "2", "3", "4"];
