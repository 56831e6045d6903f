//! Entropy for calls.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

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
    is_fixed: bool,
}

impl Seeds {
    /// Creates seeds that differ between processes, and between one `Seeds` and another.
    ///
    /// The entropy comes from the standard library's hash keys, which it draws from the system, and
    /// from the clock at each draw. Use them to spread delays, and not for secrets.
    ///
    /// Parent and child draw different seeds after a fork, unless both make the same draw in the same
    /// nanosecond.
    #[must_use]
    pub fn random() -> Self {
        Self {
            is_fixed: false,
            ..Self::fixed(RandomState::new().hash_one(0))
        }
    }

    /// Creates the same seeds each time, in every process.
    #[must_use]
    pub fn fixed(start: u64) -> Self {
        Self {
            start,
            drawn: Arc::default(),
            is_fixed: true,
        }
    }

    /// Draws the next seed.
    #[must_use]
    pub fn draw(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        // Odd, so that 2⁶⁴ seeds differ, and large, so that two starts have few seeds in common.
        let seed = self
            .start
            .wrapping_add(drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if self.is_fixed {
            return seed;
        }
        seed.wrapping_add(nanos_by_clock().wrapping_mul(0xd1b5_4a32_d192_ed03))
    }
}

impl Default for Seeds {
    /// [`Seeds::random`].
    fn default() -> Self {
        Self::random()
    }
}

/// Reads the clock, which tells a forked process from its parent.
///
/// A fork copies all memory, the hash keys and the counter included, so a draw needs a source outside
/// of it. The process number is one, too, but it takes a system call: 142 ns a draw, against 24 ns for
/// the clock.
fn nanos_by_clock() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = time.unwrap_or_else(|before| before.duration());
    // The low bits are the ones that differ.
    time.as_nanos() as u64
}
