//! What a server said about time.

#[cfg(feature = "std")]
mod dialect;
#[cfg(feature = "std")]
mod number;
#[cfg(feature = "std")]
mod reader;

use core::fmt;
use core::time::Duration;

use crate::evidence::Evidence;
use crate::instant::Instant;

/// What the server said about time in one response: not before when, and the quota windows.
///
/// A hint borrows what it read and copies nothing. [`Hint::read`] makes one from header lines; a
/// protocol without headers builds one with the `with_` methods. Whatever could not be understood,
/// or could be understood in two ways, is listed in [`ignored`](Self::ignored) and has no effect.
///
/// # Example
///
/// ```
/// use breather::{Hint, Instant, Window};
/// use core::time::Duration;
///
/// let received = Instant::from_nanos(0);
/// let spent = Window::new("rows")
///     .with_limit(300)
///     .with_remaining(0)
///     .with_reset(Duration::from_secs(7));
/// let hint = Hint::new(received).with_window(spent);
/// assert_eq!(hint.not_before(), Some(received + Duration::from_secs(7)));
///
/// // Retry-After takes precedence (RFC 9110 and the RateLimit draft agree on that).
/// let hint = hint.with_retry_after(Duration::from_secs(9));
/// assert_eq!(hint.not_before(), Some(received + Duration::from_secs(9)));
/// ```
#[derive(Clone, Debug)]
pub struct Hint<'a> {
    received: Instant,
    // Most responses say nothing, and then none of it is written or moved.
    said: Option<Said<'a>>,
}

/// What a hint holds, if it says anything at all.
#[derive(Clone, Debug)]
struct Said<'a> {
    retry_after: Option<Stated<'a>>,
    windows: [Option<Window<'a>>; MAX_WINDOWS],
    ignored: [Option<Ignored<'a>>; MAX_IGNORED],
}

impl<'a> Hint<'a> {
    /// A hint that says nothing, in a response whose head was received at `received`.
    #[must_use]
    pub const fn new(received: Instant) -> Self {
        Self {
            received,
            said: None,
        }
    }

    /// Says: not before `delay` after the receipt.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.set_retry_after(Stated {
            delay,
            header: "retry-after",
            raw: b"",
        });
        self
    }

    /// Adds a quota window. At most four are kept; more are dropped.
    #[must_use]
    pub fn with_window(mut self, window: Window<'a>) -> Self {
        self.push_window(window);
        self
    }

    /// When the response's head was received; all delays count from here.
    #[must_use]
    pub const fn received(&self) -> Instant {
        self.received
    }

    /// The quota windows, in the order of their dialects.
    pub fn windows(&self) -> impl Iterator<Item = &Window<'a>> {
        self.said
            .iter()
            .flat_map(|said| said.windows.iter().flatten())
    }

    /// What was found and not obeyed, with the reason; at most four are kept.
    pub fn ignored(&self) -> impl Iterator<Item = &Ignored<'a>> {
        self.said
            .iter()
            .flat_map(|said| said.ignored.iter().flatten())
    }

    /// `Retry-After`, as an instant on our clock.
    #[must_use]
    pub fn retry_after(&self) -> Option<Instant> {
        let stated = self.said.as_ref()?.retry_after?;
        Some(self.received + stated.delay)
    }

    /// The instant before which this response, taken as a refusal, forbids another attempt.
    ///
    /// `Retry-After` if there is one. Otherwise the latest reset among the windows with nothing
    /// remaining: never of a window that has quota left, or a healthy daily window would hold a
    /// call for a day. A window that does not tell what remains is taken as spent.
    #[must_use]
    pub fn not_before(&self) -> Option<Instant> {
        self.binding().map(|stated| self.received + stated.delay)
    }

    /// The header behind [`not_before`](Self::not_before), if it was read from one.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        self.binding()?.evidence()
    }

    fn binding(&self) -> Option<Stated<'a>> {
        let said = self.said.as_ref()?;
        let resets = || {
            self.windows()
                .filter(|window| window.remaining.unwrap_or(0) == 0)
                .filter_map(|window| window.reset)
                .max_by_key(|reset| reset.delay)
        };
        said.retry_after.or_else(resets)
    }

    /// The window that permits least: the fewest remaining, and of equal ones the latest reset.
    pub(crate) fn tightest(&self) -> Option<&Window<'a>> {
        let said = self.said.as_ref()?;
        let mut tightest: Option<(&Window<'a>, u64)> = None;
        for window in said.windows.iter().map_while(Option::as_ref) {
            let Some(remaining) = window.remaining else {
                continue;
            };
            let is_tighter = tightest.is_none_or(|(other, fewest)| {
                remaining < fewest || remaining == fewest && window.reset() > other.reset()
            });
            if is_tighter {
                tightest = Some((window, remaining));
            }
        }
        tightest.map(|(window, _)| window)
    }

    /// The same, without the windows that `keeps` does not keep, by their order.
    pub(crate) fn only(&self, keeps: impl Fn(usize) -> bool) -> Self {
        let mut only = self.clone();
        if let Some(said) = &mut only.said {
            said.windows = [None; MAX_WINDOWS];
        }
        for (_, window) in self.windows().enumerate().filter(|&(at, _)| keeps(at)) {
            only.push_window(*window);
        }
        only
    }

    fn set_retry_after(&mut self, stated: Stated<'a>) {
        self.said().retry_after = Some(stated);
    }

    fn push_window(&mut self, window: Window<'a>) {
        if let Some(slot) = self.said().windows.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(window);
        }
    }

    fn said(&mut self) -> &mut Said<'a> {
        self.said.get_or_insert(Said {
            retry_after: None,
            windows: [None; MAX_WINDOWS],
            ignored: [None; MAX_IGNORED],
        })
    }

    #[cfg(feature = "std")]
    fn ignore(&mut self, header: &'static str, value: &'a [u8], why: Why) {
        if let Some(slot) = self.said().ignored.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(Ignored { header, value, why });
        }
    }
}

/// A delay after the receipt of a response, and the header that stated it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stated<'a> {
    delay: Duration,
    header: &'static str,
    raw: &'a [u8],
}

impl Stated<'_> {
    /// The header, unless it was stated by hand.
    fn evidence(&self) -> Option<Evidence> {
        (!self.raw.is_empty()).then(|| Evidence::new(self.header, self.raw))
    }
}

/// One quota window that a response told of.
///
/// # Example
///
/// ```
/// use breather::Window;
/// use core::time::Duration;
///
/// let window = Window::new("minute").with_limit(300).with_remaining(12);
/// assert_eq!(window.remaining(), Some(12));
/// assert_eq!(window.reset(), None);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Window<'a> {
    name: &'a str,
    limit: Option<u64>,
    remaining: Option<u64>,
    reset: Option<Stated<'a>>,
}

impl<'a> Window<'a> {
    /// A window of which nothing but its name is known.
    pub const fn new(name: &'a str) -> Self {
        Self {
            name,
            limit: None,
            remaining: None,
            reset: None,
        }
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
        self.reset = Some(Stated {
            delay,
            header: "",
            raw: b"",
        });
        self
    }

    /// The name the server gave it, or that of its family of headers.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// How many calls it permits in all.
    #[must_use]
    pub const fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// How many calls it still permitted when the server counted the request.
    #[must_use]
    pub const fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    /// The delay after the receipt at which it permits [`limit`](Self::limit) calls again, rounded
    /// up.
    #[must_use]
    pub fn reset(&self) -> Option<Duration> {
        self.reset.map(|reset| reset.delay)
    }

    /// The header that stated the reset, if one did.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        self.reset?.evidence()
    }
}

/// A header that was found and has no effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ignored<'a> {
    header: &'static str,
    value: &'a [u8],
    why: Why,
}

impl<'a> Ignored<'a> {
    /// The header's name, in lower case.
    #[must_use]
    pub const fn header(&self) -> &'static str {
        self.header
    }

    /// Its value, as received.
    #[must_use]
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Why it has no effect.
    #[must_use]
    pub const fn why(&self) -> Why {
        self.why
    }
}

/// Why a header has no effect.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// Its value can be read in more than one way, or two of its values disagree.
    Ambiguous,
    /// The response came out of a cache (`Age` above 0), and tells of another time.
    Cached,
    /// It names an instant that has passed.
    Past,
    /// It names a wall-clock time, and nothing tells what the time is.
    NoClock,
    /// Its value is not in any form known for it.
    Unreadable,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ambiguous => "it can be read in more than one way",
            Self::Cached => "the response came out of a cache",
            Self::Past => "it names an instant that has passed",
            Self::NoClock => "it names a wall-clock time, and none is known",
            Self::Unreadable => "its value is not in a known form",
        })
    }
}

/// More windows than one response of any known server carries.
pub(crate) const MAX_WINDOWS: usize = 4;

const MAX_IGNORED: usize = 4;
