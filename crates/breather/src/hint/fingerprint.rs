//! Fingerprints of names that cannot be kept.

/// Returns 64 bits of FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>) of `name`.
///
/// The pacer keeps them instead of the names of windows, which borrow from a response. A collision
/// would only mix up two windows.
pub(crate) fn fingerprint(name: &str) -> u64 {
    name.bytes().fold(START, with_byte)
}

/// Adds a byte to a fingerprint.
pub(crate) fn with_byte(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// The fingerprint of an empty name.
pub(crate) const START: u64 = 0xcbf2_9ce4_8422_2325;
