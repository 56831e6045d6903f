//! Wall-clock time.

use core::time::Duration;

/// A wall-clock time: microseconds since 1970-01-01T00:00:00Z, negative before.
///
/// Servers name resets by date or epoch; this is what those are read into. It is never used to
/// measure a wait, since wall clocks jump. It reaches 292,000 years either way.
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
    /// The time `secs` seconds after the epoch, saturating.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// The time `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to `self`, or `None` if `earlier` is the later one.
    ///
    /// `None` is no zero: a reset that lies in the past is not a reset that is due now.
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
    /// Saturates where the system's time is beyond what the type holds.
    fn from(time: std::time::SystemTime) -> Self {
        let micros = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        Self(match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(before) => micros(before.duration()).saturating_neg(),
        })
    }
}

/// A wall clock, to be asked only when a date or an epoch has to be read without a `Date` beside it.
///
/// A [`UnixTime`] is one that stands still.
pub trait WallClock: Sync {
    /// What it shows.
    fn unix_time(&self) -> UnixTime;
}

impl WallClock for UnixTime {
    fn unix_time(&self) -> UnixTime {
        *self
    }
}
