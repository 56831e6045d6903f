//! The header that caused a wait or a stop.

use core::fmt;

use crate::printable::Printable;

/// The header behind a wait or a stop, with its name and at most 64 bytes of its value as received.
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
    name_len: u8,
    len: u8,
    cut: bool,
    /// The name, and then the value.
    bytes: [u8; SIZE],
}

impl Evidence {
    /// Keeps the first 64 bytes of `header` and of `value`. If the header's name has more than 40 bytes, the value has
    /// fewer, so that both have 104 at most.
    #[must_use]
    pub fn new(header: &str, value: &[u8]) -> Self {
        let mut evidence = Self::without_value(header);
        evidence.keep(value);
        evidence
    }

    pub(crate) fn without_value(header: &str) -> Self {
        let mut len = header.len().min(KEPT);
        while !header.is_char_boundary(len) {
            len -= 1;
        }
        let mut bytes = [0; SIZE];
        bytes[..len].copy_from_slice(&header.as_bytes()[..len]);
        Self {
            name_len: len as u8,
            len: 0,
            cut: false,
            bytes,
        }
    }

    /// Keeps the first bytes of `value`, where none was kept before.
    pub(crate) fn keep(&mut self, value: &[u8]) {
        let rest = &mut self.bytes[usize::from(self.name_len)..];
        let len = value.len().min(KEPT).min(rest.len());
        rest[..len].copy_from_slice(&value[..len]);
        self.len = len as u8;
        self.cut = value.len() > len;
    }

    /// Returns the header's name, cut after 64 bytes. It is in lower case if it is listed, and else as received.
    #[must_use]
    pub fn header(&self) -> &str {
        let name = &self.bytes[..usize::from(self.name_len)];
        core::str::from_utf8(name).unwrap_or_default()
    }

    /// The value as received, cut after 64 bytes.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.bytes[usize::from(self.name_len)..][..usize::from(self.len)]
    }
}

impl fmt::Display for Evidence {
    /// The header line. Backslashes and bytes that are not printable ASCII are escaped, so that a hostile value
    /// cannot forge a line of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.cut { "…" } else { "" };
        write!(
            f,
            "{}: {}{more}",
            Printable(self.header().as_bytes()),
            Printable(self.value())
        )
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evidence({self})")
    }
}

const KEPT: usize = 64;

/// Evidence is copied with each wait and each end. Most names have at most 40 bytes.
const SIZE: usize = 104;

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
