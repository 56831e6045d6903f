//! One quota window that a response told of.

use core::time::Duration;

#[cfg(feature = "std")]
use super::family::Part;
#[cfg(feature = "std")]
use super::found::Subject;
use super::unit::Unit;
use crate::hint::Evidence;
use crate::instant::{duration, nanos};

/// One quota window that a response told of.
///
/// # Example
///
/// ```
/// use breather::hint::{Unit, Window};
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
    /// Whether the header with the remaining quota could not be read.
    pub(super) is_unclear: bool,
}

/// A delay after the receipt of a response, and the header that stated it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stated<'a> {
    /// In nanoseconds.
    pub(super) delay: u64,
    pub(super) header: &'a str,
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

/// How strict a window is. A hint keeps the strictest windows if there are too many.
///
/// The wait is the same as with all windows.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Strictness(Rank, u64, u64);

/// The knowledge of a window's remaining quota, the least strict first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Rank {
    /// Unknown, and a rejection never waits for it.
    Silent,
    /// Unknown. A rejection waits for it if the others are unknown, too.
    Unknown,
    /// Some quota is left, which does not count requests.
    Others,
    /// Some requests are left.
    Requests,
    /// The window is spent, and its reset is unknown.
    Spent,
    /// The window is spent until its reset.
    SpentUntil,
}

impl<'a> Window<'a> {
    /// Creates a window of requests without figures.
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

    /// Sets the unit. Defaults to requests.
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

    /// Returns its unit.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// How many it permits in all.
    #[must_use]
    pub const fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Returns how many it still permitted when the server counted the request, as stated, or as the limit less the used
    /// part.
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

    /// Returns [`reset`](Self::reset) in nanoseconds.
    #[inline]
    pub(crate) fn reset_nanos(&self) -> Option<u64> {
        Some(self.reset?.delay)
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

    /// Creates the window of a subject, without figures.
    #[cfg(feature = "std")]
    #[inline]
    pub(super) const fn of(subject: &Subject<'a>) -> Self {
        Self {
            length: subject.family.length,
            ..Self::new(subject.name()).with_unit(subject.family.unit)
        }
    }

    /// Derives the remaining quota from the other figures. `tells` returns whether a header should tell a part.
    #[cfg(feature = "std")]
    pub(super) fn settle(&mut self, tells: impl Fn(Part) -> bool) {
        if self.limit == Some(0) {
            // Servers say so if there is no limit, or if they let no call in. The remaining quota does not count either,
            // but the server may mean the reset.
            self.limit = None;
            self.is_unclear = self.remaining.take().is_some_and(|it| it > 0);
            self.reset = self.reset.filter(|reset| reset.delay > 0);
            if tells(Part::UsedOfLimit) {
                self.used = None;
            }
        } else if self.remaining.is_none() {
            let used = self.limit.zip(self.used);
            self.remaining = used.map(|(limit, used)| limit.saturating_sub(used));
            self.is_unclear = self.remaining.is_none()
                && (tells(Part::Remaining)
                    || tells(Part::UsedOfLimit)
                    || tells(Part::Used) && tells(Part::Limit));
        }
    }

    /// Returns how strict the window is. [Settle](Self::settle) it first.
    pub(super) fn strictness(&self) -> Strictness {
        let reset = self.reset.map(|reset| reset.delay);
        match (self.remaining, reset) {
            (Some(0), Some(reset)) => Strictness(Rank::SpentUntil, reset, 0),
            (Some(0), None) => Strictness(Rank::Spent, 0, 0),
            (Some(left), reset) => {
                let rank = match self.unit {
                    Unit::Requests => Rank::Requests,
                    _ => Rank::Others,
                };
                Strictness(rank, u64::MAX - left, reset.unwrap_or(0))
            }
            // A rejection waits for the first of them to reset.
            (None, Some(reset)) if self.may_be_spent() => {
                Strictness(Rank::Unknown, u64::MAX - reset, 0)
            }
            (None, _) => Strictness(Rank::Silent, 0, 0),
        }
    }

    /// Whether a rejection may mean this window, if no window tells the remaining quota.
    pub(super) fn may_be_spent(&self) -> bool {
        !self.is_unclear && self.unit != Unit::Other
    }

    /// Returns whether more than its name is known.
    #[cfg(feature = "std")]
    pub(super) fn is_known(&self) -> bool {
        self.limit.or(self.remaining).or(self.used).is_some() || self.reset.is_some()
    }

    /// The header that stated the reset, if one did.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        self.reset?.evidence()
    }
}
