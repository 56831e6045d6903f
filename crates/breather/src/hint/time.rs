//! Instants, delays and lengths in header values.

use core::cell::Cell;
use core::time::Duration;

use jiff::fmt::{friendly, rfc2822, strtime, temporal};

use super::number::{self, Number};
use super::reading::{HeaderMeaning, IgnoreReason, Note, ReferenceClock, TimeFormat};
use crate::hint::moment::Moment;
use crate::instant::Instant;
use crate::unix_time::UnixTime;

/// What a date or an epoch is read against.
pub(super) struct Now<'a> {
    /// The response's `Date`, if it has one.
    date: Option<&'a [u8]>,
    moment: Moment<'a>,
    /// Read once, when it is first needed.
    known: Cell<Option<Result<(UnixTime, ReferenceClock), IgnoreReason>>>,
    /// Records dates and epochs, if the time is not known yet.
    tape: Option<&'a Tape>,
}

/// Records the latest date and the latest epoch of a value, in microseconds.
struct Tape {
    date: Cell<i64>,
    epoch: Cell<i64>,
}

impl<'a> Now<'a> {
    pub(super) const fn new(date: Option<&'a [u8]>, moment: Moment<'a>) -> Self {
        Self {
            date,
            moment,
            known: Cell::new(None),
            tape: None,
        }
    }

    /// As it was before.
    pub(super) const fn again(
        known: Option<Result<(UnixTime, ReferenceClock), IgnoreReason>>,
    ) -> Self {
        Self {
            date: None,
            moment: Moment::new(Instant::ORIGIN),
            known: Cell::new(known),
            tape: None,
        }
    }

    /// Creates one that is not known yet, and records dates and epochs.
    const fn unknown(tape: &'a Tape) -> Self {
        Self {
            date: None,
            moment: Moment::new(Instant::ORIGIN),
            known: Cell::new(None),
            tape: Some(tape),
        }
    }

    /// What it was taken to be, if that was needed.
    pub(super) fn known(&self) -> Option<Result<(UnixTime, ReferenceClock), IgnoreReason>> {
        self.known.get()
    }

    fn get(&self) -> Result<(UnixTime, ReferenceClock), IgnoreReason> {
        if let Some(known) = self.known.get() {
            return known;
        }
        let date = self.date.and_then(http_date);
        let own = || {
            self.moment
                .unix_time()
                .map(|time| (time, ReferenceClock::Own))
        };
        let now = date.map(|date| (date, ReferenceClock::Date)).or_else(own);
        let now = now.ok_or(IgnoreReason::NoClock);
        self.known.set(Some(now));
        now
    }

    /// The delay from now to `time`, by the server's clock if it told it.
    ///
    /// `Date` is cut to whole seconds, so the delay is up to a second too long and never too short.
    fn until(
        &self,
        time: UnixTime,
        form: TimeFormat,
        is_rounded: bool,
    ) -> Result<Time, IgnoreReason> {
        if let Some(tape) = self.tape {
            tape.record(time, form);
        }
        let (now, clock) = self.get()?;
        Ok(Time {
            delay: time.duration_since(now).ok_or(IgnoreReason::Past)?,
            form,
            clock: Some(clock),
            is_rounded,
        })
    }
}

impl Tape {
    fn record(&self, time: UnixTime, form: TimeFormat) {
        let latest = match form {
            TimeFormat::Date => &self.date,
            _ => &self.epoch,
        };
        latest.set(latest.get().max(time.as_micros()));
    }
}

/// The longest waits that a value asks for, in each form that can be compared before the time is known.
///
/// Two delays can be compared without knowing the time, and so can two dates, but not a delay with a date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// The longest delay in nanoseconds, the latest date in microseconds, and the latest epoch in microseconds. Each is
    /// [`Self::NONE`] if the value has none.
    pub(super) axes: [i64; 3],
}

impl Reach {
    pub(super) const NONE: i64 = i64::MIN;

    /// The index of the epoch. Other than a date, an epoch may turn out to be implausible.
    pub(super) const EPOCH: usize = 2;

    /// Measures the value that `read` reads.
    pub(super) fn of(read: impl FnOnce(&Now<'_>) -> Result<Time, IgnoreReason>) -> Self {
        let tape = Tape {
            date: Cell::new(Self::NONE),
            epoch: Cell::new(Self::NONE),
        };
        let read = read(&Now::unknown(&tape));
        if read == Err(IgnoreReason::Unreadable) {
            return Self {
                axes: [Self::NONE; 3],
            };
        }
        let nanos = |time: Time| i64::try_from(time.delay.as_nanos()).unwrap_or(i64::MAX);
        let delay = read.map_or(Self::NONE, nanos);
        Self {
            axes: [delay, tape.date.get(), tape.epoch.get()],
        }
    }
}

/// A delay, and how it was stated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Time {
    pub(super) delay: Duration,
    pub(super) form: TimeFormat,
    pub(super) clock: Option<ReferenceClock>,
    pub(super) is_rounded: bool,
}

impl Time {
    const fn from_now(delay: Duration, form: TimeFormat, is_rounded: bool) -> Self {
        Self {
            delay,
            form,
            clock: None,
            is_rounded,
        }
    }

    const fn seconds(seconds: u64) -> Self {
        Self::from_now(Duration::from_secs(seconds), TimeFormat::Seconds, false)
    }

    pub(super) const fn note(self, meaning: HeaderMeaning) -> Note {
        Note {
            meaning,
            form: Some(self.form),
            clock: self.clock,
            is_rounded: self.is_rounded,
            is_partial: false,
        }
    }

    /// Reads an instant or a delay that is written in `form`.
    #[inline]
    pub(super) fn read(raw: &[u8], form: TimeFormat, now: &Now<'_>) -> Result<Self, IgnoreReason> {
        match (form, number::short(raw)) {
            // Too few to be anything else.
            (TimeFormat::Any, Some(seconds)) => Self::seconds(seconds).plausible(),
            (TimeFormat::Seconds, Some(seconds)) => Ok(Self::seconds(seconds)),
            _ => Self::read_in(raw, form, now),
        }
    }

    fn read_in(raw: &[u8], form: TimeFormat, now: &Now<'_>) -> Result<Self, IgnoreReason> {
        match form {
            TimeFormat::Any => Self::read_any(raw, now),
            TimeFormat::Seconds
            | TimeFormat::Millis
            | TimeFormat::EpochSeconds
            | TimeFormat::EpochMillis => {
                let number = Number::read(raw).ok_or_else(|| not_a_number(raw))?;
                Self::from_number(number, form, now)
            }
            TimeFormat::Date => now.until(
                any_date(raw).ok_or(IgnoreReason::Unreadable)?,
                TimeFormat::Date,
                false,
            ),
            TimeFormat::Units => Self::from_units(raw),
        }
    }

    fn read_any(raw: &[u8], now: &Now<'_>) -> Result<Self, IgnoreReason> {
        if let Some(number) = Number::read(raw) {
            let form = by_magnitude(number).ok_or(IgnoreReason::Ambiguous)?;
            let time = Self::from_number(number, form, now)?;
            return time.plausible();
        }
        if let Some(date) = any_date(raw) {
            return now.until(date, TimeFormat::Date, false);
        }
        Self::from_units(raw)
            .and_then(Self::plausible)
            .map_err(|_| not_a_number(raw))
    }

    /// Reads `Retry-After`: seconds or a date by its standard ([RFC 9110 section
    /// 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)); as found, a fraction of seconds, an epoch, and
    /// several values, of which the latest counts.
    #[inline]
    pub(super) fn read_retry_after(raw: &[u8], now: &Now<'_>) -> Result<Self, IgnoreReason> {
        match number::short(raw) {
            Some(seconds) => Ok(Self::seconds(seconds)),
            None => Self::read_any_retry_after(raw, now),
        }
    }

    fn read_any_retry_after(raw: &[u8], now: &Now<'_>) -> Result<Self, IgnoreReason> {
        latest(raw, |raw| {
            if let Some(number) = Number::read(raw) {
                return Self::from_retry_after(number, now);
            }
            let date = http_date(raw).or_else(|| rfc_2822(text(raw)?));
            now.until(
                date.ok_or_else(|| not_a_number(raw))?,
                TimeFormat::Date,
                false,
            )
        })
    }

    /// Reads what may be there several times, of which the latest counts.
    pub(super) fn read_latest(
        raw: &[u8],
        form: TimeFormat,
        now: &Now<'_>,
    ) -> Result<Self, IgnoreReason> {
        latest(raw, |raw| Self::read(raw, form, now))
    }

    /// Returns the longest plausible guess.
    pub(super) const fn farthest() -> Self {
        Self::from_now(FARTHEST_GUESS, TimeFormat::Any, true)
    }

    /// Reads what may be there several times, if it is the same each time.
    pub(super) fn read_agreeing(
        raw: &[u8],
        form: TimeFormat,
        now: &Now<'_>,
    ) -> Result<Self, IgnoreReason> {
        let time = Self::read(raw, form, now);
        let mut values = joined(raw);
        match values.next() {
            Some(first) if time.is_err() && values.all(|value| value == first) => {
                Self::read(first, form, now)
            }
            _ => time,
        }
    }

    fn from_retry_after(number: Number, now: &Now<'_>) -> Result<Self, IgnoreReason> {
        let form = by_magnitude(number).ok_or(IgnoreReason::Ambiguous)?;
        let time = Self::from_number(number, form, now)?;
        match form {
            TimeFormat::Seconds => Ok(time),
            _ => time.plausible(),
        }
    }

    fn from_number(number: Number, form: TimeFormat, now: &Now<'_>) -> Result<Self, IgnoreReason> {
        // What is larger is of another unit than it should be, and would not fit.
        let bound = match form {
            TimeFormat::EpochSeconds => LARGEST_EPOCH,
            TimeFormat::EpochMillis => LARGEST_EPOCH_MILLIS,
            TimeFormat::Millis => LARGEST_DELAY * 1_000,
            TimeFormat::Any | TimeFormat::Seconds | TimeFormat::Date | TimeFormat::Units => {
                LARGEST_DELAY
            }
        };
        if number.whole >= bound {
            return Err(IgnoreReason::Ambiguous);
        }
        let is_rounded = number.is_rounded;
        let nanos = number.as_secs().as_nanos();
        // Wall time is kept in microseconds, and rounded up to that.
        let epoch = |micros: u128| UnixTime::from_micros(micros as i64);
        match form {
            TimeFormat::EpochSeconds => {
                let is_rounded = is_rounded || nanos % 1_000 > 0;
                now.until(epoch(nanos.div_ceil(1_000)), form, is_rounded)
            }
            TimeFormat::EpochMillis => {
                let is_rounded = is_rounded || nanos % 1_000_000 > 0;
                now.until(epoch(nanos.div_ceil(1_000_000)), form, is_rounded)
            }
            TimeFormat::Millis => {
                let delay = Duration::from_nanos(nanos.div_ceil(1_000) as u64);
                let is_rounded = is_rounded || nanos % 1_000 > 0;
                Ok(Self::from_now(delay, form, is_rounded))
            }
            TimeFormat::Any | TimeFormat::Seconds | TimeFormat::Date | TimeFormat::Units => Ok(
                Self::from_now(number.as_secs(), TimeFormat::Seconds, is_rounded),
            ),
        }
    }

    fn from_units(raw: &[u8]) -> Result<Self, IgnoreReason> {
        // Others than Go's units, and a time of day, are `jiff`'s alone.
        let is_go =
            |byte: u8| byte.is_ascii_digit() || b".hmsnu".contains(&byte) || !byte.is_ascii();
        let text = text(raw).filter(|text| text.bytes().all(is_go));
        let text = text.ok_or(IgnoreReason::Unreadable)?;
        let delay = friendly::SpanParser::new().parse_unsigned_duration(text);
        let delay = delay.map_err(|_| IgnoreReason::Unreadable)?;
        Ok(Self::from_now(delay, TimeFormat::Units, false))
    }

    /// What rests on a guess, if it is near enough.
    fn plausible(self) -> Result<Self, IgnoreReason> {
        (self.delay <= FARTHEST_GUESS)
            .then_some(self)
            .ok_or(IgnoreReason::Implausible)
    }
}

/// The latest of the values that were joined, all of which have to be readable; those that have passed or mean nothing are
/// left to the others.
fn latest(
    raw: &[u8],
    read: impl Fn(&[u8]) -> Result<Time, IgnoreReason>,
) -> Result<Time, IgnoreReason> {
    let whole = read(raw);
    if whole.is_ok() || !raw.contains(&b',') {
        return whole;
    }
    if is_in_thousands(raw) {
        return Err(IgnoreReason::Ambiguous);
    }
    let mut latest = Err(IgnoreReason::Unreadable);
    for value in joined(raw) {
        let time = read(value);
        let is_later = match (latest, time) {
            (_, Err(IgnoreReason::Unreadable)) => return time,
            (Ok(Time { delay: latest, .. }), Ok(Time { delay, .. })) => delay > latest,
            (Err(_), _) => true,
            (Ok(_), Err(_)) => false,
        };
        if is_later {
            latest = time;
        }
    }
    latest
}

/// Whether it may be one number, with commas for thousands, as well as several.
fn is_in_thousands(raw: &[u8]) -> bool {
    let mut groups = raw.trim_ascii().split(|&byte| byte == b',');
    let first = groups.next().unwrap_or_default();
    let is_group = |group: &[u8]| group.iter().all(u8::is_ascii_digit);
    (1..=3).contains(&first.len())
        && is_group(first)
        && groups
            .clone()
            .all(|group| group.len() == 3 && is_group(group))
        && !groups.all(|group| group == first)
}

/// The values of several lines, as proxies join them to one. The comma behind the day of a date parts nothing.
fn joined(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_day = false;
    let mut starts = 0;
    let ends = raw.iter().enumerate().filter(|&(_, &byte)| byte == b',');
    let ends = ends.map(|(at, _)| at).chain([raw.len()]);
    ends.filter_map(move |end| {
        let value = raw[starts..end].trim_ascii();
        is_day = !is_day && end < raw.len() && value.iter().all(u8::is_ascii_alphabetic);
        if is_day {
            return None;
        }
        starts = end + 1;
        Some(value)
    })
}

/// In which form a number is that may be in any.
const fn by_magnitude(number: Number) -> Option<TimeFormat> {
    match number.whole {
        0..LARGEST_DELAY => Some(TimeFormat::Seconds),
        1_000_000_000..LARGEST_EPOCH => Some(TimeFormat::EpochSeconds),
        1_000_000_000_000..LARGEST_EPOCH_MILLIS => Some(TimeFormat::EpochMillis),
        _ => None,
    }
}

/// Why what should be a number has no effect.
pub(super) fn not_a_number(raw: &[u8]) -> IgnoreReason {
    match raw.trim_ascii().split_first() {
        Some((b'-', rest)) if Number::read(rest).is_some() => IgnoreReason::Sentinel,
        _ => IgnoreReason::Unreadable,
    }
}

/// One of the three forms that [RFC 9110 section 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7) has.
fn http_date(raw: &[u8]) -> Option<UnixTime> {
    let date = httpdate::parse_http_date(text(raw)?).ok()?;
    Some(UnixTime::from(date))
}

/// A date in any form that is known.
fn any_date(raw: &[u8]) -> Option<UnixTime> {
    let text = text(raw)?;
    // All of them have a colon.
    if !text.contains(':') {
        return None;
    }
    http_date(raw)
        .or_else(|| rfc_3339(text))
        .or_else(|| rfc_2822(text))
        .or_else(|| javascript(text))
}

/// As `Mon, 3 Jun 2019 12:00:00 +0200`: a day of one digit, and another zone. Of zones that are named, those alone
/// that are Greenwich's: all other names are understood differently by different people.
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

/// As `2018-03-13T00:00:00Z`, and without seconds, as Jira writes it.
fn rfc_3339(text: &str) -> Option<UnixTime> {
    // What begins otherwise is no such date, and its time zone would be looked for.
    let year = text.as_bytes().first_chunk::<5>()?;
    let is_year = year[..4].iter().all(u8::is_ascii_digit) && year[4] == b'-';
    if !is_year || text.contains('[') {
        return None;
    }
    let parser = temporal::DateTimeParser::new();
    // The last day of 9999 is a date, and no timestamp, to `jiff`.
    let last = || {
        let date = parser.parse_datetime(text.strip_suffix(['Z', 'z'])?).ok()?;
        let since = date.duration_since(jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
        Some(from_nanos(since.as_nanos(), text))
    };
    let time = parser.parse_timestamp(text).ok();
    time.map(|time| from_timestamp(time, text)).or_else(last)
}

/// As JavaScript's `Date` prints itself: `Tue Feb 16 2021 09:02:42 GMT+0100 (Central European Standard Time)`.
fn javascript(text: &str) -> Option<UnixTime> {
    let date = text.split_once(" (").map_or(text, |(date, _)| date);
    let date = strtime::parse("%a %b %d %Y %H:%M:%S GMT%z", date).ok()?;
    Some(from_timestamp(date.to_timestamp().ok()?, text))
}

/// A leap second, which `jiff` takes for the one before, is taken for the one after: nothing is to be sent too early.
fn from_timestamp(time: jiff::Timestamp, text: &str) -> UnixTime {
    from_nanos(time.as_nanosecond(), text)
}

fn from_nanos(nanos: i128, text: &str) -> UnixTime {
    let leap = i128::from(text.contains(":60"));
    let nanos = nanos + leap * 1_000_000_000;
    let micros = nanos.div_euclid(1_000) + i128::from(nanos.rem_euclid(1_000) > 0);
    UnixTime::from_micros(micros as i64)
}

/// A value as text, without the blanks around it.
pub(super) fn text(raw: &[u8]) -> Option<&str> {
    core::str::from_utf8(raw).ok().map(str::trim)
}

/// What is larger is no delay in seconds: it would be of three years.
pub(super) const LARGEST_DELAY: u64 = 100_000_000;

/// As far ahead as any server's window reaches, which is a month, and some days.
pub(super) const FARTHEST_GUESS: Duration = Duration::from_secs(35 * 24 * 60 * 60);

/// What is larger is no epoch in seconds: it would be of the year 5138.
const LARGEST_EPOCH: u64 = 100_000_000_000;

const LARGEST_EPOCH_MILLIS: u64 = LARGEST_EPOCH * 1_000;
