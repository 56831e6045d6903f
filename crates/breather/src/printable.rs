//! What others sent, for a line of a log or a terminal.

use core::ascii;
use core::fmt::{self, Write as _};

/// Bytes as they are where they are printable ASCII, and escaped where they are not, as is what escapes them: no value
/// can forge a line, and none can look like another.
pub(crate) struct Printable<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            match byte {
                // A quote escapes nothing, and structured fields are full of them.
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
    fn quotes_are_shown_as_they_are_and_what_forges_lines_is_not() {
        let shown = |bytes: &[u8]| Printable(bytes).to_string();
        assert_eq!(shown(b"\"burst\";r=0, it's"), "\"burst\";r=0, it's");
        assert_eq!(shown(b"1\r\nlevel: info\xff"), "1\\r\\nlevel: info\\xff");
        assert_eq!(shown(b"\\n\x1b[2J"), "\\\\n\\x1b[2J");
    }
}
