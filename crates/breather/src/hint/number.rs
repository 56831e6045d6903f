//! Numbers in header values.

use core::time::Duration;

/// A whole or decimal number without a sign: `7`, `2.0`, `0.35`.
///
/// Digits beyond 64 bits saturate: such a number is readable, and larger than anything that is
/// obeyed. A fraction is kept to the nanosecond, rounded up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Number {
    pub(super) whole: u64,
    nanos: u32,
}

impl Number {
    /// Reads `text`, which may have blanks around it; `None` for anything else than digits with at
    /// most one point between them.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let mut parts = text.splitn(2, |&byte| byte == b'.');
        let whole = digits(parts.next()?)?;
        let Some(fraction) = parts.next() else {
            return Some(Self { whole, nanos: 0 });
        };
        digits(fraction)?;
        let mut nanos = 0;
        for position in 0..9 {
            let digit = fraction.get(position).map_or(0, |byte| byte - b'0');
            nanos = nanos * 10 + u32::from(digit);
        }
        let rest = fraction.get(9..).unwrap_or_default();
        if rest.iter().any(|&digit| digit != b'0') {
            nanos += 1;
        }
        if nanos == 1_000_000_000 {
            return Some(Self {
                whole: whole.saturating_add(1),
                nanos: 0,
            });
        }
        Some(Self { whole, nanos })
    }

    /// The number as seconds.
    pub(super) const fn as_secs(self) -> Duration {
        Duration::new(self.whole, self.nanos)
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        Some(value.saturating_mul(10).saturating_add(u64::from(digit)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_number() {
        let read = |text: &str| Number::read(text.as_bytes()).map(Number::as_secs);
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read(" 007 "), Some(Duration::from_secs(7)));
        assert_eq!(read("0.35"), Some(Duration::from_millis(350)));
        assert_eq!(read("2.0"), Some(Duration::from_secs(2)));
        assert_eq!(read("1.0000000001"), Some(Duration::new(1, 1)));
        assert_eq!(read("1.9999999999"), Some(Duration::from_secs(2)));
        assert_eq!(
            read("99999999999999999999999999999999999"),
            Some(Duration::from_secs(u64::MAX))
        );
    }

    #[test]
    fn what_is_none() {
        for text in [
            "", " ", "-1", "+1", "1e3", "inf", "nan", "²", "1.", ".5", "1.2.3", "0x10", "1_000",
            "7s", "\"7\"", "null", "1 2", "2, 3",
        ] {
            assert_eq!(Number::read(text.as_bytes()), None, "{text:?}");
        }
    }
}
