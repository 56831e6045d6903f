//! Generates seeds for an adapter's calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A sequence of distinct seeds for calls.
///
/// Clones continue the same sequence, so no clone repeats another's seeds. breather never draws
/// entropy, so an adapter passes a random `start`, for example `breather_tokio::random_seeds()`.
/// Tests pass a fixed one.
///
/// # Example
///
/// ```
/// use breather::driver::Seeds;
///
/// let seeds = Seeds::new(7);
/// assert_ne!(seeds.draw(), seeds.clone().draw());
/// assert_eq!(Seeds::new(7).draw(), Seeds::new(7).draw());
///
/// // After a fork, both processes have the same sequence. A salt from outside of memory tells them apart.
/// let salted = Seeds::new(7).with_salt(|| std::process::id().into());
/// assert_ne!(salted.draw(), Seeds::new(7).draw());
/// ```
#[derive(Clone, Debug)]
pub struct Seeds {
    start: u64,
    salt: Option<fn() -> u64>,
    drawn: Arc<AtomicU64>,
}

impl Seeds {
    /// Creates the sequence that begins at `start`.
    #[must_use]
    pub fn new(start: u64) -> Self {
        Self {
            start,
            salt: None,
            drawn: Arc::default(),
        }
    }

    /// Mixes the result of `salt` into each seed.
    #[must_use]
    pub fn with_salt(mut self, salt: fn() -> u64) -> Self {
        self.salt = Some(salt);
        self
    }

    /// Draws the next seed.
    #[must_use]
    pub fn draw(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        // The factor is odd so that 2⁶⁴ seeds differ. It is large so that the sequences of two
        // starts rarely overlap.
        let seed = self
            .start
            .wrapping_add(drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        match self.salt {
            Some(salt) => seed.wrapping_add(salt().wrapping_mul(0xd1b5_4a32_d192_ed03)),
            None => seed,
        }
    }
}
