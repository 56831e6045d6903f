//! The core's own monotonic time.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A point on a monotonic clock, in nanoseconds from that clock's origin.
///
/// The core never reads a clock. A driver picks an origin, converts its clock's readings to this
/// type and hands them in; all instants given to one [`Breather`](crate::Breather), or to one
/// [`Pacer`](crate::driver::Pacer), must come from one clock. The type exists without std, on wasm and in
/// simulation, takes 8 bytes, and all its arithmetic saturates, so that no delay, however large,
/// can panic.
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

    /// The last instant there is, 584 years after the origin. Additions stop here.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds from the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero if `earlier` is the later one.
    #[must_use]
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// The same in nanoseconds.
    pub(crate) const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The instant `nanos` nanoseconds later, or [`Instant::MAX`].
    pub(crate) const fn add_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// The instant `delay` later, or [`Instant::MAX`].
    fn add(self, delay: Duration) -> Self {
        self.add_nanos(nanos(delay))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// The instant `delay` earlier, or [`Instant::ORIGIN`].
    fn sub(self, delay: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(delay)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:?}", Duration::from_nanos(self.0))
    }
}

/// `duration` in whole nanoseconds, saturating at 584 years.
pub(crate) const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 {
        u64::MAX
    } else {
        nanos as u64
    }
}

/// `nanos` nanoseconds; what saturated is [`Duration::MAX`], so that what has no bound keeps none.
pub(crate) const fn duration(nanos: u64) -> Duration {
    match nanos {
        u64::MAX => Duration::MAX,
        nanos => Duration::from_nanos(nanos),
    }
}
