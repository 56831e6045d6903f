//! Checks plain forms of `Retry-After` against an independent reading.
//!
//! Each line of the input is a value, with two exceptions. A line that begins with `clock ` sets
//! our own clock in seconds, and one that begins with `date ` sets the response's. `@7` stands for
//! the HTTP date of the epoch 7.

#![no_main]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use breather::{Hint, driver::UnixTime};
use breather_fuzz::{AT, moment};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut clock = None;
    let mut date = None;
    let mut values = Vec::new();
    for line in data.split(|&byte| byte == b'\n') {
        if let Some(line) = line.strip_prefix(b"clock ") {
            clock = str::from_utf8(line).ok().and_then(|line| line.parse().ok());
        } else if let Some(line) = line.strip_prefix(b"date ") {
            date = Some(value(line));
        } else {
            values.push(value(line));
        }
    }
    let own = clock.map(UnixTime::from_secs);
    let lines = values.iter().map(|value| ("retry-after", value.as_slice()));
    let lines = lines.chain(date.iter().map(|date| ("date", date.as_slice())));
    let hint = Hint::read(lines, moment(own.as_ref()));

    let by_date = date.as_deref().and_then(http_date).map(i128::from);
    let by_date = by_date.map(|seconds| seconds * MICROS);
    let now = by_date.or(own.map(|own| i128::from(own.as_micros())));
    let read = hint.not_before();
    let said: BTreeSet<_> = values.iter().collect();
    let is_crowded = said.len() > MAX_LINES;
    let said: Vec<_> = said.into_iter().map(|value| said_by(value, now)).collect();
    let waits = said.iter().filter_map(|said| match said {
        Said::Wait(wait) => Some(AT + *wait),
        Said::Nothing | Said::Unknown => None,
    });
    let longest = waits.max();
    // With many lines, values that are too far ahead may hide others that were left out.
    if is_crowded || said.iter().any(|said| matches!(said, Said::Unknown)) {
        assert!(read >= longest, "{read:?} instead of at least {longest:?}");
    } else {
        assert_eq!(read, longest);
    }
});

/// The meaning of a value in a plain form.
enum Said {
    Wait(Duration),
    Nothing,
    /// The value may be a date in a form that this target does not read.
    Unknown,
}

fn said_by(value: &[u8], now: Option<i128>) -> Said {
    if is_in_thousands(value) {
        return Said::Nothing;
    }
    // Parts that mean nothing, such as negative numbers, leave the result to the other parts.
    let parts = value
        .split(|&byte| byte == b',')
        .map(|part| part.trim_ascii());
    let is_nothing = |part: &[u8]| {
        part.strip_prefix(b"-")
            .is_some_and(|it| decimal(it).is_some())
    };
    // Epochs in microseconds and nanoseconds.
    let is_long = |part: &[u8]| decimal(part).is_some_and(|(whole, _)| whole.len() > 15);
    if parts.clone().any(is_long) {
        return Said::Unknown;
    }
    if parts
        .clone()
        .all(|part| decimal(part).is_some() || is_nothing(part))
    {
        let waits = parts.filter_map(|part| number(part, now));
        return waits.max().map_or(Said::Nothing, Said::Wait);
    }
    if let Some(seconds) = http_date(value) {
        let wait = now.and_then(|now| {
            let micros = i128::from(seconds) * MICROS - now;
            Some(Duration::from_micros(u64::try_from(micros).ok()?))
        });
        let is_plain = httpdate::fmt_http_date(time(seconds)).as_bytes() == value.trim_ascii();
        return match wait {
            _ if !is_plain => Said::Unknown,
            Some(wait) => Said::Wait(wait),
            None => Said::Nothing,
        };
    }
    // Durations, dates in other forms and quoted numbers have digits and something else.
    let has_digit = value.iter().any(u8::is_ascii_digit);
    let is_plain = |byte: &u8| byte.is_ascii_digit() || b" .,\t".contains(byte);
    if has_digit && !value.iter().all(is_plain) {
        Said::Unknown
    } else {
        Said::Nothing
    }
}

/// Returns whether a value such as `1,000` may be several numbers or a single one.
fn is_in_thousands(value: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(value) else {
        return false;
    };
    let groups: Vec<_> = text.trim_ascii().split(',').collect();
    let [first, others @ ..] = groups.as_slice() else {
        return false;
    };
    let are_digits = groups
        .iter()
        .all(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    are_digits
        && (1..=3).contains(&first.len())
        && !others.is_empty()
        && others.iter().all(|group| group.len() == 3)
        && others.iter().any(|group| group != first)
}

/// Parses seconds, or an epoch in seconds or milliseconds that is at most 35 days ahead.
fn number(text: &[u8], now: Option<i128>) -> Option<Duration> {
    let (whole, fraction) = decimal(text)?;
    let digits = whole.trim_start_matches('0');
    let scale = match digits.len() {
        0..=8 => {
            let seconds = digits.parse().unwrap_or(0);
            return Some(
                Duration::from_secs(seconds) + Duration::from_nanos(scaled(fraction, 9) as u64),
            );
        }
        10..=11 => 6,
        13..=14 => 3,
        _ => return None,
    };
    let epoch = digits.parse::<i128>().ok()? * 10_i128.pow(scale) + scaled(fraction, scale);
    let micros = epoch - now?;
    let wait = Duration::from_micros(u64::try_from(micros).ok()?);
    (wait <= Duration::from_secs(35 * 86_400)).then_some(wait)
}

/// Returns `digits` after a point as a multiple of 10 to the power of minus `scale`, rounded up.
fn scaled(digits: &str, scale: u32) -> i128 {
    let scale = scale as usize;
    let kept: String = digits
        .chars()
        .chain(std::iter::repeat('0'))
        .take(scale)
        .collect();
    let finer = digits.chars().skip(scale).any(|digit| digit != '0');
    kept.parse::<i128>().unwrap_or(0) + i128::from(finer)
}

/// Splits a number into its digits and those after the point, if there is one.
fn decimal(text: &[u8]) -> Option<(&str, &str)> {
    let text = str::from_utf8(text.trim_ascii()).ok()?;
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => {
            (are_digits(whole) && are_digits(fraction)).then_some((whole, fraction))
        }
        None => are_digits(text).then_some((text, "")),
    }
}

fn http_date(value: &[u8]) -> Option<u64> {
    let text = str::from_utf8(value).ok()?;
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    Some(date.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Returns the value that a line stands for.
fn value(line: &[u8]) -> Vec<u8> {
    let seconds = line
        .strip_prefix(b"@")
        .and_then(|line| str::from_utf8(line).ok()?.parse().ok());
    match seconds {
        Some(seconds @ 0..END_OF_9999) => httpdate::fmt_http_date(time(seconds)).into_bytes(),
        _ => line.to_owned(),
    }
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

const MICROS: i128 = 1_000_000;
const END_OF_9999: u64 = 253_402_300_800;
const MAX_LINES: usize = 24;
