//! Windows as the IETF's drafts name them, from -08 on.

use core::time::Duration;

use super::found::Entry;
use super::said::Said;
use super::structured::{Bare, Item};
use super::unit::Unit;
use super::window::Window;

/// Returns the window of an item of `RateLimit`, or `None` if it does not state the remaining quota.
pub(super) fn named_window<'a>(item: &Item<'a>, entry: &Entry<'a>) -> Option<Window<'a>> {
    let name = item.bare.name()?;
    let mut window = Window::new(name).with_unit(unit(item)?);
    window.remaining = Some(item.r?.integer()?);
    if let Some(reset) = item.t {
        window.reset = entry.stated_seconds(reset.integer()?);
    }
    window.key = key(item);
    Some(window)
}

pub(super) fn key<'a>(item: &Item<'a>) -> Option<&'a [u8]> {
    match item.pk? {
        Bare::Bytes(key) => Some(key.as_bytes()),
        _ => None,
    }
}

/// An item of `RateLimit-Policy`, which describes the windows of its name.
pub(super) struct Policy<'a> {
    name: &'a str,
    limit: u64,
    pub(super) length: Option<Duration>,
    unit: Unit,
    key: Option<&'a [u8]>,
}

impl<'a> Policy<'a> {
    /// Whether there was room for it.
    pub(super) fn apply(&self, said: &mut Said<'a>, is_named: &[bool]) -> bool {
        let mut any = false;
        for (at, _) in is_named
            .iter()
            .enumerate()
            .filter(|(_, is_named)| **is_named)
        {
            let Some(window) = said.windows.get_mut(at) else {
                break;
            };
            let is_own = window.name == self.name && (self.key.is_none() || window.key == self.key);
            if is_own {
                window.limit = Some(self.limit);
                window.length = self.length;
                window.unit = self.unit;
                any = true;
            }
        }
        let mut window = Window::new(self.name).with_unit(self.unit);
        window.limit = Some(self.limit);
        window.length = self.length;
        window.key = self.key;
        any || said.windows.push(window).is_some()
    }
}

pub(super) fn named_policy<'a>(item: &Item<'a>) -> Option<Policy<'a>> {
    Some(Policy {
        name: item.bare.name()?,
        // A limit of 0 is none to go by.
        limit: item.q?.integer().filter(|&limit| limit > 0)?,
        length: item.w.and_then(length_of),
        unit: unit(item)?,
        key: key(item),
    })
}

/// Returns the length of a window, which is not 0.
pub(super) fn length_of(length: Bare<'_>) -> Option<Duration> {
    let length = length.integer().filter(|&length| length > 0)?;
    Some(Duration::from_secs(length))
}

/// Returns the unit of an item's window.
fn unit(item: &Item<'_>) -> Option<Unit> {
    Some(match item.qu {
        None => unit_of(item.bare.name()?),
        Some(Bare::String(unit) | Bare::Token(unit)) => unit_called(unit),
        Some(_) => Unit::Other,
    })
}

/// Returns the unit of a window by its name alone.
pub(super) fn unit_of(name: &str) -> Unit {
    let ends_with = |end: &str| {
        let at = name.len().checked_sub(end.len());
        at.and_then(|at| name.get(at..))
            .is_some_and(|it| it.eq_ignore_ascii_case(end))
    };
    match () {
        () if ends_with("tokens") => Unit::Tokens,
        () if ends_with("bytes") => Unit::Bytes,
        () => Unit::Requests,
    }
}

pub(super) fn unit_called(name: &str) -> Unit {
    match name {
        // The text of the draft and its table of units disagree.
        "requests" | "request" => Unit::Requests,
        "content-bytes" | "bytes" => Unit::Bytes,
        "concurrent-requests" => Unit::Concurrency,
        "tokens" => Unit::Tokens,
        _ => Unit::Other,
    }
}
