//! What a server said about time.

#[cfg(feature = "std")]
mod assembly;
#[cfg(feature = "std")]
mod common;
#[cfg(feature = "std")]
mod compound;
#[cfg(feature = "std")]
mod count;
#[cfg(feature = "std")]
mod crowd;
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
mod plain;
#[cfg(feature = "std")]
mod reader;
mod reading;
mod said;
mod sizes;
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

/// What the server said about time in one response: not before when, and the quota windows.
///
/// A hint borrows what it read and copies nothing. [`Hint::read`] makes one from header lines; a
/// protocol without headers builds one with the `with_` methods. Whatever could not be understood,
/// or could be understood in two ways, is listed in [`ignored`](Self::ignored) and has no effect.
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
    // Most responses say nothing, and then none of it is written or moved.
    content: Option<Content<'a>>,
}

/// What a hint says, and what it was read from.
#[derive(Clone, Debug)]
struct Content<'a> {
    said: Said<'a>,
    #[cfg(feature = "std")]
    found: Found<'a>,
}

impl<'a> Hint<'a> {
    /// A hint that says nothing, in a response whose head was received at `received`.
    #[must_use]
    pub const fn new(received: Instant) -> Self {
        Self {
            received,
            content: None,
        }
    }

    /// Says: not before `delay` after the receipt.
    #[must_use]
    #[doc(alias = "cooldown")]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.content().said.set_delay(delay);
        self
    }

    /// Says: not before `delay` after the receipt, since `header` said so by `raw`.
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

    /// Says whether to send the request again at all: see [`retry`](Self::retry).
    #[must_use]
    pub fn with_retry(mut self, retry: bool) -> Self {
        self.content().said.retry = Some(retry);
        self
    }

    /// Adds a quota window.
    ///
    /// A hint keeps eight. If you add more, it keeps the strictest. Spent windows come first, and of those the ones with the
    /// latest resets.
    #[must_use]
    pub fn with_window(mut self, window: Window<'a>) -> Self {
        self.content().said.keep(window);
        self
    }

    /// When the response's head was received; all delays count from here.
    #[must_use]
    pub const fn received(&self) -> Instant {
        self.received
    }

    /// The quota windows.
    pub fn windows(&self) -> impl Iterator<Item = &Window<'a>> {
        self.said().into_iter().flat_map(|said| said.windows.iter())
    }

    /// Whether the server said to send the request again (`true`), or not to (`false`), whatever else its answer may mean.
    #[must_use]
    pub fn retry(&self) -> Option<bool> {
        self.said()?.retry
    }

    /// The headers that were read, and as what: where each figure of the hint comes from.
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

    /// What was found and not obeyed, with the reason.
    pub fn ignored(&self) -> impl Iterator<Item = IgnoredHeader<'a>> {
        self.notes().filter_map(|(header, value, result)| {
            let why = result.err()?;
            Some(IgnoredHeader { header, value, why })
        })
    }

    fn notes(&self) -> impl Iterator<Item = (&'static str, &'a [u8], Result<Note, IgnoreReason>)> {
        #[cfg(feature = "std")]
        let notes = {
            let content = self.content.as_ref();
            content
                .into_iter()
                .flat_map(|content| content.found.notes().into_iter())
        };
        // By hand there is nothing that could be read.
        #[cfg(not(feature = "std"))]
        let notes = core::iter::empty();
        notes
    }

    /// What the response said, in words: each figure, where it comes from, and what was not obeyed and why.
    #[must_use]
    pub const fn explain(&self) -> Explanation<'_> {
        Explanation(self)
    }

    /// `Retry-After`, or another header that states a delay, as an instant on our clock.
    #[must_use]
    pub fn retry_after(&self) -> Option<Instant> {
        let stated = self.said()?.delay?;
        Some(self.received.add_nanos(stated.delay))
    }

    /// The instant before which this response, taken as a rejection, forbids another attempt.
    ///
    /// `Retry-After` if there is one. Otherwise the latest reset among the windows with nothing
    /// remaining: never of a window that has quota left, or a healthy daily window would hold a
    /// call for a day. If no window tells what remains, the first to reset is taken as spent, unless a header
    /// that should tell could not be read.
    #[must_use]
    pub fn not_before(&self) -> Option<Instant> {
        let stated = self.binding()?;
        Some(self.received.add_nanos(stated.delay))
    }

    /// The header behind [`not_before`](Self::not_before), if it was read from one.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        self.binding()?.evidence()
    }

    /// Puts the same where it is to stay: it is large, and costs much to move.
    #[inline]
    pub(crate) fn put_evidence(&self, to: &mut Option<Evidence>) {
        if let Some(stated) = self.binding() {
            stated.put_evidence(to);
        }
    }

    /// Returns whether the response says nothing.
    #[inline]
    pub(crate) const fn is_silent(&self) -> bool {
        self.content.is_none()
    }

    fn binding(&self) -> Option<&Stated<'a>> {
        self.said()?.binding()
    }

    /// Whether nothing remains in one of the windows, whatever it counts.
    pub(crate) fn is_spent(&self) -> bool {
        self.windows().any(|window| window.remaining == Some(0))
    }

    /// The same hint, without the windows that `keeps` does not keep, by their order.
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
