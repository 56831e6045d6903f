//! From header lines to a hint.

use core::time::Duration;

use super::dialect::{COUNT, DIALECTS, Left};
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
    pub fn read(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>, moment: Moment) -> Self {
        let mut found = Found::default();
        for (name, value) in headers {
            found.note(name, value);
        }
        let mut hint = Self::new(moment.instant());
        if !found.anything {
            return hint;
        }
        let is_fresh = match found.age {
            Field::Absent => true,
            Field::Once(age) => Number::read(age).is_some_and(|age| age.as_secs().is_zero()),
            Field::Disagreeing(_) => false,
        };
        if !is_fresh {
            found.each(|header, value| hint.ignore(header, value, Why::Cached));
            return hint;
        }
        let clock = Clock {
            date: found.date,
            moment,
        };
        hint.retry_after = hint.stated("retry-after", found.retry_after, Form::Any, &clock);
        for (dialect, found) in DIALECTS.iter().zip(&found.families) {
            let limit = hint.count(dialect.limit, found.limit);
            let left = hint.count(dialect.left.header(), found.left);
            let reset = hint.stated(dialect.reset, found.reset, Form::Number, &clock);
            if limit.or(left).is_none() && reset.is_none() {
                continue;
            }
            if limit == Some(0) {
                // A way to say that there is no limit, or that nothing is ever let in: who knows.
                if let Some(value) = found.limit.value() {
                    hint.ignore(dialect.limit, value, Why::Ambiguous);
                }
                continue;
            }
            let remaining = match dialect.left {
                Left::Remaining(_) => left,
                Left::Used(_) => limit
                    .zip(left)
                    .map(|(limit, used)| limit.saturating_sub(used)),
            };
            hint = hint.with_window(Window {
                name: dialect.name,
                limit,
                remaining,
                reset,
            });
        }
        hint
    }

    /// Reads the headers of a response received at `moment`: [`read`](Self::read) for the types of
    /// the `http` crate.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn from_headers(headers: &'a http::HeaderMap, moment: Moment) -> Self {
        let lines = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        Self::read(lines, moment)
    }

    fn count(&mut self, header: &'static str, field: Field<'a>) -> Option<u64> {
        let value = self.value(header, field)?;
        let count = Number::read(value).map(|number| number.whole);
        if count.is_none() {
            self.ignore(header, value, Why::Unreadable);
        }
        count
    }

    fn stated(
        &mut self,
        header: &'static str,
        field: Field<'a>,
        form: Form,
        clock: &Clock<'_>,
    ) -> Option<Stated<'a>> {
        let raw = self.value(header, field)?;
        match delay(raw, form, clock) {
            Ok(delay) => Some(Stated { delay, header, raw }),
            Err(why) => {
                self.ignore(header, raw, why);
                None
            }
        }
    }

    fn value(&mut self, header: &'static str, field: Field<'a>) -> Option<&'a [u8]> {
        match field {
            Field::Absent => None,
            Field::Once(value) => Some(value),
            Field::Disagreeing(value) => {
                self.ignore(header, value, Why::Ambiguous);
                None
            }
        }
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
    moment: Moment,
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
    fn note(&mut self, name: &str, value: &'a [u8]) {
        // Most headers of a response are none of these: their length, or their first byte, tells.
        match (name.len(), name.as_bytes().first()) {
            (3, Some(b'A' | b'a')) if name.eq_ignore_ascii_case("age") => self.age.note(value),
            (4, Some(b'D' | b'd')) if name.eq_ignore_ascii_case("date") => self.date.note(value),
            (11, Some(b'R' | b'r')) if name.eq_ignore_ascii_case("retry-after") => {
                self.anything = true;
                self.retry_after.note(value);
            }
            (17..=22, Some(b'X' | b'x' | b'I' | b'i')) => self.note_family(name, value),
            _ => {}
        }
    }

    fn note_family(&mut self, name: &str, value: &'a [u8]) {
        for (dialect, family) in DIALECTS.iter().zip(&mut self.families) {
            let field = if name.eq_ignore_ascii_case(dialect.limit) {
                &mut family.limit
            } else if name.eq_ignore_ascii_case(dialect.left.header()) {
                &mut family.left
            } else if name.eq_ignore_ascii_case(dialect.reset) {
                &mut family.reset
            } else {
                continue;
            };
            self.anything = true;
            field.note(value);
            return;
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
