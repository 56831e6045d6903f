//! Monotonic time.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A point on a monotonic clock.
///
/// An instant counts the nanoseconds from the origin of its clock. breather's core never reads a
/// clock. A driver chooses an origin, converts the readings of its clock to this type and passes
/// them in. All instants that you pass to one [`Breather`](crate::Breather) or one
/// [`Pacer`](crate::driver::Pacer) must come from the same clock.
///
/// The type takes 8 bytes, and works without std, on wasm and in simulations. All arithmetic
/// saturates, so even the largest delay cannot cause a panic.
///
/// # Example
///
/// ```
/// use breather::driver::Instant;
/// use core::time::Duration;
///
/// let sent = Instant::from_nanos(5);
/// let back = sent + Duration::from_millis(2);
/// assert_eq!(back.duration_since(sent), Duration::from_millis(2));
/// assert_eq!(sent.duration_since(back), Duration::ZERO);
/// assert_eq!(back + Duration::MAX, Instant::MAX);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Instant(u64);

impl Instant {
    /// The origin of the clock.
    pub const ORIGIN: Self = Self(0);

    /// The last instant, 584 years after the origin. Additions saturate here.
    pub const MAX: Self = Self(u64::MAX);

    /// Creates the instant `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the time from `earlier` to `self`, or zero if `earlier` is later.
    #[must_use]
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// Returns the time from `earlier` to `self` in nanoseconds, or zero if `earlier` is later.
    pub(crate) const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the instant `nanos` nanoseconds later, or [`Instant::MAX`].
    pub(crate) const fn add_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Returns the instant `delay` later, or [`Instant::MAX`].
    fn add(self, delay: Duration) -> Self {
        self.add_nanos(nanos(delay))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// Returns the instant `delay` earlier, or [`Instant::ORIGIN`].
    fn sub(self, delay: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(delay)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:?}", Duration::from_nanos(self.0))
    }
}

/// Returns `duration` in whole nanoseconds, saturating at 584 years.
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 {
        u64::MAX
    } else {
        nanos as u64
    }
}

/// Returns the duration of `nanos` nanoseconds. A saturated value becomes [`Duration::MAX`], so
/// that an unlimited duration stays unlimited.
pub(crate) const fn duration(nanos: u64) -> Duration {
    match nanos {
        u64::MAX => Duration::MAX,
        nanos => Duration::from_nanos(nanos),
    }
}
