//! Checks dates in every supported form, to the second, and texts that may be dates.
//!
//! If an input begins with `text` and a line feed, the rest is a text, and its first line has the
//! clock for reading it. Any other input has the fields of a date.

#![no_main]

use std::fmt::Write as _;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use breather::{
    Dialect, Hint,
    driver::UnixTime,
    hint::{HeaderReading, IgnoreReason, TimeFormat},
};
use breather_fuzz::{ACME, AT, moment};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match data.strip_prefix(b"text\n") {
        Some(text) => read_text(text),
        None => {
            if let Ok(case) = Case::arbitrary(&mut Unstructured::new(data)) {
                read_date(&case);
            }
        }
    }
});

/// A date with its written form and the time at which it is read.
#[derive(Arbitrary, Debug)]
struct Case {
    form: Form,
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// Minutes east of Greenwich.
    offset: i16,
    fraction: Option<(u32, u8)>,
    /// Details of the form, as bits.
    style: u8,
    /// Seconds from now to the date.
    ahead: i32,
    clock: Clock,
    header: u8,
    /// The position and value of a changed byte.
    damage: Option<(u8, u8)>,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Form {
    Imf,
    Rfc850,
    Asctime,
    Rfc2822,
    Rfc3339,
    JavaScript,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Clock {
    Date,
    Own,
    /// Both are present, and ours is wrong.
    Disagreeing,
    None,
}

fn read_date(case: &Case) {
    let (text, time) = written(case);
    if let Some((at, byte)) = case.damage {
        let mut text = text.into_bytes();
        let at = usize::from(at) % text.len();
        text[at] = byte;
        let clock = UnixTime::from_secs(time.div_euclid(1_000_000));
        is_no_wait_without_digits(&text, None, Some(clock));
        return;
    }
    // The response's `Date` has no fraction and no sign.
    let seconds = time.div_euclid(1_000_000) - i64::from(case.ahead);
    let date = (0..253_402_300_800)
        .contains(&seconds)
        .then(|| imf(seconds));
    let date = date.filter(|_| matches!(case.clock, Clock::Date | Clock::Disagreeing));
    let own = match case.clock {
        Clock::Own => Some(UnixTime::from_secs(seconds)),
        Clock::Date if date.is_none() => Some(UnixTime::from_secs(seconds)),
        Clock::Disagreeing if date.is_none() => Some(UnixTime::from_secs(seconds)),
        Clock::Disagreeing => Some(UnixTime::from_secs(
            seconds.wrapping_mul(7) % 99_999_999_999,
        )),
        Clock::Date | Clock::None => None,
    };
    let is_by_standard = !matches!(case.form, Form::Rfc3339 | Form::JavaScript);
    let lines = lines(text.as_bytes(), case.header, is_by_standard);
    let lines = lines
        .into_iter()
        .chain(date.iter().map(|date| ("date", date.as_bytes())));
    let dialects = [ACME];
    let hint = Hint::read(lines, moment(own.as_ref()).with_dialects(&dialects));
    let why = hint.ignored().next().map(|ignored| ignored.why());
    let wait = time - seconds * 1_000_000;
    // Some forms have no leap seconds.
    if case.second % 61 == 60 && why == Some(IgnoreReason::Unreadable) {
        return;
    }
    match u64::try_from(wait) {
        _ if case.clock == Clock::None => {
            assert_eq!(
                (hint.not_before(), why),
                (None, Some(IgnoreReason::NoClock)),
                "{text}"
            );
        }
        Ok(wait) => {
            let expected = AT + Duration::from_micros(wait);
            assert_eq!((hint.not_before(), why), (Some(expected), None), "{text}");
        }
        Err(_) => assert_eq!(
            (hint.not_before(), why),
            (None, Some(IgnoreReason::Past)),
            "{text}"
        ),
    }
}

/// Returns a header that holds `text`, with the headers that have to accompany it.
fn lines(text: &[u8], header: u8, is_by_standard: bool) -> Vec<(&'static str, &[u8])> {
    match header % 4 {
        0 if is_by_standard => vec![("retry-after", text)],
        0 | 1 => vec![("x-ratelimit-remaining", b"0"), ("x-ratelimit-reset", text)],
        2 => vec![("acme-date", text)],
        _ => vec![("acme-any", text)],
    }
}

/// Returns the text of a date, and its microseconds since 1970, rounded up.
fn written(case: &Case) -> (String, i64) {
    let is_http = matches!(case.form, Form::Imf | Form::Rfc850 | Form::Asctime);
    let year = 1970
        + i64::from(case.year)
            % if case.form == Form::Rfc850 {
                100
            } else {
                8_029
            };
    let month = case.month % 12;
    let day = 1 + case.day % days_in(year, month);
    let (hour, minute) = (case.hour % 24, case.minute % 60);
    let has = |bit: u8| case.style & bit != 0;
    let has_seconds = is_http || case.form == Form::JavaScript || !has(1);
    let second = if has_seconds { case.second % 61 } else { 0 };
    let offset = if is_http { 0 } else { case.offset % 1_440 };
    let fraction = case
        .fraction
        .filter(|_| case.form == Form::Rfc3339 && has_seconds);

    let days = days_to(year, month) + i64::from(day) - 1;
    let weekday = (days + 4).rem_euclid(7) as usize;
    let of_day = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    let mut time = (days * 86_400 + of_day - i64::from(offset) * 60) * 1_000_000;

    let long = WEEKDAYS[weekday];
    let (short, name) = (&long[..3], MONTHS[usize::from(month)]);
    let sign = if offset < 0 { '-' } else { '+' };
    let (east_hours, east_minutes) = (offset.abs() / 60, offset.abs() % 60);
    let mut clock = format!("{hour:02}:{minute:02}");
    if has_seconds {
        let _ = write!(clock, ":{second:02}");
    }
    let mut text = match case.form {
        Form::Imf => format!("{short}, {day:02} {name} {year} {clock} GMT"),
        Form::Rfc850 => format!("{long}, {day:02}-{name}-{:02} {clock} GMT", year % 100),
        Form::Asctime => format!("{short} {name} {day:>2} {clock} {year}"),
        Form::Rfc2822 => {
            let weekday = if has(2) {
                String::new()
            } else {
                format!("{short}, ")
            };
            let day = if has(4) {
                format!("{day}")
            } else {
                format!("{day:02}")
            };
            let zone = match (offset, case.style >> 3 & 7) {
                (0, 1) => "GMT".to_owned(),
                (0, 2) => "UTC".to_owned(),
                (0, 3) => "UT".to_owned(),
                (0, 4) => "Z".to_owned(),
                (0, 5) => "-0000".to_owned(),
                _ => format!("{sign}{east_hours:02}{east_minutes:02}"),
            };
            format!("{weekday}{day} {name} {year} {clock} {zone}")
        }
        Form::Rfc3339 => {
            if let Some((nanos, digits)) = fraction {
                let digits = 1 + usize::from(digits % 9);
                let nanos = format!("{:09}", nanos % 1_000_000_000);
                let _ = write!(clock, ".{}", &nanos[..digits]);
                let nanos = format!("{:0<9}", &nanos[..digits])
                    .parse::<i64>()
                    .unwrap_or(0);
                time += nanos / 1_000 + i64::from(nanos % 1_000 > 0);
            }
            let between = if has(2) {
                't'
            } else if has(4) {
                ' '
            } else {
                'T'
            };
            let zone = match (offset, case.style >> 3 & 3) {
                (0, 1) => "Z".to_owned(),
                (0, 2) => "z".to_owned(),
                (0, 3) => "-00:00".to_owned(),
                _ => format!("{sign}{east_hours:02}:{east_minutes:02}"),
            };
            let month = month + 1;
            format!("{year}-{month:02}-{day:02}{between}{clock}{zone}")
        }
        Form::JavaScript => {
            let zone = if has(2) {
                " (Central European Standard Time)"
            } else {
                ""
            };
            format!(
                "{short} {name} {day:02} {year} {clock} GMT{sign}{east_hours:02}{east_minutes:02}{zone}"
            )
        }
    };
    if has(64) {
        text = format!(" {text}\t");
    }
    (text, time)
}

fn imf(seconds: i64) -> String {
    let since = Duration::from_secs(seconds.unsigned_abs());
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
}

/// Returns the days from 1970 to the first of a month.
fn days_to(year: i64, month: u8) -> i64 {
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let of_years = 365 * (year - 1970) + leaps(year - 1) - leaps(1969);
    of_years
        + (0..month)
            .map(|month| i64::from(days_in(year, month)))
            .sum::<i64>()
}

fn days_in(year: i64, month: u8) -> u8 {
    match month {
        1 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

fn read_text(text: &[u8]) {
    let end = text
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(text.len());
    let (date, text) = text.split_at(end);
    let text = text.strip_prefix(b"\n").unwrap_or(text);
    let date = (!date.is_empty()).then_some(date);
    let own = UnixTime::from_secs(1_800_000_000);
    is_no_wait_without_digits(text, date, Some(own));
    is_no_wait_without_digits(text, date, None);
}

fn is_no_wait_without_digits(text: &[u8], date: Option<&[u8]>, own: Option<UnixTime>) {
    let dialects: [Dialect; 1] = [ACME];
    for header in 0..4 {
        let lines = lines(text, header, true);
        let lines = lines.into_iter().chain(date.map(|date| ("date", date)));
        let hint = Hint::read(lines, moment(own.as_ref()).with_dialects(&dialects));
        let has_digits = text.iter().any(u8::is_ascii_digit);
        if !has_digits {
            assert_eq!(hint.not_before(), None);
        }
        let is_read = hint.readings().any(|reading| reading.value() == text);
        assert!(hint.not_before().is_none() || is_read);
        // A date needs a clock to be read against.
        let is_date = |reading: &HeaderReading<'_>| reading.form() == Some(TimeFormat::Date);
        for reading in hint.readings().filter(is_date) {
            assert!(reading.clock().is_some());
            assert!(date.is_some() || own.is_some());
        }
    }
}

const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
