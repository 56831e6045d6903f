//! Non-negative factors in fixed point, so that delays stay integers.

/// A factor with 32 fractional bits.
///
/// You write factors as floats, but breather computes with integers. The results are the same on
/// every platform.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Ratio(u64);

impl Ratio {
    pub(crate) const ONE: Self = Self(1 << 32);

    /// Clamps `value` to `low..=high` and rounds it to 2⁻³². NaN becomes `low`.
    pub(crate) const fn clamped(value: f64, low: u16, high: u16) -> Self {
        // NaN fails every comparison, so it becomes `low`.
        let value = if value >= low as f64 {
            value
        } else {
            low as f64
        };
        let value = if value > high as f64 {
            high as f64
        } else {
            value
        };
        Self((value * Self::ONE.0 as f64 + 0.5) as u64)
    }

    /// Returns the factor as a float. This is exact, because a ratio has no more than 48 bits.
    pub(crate) const fn as_f64(self) -> f64 {
        self.0 as f64 / Self::ONE.0 as f64
    }

    /// Returns `nanos` times this factor, in whole nanoseconds, saturating.
    pub(crate) const fn of(self, nanos: u64) -> u64 {
        let scaled = (nanos as u128 * self.0 as u128) >> 32;
        if scaled > u64::MAX as u128 {
            u64::MAX
        } else {
            scaled as u64
        }
    }
}
