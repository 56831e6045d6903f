//! The statements of a response about time and quota.

#[cfg(feature = "std")]
mod assembly;
#[cfg(feature = "std")]
mod columns;
#[cfg(feature = "std")]
mod common;
#[cfg(feature = "std")]
mod compound;
#[cfg(feature = "std")]
mod count;
#[cfg(feature = "std")]
mod crowd;
#[cfg(feature = "std")]
mod date;
#[cfg(feature = "std")]
mod delays;
#[cfg(feature = "std")]
mod dialect;
#[cfg(feature = "std")]
mod draft;
mod evidence;
mod explanation;
#[cfg(feature = "std")]
mod family;
mod few;
#[cfg(feature = "std")]
mod figure;
pub(crate) mod fingerprint;
#[cfg(feature = "std")]
mod found;
#[cfg(feature = "std")]
mod lines;
#[cfg(feature = "std")]
mod members;
pub(crate) mod moment;
#[cfg(feature = "std")]
mod notes;
#[cfg(feature = "std")]
mod number;
#[cfg(feature = "std")]
mod parts;
#[cfg(feature = "std")]
mod plain;
#[cfg(feature = "std")]
mod reader;
mod reading;
mod said;
mod sizes;
#[cfg(feature = "std")]
mod span;
#[cfg(feature = "std")]
mod structured;
#[cfg(all(test, feature = "std"))]
mod table;
#[cfg(feature = "std")]
mod time;
mod unit;
mod window;

use core::time::Duration;

#[cfg(feature = "std")]
pub use self::dialect::Dialect;
pub use self::evidence::Evidence;
pub use self::explanation::Explanation;
#[cfg(feature = "std")]
pub use self::family::HeaderFamily;
use self::few::Few;
#[cfg(feature = "std")]
use self::found::Found;
use self::reading::Note;
pub use self::reading::{
    HeaderMeaning, HeaderReading, IgnoreReason, IgnoredHeader, ReferenceClock, TimeFormat,
};
use self::said::Said;
pub(crate) use self::sizes::MAX_WINDOWS;
pub use self::unit::Unit;
use self::window::Stated;
pub use self::window::Window;
use crate::instant::Instant;

/// The delay and the quota windows that a server stated in one response.
///
/// A hint borrows the values that it read, and does not copy them. [`Hint::read`] reads one from header
/// lines. For a protocol without headers, build one with the `with_` methods. Values that are unknown or
/// ambiguous have no effect, and are listed in [`ignored`](Self::ignored).
///
/// # Example
///
/// ```
/// use breather::{Hint, driver::Instant, hint::Window};
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
    // Most responses have no hint. Then this is neither written nor moved.
    content: Option<Content<'a>>,
}

/// The statements of a hint, and the headers they were read from.
#[derive(Clone, Debug)]
struct Content<'a> {
    said: Said<'a>,
    #[cfg(feature = "std")]
    found: Found<'a>,
}

impl<'a> Hint<'a> {
    /// Creates an empty hint of a response whose head was received at `received`.
    #[must_use]
    pub const fn new(received: Instant) -> Self {
        Self {
            received,
            content: None,
        }
    }

    /// Sets the delay after the receipt before which the server forbids another attempt.
    #[must_use]
    #[doc(alias = "cooldown")]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.content().said.set_delay(delay);
        self
    }

    /// Sets the same delay, as `header` stated it by `raw`.
    #[cfg(feature = "http")]
    pub(crate) fn with_delay(
        mut self,
        delay: Duration,
        header: &'static str,
        raw: &'a [u8],
    ) -> Self {
        self.content().said.delay = Some(Stated {
            header,
            raw,
            ..Stated::by_hand(delay)
        });
        self
    }

    /// Sets whether to send the request again at all. See [`retry`](Self::retry).
    #[must_use]
    pub fn with_retry(mut self, retry: bool) -> Self {
        self.content().said.retry = Some(retry);
        self
    }

    /// Adds a quota window.
    ///
    /// A hint keeps the eight strictest windows. Spent windows with the latest resets are the strictest.
    #[must_use]
    pub fn with_window(mut self, window: Window<'a>) -> Self {
        self.content().said.keep(window);
        self
    }

    /// Returns when the response's head was received. All delays count from there.
    #[must_use]
    pub const fn received(&self) -> Instant {
        self.received
    }

    /// Returns the quota windows.
    pub fn windows(&self) -> impl Iterator<Item = &Window<'a>> {
        let windows = self.said().map(|said| &said.windows);
        let len = windows.map_or(0, Few::len);
        (0..len).filter_map(move |at| windows?.get(at))
    }

    /// Returns whether the server said to send the request again (`true`), or not to (`false`).
    #[must_use]
    pub fn retry(&self) -> Option<bool> {
        self.said()?.retry
    }

    /// Returns the headers that were read, and how. They show where each figure comes from.
    pub fn readings(&self) -> impl Iterator<Item = HeaderReading<'a>> {
        self.notes().filter_map(|(header, value, result)| {
            let note = result.ok()?;
            Some(HeaderReading {
                header,
                value,
                note,
            })
        })
    }

    /// Returns the headers that were found and not obeyed, with the reasons.
    pub fn ignored(&self) -> impl Iterator<Item = IgnoredHeader<'a>> {
        self.notes().filter_map(|(header, value, result)| {
            let why = result.err()?;
            Some(IgnoredHeader { header, value, why })
        })
    }

    fn notes(&self) -> impl Iterator<Item = (&'a str, &'a [u8], Result<Note, IgnoreReason>)> {
        #[cfg(feature = "std")]
        let notes = {
            let content = self.content.as_ref();
            content
                .into_iter()
                .flat_map(|content| content.found.notes().into_iter())
        };
        // A hint that was built by hand has no headers.
        #[cfg(not(feature = "std"))]
        let notes = core::iter::empty();
        notes
    }

    /// Explains the hint in words, with the header of each figure and the reasons for ignored ones.
    #[must_use]
    pub const fn explain(&self) -> Explanation<'_> {
        Explanation(self)
    }

    /// Returns `Retry-After`, or another header that states a delay, as an instant on our clock.
    #[must_use]
    pub fn retry_after(&self) -> Option<Instant> {
        let stated = self.said()?.delay?;
        Some(self.received.add_nanos(stated.delay))
    }

    /// Returns the instant before which this response forbids another attempt, if it is a rejection.
    ///
    /// - If there is a `Retry-After`, it counts.
    /// - Otherwise the latest reset of the spent windows counts. A window with quota left does not count,
    ///   because a healthy daily window would hold a call for a day.
    /// - If no window states its remaining quota, the first one to reset counts as spent. This does not
    ///   apply if a header with the remaining quota could not be read.
    #[must_use]
    pub fn not_before(&self) -> Option<Instant> {
        let stated = self.binding()?;
        Some(self.received.add_nanos(stated.delay))
    }

    /// Returns the header behind [`not_before`](Self::not_before), if it was read from one.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        self.binding()?.evidence()
    }

    /// Writes the same to its place, because it is large and costs much to move.
    #[inline]
    pub(crate) fn put_evidence(&self, to: &mut Option<Evidence>) {
        if let Some(stated) = self.binding() {
            stated.put_evidence(to);
        }
    }

    /// Returns whether the hint is empty.
    #[inline]
    pub(crate) const fn is_silent(&self) -> bool {
        self.content.is_none()
    }

    fn binding(&self) -> Option<&Stated<'a>> {
        self.said()?.binding()
    }

    /// Returns whether one of the windows is spent, in any unit.
    pub(crate) fn is_spent(&self) -> bool {
        self.windows().any(|window| window.remaining == Some(0))
    }

    /// Returns the same hint with the windows that `keeps` selects by their index.
    pub(crate) fn only(&self, keeps: impl Fn(usize) -> bool) -> Self {
        let mut only = self.clone();
        if let Some(content) = &mut only.content {
            content.said.windows.retain(|at, _| keeps(at));
        }
        only
    }

    fn said(&self) -> Option<&Said<'a>> {
        let content = self.content.as_ref()?;
        Some(&content.said)
    }

    fn content(&mut self) -> &mut Content<'a> {
        self.content.get_or_insert_with(|| Content {
            said: Said::new(),
            #[cfg(feature = "std")]
            found: Found::new(),
        })
    }
}
