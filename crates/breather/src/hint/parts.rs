//! Names that are read by their parts.

use core::time::Duration;

use super::common::{self, FAMILIES};
use super::family::{HeaderFamily, Part};
use super::fingerprint::{START, with_byte};
use super::found::{Dispute, Entry, Subject};
use super::reading::TimeFormat;
use super::unit::Unit;

/// Reads the name of a header that is not listed. `None` if it does not look like one of limits.
///
/// The name needs a word for limits, such as `ratelimit` or `quota`, and one for the figure: `left`, `used`, `reset`. A
/// unit and a period may stand among them. All other words say whose window it is. A name for limits without a figure has
/// [`Part::Unknown`].
pub(super) fn read<'a>(name: &'a str, value: &'a [u8]) -> Option<Entry<'a>> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.len() > LONGEST || !name.bytes().all(is_part) {
        return None;
    }
    let parts = Parts::of(name)?;
    Some(Entry {
        name,
        part: parts.part(),
        order: u16::MAX,
        window: parts.subject(name),
        value,
        rank: 0,
        dispute: Dispute::No,
    })
}

/// Returns whether a name may contain `limit`, `retry`, `quota` or `throttle`, by two letters of these words.
///
/// It is asked about every header of every response.
#[inline]
pub(super) fn may_be(name: &[u8]) -> bool {
    // Most responses have two headers of the content.
    let start = name
        .first_chunk()
        .map(|start| u64::from_le_bytes(*start) | LOWER);
    if name.len() < SHORTEST || start == Some(u64::from_le_bytes(*b"content-")) {
        return false;
    }
    name.iter().enumerate().any(|(at, byte)| {
        let (other, letter) = match byte | 0x20 {
            b'm' => (at.wrapping_sub(2), b'l'),
            b'y' => (at.wrapping_sub(3), b'e'),
            b'q' => (at + 2, b'o'),
            b'h' => (at + 1, b'r'),
            _ => return false,
        };
        name.get(other).is_some_and(|other| other | 0x20 == letter)
    })
}

/// The meaning of the words of a name.
struct Parts {
    figure: Figure,
    unit: Option<Unit>,
    period: Period,
    /// In which unit a time is.
    form: TimeFormat,
    /// Where the words begin and end that say whose window it is.
    others: Option<(usize, usize)>,
    /// A fingerprint of these words.
    key: u64,
    /// Whether a word is about time, and in which unit breather cannot read it.
    is_time: bool,
    is_odd_time: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Figure {
    Limit,
    Remaining,
    Used,
    Reset,
    Length,
    Delay,
    /// There is none, or there are two.
    Unknown,
}

/// A period in the name of a window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Period {
    None,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// The meaning of one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Word {
    /// It is about limits.
    Limits,
    /// It is about limits, or the limit itself.
    Limit,
    Rate,
    Retry,
    After,
    Figure(Figure),
    Unit(Unit),
    /// Before `tokens`.
    Input,
    Output,
    Period(Period),
    /// The unit of a time.
    Form(TimeFormat),
    /// A unit of time that no form has.
    OddTime,
    /// It is about an instant.
    When,
    /// It has no meaning.
    Filler,
    Other,
}

impl Word {
    fn of(word: &str) -> Self {
        let mut lower = [0; LONGEST_WORD];
        let Some(lower) = lower.get_mut(..word.len()) else {
            return Self::Other;
        };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        match &*lower {
            b"ratelimit" | b"ratelimits" | b"ratelimiting" | b"ratelimiter" | b"requestlimit"
            | b"throttle" | b"throttling" | b"throttled" => Self::Limits,
            b"limit" | b"limits" | b"quota" | b"quotas" => Self::Limit,
            b"rate" => Self::Rate,
            b"retry" => Self::Retry,
            b"retryafter" => Self::Figure(Figure::Delay),
            b"after" | b"in" | b"delay" | b"wait" => Self::After,
            b"max" | b"maximum" | b"allowed" | b"allowance" | b"total" | b"capacity" => {
                Self::Figure(Figure::Limit)
            }
            b"remaining" | b"remain" | b"remains" | b"left" | b"available" => {
                Self::Figure(Figure::Remaining)
            }
            b"used" | b"usage" | b"consumed" | b"spent" => Self::Figure(Figure::Used),
            b"reset" | b"resets" | b"resettime" | b"resetat" | b"resetafter" | b"renew"
            | b"renews" | b"renewal" | b"replenish" | b"replenished" => Self::Figure(Figure::Reset),
            b"window" | b"interval" | b"period" | b"duration" => Self::Figure(Figure::Length),
            b"requests" | b"request" | b"req" | b"reqs" | b"calls" | b"call" => {
                Self::Unit(Unit::Requests)
            }
            b"tokens" | b"token" => Self::Unit(Unit::Tokens),
            b"input" | b"prompt" => Self::Input,
            b"output" | b"completion" => Self::Output,
            b"bytes" => Self::Unit(Unit::Bytes),
            b"points" | b"complexity" | b"cost" | b"credits" => Self::Unit(Unit::Points),
            b"concurrent" | b"concurrency" => Self::Unit(Unit::Concurrency),
            b"error" | b"errors" => Self::Unit(Unit::Other),
            b"second" | b"secondly" => Self::Period(Period::Second),
            b"minute" | b"minutely" | b"1m" | b"60s" => Self::Period(Period::Minute),
            b"hour" | b"hourly" | b"1h" | b"60m" => Self::Period(Period::Hour),
            b"day" | b"daily" | b"1d" | b"24h" | b"24hour" => Self::Period(Period::Day),
            b"week" | b"weekly" | b"7d" => Self::Period(Period::Week),
            b"month" | b"monthly" => Self::Period(Period::Month),
            b"ms" | b"msec" | b"millis" | b"milliseconds" => Self::Form(TimeFormat::Millis),
            b"seconds" | b"secs" | b"sec" | b"s" => Self::Form(TimeFormat::Seconds),
            b"minutes" | b"mins" | b"min" | b"hours" | b"hrs" | b"days" | b"us" | b"micros"
            | b"microseconds" | b"ns" | b"nanos" | b"nanoseconds" => Self::OddTime,
            b"at" | b"time" | b"timestamp" | b"epoch" | b"until" | b"unix" | b"utc" | b"date"
            | b"next" => Self::When,
            b"x" | b"http" | b"api" | b"the" | b"of" | b"per" | b"number" | b"count" => {
                Self::Filler
            }
            _ => Self::Other,
        }
    }
}

impl Parts {
    fn of(name: &str) -> Option<Self> {
        let mut parts = Self {
            figure: Figure::Unknown,
            unit: None,
            period: Period::None,
            form: TimeFormat::Any,
            others: None,
            key: START,
            is_time: false,
            is_odd_time: false,
        };
        let (mut is_limits, mut limits, mut figures) = (false, 0, 0);
        let (mut before, mut is_input, mut is_output) = (Word::Filler, false, false);
        let mut start = 0;
        for text in name.split(['-', '_', '.']) {
            let (begins, ends) = (start, start + text.len());
            start = ends + 1;
            let word = Word::of(text);
            match (before, word) {
                (Word::Retry, Word::After) => {
                    (parts.figure, figures) = (Figure::Delay, figures + 1);
                }
                (Word::Rate, Word::Limit) | (_, Word::Limits) => is_limits = true,
                (_, Word::Limit) => limits += 1,
                (_, Word::Figure(figure)) => {
                    (parts.figure, figures) = (figure, figures + 1);
                }
                (_, Word::Unit(unit)) => parts.unit = Some(unit),
                (_, Word::Input) => is_input = true,
                (_, Word::Output) => is_output = true,
                (_, Word::Period(period)) => parts.period = period,
                // `x-ms` is Microsoft.
                (_, Word::Form(form)) if figures > 0 || form == TimeFormat::Seconds => {
                    parts.form = form;
                }
                (_, Word::Other | Word::Form(_)) => {
                    let first = parts.others.map_or(begins, |(first, _)| first);
                    parts.others = Some((first, ends));
                    parts.key = with_word(parts.key, text);
                }
                (_, Word::OddTime) => parts.is_odd_time = true,
                (_, Word::When | Word::After) => parts.is_time = true,
                (_, Word::Rate | Word::Retry | Word::Filler) => {}
            }
            before = word;
        }
        if parts.unit == Some(Unit::Tokens) {
            parts.unit = match (is_input, is_output) {
                (true, false) => Some(Unit::InputTokens),
                (false, true) => Some(Unit::OutputTokens),
                _ => parts.unit,
            };
        }
        if parts.figure == Figure::Delay && figures == 1 {
            parts.check();
            return Some(parts);
        }
        // `limit` is the figure if there is no other one.
        if figures == 0 && limits > 0 && is_limits | (limits > 1) {
            (parts.figure, figures) = (Figure::Limit, 1);
        } else if limits > 0 {
            is_limits = true;
        }
        if !is_limits || limits > 0 && figures == 0 {
            return None;
        }
        if figures != 1 {
            parts.figure = Figure::Unknown;
        }
        parts.check();
        Some(parts)
    }

    /// Gives the figure up if its unit of time is not known, or if it is a number and the name is about time.
    fn check(&mut self) {
        let is_time = self.is_time || self.is_odd_time || self.form != TimeFormat::Any;
        let is_unknown = match self.figure {
            Figure::Limit | Figure::Remaining | Figure::Used => is_time,
            Figure::Delay | Figure::Length => self.is_odd_time || self.period != Period::None,
            Figure::Reset => self.is_odd_time,
            Figure::Unknown => false,
        };
        if is_unknown {
            self.figure = Figure::Unknown;
        }
    }

    const fn part(&self) -> Part {
        match self.figure {
            Figure::Limit => Part::Limit,
            Figure::Remaining => Part::Remaining,
            Figure::Used => Part::Used,
            Figure::Reset => Part::Reset(self.form),
            Figure::Length => Part::Length(match self.form {
                // A length is no instant.
                TimeFormat::Any => TimeFormat::Seconds,
                form => form,
            }),
            Figure::Delay => Part::Delay(self.form),
            Figure::Unknown => Part::Unknown,
        }
    }

    /// Returns the window that the name tells of.
    fn subject<'a>(&self, name: &'a str) -> Subject<'a> {
        let words = self.others.and_then(|(first, end)| name.get(first..end));
        let unit = self.unit.unwrap_or_default();
        if words.is_none() && self.period == Period::None && unit == Unit::Requests {
            return Subject::of(common_family(name));
        }
        let rows = &BY_UNIT[UNITS.iter().position(|it| *it == unit).unwrap_or(0)];
        Subject {
            family: &rows[self.period as usize],
            words: words.unwrap_or_default(),
            key: self.key,
        }
    }
}

/// Adds a word to a fingerprint, in whatever case.
fn with_word(key: u64, word: &str) -> u64 {
    let lower = word.bytes().map(|byte| byte.to_ascii_lowercase());
    lower.chain([b'-']).fold(key, with_byte)
}

/// Returns the family of a name without words for a window.
fn common_family(name: &str) -> &'static HeaderFamily {
    let begins = |family: &&HeaderFamily| {
        let own = name.get(..family.name.len());
        own.is_some_and(|own| own.eq_ignore_ascii_case(family.name))
    };
    let known = FAMILIES.iter().filter(|family| common::is_plain(family));
    let mut known = known.filter(begins);
    known.next().unwrap_or(&BY_UNIT[0][Period::None as usize])
}

/// The units of names, [`Unit::Requests`] first.
const UNITS: [Unit; 8] = [
    Unit::Requests,
    Unit::Tokens,
    Unit::InputTokens,
    Unit::OutputTokens,
    Unit::Bytes,
    Unit::Points,
    Unit::Concurrency,
    Unit::Other,
];

macro_rules! families {
    ($($unit:literal),+) => {
        [$([
            HeaderFamily::new($unit),
            HeaderFamily::new(concat!($unit, "-second")).with_length(Duration::from_secs(1)),
            HeaderFamily::new(concat!($unit, "-minute")).with_length(Duration::from_secs(60)),
            HeaderFamily::new(concat!($unit, "-hour")).with_length(Duration::from_secs(3_600)),
            HeaderFamily::new(concat!($unit, "-day")).with_length(Duration::from_secs(86_400)),
            HeaderFamily::new(concat!($unit, "-week")).with_length(Duration::from_secs(604_800)),
            // Months differ.
            HeaderFamily::new(concat!($unit, "-month")),
        ]),+]
    };
}

/// The windows of each unit in [`UNITS`], by [`Period`].
static BY_UNIT: [[HeaderFamily; 7]; 8] = with_units(families!(
    "requests",
    "tokens",
    "input-tokens",
    "output-tokens",
    "bytes",
    "points",
    "concurrency",
    "other"
));

const fn with_units(mut families: [[HeaderFamily; 7]; 8]) -> [[HeaderFamily; 7]; 8] {
    let mut at = 0;
    while at < 8 {
        let mut period = 0;
        while period < 7 {
            families[at][period] = families[at][period].with_unit(UNITS[at]);
            period += 1;
        }
        at += 1;
    }
    families
}

/// Turns letters into lower case.
const LOWER: u64 = u64::from_le_bytes([0x20; 8]);

/// No listed name is shorter, and none that says anything.
const SHORTEST: usize = 9;

/// Longer names are not read.
const LONGEST: usize = 96;

const LONGEST_WORD: usize = 16;
