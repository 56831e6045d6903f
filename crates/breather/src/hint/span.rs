//! Durations with units in header values.

use core::time::Duration;

use jiff::Span;
use jiff::fmt::{friendly, temporal};

use super::number::Number;
use super::reading::IgnoreReason;
use super::time::text;

/// Reads a duration: `6m0s`, `12 ms`, `2 minutes`, `1d`, `PT2M11.5S`, or on a clock, `00:00:04`.
///
/// A clock that shows an hour or more is ambiguous, unless `is_delay`: it may be a time of day.
pub(super) fn span(raw: &[u8], is_delay: bool) -> Result<Duration, IgnoreReason> {
    let text = text(raw).ok_or(IgnoreReason::Unreadable)?;
    if text.contains(':') {
        let (span, hours) = clock(text).ok_or(IgnoreReason::Unreadable)?;
        return match is_delay || hours == 0 {
            true => Ok(span),
            false => Err(IgnoreReason::Ambiguous),
        };
    }
    let span = match text.starts_with(['P', 'p']) {
        true => temporal::SpanParser::new().parse_span(text),
        false => {
            let mut lower = [0; LONGEST];
            let lower = lower_case(text, &mut lower).ok_or(IgnoreReason::Unreadable)?;
            friendly::SpanParser::new().parse_span(lower)
        }
    };
    let span = span.map_err(|_| IgnoreReason::Unreadable)?;
    exact(&span).ok_or(IgnoreReason::Unreadable)
}

/// Writes `text` in lower case to `to`. `M` alone stays as it is, because it may stand for minutes, months or millions.
fn lower_case<'a>(text: &str, to: &'a mut [u8; LONGEST]) -> Option<&'a [u8]> {
    let bytes = text.as_bytes();
    let to = to.get_mut(..bytes.len())?;
    for (at, slot) in to.iter_mut().enumerate() {
        let is_alone = !bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
        *slot = match bytes[at] {
            b'M' if is_alone => b'M',
            byte => byte.to_ascii_lowercase(),
        };
    }
    Some(to)
}

/// Returns the length of `span`, unless it counts months, which differ, or points to the past.
fn exact(span: &Span) -> Option<Duration> {
    if span.get_years() != 0 || span.get_months() != 0 || span.is_negative() {
        return None;
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let hours = days * 24 + i64::from(span.get_hours());
    let minutes = hours * 60 + span.get_minutes();
    let seconds = u64::try_from(minutes.checked_mul(60)?.checked_add(span.get_seconds())?).ok()?;
    let millis = Duration::from_millis(u64::try_from(span.get_milliseconds()).ok()?);
    let micros = Duration::from_micros(u64::try_from(span.get_microseconds()).ok()?);
    let nanos = Duration::from_nanos(u64::try_from(span.get_nanoseconds()).ok()?);
    let fraction = millis.checked_add(micros)?.checked_add(nanos)?;
    Duration::from_secs(seconds).checked_add(fraction)
}

/// Reads `hours:minutes:seconds`, and returns it with its hours. Two numbers alone are ambiguous.
fn clock(text: &str) -> Option<(Duration, u64)> {
    let (hours, rest) = text.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let is_digits = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (whole, _) = seconds.split_once('.').unwrap_or((seconds, ""));
    if !is_digits(hours, 4) || !is_digits(minutes, 2) || !is_digits(whole, 2) {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u64>().ok()?, minutes.parse::<u64>().ok()?);
    let seconds = Number::read(seconds.as_bytes())?;
    if minutes > 59 || seconds.whole > 59 {
        return None;
    }
    let minutes = Duration::from_secs((hours * 60 + minutes) * 60);
    Some((minutes + seconds.as_secs(), hours))
}

/// No duration that a server states in words is longer.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str, is_delay: bool) -> Result<f64, IgnoreReason> {
        span(text.as_bytes(), is_delay).map(|span| span.as_secs_f64())
    }

    #[test]
    fn durations_are_read_in_every_form() {
        for (text, expected) in [
            ("2m11.5s", 131.5),
            ("12ms", 0.012),
            ("7s", 7.0),
            ("7 s", 7.0),
            ("5 minutes", 300.0),
            ("1 hour, 2 mins", 3_720.0),
            ("1d", 86_400.0),
            ("2w", 1_209_600.0),
            ("PT2M11.5S", 131.5),
            ("pt1h", 3_600.0),
            ("P1DT1S", 86_401.0),
            ("00:00:04", 4.0),
            ("0:01:30.5", 90.5),
            ("15m", 900.0),
            ("2 Minutes", 120.0),
            ("3 SEC", 3.0),
        ] {
            assert_eq!(seconds(text, false), Ok(expected), "{text}");
        }
        assert_eq!(seconds("17:00:00", true), Ok(61_200.0));
    }

    #[test]
    fn other_values_are_no_durations() {
        for text in [
            "",
            "soon",
            "7",
            "s",
            "P",
            "PT",
            "1 month",
            "P1M",
            "1y",
            "1h ago",
            "-5s",
            "00:61:00",
            "00:00:60",
            "1:30",
            "00:00:-1",
            "::",
            "99999:00:00",
        ] {
            assert_eq!(seconds(text, true), Err(IgnoreReason::Unreadable), "{text}");
        }
        assert_eq!(seconds("17:00:00", false), Err(IgnoreReason::Ambiguous));
    }
}
