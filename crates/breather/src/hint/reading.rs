//! Where each figure of a hint comes from.

use core::fmt;

/// A header that was read, and as what.
///
/// # Example
///
/// ```
/// use breather::{Hint, driver::{Instant, Moment}, hint::HeaderMeaning};
///
/// let headers: [(&str, &[u8]); 1] = [("Retry-After", b"7")];
/// let hint = Hint::read(headers, Moment::new(Instant::ORIGIN));
/// let reading = hint.readings().next().unwrap();
/// assert_eq!((reading.header(), reading.value()), ("retry-after", &b"7"[..]));
/// assert_eq!(reading.meaning(), HeaderMeaning::Delay);
/// assert_eq!(reading.to_string(), "delay, in seconds");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HeaderReading<'a> {
    pub(super) header: &'a str,
    pub(super) value: &'a [u8],
    pub(super) note: Note,
}

/// A header that was found and has no effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IgnoredHeader<'a> {
    pub(super) header: &'a str,
    pub(super) value: &'a [u8],
    pub(super) why: IgnoreReason,
}

/// The reading of a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Note {
    pub(super) meaning: HeaderMeaning,
    pub(super) form: Option<TimeFormat>,
    pub(super) clock: Option<ReferenceClock>,
    pub(super) is_rounded: bool,
    /// Whether some of it has no effect.
    pub(super) is_partial: bool,
}

#[cfg(feature = "std")]
impl Note {
    pub(super) const fn of(meaning: HeaderMeaning) -> Self {
        Self {
            meaning,
            form: None,
            clock: None,
            is_rounded: false,
            is_partial: false,
        }
    }

    pub(super) const fn partly(mut self, is_partial: bool) -> Self {
        self.is_partial = is_partial;
        self
    }
}

impl<'a> HeaderReading<'a> {
    /// Returns the header's name, in lower case. If it is not listed, and was read by its parts, it is as received.
    #[must_use]
    pub const fn header(&self) -> &'a str {
        self.header
    }

    /// Its value, as received.
    #[must_use]
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Returns its meaning.
    #[must_use]
    pub const fn meaning(&self) -> HeaderMeaning {
        self.note.meaning
    }

    /// Returns the form in which it states an instant, a delay or a length, or `None` if it states no time.
    #[must_use]
    pub const fn form(&self) -> Option<TimeFormat> {
        self.note.form
    }

    /// Against which clock a date or an epoch was read.
    #[must_use]
    pub const fn clock(&self) -> Option<ReferenceClock> {
        self.note.clock
    }

    /// Returns whether some of it has no effect, because there was no room for a window, or because a figure is unusable,
    /// such as a limit of 0, or an epoch in place of seconds.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.note.is_partial
    }

    /// Returns whether it was rounded up to a nanosecond or a microsecond.
    #[must_use]
    pub const fn is_rounded(&self) -> bool {
        self.note.is_rounded
    }
}

impl fmt::Display for HeaderReading<'_> {
    /// The reading in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let note = &self.note;
        write!(f, "{}", note.meaning)?;
        if let Some(form) = note.form {
            write!(f, ", {form}")?;
        }
        if let Some(clock) = note.clock {
            write!(f, ", by {clock}")?;
        }
        if note.is_rounded {
            f.write_str(", rounded up")?;
        }
        if note.is_partial {
            f.write_str(", in part")?;
        }
        Ok(())
    }
}

impl<'a> IgnoredHeader<'a> {
    /// Returns the header's name, in lower case. If it is not listed, and was read by its parts, it is as received.
    #[must_use]
    pub const fn header(&self) -> &'a str {
        self.header
    }

    /// Its value, as received.
    #[must_use]
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Why it has no effect.
    #[must_use]
    pub const fn why(&self) -> IgnoreReason {
        self.why
    }
}

/// The meaning of a header.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum HeaderMeaning {
    /// How long to wait, whatever window was spent.
    Delay,
    /// How many a window permits.
    Limit,
    /// How many remain in a window.
    Remaining,
    /// How many of a window were used.
    Used,
    /// When a window resets.
    Reset,
    /// How long a window is.
    Length,
    /// The name of a window.
    Name,
    /// Whose calls share a window.
    Key,
    /// All of one window or of several.
    Windows,
    /// Whether to send the request again at all.
    Retry,
    /// A remark, for people.
    Remark,
}

impl fmt::Display for HeaderMeaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delay => "delay",
            Self::Limit => "limit",
            Self::Remaining => "remaining",
            Self::Used => "used",
            Self::Reset => "reset",
            Self::Length => "length of the window",
            Self::Name => "name of the window",
            Self::Key => "partition of the window",
            Self::Windows => "windows",
            Self::Retry => "whether to retry",
            Self::Remark => "remark",
        })
    }
}

/// In which form a header states an instant, a delay or a length.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TimeFormat {
    /// Any form. Dates and durations are told by their looks, and numbers by their magnitude: seconds below 10⁸, an epoch
    /// in seconds from 10⁹ to 10¹¹, in milliseconds from 10¹² to 10¹⁴, in microseconds from 10¹⁵ to 10¹⁷, and else in
    /// nanoseconds. A guess of more than 35 days is not obeyed.
    Any,
    /// Seconds from now, with or without a fraction.
    Seconds,
    /// Milliseconds from now.
    Millis,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
    /// Microseconds since 1970.
    EpochMicros,
    /// Nanoseconds since 1970.
    EpochNanos,
    /// A date in one of the forms of HTTP, RFC 2822, ISO 8601 or JavaScript. A number is read as in [`Any`](Self::Any).
    Date,
    /// A duration with units, such as `6m0s`, `12 ms` or `PT2M`. A number is read as in [`Any`](Self::Any).
    Units,
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "in any form",
            Self::Seconds => "in seconds",
            Self::Millis => "in milliseconds",
            Self::EpochSeconds => "as seconds since 1970",
            Self::EpochMillis => "as milliseconds since 1970",
            Self::EpochMicros => "as microseconds since 1970",
            Self::EpochNanos => "as nanoseconds since 1970",
            Self::Date => "as a date",
            Self::Units => "as a duration with units",
        })
    }
}

/// Against which clock a date or an epoch was read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ReferenceClock {
    /// The server's, from the response's `Date`. A skewed clock on either side makes no difference.
    Date,
    /// Our own, since the response has no readable `Date`.
    Own,
}

impl fmt::Display for ReferenceClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Date => "the response's Date",
            Self::Own => "our own clock",
        })
    }
}

/// Why a header has no effect.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum IgnoreReason {
    /// Its value can be read in more than one way, or two of its values disagree.
    Ambiguous,
    /// The response came out of a cache (`Age` above 0), and tells of another time.
    Cached,
    /// Its unit is a guess, and by that it is more than 35 days ahead.
    Implausible,
    /// It names an instant that has passed.
    Past,
    /// It names a wall-clock time, and the time is not known.
    NoClock,
    /// Another header tells the same, and more exactly.
    Outranked,
    /// It holds a number that stands for nothing, as -1.
    Sentinel,
    /// There are more of its kind than are kept.
    TooMany,
    /// Its value is not in any form known for it.
    Unreadable,
    /// Its name looks like one of limits, and is not understood.
    UnknownName,
}

impl fmt::Display for IgnoreReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ambiguous => "it can be read in more than one way",
            Self::Cached => "the response came out of a cache",
            Self::Implausible => "its unit is a guess, and by that it is more than 35 days ahead",
            Self::Past => "it names an instant that has passed",
            Self::NoClock => "it names a wall-clock time, and none is known",
            Self::Outranked => "another header tells the same, and more exactly",
            Self::Sentinel => "it is a number that stands for nothing",
            Self::TooMany => "there are more of its kind than are kept",
            Self::Unreadable => "its value is not in a known form",
            Self::UnknownName => "its name is not known",
        })
    }
}
