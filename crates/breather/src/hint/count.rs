//! Counts in header values.

use super::number::{self, Number};
use super::reading::IgnoreReason;
use super::structured::{Item, list};
use super::time::not_a_number;

/// The items of a list of numbers, with their parameters.
pub(super) fn integers(value: &[u8]) -> Option<impl Iterator<Item = Item<'_>>> {
    let items = list(value)?.map(Item::new);
    Some(items)
}

/// A limit, and whether it begins a list: all of which is numbers, or it is not read.
#[inline]
pub(super) fn limit_of(value: &[u8]) -> Result<(u64, bool), IgnoreReason> {
    match number::short(value) {
        Some(limit) => Ok((limit, false)),
        None => any_limit_of(value),
    }
}

fn any_limit_of(value: &[u8]) -> Result<(u64, bool), IgnoreReason> {
    if let Some(number) = Number::read(value) {
        return Ok((number.whole, false));
    }
    let unreadable = || not_a_number(value);
    let mut items = integers(value).ok_or_else(unreadable)?;
    let first = items.next().and_then(|item| item.bare.integer());
    let first = first.ok_or_else(unreadable)?;
    // The windows behind it have a length; without one, as in `1,000`, it is none of them.
    let is_window = |item: Item<'_>| match item.bare.integer() {
        Some(limit) => limit == first || item.w.is_some(),
        None => false,
    };
    if !items.all(is_window) {
        return Err(IgnoreReason::Unreadable);
    }
    Ok((first, true))
}

/// A count, without its fraction: half a call is none. As Docker Hub has it, with parameters behind.
#[inline]
pub(super) fn count(value: &[u8]) -> Result<u64, IgnoreReason> {
    match number::short(value) {
        Some(count) => Ok(count),
        None => any_count(value),
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

/// What was used: of half a call, all.
pub(super) fn used(value: &[u8]) -> Result<u64, IgnoreReason> {
    match Number::read(value) {
        Some(used) => Ok(used.rounded_up()),
        None => any_count(value),
    }
}

pub(super) fn used_of_limit(text: &str) -> Result<(u64, u64), IgnoreReason> {
    let (used_of_it, limit) = text.split_once('/').ok_or(IgnoreReason::Unreadable)?;
    Ok((used(used_of_it.as_bytes())?, count(limit.as_bytes())?))
}
