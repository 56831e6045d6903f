//! Random seeds for calls, from a browser.

use breather::driver::Seeds;

/// Creates seeds that differ from one page to another, with entropy from `Math.random`.
///
/// The standard library's hash keys are the same in each browser, so they don't help here.
pub(crate) fn random_seeds() -> Seeds {
    // A number of `Math.random` has 52 bits or fewer.
    Seeds::new(random_bits() << 32 | random_bits())
}

/// Draws a number below 2³².
fn random_bits() -> u64 {
    (js_sys::Math::random() * 4_294_967_296.0) as u64
}
