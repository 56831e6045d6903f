//! Received bytes, printable in a log or on a terminal.

use core::ascii;
use core::fmt::{self, Write as _};

/// Displays bytes as printable ASCII.
///
/// Other bytes and the backslash are escaped. A value therefore cannot forge a line of a log, and
/// different values never look the same.
pub(crate) struct Printable<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            match byte {
                // Quotes stay, because structured fields contain many and they cannot forge a line.
                b'"' | b'\'' => f.write_char(byte.into())?,
                _ => write!(f, "{}", ascii::escape_default(byte))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn quotes_stay_and_other_bytes_are_escaped() {
        let shown = |bytes: &[u8]| Printable(bytes).to_string();
        assert_eq!(shown(b"\"burst\";r=0, it's"), "\"burst\";r=0, it's");
        assert_eq!(shown(b"1\r\nlevel: info\xff"), "1\\r\\nlevel: info\\xff");
        assert_eq!(shown(b"\\n\x1b[2J"), "\\\\n\\x1b[2J");
    }
}
