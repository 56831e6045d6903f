//! The growth of the delay ceiling from one retry to the next.

use core::fmt;
use core::time::Duration;

use crate::instant::{duration, nanos};
use crate::policy::ratio::Ratio;

/// Computes the delay ceiling of each retry.
///
/// [`Jitter`](crate::Jitter) draws the delay from the ceiling. The same retry number gives the same
/// ceiling on every platform, because all arithmetic is on integers. The ceiling is capped *before*
/// jitter is drawn, so that delays at the cap still differ.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | shape | exponential, factor 2 | halves the load of a failing server with each round |
/// | base | 100 ms | below human notice, above a round trip inside a region |
/// | cap of an exponential backoff | 20 s, or the base if that is longer | keeps the worst single wait shorter than a typical 30 s timeout |
/// | cap of any other shape | none | you wrote the delays down, so they are kept |
///
/// AWS measured and ships these values ([Exponential Backoff And
/// Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)). breather
/// uses a base twice as long, because a library does not know whether its server is near.
///
/// # Delays that you write down
///
/// A default never shortens a delay that you wrote down. `Backoff::constant` of 60 s waits for at
/// least 60 s, and every step of a linear, Fibonacci or custom backoff counts in full. The default
/// jitter also [only adds](crate::Jitter::auto) to these shapes. Set a cap or another jitter if you
/// want shorter delays.
///
/// An exponential backoff with a base of 20 s or more keeps its base, but does not grow until you set
/// a higher cap.
///
/// # Invalid values
///
/// No setter panics.
///
/// - A factor below 1, or NaN, counts as 1. A factor above 65,535 counts as 65,535.
/// - A cap that you set wins over the base, even if it is lower.
///
/// # Equality
///
/// Two backoffs are equal if their shapes, bases, factors and caps are equal. A default cap equals
/// the same cap set by you, unless [decorrelated jitter](crate::Jitter::decorrelated) would treat
/// them differently. Custom functions are compared by address.
///
/// # Example
///
/// ```
/// use breather::Backoff;
/// use core::time::Duration;
///
/// const SLOW: Backoff = Backoff::exponential(Duration::from_secs(1)).with_factor(1.5);
/// assert_eq!(SLOW.ceiling(0), Duration::from_secs(1));
/// assert_eq!(SLOW.ceiling(2), Duration::from_millis(2250));
/// assert_eq!(SLOW.ceiling(u32::MAX), Duration::from_secs(20));
///
/// const EACH_MINUTE: Backoff = Backoff::constant(Duration::from_secs(60));
/// assert_eq!(EACH_MINUTE.ceiling(0), Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
#[doc(alias = "delay")]
#[doc(alias = "interval")]
pub struct Backoff {
    pub(crate) shape: Shape,
    /// In nanoseconds.
    base: u64,
    /// In nanoseconds. `u64::MAX` means no cap.
    cap: u64,
    /// Whether `with_cap` set the cap.
    is_capped: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Constant,
    Linear,
    Exponential { factor: Ratio },
    Fibonacci,
    Custom(fn(u32) -> Duration),
}

impl Backoff {
    /// Creates a backoff with the same ceiling for every retry.
    pub const fn constant(delay: Duration) -> Self {
        Self::shaped(Shape::Constant, delay)
    }

    /// Creates a backoff with the ceilings `step`, 2 × `step`, 3 × `step`, …
    pub const fn linear(step: Duration) -> Self {
        Self::shaped(Shape::Linear, step)
    }

    /// Creates a backoff with the ceilings `base`, `base` × factor, `base` × factor², …
    ///
    /// The factor is 2 unless you set it with [`with_factor`](Self::with_factor). The ceiling stops
    /// growing at retry 1,000, however small the factor, which bounds the work to compute it.
    pub const fn exponential(base: Duration) -> Self {
        let factor = Ratio::clamped(2.0, 1, u16::MAX);
        Self::shaped(Shape::Exponential { factor }, base)
    }

    /// Creates a backoff with the ceilings `base` × 1, 1, 2, 3, 5, 8, …
    ///
    /// It grows by a factor of about 1.6, which is gentler than doubling.
    pub const fn fibonacci(base: Duration) -> Self {
        Self::shaped(Shape::Fibonacci, base)
    }

    /// Creates a backoff from your own function of the retry number.
    ///
    /// The retry number counts from 0. breather uses the results of the function unchanged unless
    /// you set a [cap](Self::with_cap). It calls the function without holding a lock. If the
    /// function panics, the panic reaches the caller of the failed attempt and does not disturb
    /// other calls.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Backoff;
    /// use core::time::Duration;
    ///
    /// let squares = Backoff::custom(|retry| {
    ///     Duration::from_millis(100) * retry.saturating_add(1).saturating_pow(2)
    /// });
    /// assert_eq!(squares.ceiling(2), Duration::from_millis(900));
    /// ```
    pub const fn custom(ceiling: fn(u32) -> Duration) -> Self {
        Self::shaped(Shape::Custom(ceiling), Duration::ZERO)
    }

    const fn shaped(shape: Shape, base: Duration) -> Self {
        let base = nanos(base);
        Self {
            shape,
            base,
            cap: shape.default_cap(base),
            is_capped: false,
        }
    }

    /// Sets the factor of an exponential backoff.
    ///
    /// Other shapes have no factor and don't change. The factor is clamped to 1..=65,535 and
    /// rounded to a multiple of 2⁻³².
    pub const fn with_factor(mut self, factor: f64) -> Self {
        if let Shape::Exponential { .. } = self.shape {
            let factor = Ratio::clamped(factor, 1, u16::MAX);
            self.shape = Shape::Exponential { factor };
        }
        self
    }

    /// Limits the ceiling to `cap`.
    ///
    /// The cap that you set always wins, even if it is below the base. [`Duration::MAX`] means no cap.
    ///
    /// Defaults to 20 s for an exponential backoff, or to its base if that is longer. Other shapes have
    /// no cap by default.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Backoff;
    /// use core::time::Duration;
    ///
    /// let linear = Backoff::linear(Duration::from_secs(10));
    /// assert_eq!(linear.ceiling(29), Duration::from_secs(300));
    /// assert_eq!(linear.with_cap(Duration::from_secs(60)).ceiling(29), Duration::from_secs(60));
    /// ```
    pub const fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = nanos(cap);
        self.is_capped = true;
        self
    }

    /// Returns the longest possible ceiling, or [`Duration::MAX`] if there is no cap.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Backoff;
    /// use core::time::Duration;
    ///
    /// let second = Duration::from_secs(1);
    /// assert_eq!(Backoff::exponential(second).cap(), 20 * second);
    /// assert_eq!(Backoff::exponential(60 * second).cap(), 60 * second);
    /// assert_eq!(Backoff::constant(second).cap(), Duration::MAX);
    /// ```
    #[must_use]
    pub const fn cap(&self) -> Duration {
        duration(self.cap)
    }

    /// Returns the cap if `with_cap` set it.
    #[cfg(feature = "serde")]
    pub(crate) fn cap_set(&self) -> Option<Duration> {
        self.is_capped.then(|| self.cap())
    }

    /// Returns the longest decorrelated delay in nanoseconds, given the first ceiling.
    ///
    /// Decorrelated delays grow with any shape, so they need a bound even if the shape does not
    /// have a cap. Three times the first ceiling leaves them room to differ.
    pub(crate) const fn longest_decorrelated(&self, first: u64) -> u64 {
        let tripled = first.saturating_mul(3);
        if self.is_capped {
            self.cap
        } else if tripled > DEFAULT_CAP {
            tripled
        } else {
            DEFAULT_CAP
        }
    }

    /// Sets the base.
    #[cfg(feature = "serde")]
    pub(crate) const fn with_base(mut self, base: Duration) -> Self {
        self.base = nanos(base);
        if !self.is_capped {
            self.cap = self.shape.default_cap(self.base);
        }
        self
    }

    /// Returns the base.
    #[cfg(feature = "serde")]
    pub(crate) const fn base(&self) -> Duration {
        duration(self.base)
    }

    /// Returns the delay ceiling before retry number `retry`, counted from 0.
    ///
    /// The ceiling is never above the cap. It saturates at 584 years instead of overflowing. It is
    /// never less than the ceiling of an earlier retry, except with [`custom`](Self::custom).
    #[must_use]
    pub fn ceiling(&self, retry: u32) -> Duration {
        Duration::from_nanos(self.ceiling_nanos(retry))
    }

    /// Returns the ceiling in nanoseconds.
    #[inline]
    pub(crate) fn ceiling_nanos(&self, retry: u32) -> u64 {
        let base = self.base;
        let times = |times: u32| base.saturating_mul(times.into());
        let uncapped = match self.shape {
            Shape::Constant => base,
            Shape::Exponential { .. } if retry == 0 => base,
            Shape::Exponential { factor } => self.grown(retry, factor),
            Shape::Linear => times(retry.saturating_add(1)),
            Shape::Fibonacci => times(fibonacci(retry)),
            Shape::Custom(ceiling) => nanos(ceiling(retry)),
        };
        uncapped.min(self.cap)
    }

    fn grown(&self, retry: u32, factor: Ratio) -> u64 {
        let mut delay = self.base;
        for _ in 0..retry.min(MAX_GROWTH) {
            let next = factor.of(delay);
            if next == delay || delay >= self.cap {
                break;
            }
            delay = next;
        }
        delay
    }
}

impl Default for Backoff {
    /// Returns an exponential backoff from 100 ms by a factor of 2, capped at 20 s.
    fn default() -> Self {
        DEFAULT
    }
}

impl fmt::Display for Backoff {
    /// Writes the shape and its figures, such as `exponential from 100ms, factor 2, cap 20s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = duration(self.base);
        match self.shape {
            Shape::Constant => write!(f, "constant {base:?}")?,
            Shape::Linear => write!(f, "linear from {base:?}")?,
            Shape::Exponential { factor } => {
                write!(f, "exponential from {base:?}, factor {}", factor.as_f64())?;
            }
            Shape::Fibonacci => write!(f, "Fibonacci from {base:?}")?,
            Shape::Custom(_) => f.write_str("custom")?,
        }
        if self.cap < u64::MAX {
            write!(f, ", cap {:?}", duration(self.cap))?;
        }
        Ok(())
    }
}

impl PartialEq for Backoff {
    fn eq(&self, other: &Self) -> bool {
        // Names all fields, so that adding one is a compile error here.
        let Self {
            shape,
            base,
            cap,
            is_capped: _,
        } = *self;
        shape == other.shape
            && base == other.base
            && cap == other.cap
            && self.longest_decorrelated(base) == other.longest_decorrelated(base)
    }
}

impl Eq for Backoff {}

impl Shape {
    /// Returns the default cap in nanoseconds.
    const fn default_cap(self, base: u64) -> u64 {
        match self {
            Self::Exponential { .. } if base > DEFAULT_CAP => base,
            Self::Exponential { .. } => DEFAULT_CAP,
            Self::Constant | Self::Linear | Self::Fibonacci | Self::Custom(_) => u64::MAX,
        }
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Exponential { factor }, Self::Exponential { factor: other }) => factor == other,
            (Self::Custom(ceiling), Self::Custom(other)) => core::ptr::fn_addr_eq(ceiling, other),
            (Self::Constant, Self::Constant)
            | (Self::Linear, Self::Linear)
            | (Self::Fibonacci, Self::Fibonacci) => true,
            _ => false,
        }
    }
}

impl Eq for Shape {}

/// Returns the `n`-th Fibonacci number from 1, 1, 2, …, saturating.
fn fibonacci(n: u32) -> u32 {
    let (mut this, mut next) = (1_u32, 1_u32);
    // The 47th exceeds u32, so the loop can end there.
    for _ in 0..n.min(47) {
        (this, next) = (next, this.saturating_add(next));
    }
    this
}

pub(crate) const DEFAULT: Backoff = Backoff::exponential(Duration::from_millis(100));

/// In nanoseconds.
const DEFAULT_CAP: u64 = nanos(Duration::from_secs(20));

const MAX_GROWTH: u32 = 1_000;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn secs(backoff: Backoff, retries: core::ops::Range<u32>) -> Vec<f64> {
        retries
            .map(|retry| backoff.ceiling(retry).as_secs_f64())
            .collect()
    }

    #[test]
    fn each_shape_grows_as_named() {
        let second = Duration::from_secs(1);
        assert_eq!(secs(Backoff::constant(second), 0..3), [1., 1., 1.]);
        assert_eq!(secs(Backoff::linear(second), 0..4), [1., 2., 3., 4.]);
        assert_eq!(
            secs(Backoff::exponential(second), 0..6),
            [1., 2., 4., 8., 16., 20.]
        );
        let gentle = Backoff::exponential(second).with_factor(1.5);
        assert_eq!(secs(gentle, 0..4), [1., 1.5, 2.25, 3.375]);
        assert_eq!(
            secs(Backoff::fibonacci(second), 0..7),
            [1., 1., 2., 3., 5., 8., 13.]
        );
    }

    #[test]
    fn doubling_is_exact() {
        let backoff = Backoff::default();
        assert_eq!(backoff.ceiling(1), Duration::from_millis(200));
        assert_eq!(backoff.ceiling(7), Duration::from_millis(12_800));
    }

    #[test]
    fn invalid_factor_and_cap_are_clamped() {
        let second = Duration::from_secs(1);
        for factor in [0.5, -3.0, f64::NAN, f64::NEG_INFINITY] {
            let flat = Backoff::exponential(second).with_factor(factor);
            assert_eq!(flat.ceiling(9), second, "factor {factor}");
        }
        let steep = Backoff::exponential(second)
            .with_factor(f64::INFINITY)
            .with_cap(Duration::MAX);
        assert_eq!(steep.ceiling(1), Duration::from_secs(65_535));
        let upside_down = Backoff::exponential(second).with_cap(Duration::from_millis(1));
        assert_eq!(upside_down.ceiling(0), Duration::from_millis(1));
    }

    #[test]
    fn backoffs_with_different_settings_differ() {
        let second = Duration::from_secs(1);
        let own: fn(u32) -> Duration = |_| Duration::ZERO;
        let all = [
            Backoff::constant(second),
            Backoff::linear(second),
            Backoff::exponential(second),
            Backoff::exponential(second).with_factor(3.0),
            Backoff::exponential(second).with_cap(second),
            Backoff::exponential(2 * second),
            Backoff::fibonacci(second),
            Backoff::custom(own),
        ];
        for (this, one) in all.iter().enumerate() {
            for (that, other) in all.iter().enumerate() {
                assert_eq!(one == other, this == that, "{one:?}, {other:?}");
            }
        }
        assert_eq!(Backoff::custom(own), Backoff::custom(own));
    }

    #[test]
    fn default_cap_equals_the_same_cap_set() {
        let second = Duration::from_secs(1);
        let short = Backoff::exponential(second);
        assert_eq!(short, short.with_cap(short.cap()));
        // Decorrelated jitter draws up to 180 s from one, and up to 60 s from the other.
        let long = Backoff::exponential(60 * second);
        assert_ne!(long, long.with_cap(long.cap()));
        // Decorrelated delays grow without bound only if you set the cap to `Duration::MAX`.
        let constant = Backoff::constant(second);
        assert_ne!(constant, constant.with_cap(Duration::MAX));
    }

    #[test]
    fn default_cap_never_shortens_written_delays() {
        let minute = Duration::from_secs(60);
        assert_eq!(Backoff::constant(minute).ceiling(0), minute);
        assert_eq!(Backoff::linear(minute).ceiling(29), 30 * minute);
        assert_eq!(Backoff::exponential(minute).ceiling(9), minute);
        assert_eq!(Backoff::fibonacci(minute).ceiling(5), 8 * minute);
        let custom = Backoff::custom(|retry| Duration::from_secs(60) * retry.saturating_add(1));
        assert_eq!(custom.ceiling(9), 10 * minute);
    }

    #[test]
    fn set_cap_wins() {
        let second = Duration::from_secs(1);
        for backoff in [
            Backoff::constant(60 * second),
            Backoff::linear(60 * second),
            Backoff::exponential(60 * second),
            Backoff::fibonacci(60 * second),
            Backoff::custom(|_| Duration::from_secs(60)),
        ] {
            for cap in [second, 20 * second] {
                assert_eq!(backoff.with_cap(cap).ceiling(30), cap, "{backoff:?}");
                assert_eq!(backoff.with_cap(cap).cap(), cap);
            }
        }
    }

    #[test]
    fn largest_retry_number_saturates() {
        for backoff in [
            Backoff::constant(Duration::MAX),
            Backoff::linear(Duration::MAX),
            Backoff::exponential(Duration::MAX),
            Backoff::fibonacci(Duration::MAX),
            Backoff::custom(|_| Duration::MAX),
        ] {
            for uncapped in [backoff, backoff.with_cap(Duration::MAX)] {
                let ceiling = uncapped.ceiling(u32::MAX);
                assert!(ceiling >= Duration::from_secs(584 * 365 * 86_400));
            }
            let second = Duration::from_secs(1);
            assert_eq!(backoff.with_cap(second).ceiling(u32::MAX), second);
        }
    }
}
