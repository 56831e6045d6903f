//! Headers that tell of several windows.

use core::time::Duration;

use super::count::{count, used_of_limit};
use super::found::Entry;
use super::reading::{Meaning, Note, Why};
use super::said::Said;
use super::structured::Parts;
use super::time::text;
use super::window::Window;

/// Adds the windows of all parts, as far as there is room; of none, if one is unreadable.
pub(super) fn push_all<'a>(
    parts: impl Iterator<Item = &'a str> + Clone,
    window: impl Fn(&'a str) -> Result<Window<'a>, Why>,
    said: &mut Said<'a>,
) -> Result<Note, Why> {
    for part in parts.clone() {
        let _ = window(part)?;
    }
    let mut pushed = Pushed::default();
    for window in parts.filter_map(|part| window(part).ok()) {
        pushed.count(said.windows.push(window).is_some());
    }
    pushed.note()
}

/// `total=100; remaining=99; resets=41`; or `b=per_hour;q=100;r=99;t=41, …`.
pub(super) fn pairs<'a>(entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
    let text = text(entry.value).ok_or(Why::Unreadable)?;
    let window = |part| {
        let mut window = Window::new(entry.window.name).with_unit(entry.window.unit);
        for pair in Parts::new(part, b';') {
            let (key, value) = pair.split_once('=').ok_or(Why::Unreadable)?;
            let value = value.trim();
            let number = || count(value.as_bytes());
            match key.trim() {
                "b" => {
                    window.name = value;
                    window.length = length_called(value);
                }
                "q" | "total" | "limit" => window.limit = Some(number()?),
                "r" | "remaining" => window.remaining = Some(number()?),
                "t" | "resets" | "reset" => window.reset = entry.stated_seconds(number()?),
                _ => {}
            }
        }
        Ok(window)
    };
    push_all(Parts::new(text, b','), window, said)
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
pub(super) fn usages<'a>(entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
    let text = text(entry.value).ok_or(Why::Unreadable)?;
    let window = |part: &'a str| {
        let (name, usage) = part.split_once('=').ok_or(Why::Unreadable)?;
        let usage = usage.split_once('(').map_or(usage, |(usage, _)| usage);
        let (used, limit) = used_of_limit(usage)?;
        let mut window = Window::new(name.trim());
        window.used = Some(used);
        window.limit = Some(limit);
        Ok(window)
    };
    push_all(text.split([';', ',']), window, said)
}

/// `Microsoft.Compute/GetVM3Min;197,Microsoft.Compute/GetVM30Min;1297`.
pub(super) fn resources<'a>(entry: &Entry<'a>, said: &mut Said<'a>) -> Result<Note, Why> {
    let text = text(entry.value).ok_or(Why::Unreadable)?;
    let window = |part: &'a str| {
        let (name, remaining) = part.split_once(';').ok_or(Why::Unreadable)?;
        Ok(Window::new(name.trim()).with_remaining(count(remaining.as_bytes())?))
    };
    push_all(text.split(','), window, said)
}

/// How many windows a header told of.
#[derive(Default)]
pub(super) struct Pushed {
    kept: u32,
    cut: u32,
}

impl Pushed {
    pub(super) const fn count(&mut self, is_kept: bool) {
        if is_kept {
            self.kept += 1;
        } else {
            self.cut += 1;
        }
    }

    pub(super) fn note(&self) -> Result<Note, Why> {
        match (self.kept, self.cut) {
            (0, 0) => Err(Why::Unreadable),
            (0, _) => Err(Why::TooMany),
            (_, cut) => Ok(Note::of(Meaning::Windows).cut(cut > 0)),
        }
    }
}
