//! The moment at which a response was received.

use core::fmt;

#[cfg(feature = "std")]
use super::dialect::Dialect;
use crate::instant::Instant;
use crate::unix_time::{UnixTime, WallClock};

/// The moment at which a response's head was received, with an instant, the wall clock beside it, and the dialects of
/// its server.
///
/// The only place where monotonic and wall time meet. The wall clock is asked only about dates and
/// epochs in responses that carry no `Date` of their own.
///
/// # Example
///
/// ```
/// use breather::driver::{Instant, Moment, UnixTime};
///
/// let clock = UnixTime::from_secs(1_800_000_000);
/// let moment = Moment::new(Instant::ORIGIN).with_wall_clock(&clock);
/// assert_eq!(moment.instant(), Instant::ORIGIN);
/// assert_eq!(moment.unix_time(), Some(clock));
/// ```
#[derive(Clone, Copy)]
pub struct Moment<'c> {
    instant: Instant,
    wall_clock: Option<&'c dyn WallClock>,
    #[cfg(feature = "std")]
    dialects: &'c [Dialect],
}

impl<'c> Moment<'c> {
    /// A moment of which only the monotonic instant is known: dates and epochs are readable only
    /// against a `Date` header.
    #[must_use]
    pub const fn new(instant: Instant) -> Self {
        Self {
            instant,
            wall_clock: None,
            #[cfg(feature = "std")]
            dialects: &[],
        }
    }

    /// Adds a clock that shows the wall time of the same moment, or little later.
    #[must_use]
    pub const fn with_wall_clock(mut self, clock: &'c dyn WallClock) -> Self {
        self.wall_clock = Some(clock);
        self
    }

    /// Adds how the server is known to write its headers. Of several, the first that names a header counts.
    #[cfg(feature = "std")]
    #[must_use]
    pub const fn with_dialects(mut self, dialects: &'c [Dialect]) -> Self {
        self.dialects = dialects;
        self
    }

    /// How the server is known to write its headers.
    #[cfg(feature = "std")]
    pub const fn dialects(self) -> &'c [Dialect] {
        self.dialects
    }

    /// The monotonic side.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.instant
    }

    /// The wall-clock side, if there is one: asks the clock.
    #[must_use]
    pub fn unix_time(self) -> Option<UnixTime> {
        self.wall_clock.map(WallClock::unix_time)
    }
}

impl fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment")
            .field("instant", &self.instant)
            .finish_non_exhaustive()
    }
}
