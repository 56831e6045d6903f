//! How the delay ceiling grows from one retry to the next.

use core::time::Duration;

use crate::instant::{duration, nanos};
use crate::ratio::Ratio;

/// The delay ceiling by retry number; [`Jitter`](crate::Jitter) draws from it.
///
/// Pure and integer: the same retry number gives the same ceiling on every platform. The ceiling is
/// capped at [`cap`](Self::cap) *before* jitter is drawn, so that delays at the cap still differ.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | shape | exponential, factor 2 | halves the load of a failing server with each round |
/// | base | 100 ms | below human notice, above a round trip inside a region |
/// | cap | 20 s | keeps the worst single wait shorter than a typical 30 s time-out |
///
/// The values are those that AWS measured and ships ([Exponential Backoff And
/// Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)), with a base
/// twice as long, since a library does not know that its server is near.
///
/// # Nonsense
///
/// A factor below 1, or one that is not a number, counts as 1; one above 65,535 as 65,535. A cap
/// below the base wins over the base. No setter panics.
///
/// # Equality
///
/// Two backoffs are equal if all settings are; a function of the caller's own is compared by its address.
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
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Backoff {
    pub(crate) shape: Shape,
    /// In nanoseconds.
    base: u64,
    pub(crate) cap: u64,
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
    /// Every ceiling is `delay`.
    pub const fn constant(delay: Duration) -> Self {
        Self::shaped(Shape::Constant, delay)
    }

    /// `step`, 2 × `step`, 3 × `step`, …
    pub const fn linear(step: Duration) -> Self {
        Self::shaped(Shape::Linear, step)
    }

    /// `base`, `base` × factor, `base` × factor², … with a factor of 2 unless
    /// [`with_factor`](Self::with_factor) says otherwise.
    ///
    /// Growth ends with retry 1,000, however small the factor: a bound on the work that one ceiling
    /// may cost.
    pub const fn exponential(base: Duration) -> Self {
        let factor = Ratio::clamped(2.0, 1, u16::MAX);
        Self::shaped(Shape::Exponential { factor }, base)
    }

    /// `base` × 1, 1, 2, 3, 5, 8, …: gentler than doubling, a factor of about 1.6.
    pub const fn fibonacci(base: Duration) -> Self {
        Self::shaped(Shape::Fibonacci, base)
    }

    /// The caller's own function of the retry number, which counts from 0.
    ///
    /// Its answers are capped like any other. It is called without a lock held; if it panics, the
    /// panic reaches the caller of the failed attempt and nothing else is disturbed.
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
        Self {
            shape,
            base: nanos(base),
            cap: nanos(DEFAULT_CAP),
        }
    }

    /// Sets the factor of an exponential backoff; other shapes have none and stay as they are.
    ///
    /// Clamped to 1..=65,535, and rounded to a multiple of 2⁻³².
    pub const fn with_factor(mut self, factor: f64) -> Self {
        if let Shape::Exponential { .. } = self.shape {
            let factor = Ratio::clamped(factor, 1, u16::MAX);
            self.shape = Shape::Exponential { factor };
        }
        self
    }

    /// Sets the cap. Defaults to 20 s. [`Duration::MAX`] means no cap.
    pub const fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = nanos(cap);
        self
    }

    /// The longest ceiling there is.
    #[must_use]
    pub const fn cap(&self) -> Duration {
        duration(self.cap)
    }

    /// Sets what it grows from.
    #[cfg(feature = "serde")]
    pub(crate) const fn with_base(mut self, base: Duration) -> Self {
        self.base = nanos(base);
        self
    }

    /// What it grows from.
    #[cfg(feature = "serde")]
    pub(crate) const fn base(&self) -> Duration {
        duration(self.base)
    }

    /// The delay ceiling before retry number `retry`, counted from 0.
    ///
    /// Never above the cap, saturating at 584 years instead of overflowing, and (but for
    /// [`custom`](Self::custom)) never less than that of an earlier retry.
    #[must_use]
    pub fn ceiling(&self, retry: u32) -> Duration {
        Duration::from_nanos(self.ceiling_nanos(retry))
    }

    /// The same in nanoseconds.
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
    /// Exponential from 100 ms by a factor of 2 up to 20 s.
    fn default() -> Self {
        DEFAULT
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

/// The `n`-th Fibonacci number from 1, 1, 2, …, saturating.
fn fibonacci(n: u32) -> u32 {
    let (mut this, mut next) = (1_u32, 1_u32);
    // The 47th exceeds u32: no need to go on however large `n` is.
    for _ in 0..n.min(47) {
        (this, next) = (next, this.saturating_add(next));
    }
    this
}

pub(crate) const DEFAULT: Backoff = Backoff::exponential(Duration::from_millis(100));

const DEFAULT_CAP: Duration = Duration::from_secs(20);

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
    fn doubling_is_exact_where_floats_are_not() {
        let backoff = Backoff::default();
        assert_eq!(backoff.ceiling(1), Duration::from_millis(200));
        assert_eq!(backoff.ceiling(7), Duration::from_millis(12_800));
    }

    #[test]
    fn nonsense_is_clamped() {
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
    fn equal_are_those_with_equal_settings() {
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
    fn the_largest_retry_number_saturates() {
        for backoff in [
            Backoff::constant(Duration::MAX),
            Backoff::linear(Duration::MAX),
            Backoff::exponential(Duration::MAX),
            Backoff::fibonacci(Duration::MAX),
            Backoff::custom(|_| Duration::MAX),
        ] {
            let uncapped = backoff.with_cap(Duration::MAX).ceiling(u32::MAX);
            assert!(uncapped >= Duration::from_secs(584 * 365 * 86_400));
            assert_eq!(backoff.ceiling(u32::MAX), DEFAULT_CAP);
        }
    }
}
