//! Entropy for calls, from a browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds for calls: no two of them the same.
///
/// Clones go on with one sequence, so that no clone repeats another's seeds. The same as `breather-tokio`'s,
/// from another source.
///
/// # Example
///
/// ```
/// use breather_reqwest::Seeds;
///
/// let seeds = Seeds::random();
/// assert_ne!(seeds.draw(), seeds.clone().draw());
///
/// // For a test that must be the same each time.
/// assert_eq!(Seeds::fixed(7).draw(), Seeds::fixed(7).draw());
/// ```
#[derive(Clone, Debug)]
pub struct Seeds {
    start: u64,
    drawn: Arc<AtomicU64>,
}

impl Seeds {
    /// Seeds that differ from one page to another, and from one `Seeds` to another.
    ///
    /// `Math.random` is the entropy. Good for spreading delays, not for secrets.
    #[must_use]
    pub fn random() -> Self {
        // The standard library's hash keys are the same in each browser. A number of `Math.random` has 52 bits or
        // fewer.
        Self::fixed(random_bits() << 32 | random_bits())
    }

    /// The same seeds each time.
    #[must_use]
    pub fn fixed(start: u64) -> Self {
        let drawn = Arc::default();
        Self { start, drawn }
    }

    /// The next seed.
    #[must_use]
    pub fn draw(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        // Odd, so that 2⁶⁴ seeds differ, and large, so that two starts have few seeds in common.
        self.start
            .wrapping_add(drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

impl Default for Seeds {
    /// [`Seeds::random`].
    fn default() -> Self {
        Self::random()
    }
}

/// A number below 2³².
fn random_bits() -> u64 {
    (js_sys::Math::random() * 4_294_967_296.0) as u64
}
