//! One quota window that a response told of.

use core::fmt;
use core::time::Duration;

use crate::evidence::Evidence;
use crate::instant::{duration, nanos};

/// One quota window that a response told of.
///
/// # Example
///
/// ```
/// use breather::{Unit, Window};
/// use core::time::Duration;
///
/// let window = Window::new("minute").with_limit(300).with_remaining(12);
/// assert_eq!(window.remaining(), Some(12));
/// assert_eq!(window.reset(), None);
/// assert_eq!(window.unit(), Unit::Requests);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Window<'a> {
    pub(super) name: &'a str,
    pub(super) unit: Unit,
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) used: Option<u64>,
    pub(super) reset: Option<Stated<'a>>,
    pub(super) length: Option<Duration>,
    pub(super) key: Option<&'a [u8]>,
    /// Whether a header should have told what remains, and could not be read.
    pub(super) is_unclear: bool,
}

/// A delay after the receipt of a response, and the header that stated it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stated<'a> {
    /// In nanoseconds.
    pub(super) delay: u64,
    pub(super) header: &'static str,
    pub(super) raw: &'a [u8],
}

impl Stated<'_> {
    /// Stated by hand, and not by a header.
    pub(super) const fn by_hand(delay: Duration) -> Self {
        Self {
            delay: nanos(delay),
            header: "",
            raw: b"",
        }
    }

    /// The header, unless it was stated by hand.
    pub(super) fn evidence(&self) -> Option<Evidence> {
        let mut evidence = None;
        self.put_evidence(&mut evidence);
        evidence
    }

    #[inline]
    pub(super) fn put_evidence(&self, to: &mut Option<Evidence>) {
        if !self.raw.is_empty() {
            to.insert(Evidence::without_value(self.header))
                .keep(self.raw);
        }
    }
}

/// What a window counts.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Unit {
    /// Calls: what the pacer counts by. Every other unit is shown, and waited for when it is spent.
    #[default]
    Requests,
    /// Calls in flight at the same time.
    Concurrency,
    /// Tokens of a language model.
    Tokens,
    /// Bytes of content.
    Bytes,
    /// What a server charges for a call by its cost, as points or complexity.
    Points,
    /// What is not known here.
    Other,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests",
            Self::Concurrency => "concurrent-requests",
            Self::Tokens => "tokens",
            Self::Bytes => "content-bytes",
            Self::Points => "points",
            Self::Other => "other",
        })
    }
}

impl<'a> Window<'a> {
    /// A window of requests, of which nothing but its name is known.
    pub const fn new(name: &'a str) -> Self {
        Self {
            name,
            unit: Unit::Requests,
            limit: None,
            remaining: None,
            used: None,
            reset: None,
            length: None,
            key: None,
            is_unclear: false,
        }
    }

    /// Sets what the window counts. Defaults to requests.
    pub const fn with_unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Sets how many calls the window permits in all.
    pub const fn with_limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets how many calls it still permitted when the server counted the request.
    pub const fn with_remaining(mut self, remaining: u64) -> Self {
        self.remaining = Some(remaining);
        self
    }

    /// Sets when it permits [`limit`](Self::limit) calls again, as a delay after the receipt.
    pub const fn with_reset(mut self, delay: Duration) -> Self {
        self.reset = Some(Stated::by_hand(delay));
        self
    }

    /// The name the server gave it, or that of its family of headers.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// What it counts.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// How many it permits in all.
    #[must_use]
    pub const fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// How many it still permitted when the server counted the request: as stated, or the limit less what was used.
    #[must_use]
    pub const fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    /// How many were used, where the server states that.
    #[must_use]
    pub const fn used(&self) -> Option<u64> {
        self.used
    }

    /// The delay after the receipt at which it permits [`limit`](Self::limit) calls again, rounded
    /// up.
    #[must_use]
    pub fn reset(&self) -> Option<Duration> {
        self.reset.map(|reset| duration(reset.delay))
    }

    /// How long the window is, where the server states that.
    #[must_use]
    pub const fn length(&self) -> Option<Duration> {
        self.length
    }

    /// The partition whose calls share the window, as the server wrote it: `pk` of the `RateLimit` field without its
    /// colons, Discord's bucket, Docker Hub's source. Clients are not to look into it.
    #[must_use]
    pub const fn key(&self) -> Option<&'a [u8]> {
        self.key
    }

    /// Whether anything is known of it but what it is called.
    #[cfg(feature = "std")]
    pub(super) fn is_known(&self) -> bool {
        self.limit.or(self.remaining).or(self.used).is_some() || self.reset.is_some()
    }

    /// The header that stated the reset, if one did.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        self.reset?.evidence()
    }
}
