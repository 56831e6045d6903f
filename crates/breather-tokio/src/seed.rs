//! Entropy for calls.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A seed that no other call of this process has, and hardly any of another.
///
/// The standard library's hash keys are the entropy, drawn from the system once; a counter makes each
/// seed differ from the one before. Good for spreading delays, not for secrets.
///
/// # Example
///
/// ```
/// assert_ne!(breather_tokio::seed(), breather_tokio::seed());
/// ```
#[must_use]
pub fn seed() -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    KEYS.hash_one(CALLS.fetch_add(1, Ordering::Relaxed))
}
