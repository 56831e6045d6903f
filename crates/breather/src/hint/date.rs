//! Dates in header values.

use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime, temporal};

use super::time::text;
use crate::unix_time::UnixTime;

/// Reads one of the three forms of [RFC 9110 section 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7).
pub(super) fn http_date(raw: &[u8]) -> Option<UnixTime> {
    let date = httpdate::parse_http_date(text(raw)?).ok()?;
    Some(UnixTime::from(date))
}

/// Reads a date in any known form. A date without a zone, or with one of several meanings, is none.
pub(super) fn any_date(raw: &[u8]) -> Option<UnixTime> {
    let text = text(raw)?;
    let year = text.as_bytes().first_chunk::<4>()?;
    if year.iter().all(u8::is_ascii_digit) {
        return iso_8601(text);
    }
    // All others have a colon.
    if !text.contains(':') {
        return None;
    }
    http_date(raw)
        .or_else(|| rfc_2822(text))
        .or_else(|| javascript(text))
        .or_else(|| greenwich(text))
}

/// Returns whether `raw` is a date without a zone, as `2027-01-15 08:00:00`.
pub(super) fn is_local(raw: &[u8]) -> bool {
    let text = text(raw).unwrap_or_default();
    let is_year = text.len() > 4 && text.as_bytes()[4] == b'-';
    is_year && temporal::DateTimeParser::new().parse_datetime(text).is_ok()
}

/// Reads a date as `2027-01-15T08:00:00Z`, without seconds, as Jira writes it, with a space, as Python prints it, or
/// without separators.
fn iso_8601(text: &str) -> Option<UnixTime> {
    if text.contains('[') {
        return None;
    }
    let parser = temporal::DateTimeParser::new();
    let zoned = parser.parse_timestamp(text).ok();
    // The last day of 9999 is a date, and no timestamp, to `jiff`.
    let greenwich = || {
        let date = parser.parse_datetime(without_greenwich(text)?).ok()?;
        Some(from_civil(date, text))
    };
    zoned
        .map(|time| from_timestamp(time, text))
        .or_else(greenwich)
}

/// Returns what stands before the name of Greenwich's zone.
fn without_greenwich(text: &str) -> Option<&str> {
    ["Z", "UTC", "GMT"].iter().find_map(|zone| {
        let at = text.len().checked_sub(zone.len())?;
        let is_zone = text.get(at..)?.eq_ignore_ascii_case(zone);
        is_zone.then(|| text[..at].trim_end())
    })
}

/// Reads a date as `Mon, 3 Jun 2019 12:00:00 +0200`. Of zones with names, only those of Greenwich count, because other
/// names are understood differently by different people.
fn rfc_2822(text: &str) -> Option<UnixTime> {
    let (_, zone) = text.rsplit_once([' ', ':'])?;
    let is_offset = zone.starts_with(['+', '-']);
    let is_greenwich = ["GMT", "UTC", "UT", "Z"].contains(&zone);
    if !is_offset && !is_greenwich {
        return None;
    }
    let time = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(from_timestamp(time, text))
}

/// Reads a date as JavaScript prints it: `Tue Feb 16 2021 09:02:42 GMT+0100 (Central European Standard Time)`.
fn javascript(text: &str) -> Option<UnixTime> {
    let date = text.split_once(" (").map_or(text, |(date, _)| date);
    let date = strtime::parse("%a %b %d %Y %H:%M:%S GMT%z", date).ok()?;
    Some(from_timestamp(date.to_timestamp().ok()?, text))
}

/// Reads other dates in Greenwich's zone.
fn greenwich(text: &str) -> Option<UnixTime> {
    const FORMS: [&str; 3] = [
        // Without the comma, and with the names in full.
        "%a %d %b %Y %H:%M:%S",
        "%A, %d %B %Y %H:%M:%S",
        "%d %B %Y %H:%M:%S",
    ];
    let civil = |form: &str, date| strtime::parse(form, date).ok()?.to_datetime().ok();
    let date = match without_greenwich(text) {
        Some(date) => FORMS.iter().find_map(|form| civil(form, date)),
        // As `date` prints it.
        None => civil("%a %b %e %H:%M:%S UTC %Y", text),
    };
    Some(from_civil(date?, text))
}

fn from_civil(date: DateTime, text: &str) -> UnixTime {
    let since = date.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    from_nanos(since.as_nanos(), text)
}

fn from_timestamp(time: jiff::Timestamp, text: &str) -> UnixTime {
    from_nanos(time.as_nanosecond(), text)
}

/// `jiff` takes a leap second for the one before. It is taken for the one after, so that nothing is sent too early.
fn from_nanos(nanos: i128, text: &str) -> UnixTime {
    let leap = i128::from(text.contains(":60"));
    let nanos = nanos + leap * 1_000_000_000;
    let micros = nanos.div_euclid(1_000) + i128::from(nanos.rem_euclid(1_000) > 0);
    UnixTime::from_micros(micros as i64)
}
