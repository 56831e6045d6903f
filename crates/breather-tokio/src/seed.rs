//! Entropy for calls.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds for calls: no two of them the same.
///
/// Clones go on with one sequence, so that no clone repeats another's seeds.
///
/// # Example
///
/// ```
/// use breather_tokio::Seeds;
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
    /// Seeds that differ from one process to another, and from one `Seeds` to another.
    ///
    /// The standard library's hash keys are the entropy, which it draws from the system. Good for
    /// spreading delays, not for secrets.
    #[must_use]
    pub fn random() -> Self {
        Self::fixed(RandomState::new().hash_one(0))
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
