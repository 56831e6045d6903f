//! A family of headers that together tell of one window.

use core::time::Duration;

use super::reading::TimeFormat;
use super::unit::Unit;

/// A family of headers that together tell of one window, for a [`Dialect`](super::Dialect).
///
/// Names are written in lower case. Of two headers of a family that tell the same, the one that was added first counts.
///
/// # Panics
///
/// Adding a header panics if its name is not in lower case, empty or longer than 63 bytes, and if it is the family's
/// 13th. In a `const` or `static`, that is an error of the compiler.
///
/// # Example
///
/// See [`Dialect`](super::Dialect).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct HeaderFamily {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) length: Option<Duration>,
    headers: [Option<Header>; MOST_HEADERS],
}

/// A header of a family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) name: &'static str,
    pub(super) part: Part,
}

/// The meaning of a header, and its form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Limit,
    Remaining,
    Used,
    /// The used part of the limit, as `32/40`.
    UsedOfLimit,
    Reset(TimeFormat),
    Length(TimeFormat),
    Name,
    Key,
    /// A delay by whatever was spent.
    Delay(TimeFormat),
    /// Milliseconds, or a stop where it is anything else than one such number (gRPC proposal A6).
    Pushback,
    /// `true` or `false`.
    Verdict,
    /// For people.
    Remark,
    /// The structured field `RateLimit`, a dictionary or a list.
    RateLimit,
    /// The structured field `RateLimit-Policy`.
    Policy,
    /// `total=100; remaining=99; resets=41`, or several such windows between commas, with short keys.
    Pairs,
    /// `api-usage=18/5000; …`: several windows, each with the used part of its limit.
    Usages,
    /// `Microsoft.Compute/GetVM3Min;197, …`: several windows, each with its remaining quota.
    Resources,
    /// The name looks like one of limits, and is not understood.
    Unknown,
}

impl Part {
    /// Whether it states a delay by whatever was spent.
    pub(super) const fn is_delay(self) -> bool {
        matches!(self, Self::Delay(_) | Self::Pushback)
    }

    /// Returns how exactly it states a delay. Other headers state the same delay rounded.
    pub(super) const fn grade(self) -> u8 {
        match self {
            Self::Pushback => 0,
            Self::Delay(TimeFormat::Millis) => 1,
            Self::Delay(TimeFormat::Units) => 2,
            _ => 3,
        }
    }

    /// Whether it tells a figure of its family's window.
    pub(super) const fn is_figure(self) -> bool {
        match self {
            Self::Limit
            | Self::Remaining
            | Self::Used
            | Self::UsedOfLimit
            | Self::Reset(_)
            | Self::Length(_)
            | Self::Name
            | Self::Key => true,
            Self::Delay(_)
            | Self::Pushback
            | Self::Verdict
            | Self::Remark
            | Self::RateLimit
            | Self::Policy
            | Self::Pairs
            | Self::Usages
            | Self::Resources
            | Self::Unknown => false,
        }
    }

    /// Whether it is one of the drafts' structured fields.
    pub(super) const fn is_structured(self) -> bool {
        matches!(self, Self::RateLimit | Self::Policy)
    }
}

impl HeaderFamily {
    /// A family without headers. Its window counts requests.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            unit: Unit::Requests,
            length: None,
            headers: [None; MOST_HEADERS],
        }
    }

    /// Sets the unit of the window.
    pub const fn with_unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Sets how long the window is.
    pub const fn with_length(mut self, length: Duration) -> Self {
        self.length = Some(length);
        self
    }

    /// Adds a header that holds the limit.
    pub const fn with_limit(self, header: &'static str) -> Self {
        self.with(header, Part::Limit)
    }

    /// Adds a header that holds the remaining quota.
    pub const fn with_remaining(self, header: &'static str) -> Self {
        self.with(header, Part::Remaining)
    }

    /// Adds a header that holds the used quota.
    pub const fn with_used(self, header: &'static str) -> Self {
        self.with(header, Part::Used)
    }

    /// Adds a header that holds the used quota and the limit, as `32/40`.
    pub const fn with_used_of_limit(self, header: &'static str) -> Self {
        self.with(header, Part::UsedOfLimit)
    }

    /// Adds a header that holds when the window resets.
    pub const fn with_reset(self, header: &'static str, form: TimeFormat) -> Self {
        self.with(header, Part::Reset(form))
    }

    /// Adds a header that holds how long the window is.
    pub const fn with_length_in(self, header: &'static str, form: TimeFormat) -> Self {
        self.with(header, Part::Length(form))
    }

    /// Adds a header that holds the window's name.
    pub const fn with_name_in(self, header: &'static str) -> Self {
        self.with(header, Part::Name)
    }

    /// Adds a header that says how long to wait, as `Retry-After` does. It counts before `Retry-After`.
    pub const fn with_delay(self, header: &'static str, form: TimeFormat) -> Self {
        self.with(header, Part::Delay(form))
    }

    pub(super) const fn with(mut self, name: &'static str, part: Part) -> Self {
        assert!(
            !name.is_empty() && name.len() <= LONGEST_NAME,
            "a header's name has between 1 and 63 bytes"
        );
        let mut at = 0;
        while at < name.len() {
            assert!(
                !name.as_bytes()[at].is_ascii_uppercase(),
                "a header's name is written in lower case"
            );
            at += 1;
        }
        let mut slot = 0;
        while self.headers[slot].is_some() {
            slot += 1;
            assert!(slot < MOST_HEADERS, "a family has at most 12 headers");
        }
        self.headers[slot] = Some(Header { name, part });
        self
    }

    /// The header at `place`.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(super) const fn header(&self, place: u8) -> &Header {
        match &self.headers[place as usize] {
            Some(header) => header,
            None => panic!("a header's place is in its family"),
        }
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = &Header> {
        self.headers.iter().map_while(Option::as_ref)
    }

    /// How many headers it has.
    pub(super) const fn len(&self) -> usize {
        let mut len = 0;
        while len < MOST_HEADERS && self.headers[len].is_some() {
            len += 1;
        }
        len
    }
}

/// A family of the three headers that most servers send.
pub(super) const fn three(
    name: &'static str,
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
    form: TimeFormat,
) -> HeaderFamily {
    HeaderFamily::new(name)
        .with_limit(limit)
        .with_remaining(remaining)
        .with_reset(reset, form)
}

const MOST_HEADERS: usize = 12;

/// The number of [grades](Part::grade).
pub(super) const GRADES: usize = 4;

/// The lengths of names are bits of a `u64`.
pub(super) const LONGEST_NAME: usize = 63;

/// Whether `name`, in whatever case, is `header`, which is in lower case.
#[inline]
pub(super) fn is_name(header: &str, name: &[u8]) -> bool {
    header.len() == name.len()
        && (header.as_bytes() == name || name.eq_ignore_ascii_case(header.as_bytes()))
}
