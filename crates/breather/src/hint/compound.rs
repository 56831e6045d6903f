//! Headers that tell of several windows.

use core::time::Duration;

use super::count::{count, used_of_limit};
use super::found::Entry;
use super::reading::{HeaderMeaning, IgnoreReason, Note};
use super::structured::Parts;
use super::time::text;
use super::window::Window;

/// Takes a window that a part told of, and whether that is all of it that the part told.
pub(super) type Keep<'k, 'a> = &'k mut dyn FnMut(Window<'a>, bool);

/// Hands on the windows of all parts, unless one of them is unreadable or empty.
fn keep_all<'a>(
    parts: impl Iterator<Item = &'a str> + Clone,
    window: impl Fn(&'a str) -> Result<(Window<'a>, bool), IgnoreReason>,
    keep: Keep<'_, 'a>,
) -> Result<(), IgnoreReason> {
    for part in parts.clone() {
        let (window, _) = window(part)?;
        if !window.is_known() {
            return Err(IgnoreReason::Unreadable);
        }
    }
    for (window, is_whole) in parts.filter_map(|part| window(part).ok()) {
        keep(window, is_whole && window.limit != Some(0));
    }
    Ok(())
}

/// `total=100; remaining=99; resets=41`; or `b=per_hour;q=100;r=99;t=41, …`.
pub(super) fn pairs<'a>(entry: &Entry<'a>, keep: Keep<'_, 'a>) -> Result<(), IgnoreReason> {
    let text = text(entry.value).ok_or(IgnoreReason::Unreadable)?;
    let window = |part| {
        let mut window = Window::new(entry.window.name()).with_unit(entry.window.family.unit);
        let mut is_whole = true;
        for pair in Parts::new(part, b';') {
            let (key, value) = pair.split_once('=').ok_or(IgnoreReason::Unreadable)?;
            let value = value.trim();
            let number = || count(value.as_bytes());
            match key.trim() {
                "b" => {
                    window.name = value;
                    window.length = length_called(value);
                }
                "q" | "total" | "limit" => window.limit = Some(number()?),
                "r" | "remaining" => window.remaining = Some(number()?),
                "t" | "resets" | "reset" => {
                    window.reset = entry.stated_seconds(number()?);
                    is_whole &= window.reset.is_some();
                }
                _ => {}
            }
        }
        Ok((window, is_whole))
    };
    keep_all(Parts::new(text, b','), window, keep)
}

pub(super) fn length_called(name: &str) -> Option<Duration> {
    let seconds = match name {
        "per_second" => 1,
        "per_minute" => 60,
        "per_hour" => 60 * 60,
        "per_day" => 24 * 60 * 60,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// `api-usage=18/5000; per-app-api-usage=17/250(appName=x)`.
pub(super) fn usages<'a>(entry: &Entry<'a>, keep: Keep<'_, 'a>) -> Result<(), IgnoreReason> {
    let text = text(entry.value).ok_or(IgnoreReason::Unreadable)?;
    let window = |part: &'a str| {
        let (name, usage) = part.split_once('=').ok_or(IgnoreReason::Unreadable)?;
        let usage = usage.split_once('(').map_or(usage, |(usage, _)| usage);
        let (used, limit) = used_of_limit(usage)?;
        let mut window = Window::new(name.trim());
        window.used = Some(used);
        window.limit = Some(limit);
        Ok((window, true))
    };
    keep_all(text.split([';', ',']), window, keep)
}

/// `Microsoft.Compute/GetVM3Min;197,Microsoft.Compute/GetVM30Min;1297`.
pub(super) fn resources<'a>(entry: &Entry<'a>, keep: Keep<'_, 'a>) -> Result<(), IgnoreReason> {
    let text = text(entry.value).ok_or(IgnoreReason::Unreadable)?;
    let window = |part: &'a str| {
        let (name, remaining) = part.split_once(';').ok_or(IgnoreReason::Unreadable)?;
        let window = Window::new(name.trim()).with_remaining(count(remaining.as_bytes())?);
        Ok((window, true))
    };
    keep_all(text.split(','), window, keep)
}

/// How many windows a header told of.
#[derive(Default)]
pub(super) struct Pushed {
    kept: u32,
    cut: u32,
    is_left_out: bool,
}

impl Pushed {
    pub(super) const fn count(&mut self, is_kept: bool) {
        if is_kept {
            self.kept += 1;
        } else {
            self.cut += 1;
        }
    }

    /// Something of it has no effect.
    pub(super) const fn leave_out(&mut self) {
        self.is_left_out = true;
    }

    pub(super) const fn is_partial(&self) -> bool {
        self.cut > 0 || self.is_left_out
    }

    pub(super) fn note(&self) -> Result<Note, IgnoreReason> {
        match (self.kept, self.cut) {
            (0, 0) => Err(IgnoreReason::Unreadable),
            (0, _) => Err(IgnoreReason::TooMany),
            _ => Ok(Note::of(HeaderMeaning::Windows).partly(self.is_partial())),
        }
    }
}
