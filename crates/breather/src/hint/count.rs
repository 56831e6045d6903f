//! Counts in header values.

use core::time::Duration;

use super::number::{self, Number};
use super::reading::IgnoreReason;
use super::span::span;
use super::structured::{Item, list};
use super::time::{not_a_number, text, unquoted};

/// The items of a list of numbers, with their parameters.
pub(super) fn integers(value: &[u8]) -> Option<impl Iterator<Item = Item<'_>>> {
    let items = list(value)?.map(Item::new);
    Some(items)
}

/// A limit, as a header states it.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) limit: u64,
    /// The period for which it holds: `600/15m`.
    pub(super) length: Option<Duration>,
    /// Whether it begins a list of numbers.
    pub(super) is_list: bool,
}

impl Limit {
    const fn of(limit: u64) -> Self {
        Self {
            limit,
            length: None,
            is_list: false,
        }
    }

    /// Reads a limit, as `600`, `600/15m` or `100 requests per minute`, or a list of nothing but numbers.
    #[inline]
    pub(super) fn read(value: &[u8]) -> Result<Self, IgnoreReason> {
        match number::short(value) {
            Some(limit) => Ok(Self::of(limit)),
            None => Self::read_any(unquoted(value)),
        }
    }

    fn read_any(value: &[u8]) -> Result<Self, IgnoreReason> {
        if let Some(number) = Number::read(value) {
            return Ok(Self::of(number.whole));
        }
        if let Some(limit) = rate(value) {
            return limit;
        }
        let unreadable = || not_a_number(value);
        let mut items = integers(value).ok_or_else(unreadable)?;
        let first = items.next().and_then(|item| item.bare.integer());
        let first = first.ok_or_else(unreadable)?;
        // The windows behind it have a length. Without one, as in `1,000`, it is none of them.
        let is_window = |item: Item<'_>| match item.bare.integer() {
            Some(limit) => limit == first || item.w.is_some(),
            None => false,
        };
        if !items.all(is_window) {
            return Err(IgnoreReason::Unreadable);
        }
        Ok(Self {
            is_list: true,
            ..Self::of(first)
        })
    }
}

/// Reads a limit for a period. Two numbers are ambiguous, because the second may be anything. `None` without a period.
fn rate(value: &[u8]) -> Option<Result<Limit, IgnoreReason>> {
    let value = text(value)?;
    if value.contains([';', ',']) {
        return None;
    }
    let (limit, period) = value
        .split_once('/')
        .or_else(|| value.split_once(" per "))?;
    let (limit, period) = (limit.trim(), period.trim());
    // The unit may follow.
    let end = limit
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(limit.len());
    let (number, what) = limit.split_at(end);
    // `10k` is not ten.
    let is_unit = what.is_empty() || what.starts_with(' ') || UNITS.contains(&what);
    let is_word = is_unit && what.trim().bytes().all(|it| it.is_ascii_alphabetic());
    let Some(number) = Number::read(number.as_bytes()).filter(|_| is_word) else {
        return Some(Err(IgnoreReason::Unreadable));
    };
    if Number::read(period.as_bytes()).is_some() {
        return Some(Err(IgnoreReason::Ambiguous));
    }
    let length = length(period).filter(|length| !length.is_zero());
    Some(length.ok_or(IgnoreReason::Unreadable).map(|length| Limit {
        length: Some(length),
        ..Limit::of(number.whole)
    }))
}

/// Reads a period, `15m` or `minute`.
fn length(period: &str) -> Option<Duration> {
    if !period.starts_with(|it: char| it.is_ascii_alphabetic()) || period.starts_with(['P', 'p']) {
        return span(period.as_bytes(), true).ok();
    }
    // `minute` is one.
    let mut one = [b'1'; LONGEST_UNIT + 1];
    one.get_mut(1..=period.len())?
        .copy_from_slice(period.as_bytes());
    span(&one[..=period.len()], true).ok()
}

/// The units that may follow a number without a blank.
const UNITS: [&str; 5] = ["r", "req", "reqs", "requests", "calls"];

/// The longest names of units, `milliseconds` among them, are shorter.
const LONGEST_UNIT: usize = 16;

/// Reads a count. A fraction of a call does not count. Docker Hub has parameters behind it.
#[inline]
pub(super) fn count(value: &[u8]) -> Result<u64, IgnoreReason> {
    match number::short(value) {
        Some(count) => Ok(count),
        None => any_count(unquoted(value)),
    }
}

fn any_count(value: &[u8]) -> Result<u64, IgnoreReason> {
    if let Some(number) = Number::read(value) {
        return Ok(number.whole);
    }
    let mut counts = integers(value)
        .ok_or_else(|| not_a_number(value))?
        .map(|item| item.bare.integer());
    let first = counts.next().flatten();
    // Proxies join lines that are the same.
    let count = first.filter(|&first| counts.all(|count| count == Some(first)));
    count.ok_or_else(|| not_a_number(value))
}

/// Reads how many were used. A fraction counts as a whole call.
pub(super) fn used(value: &[u8]) -> Result<u64, IgnoreReason> {
    match Number::read(unquoted(value)) {
        Some(used) => Ok(used.rounded_up()),
        None => any_count(unquoted(value)),
    }
}

pub(super) fn used_of_limit(text: &str) -> Result<(u64, u64), IgnoreReason> {
    let (used_of_it, limit) = text.split_once('/').ok_or(IgnoreReason::Unreadable)?;
    Ok((used(used_of_it.as_bytes())?, count(limit.as_bytes())?))
}
