//! Random seeds for calls, from a browser.

use breather::driver::Seeds;

/// Creates seeds that differ from one page to another, with entropy from `Math.random`.
///
/// The standard library's hash keys are the same in every browser, so they cannot be used here.
#[must_use]
pub fn random_seeds() -> Seeds {
    // A number from `Math.random` has at most 52 bits.
    Seeds::new(random_bits() << 32 | random_bits())
}

/// Draws a number below 2³².
fn random_bits() -> u64 {
    (js_sys::Math::random() * 4_294_967_296.0) as u64
}
