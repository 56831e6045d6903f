//! Wall-clock time.

use core::time::Duration;

/// A wall-clock time, in microseconds since 1970-01-01T00:00:00Z.
///
/// Times before that are negative. The range is 292,000 years in both directions.
///
/// Servers name resets by date or epoch, and breather reads them into this type. It never measures
/// a wait with it, because wall clocks jump.
///
/// # Example
///
/// ```
/// use breather::driver::UnixTime;
/// use core::time::Duration;
///
/// let reset = UnixTime::from_secs(1_800_000_007);
/// let date = UnixTime::from_secs(1_800_000_000);
/// assert_eq!(reset.duration_since(date), Some(Duration::from_secs(7)));
/// assert_eq!(date.duration_since(reset), None);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixTime(i64);

impl UnixTime {
    /// Creates the time `secs` seconds after the epoch, saturating.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Creates the time `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the time from `earlier` to `self`, or `None` if `earlier` is later.
    ///
    /// `None` is not the same as zero. A reset in the past is not a reset that is due now.
    #[must_use]
    pub const fn duration_since(self, earlier: Self) -> Option<Duration> {
        let micros = self.0.saturating_sub(earlier.0);
        if micros < 0 {
            None
        } else {
            Some(Duration::from_micros(micros as u64))
        }
    }
}

#[cfg(feature = "std")]
impl From<std::time::SystemTime> for UnixTime {
    /// Converts a system time. A time that is out of range saturates.
    fn from(time: std::time::SystemTime) -> Self {
        let micros = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        Self(match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(before) => micros(before.duration()).saturating_neg(),
        })
    }
}

/// A wall clock.
///
/// breather asks it only if it has to read a date or an epoch in a response without a `Date`
/// header. A [`UnixTime`] is a clock that stands still.
///
/// # Example
///
/// ```
/// use breather::driver::{UnixTime, WallClock};
///
/// let stopped = UnixTime::from_secs(1_800_000_000);
/// assert_eq!(stopped.unix_time(), stopped);
/// ```
pub trait WallClock: Sync {
    /// Returns the current time.
    fn unix_time(&self) -> UnixTime;
}

impl WallClock for UnixTime {
    fn unix_time(&self) -> UnixTime {
        *self
    }
}
