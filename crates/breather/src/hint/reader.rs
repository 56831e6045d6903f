//! From header lines to a hint.

use super::Hint;
use super::lines::Lines;
use crate::hint::moment::Moment;

impl<'a> Hint<'a> {
    /// Reads the header lines of a response received at `moment`.
    ///
    /// Names are matched without regard to case. It takes plain pairs so that any client can use
    /// it; [`from_headers`](Self::from_headers) takes an `http::HeaderMap`. It reads the names once, and no header can make
    /// it panic. It allocates in two cases only: `sfv` decodes a partition key, and a response with more headers than a
    /// hint keeps takes up to 50 kB until the hint is made.
    ///
    /// Which headers are read, and in which forms, is told by the chapter on hints (`docs/hints.md`, in the
    /// repository). In short:
    ///
    /// - A header whose name says its unit is read by that, one that a dialect of `moment` names as the dialect says, and
    ///   all others by what their value looks like: see [`TimeFormat::Any`](super::TimeFormat::Any).
    /// - Dates and epochs are read against the response's own `Date`, so that a skewed clock on either side does not
    ///   matter, and against the wall clock of `moment` where there is no `Date`.
    /// - Milliseconds count before seconds, and any of the headers that state a delay before the reset of a window.
    /// - A response out of a cache (`Age` above 0) says nothing.
    /// - A hint keeps 24 headers. If a response has more, the longest delay, spent windows and a verdict not to retry
    ///   still count, wherever they stand, and [`ignored`](Self::ignored) lists one of the others with
    ///   [`IgnoreReason::TooMany`](super::IgnoreReason::TooMany).
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Hint, driver::{Instant, Moment}};
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
        let mut lines = Lines::new(moment);
        let mut headers = headers.into_iter();
        while let Some((name, value)) = headers.next() {
            if !lines.note(name, value) {
                // The move keeps `headers` in registers until here.
                let mut others = headers;
                return lines.conclude_crowd(name, value, &mut others);
            }
        }
        lines.conclude()
    }

    /// Reads the headers of a response received at `moment`: [`read`](Self::read) for the types of
    /// the `http` crate.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn from_headers(headers: &'a http::HeaderMap, moment: Moment<'_>) -> Self {
        // Most responses carry none of the headers, and then their values need not be looked at.
        let dialects = moment.dialects();
        let mut names = headers.keys().map(|name| name.as_str().as_bytes());
        if !names.any(|name| Lines::may_tell(dialects, name)) {
            return Self::new(moment.instant());
        }
        let lines = headers.iter();
        Self::read(
            lines.map(|(name, value)| (name.as_str(), value.as_bytes())),
            moment,
        )
    }
}
