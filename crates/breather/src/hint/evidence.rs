//! What a wait or a stop keeps of the header that caused it.

use core::fmt;

use crate::printable::Printable;

/// The header behind a wait or a stop: its name, and at most 64 bytes of its value as received.
///
/// # Example
///
/// ```
/// use breather::hint::Evidence;
///
/// let evidence = Evidence::new("retry-after", b"7");
/// assert_eq!(evidence.header(), "retry-after");
/// assert_eq!(evidence.to_string(), "retry-after: 7");
/// ```
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Evidence {
    header: &'static str,
    len: u8,
    cut: bool,
    bytes: [u8; KEPT],
}

impl Evidence {
    /// Keeps the first 64 bytes of `value`.
    #[must_use]
    pub fn new(header: &'static str, value: &[u8]) -> Self {
        let mut evidence = Self::without_value(header);
        evidence.keep(value);
        evidence
    }

    pub(crate) const fn without_value(header: &'static str) -> Self {
        Self {
            header,
            len: 0,
            cut: false,
            bytes: [0; KEPT],
        }
    }

    /// Keeps the first 64 bytes of `value`, where none was kept before.
    pub(crate) fn keep(&mut self, value: &[u8]) {
        let len = value.len().min(KEPT);
        self.len = len as u8;
        self.cut = value.len() > KEPT;
        self.bytes[..len].copy_from_slice(&value[..len]);
    }

    /// The header's name, in lower case.
    #[must_use]
    pub const fn header(&self) -> &'static str {
        self.header
    }

    /// The value as received, cut after 64 bytes.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Display for Evidence {
    /// The header line; bytes that are not printable ASCII are escaped, and backslashes, so that a hostile value
    /// cannot forge a line of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.cut { "…" } else { "" };
        write!(f, "{}: {}{more}", self.header, Printable(self.value()))
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evidence({self})")
    }
}

const KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn a_long_or_hostile_value_is_cut_and_escaped() {
        let evidence = Evidence::new("retry-after", &[b'9'; 1000]);
        assert_eq!(evidence.value().len(), 64);
        assert!(evidence.to_string().ends_with("99…"));
        let forged = Evidence::new("retry-after", b"1\r\nlevel: info\xff");
        assert_eq!(forged.to_string(), "retry-after: 1\\r\\nlevel: info\\xff");
    }
}
