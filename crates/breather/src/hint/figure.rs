//! Headers that tell one figure of a window.

use super::count::{Limit, count, used, used_of_limit};
use super::draft::unit_of;
use super::family::Part;
use super::found::{Entry, Subject, tells};
use super::members::Members;
use super::reading::{HeaderMeaning, IgnoreReason, Note};
use super::time::{Now, Time, text};
use super::unit::Unit;
use super::window::{Stated, Window};

/// A figure of a window, as one header tells it.
#[derive(Clone, Copy)]
pub(super) enum Figure<'a> {
    Limit(Limit),
    Remaining(u64),
    Used(u64),
    UsedOfLimit { used: u64, limit: u64 },
    Reset(Time, Stated<'a>),
    Length(Time),
    Name(&'a str),
    Key(&'a [u8]),
}

impl<'a> Figure<'a> {
    /// Reads a header. Two different values are ambiguous, except for resets.
    #[inline]
    pub(super) fn read(entry: &Entry<'a>, now: &Now<'_>) -> Result<Self, IgnoreReason> {
        let value = entry.value;
        Ok(match entry.part() {
            Part::Reset(_) => {
                let time = entry.time(now)?;
                Self::Reset(time, entry.stated(time.delay))
            }
            _ if entry.is_disputed() => return Err(IgnoreReason::Ambiguous),
            Part::Limit => Self::Limit(Limit::read(value)?),
            Part::Remaining => Self::Remaining(count(value)?),
            Part::Used => Self::Used(used(value)?),
            Part::UsedOfLimit => {
                let (used, limit) = used_of_limit(text(value).ok_or(IgnoreReason::Unreadable)?)?;
                Self::UsedOfLimit { used, limit }
            }
            Part::Length(form) => {
                let time = Time::read_agreeing(value, form, now)?;
                if time.delay.is_zero() {
                    return Err(IgnoreReason::Sentinel);
                }
                Self::Length(time)
            }
            Part::Name => {
                let name = text(value).filter(|name| !name.is_empty());
                Self::Name(name.ok_or(IgnoreReason::Unreadable)?)
            }
            _ => Self::Key(value.trim_ascii()),
        })
    }

    /// Writes the figure to `window`, unless a header that outranks this one has told it.
    #[inline]
    pub(super) fn tell(self, window: &mut Window<'a>) -> Result<Note, IgnoreReason> {
        match self {
            Self::Limit(Limit { limit, length, .. }) => {
                tell(&mut window.limit, limit)?;
                if let Some(length) = length {
                    tell(&mut window.length, length)?;
                }
                Ok(Note::of(HeaderMeaning::Limit))
            }
            Self::Remaining(remaining) => {
                tell(&mut window.remaining, remaining)?;
                Ok(Note::of(HeaderMeaning::Remaining))
            }
            Self::Used(used) => {
                tell(&mut window.used, used)?;
                Ok(Note::of(HeaderMeaning::Used))
            }
            Self::UsedOfLimit { used, limit } => {
                tell(&mut window.used, used)?;
                tell(&mut window.limit, limit)?;
                Ok(Note::of(HeaderMeaning::Used))
            }
            Self::Reset(time, stated) => {
                tell_reset(&mut window.reset, stated)?;
                Ok(time.note(HeaderMeaning::Reset))
            }
            Self::Length(time) => {
                tell(&mut window.length, time.delay)?;
                Ok(time.note(HeaderMeaning::Length))
            }
            Self::Name(name) => {
                window.name = name;
                if window.unit == Unit::Requests {
                    window.unit = unit_of(name);
                }
                Ok(Note::of(HeaderMeaning::Name))
            }
            Self::Key(key) => {
                tell(&mut window.key, key)?;
                Ok(Note::of(HeaderMeaning::Key))
            }
        }
    }
}

/// Assembles the window of `subject` from all of its headers.
pub(super) fn window_of<'a, 'e>(
    subject: &Subject<'a>,
    entries: impl Iterator<Item = &'e Entry<'a>> + Clone,
    now: &Now<'_>,
) -> Window<'a>
where
    'a: 'e,
{
    let mut window = Window::of(subject);
    let own = || entries.clone().filter(|entry| entry.is_of(subject));
    for entry in own().filter(|entry| entry.part().is_figure()) {
        if let Ok(figure) = Figure::read(entry, now) {
            let _ = figure.tell(&mut window);
        }
    }
    for entry in own().filter(|entry| entry.is_dictionary()) {
        if let Ok(members) = Members::read(entry) {
            members.tell(&mut window);
        }
    }
    window.settle(|part| tells(entries.clone(), subject, part));
    window
}

/// Sets a figure. If two headers tell it, the first one in the tables counts.
fn tell<T: Copy + PartialEq>(slot: &mut Option<T>, it: T) -> Result<(), IgnoreReason> {
    if *slot.get_or_insert(it) == it {
        Ok(())
    } else {
        Err(IgnoreReason::Outranked)
    }
}

/// Sets a reset. If one header states two, the later one counts, so that no call is sent too early.
fn tell_reset<'a>(slot: &mut Option<Stated<'a>>, it: Stated<'a>) -> Result<(), IgnoreReason> {
    let known = slot.get_or_insert(it);
    if *known == it {
        Ok(())
    } else if !known.header.eq_ignore_ascii_case(it.header) {
        Err(IgnoreReason::Outranked)
    } else if known.delay > it.delay {
        Err(IgnoreReason::Ambiguous)
    } else {
        *known = it;
        Ok(())
    }
}
