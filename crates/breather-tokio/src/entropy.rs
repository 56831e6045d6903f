//! Random seeds for calls.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use breather::driver::Seeds;

/// Creates seeds that differ between processes, and between one result and another.
///
/// The entropy comes from the standard library's hash keys, which the system provides, and from the
/// clock at each draw. Use the seeds to spread delays, and not for secrets.
///
/// Parent and child draw different seeds after a fork, unless both make the same draw in the same
/// nanosecond.
///
/// # Example
///
/// ```
/// let seeds = breather_tokio::random_seeds();
/// assert_ne!(seeds.draw(), seeds.clone().draw());
/// ```
#[must_use]
pub fn random_seeds() -> Seeds {
    Seeds::new(RandomState::new().hash_one(0)).with_salt(nanos_by_clock)
}

/// Reads the clock, so that a forked process draws other seeds than its parent.
///
/// A fork copies all memory, including the hash keys and the counter, so a draw needs a source
/// outside of the memory. The process ID would do, but it needs a system call and takes 142 ns for
/// a draw. The clock takes 24 ns.
fn nanos_by_clock() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = time.unwrap_or_else(|before| before.duration());
    // The cast keeps the low bits, which differ.
    time.as_nanos() as u64
}
