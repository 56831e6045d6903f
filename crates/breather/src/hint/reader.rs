//! From header lines to a hint.

use core::time::Duration;

use super::dialect::{COUNT, DIALECTS, Dialect, Left};
use super::number::Number;
use super::{Hint, Stated, Why, Window};
use crate::unix_time::{Moment, UnixTime};

impl<'a> Hint<'a> {
    /// Reads the header lines of a response received at `moment`.
    ///
    /// Names are matched without regard to case. It takes plain pairs so that any client can use
    /// it; [`from_headers`](Self::from_headers) takes an `http::HeaderMap`. One pass over the
    /// names, no allocation, and no header can make it panic.
    ///
    /// Read are `Retry-After` (seconds, and the three date forms of [RFC 9110 section
    /// 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)) and the limit, remaining and
    /// reset of these families: `x-rate-limit-*`, `x-ratelimit-*`, and
    /// `inin-ratelimit-allowed/-count/-reset`, where `count` is what was used.
    ///
    /// A number of seconds below 10⁸ is a delay; from 10⁹ to 10¹¹ it is an epoch, from 10¹² to 10¹⁴
    /// an epoch in milliseconds; anything else is ambiguous and ignored. Dates and epochs are read
    /// against the response's own `Date`, so that a skewed clock on either side does not matter, and
    /// against the wall clock of `moment` where there is no `Date`.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Hint, Instant, Moment};
    /// use core::time::Duration;
    ///
    /// let headers: [(&str, &[u8]); 3] = [
    ///     ("Date", b"Fri, 15 Jan 2027 08:00:00 GMT"),
    ///     ("X-RateLimit-Remaining", b"0"),
    ///     ("X-RateLimit-Reset", b"1800000007"),
    /// ];
    /// let hint = Hint::read(headers, Moment::new(Instant::ORIGIN));
    /// assert_eq!(hint.not_before(), Some(Instant::ORIGIN + Duration::from_secs(7)));
    /// ```
    #[must_use]
    pub fn read(
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        moment: Moment<'_>,
    ) -> Self {
        let mut found = Found::default();
        for (name, value) in headers {
            found.note(name.as_bytes(), value);
        }
        found.hint(moment)
    }

    /// Reads the headers of a response received at `moment`: [`read`](Self::read) for the types of
    /// the `http` crate.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn from_headers(headers: &'a http::HeaderMap, moment: Moment<'_>) -> Self {
        // Most responses carry none of the headers, and then their values need not be looked at.
        if !headers
            .keys()
            .any(|name| may_tell(name.as_str().as_bytes()))
        {
            return Self::new(moment.instant());
        }
        let mut found = Found::default();
        for (name, value) in headers {
            found.note(name.as_str().as_bytes(), value.as_bytes());
        }
        found.hint(moment)
    }
}

/// In which forms a header may state an instant.
#[derive(Clone, Copy)]
enum Form {
    Number,
    Any,
}

/// What a date or an epoch is read against.
struct Clock<'a> {
    date: Field<'a>,
    moment: Moment<'a>,
}

impl Clock<'_> {
    /// The delay from now to `time`, by the server's clock if it told it.
    ///
    /// `Date` is cut to whole seconds, so the delay is up to a second too long and never too short.
    fn until(&self, time: UnixTime) -> Result<Duration, Why> {
        let date = self.date.value().and_then(date);
        let now = date.or_else(|| self.moment.unix_time());
        let now = now.ok_or(Why::NoClock)?;
        time.duration_since(now).ok_or(Why::Past)
    }
}

fn delay(raw: &[u8], form: Form, clock: &Clock<'_>) -> Result<Duration, Why> {
    let Some(number) = Number::read(raw) else {
        return match form {
            Form::Any => clock.until(date(raw).ok_or(Why::Unreadable)?),
            Form::Number => Err(Why::Unreadable),
        };
    };
    match number.whole {
        0..100_000_000 => Ok(number.as_secs()),
        secs @ 1_000_000_000..100_000_000_000 => {
            // Rounded up to the microsecond that wall time is kept in.
            let fraction = number.as_secs() - Duration::from_secs(secs);
            let micros = secs * 1_000_000 + fraction.as_nanos().div_ceil(1_000) as u64;
            clock.until(UnixTime::from_micros(micros as i64))
        }
        millis @ 1_000_000_000_000..100_000_000_000_000 => {
            clock.until(UnixTime::from_micros(millis as i64 * 1_000))
        }
        _ => Err(Why::Ambiguous),
    }
}

fn date(raw: &[u8]) -> Option<UnixTime> {
    let text = core::str::from_utf8(raw).ok()?;
    httpdate::parse_http_date(text.trim())
        .ok()
        .map(UnixTime::from)
}

/// The values of the headers that were found.
#[derive(Default)]
struct Found<'a> {
    anything: bool,
    age: Field<'a>,
    date: Field<'a>,
    retry_after: Field<'a>,
    families: [Family<'a>; COUNT],
}

#[derive(Clone, Copy, Default)]
struct Family<'a> {
    limit: Field<'a>,
    left: Field<'a>,
    reset: Field<'a>,
}

/// A header that should appear once.
#[derive(Clone, Copy, Default)]
enum Field<'a> {
    #[default]
    Absent,
    Once(&'a [u8]),
    /// It appears again with another value; this is the first.
    Disagreeing(&'a [u8]),
}

impl<'a> Field<'a> {
    fn note(&mut self, value: &'a [u8]) {
        *self = match *self {
            Self::Absent => Self::Once(value),
            // Proxies repeat a header as it is; that changes nothing.
            Self::Once(first) if first == value => Self::Once(first),
            Self::Once(first) | Self::Disagreeing(first) => Self::Disagreeing(first),
        };
    }

    fn value(self) -> Option<&'a [u8]> {
        match self {
            Self::Once(value) => Some(value),
            Self::Absent | Self::Disagreeing(_) => None,
        }
    }
}

impl<'a> Found<'a> {
    /// Keeps the value of a header if it is one that is read.
    #[inline]
    fn note(&mut self, name: &[u8], value: &'a [u8]) {
        if may_tell(name) || matches!(name.len(), 3 | 4) {
            let mut lower = [0; LONGEST_NAME];
            let lower = &mut lower[..name.len()];
            lower.copy_from_slice(name);
            lower.make_ascii_lowercase();
            self.note_lower(lower, value);
        }
    }

    fn note_lower(&mut self, name: &[u8], value: &'a [u8]) {
        match name {
            b"age" => return self.age.note(value),
            b"date" => return self.date.note(value),
            b"retry-after" => {
                self.anything = true;
                return self.retry_after.note(value);
            }
            _ => {}
        }
        for (dialect, family) in DIALECTS.iter().zip(&mut self.families) {
            let field = if name == dialect.limit.as_bytes() {
                &mut family.limit
            } else if name == dialect.left.header().as_bytes() {
                &mut family.left
            } else if name == dialect.reset.as_bytes() {
                &mut family.reset
            } else {
                continue;
            };
            self.anything = true;
            return field.note(value);
        }
    }

    /// What the headers say.
    fn hint(&self, moment: Moment<'_>) -> Hint<'a> {
        let mut hint = Hint::new(moment.instant());
        if !self.anything {
            return hint;
        }
        if !self.is_fresh() {
            self.each(|header, value| hint.ignore(header, value, Why::Cached));
            return hint;
        }
        let clock = Clock {
            date: self.date,
            moment,
        };
        let header = "retry-after";
        if let Some(delay) = stated(&mut hint, header, self.retry_after, Form::Any, &clock) {
            hint.set_retry_after(delay);
        }
        for (dialect, found) in DIALECTS.iter().zip(&self.families) {
            if let Some(window) = found.window(dialect, &mut hint, &clock) {
                hint.push_window(window);
            }
        }
        hint
    }

    /// Whether the response tells of now, and was not kept by a cache.
    fn is_fresh(&self) -> bool {
        match self.age {
            Field::Absent => true,
            Field::Once(age) => Number::read(age).is_some_and(|age| age.as_secs().is_zero()),
            Field::Disagreeing(_) => false,
        }
    }

    fn each(&self, mut tell: impl FnMut(&'static str, &'a [u8])) {
        let mut tell = |header, field: Field<'a>| {
            if let Some(value) = field.value() {
                tell(header, value);
            }
        };
        tell("retry-after", self.retry_after);
        for (dialect, family) in DIALECTS.iter().zip(&self.families) {
            tell(dialect.limit, family.limit);
            tell(dialect.left.header(), family.left);
            tell(dialect.reset, family.reset);
        }
    }
}

impl<'a> Family<'a> {
    fn window(
        &self,
        dialect: &Dialect,
        hint: &mut Hint<'a>,
        clock: &Clock<'_>,
    ) -> Option<Window<'a>> {
        let limit = count(hint, dialect.limit, self.limit);
        let left = count(hint, dialect.left.header(), self.left);
        let reset = stated(hint, dialect.reset, self.reset, Form::Number, clock);
        if limit.or(left).is_none() && reset.is_none() {
            return None;
        }
        if limit == Some(0) {
            // A way to say that there is no limit, or that nothing is ever let in: who knows.
            let value = self.limit.value()?;
            hint.ignore(dialect.limit, value, Why::Ambiguous);
            return None;
        }
        let remaining = match dialect.left {
            Left::Remaining(_) => left,
            Left::Used(_) => limit
                .zip(left)
                .map(|(limit, used)| limit.saturating_sub(used)),
        };
        Some(Window {
            name: dialect.name,
            limit,
            remaining,
            reset,
        })
    }
}

/// Whether a header of that name may tell of time. Of most, the length or the first byte says that it does
/// not. (`Date` and `Age` tell nothing by themselves.)
fn may_tell(name: &[u8]) -> bool {
    match (name.len(), name.first()) {
        (11, Some(first)) => first | 0x20 == b'r',
        (17..=LONGEST_NAME, Some(first)) => matches!(first | 0x20, b'x' | b'i'),
        _ => false,
    }
}

fn count<'a>(hint: &mut Hint<'a>, header: &'static str, field: Field<'a>) -> Option<u64> {
    let value = undisputed(hint, header, field)?;
    let count = Number::read(value).map(|number| number.whole);
    if count.is_none() {
        hint.ignore(header, value, Why::Unreadable);
    }
    count
}

fn stated<'a>(
    hint: &mut Hint<'a>,
    header: &'static str,
    field: Field<'a>,
    form: Form,
    clock: &Clock<'_>,
) -> Option<Stated<'a>> {
    let raw = undisputed(hint, header, field)?;
    match delay(raw, form, clock) {
        Ok(delay) => Some(Stated { delay, header, raw }),
        Err(why) => {
            hint.ignore(header, raw, why);
            None
        }
    }
}

fn undisputed<'a>(hint: &mut Hint<'a>, header: &'static str, field: Field<'a>) -> Option<&'a [u8]> {
    match field {
        Field::Absent => None,
        Field::Once(value) => Some(value),
        Field::Disagreeing(value) => {
            hint.ignore(header, value, Why::Ambiguous);
            None
        }
    }
}

/// No header that is read has a longer name.
const LONGEST_NAME: usize = 22;
