//! Instants, delays and lengths in header values.

use core::cell::Cell;
use core::time::Duration;

use super::date::{any_date, http_date, is_local};
use super::number::{self, Number};
use super::reading::{HeaderMeaning, IgnoreReason, Note, ReferenceClock, TimeFormat};
use super::span::span;
use crate::hint::moment::Moment;
use crate::instant::Instant;
use crate::unix_time::UnixTime;

/// The time against which dates and epochs are read.
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

    /// Returns the time that it was, if it was needed.
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

/// The kinds of values that a header's name permits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// It is a delay or a length.
    Duration,
    /// It may be a delay as well as an instant.
    Instant,
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

    /// Reads an instant or a delay. A number is in `form`, and says so itself if that is [`TimeFormat::Any`].
    #[inline]
    pub(super) fn read(
        raw: &[u8],
        form: TimeFormat,
        kind: Kind,
        now: &Now<'_>,
    ) -> Result<Self, IgnoreReason> {
        match (form, number::short(raw)) {
            // Too few to be anything else.
            (TimeFormat::Any, Some(seconds)) => Self::seconds(seconds).plausible(kind),
            (TimeFormat::Seconds, Some(seconds)) => Ok(Self::seconds(seconds)),
            _ => Self::read_any(raw, form, kind, now),
        }
    }

    fn read_any(
        raw: &[u8],
        form: TimeFormat,
        kind: Kind,
        now: &Now<'_>,
    ) -> Result<Self, IgnoreReason> {
        let raw = unquoted(raw);
        if let Some(number) = Number::read(raw) {
            return match form {
                TimeFormat::Any | TimeFormat::Date | TimeFormat::Units => {
                    let form = by_magnitude(number).ok_or(IgnoreReason::Ambiguous)?;
                    Self::from_number(number, form, now)?.plausible(kind)
                }
                form => Self::from_number(number, form, now),
            };
        }
        if let Some(date) = any_date(raw) {
            return now.until(date, TimeFormat::Date, false);
        }
        if is_local(raw) {
            return Err(IgnoreReason::Ambiguous);
        }
        let span = span(raw, kind == Kind::Duration).map_err(|why| match why {
            IgnoreReason::Ambiguous => why,
            _ => not_a_number(raw),
        })?;
        if span.as_secs() >= LARGEST_DELAY {
            return Err(IgnoreReason::Ambiguous);
        }
        let span = Self::from_now(span, TimeFormat::Units, false);
        match form {
            TimeFormat::Any => span.plausible(kind),
            _ => Ok(span),
        }
    }

    /// Reads a number in `form`.
    pub(super) fn read_number(
        raw: &[u8],
        form: TimeFormat,
        now: &Now<'_>,
    ) -> Result<Self, IgnoreReason> {
        let number = Number::read(raw).ok_or_else(|| not_a_number(raw))?;
        Self::from_number(number, form, now)
    }

    /// Reads a value that may be there several times. The latest counts.
    pub(super) fn read_latest(
        raw: &[u8],
        form: TimeFormat,
        kind: Kind,
        now: &Now<'_>,
    ) -> Result<Self, IgnoreReason> {
        latest(raw, |raw| Self::read(raw, form, kind, now))
    }

    /// Returns the longest plausible guess.
    pub(super) const fn farthest() -> Self {
        Self::from_now(FARTHEST_GUESS, TimeFormat::Any, true)
    }

    /// Reads a value that may be there several times, if it is the same each time.
    pub(super) fn read_agreeing(
        raw: &[u8],
        form: TimeFormat,
        now: &Now<'_>,
    ) -> Result<Self, IgnoreReason> {
        let time = Self::read(raw, form, Kind::Duration, now);
        let mut values = joined(raw);
        match values.next() {
            Some(first) if time.is_err() && values.all(|value| value == first) => {
                Self::read(first, form, Kind::Duration, now)
            }
            _ => time,
        }
    }

    fn from_number(number: Number, form: TimeFormat, now: &Now<'_>) -> Result<Self, IgnoreReason> {
        // A larger number is of another unit than it should be, and would not fit.
        let bound = match form {
            TimeFormat::EpochSeconds => LARGEST_EPOCH,
            TimeFormat::EpochMillis => LARGEST_EPOCH_MILLIS,
            TimeFormat::EpochMicros => LARGEST_EPOCH_MICROS,
            TimeFormat::EpochNanos => u64::MAX,
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
        let until = |unit: u128| {
            let is_rounded = is_rounded || nanos % unit > 0;
            now.until(epoch(nanos.div_ceil(unit)), form, is_rounded)
        };
        match form {
            TimeFormat::EpochSeconds => until(1_000),
            TimeFormat::EpochMillis => until(1_000_000),
            TimeFormat::EpochMicros => until(1_000_000_000),
            TimeFormat::EpochNanos => until(1_000_000_000_000),
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

    /// Returns it unless it rests on a guess and is too far ahead. Seconds and units are no guess in a duration.
    fn plausible(self, kind: Kind) -> Result<Self, IgnoreReason> {
        let is_guess = self.clock.is_some() || kind == Kind::Instant;
        match is_guess && self.delay > FARTHEST_GUESS {
            true => Err(IgnoreReason::Implausible),
            false => Ok(self),
        }
    }
}

/// Reads the latest of values that were joined. All of them have to be readable. Past and meaningless ones are left to
/// the others.
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
pub(super) fn is_in_thousands(raw: &[u8]) -> bool {
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

/// Returns the values of several lines, as proxies join them to one. The comma behind the day of a date is no separator.
pub(super) fn joined(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
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
        1_000_000_000_000_000..LARGEST_EPOCH_MICROS => Some(TimeFormat::EpochMicros),
        1_000_000_000_000_000_000.. if number.whole < u64::MAX => Some(TimeFormat::EpochNanos),
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

/// Returns the value without its quotation marks, if it has them.
pub(super) fn unquoted(raw: &[u8]) -> &[u8] {
    let raw = raw.trim_ascii();
    match raw {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner.trim_ascii(),
        _ => raw,
    }
}

/// A value as text, without the blanks around it.
pub(super) fn text(raw: &[u8]) -> Option<&str> {
    core::str::from_utf8(raw).ok().map(str::trim)
}

/// A larger number is no delay in seconds, because it would be of three years.
pub(super) const LARGEST_DELAY: u64 = 100_000_000;

/// As far ahead as any server's window reaches, which is a month, and some days.
pub(super) const FARTHEST_GUESS: Duration = Duration::from_secs(35 * 24 * 60 * 60);

/// A larger number is no epoch in seconds, because it would be of the year 5138.
const LARGEST_EPOCH: u64 = 100_000_000_000;

const LARGEST_EPOCH_MILLIS: u64 = LARGEST_EPOCH * 1_000;

const LARGEST_EPOCH_MICROS: u64 = LARGEST_EPOCH_MILLIS * 1_000;
