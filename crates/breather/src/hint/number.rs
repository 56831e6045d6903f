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
    /// Whether there was a fraction finer than a nanosecond.
    pub(super) is_rounded: bool,
}

impl Number {
    /// Reads `text`, which may have blanks around it; `None` for anything else than digits with at
    /// most one point between them.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let (whole, rest) = digits(text)?;
        let Some((b'.', fraction)) = rest.split_first() else {
            return rest.is_empty().then_some(Self {
                whole,
                nanos: 0,
                is_rounded: false,
            });
        };
        let (_, rest) = digits(fraction)?;
        if !rest.is_empty() {
            return None;
        }
        let mut nanos = 0;
        for position in 0..9 {
            let digit = fraction.get(position).map_or(0, |byte| byte - b'0');
            nanos = nanos * 10 + u32::from(digit);
        }
        let finer = fraction.get(9..).unwrap_or_default();
        let is_rounded = finer.iter().any(|&digit| digit != b'0');
        nanos += u32::from(is_rounded);
        if nanos == 1_000_000_000 {
            return Some(Self {
                whole: whole.saturating_add(1),
                nanos: 0,
                is_rounded,
            });
        }
        Some(Self {
            whole,
            nanos,
            is_rounded,
        })
    }

    /// The next whole number, if it is none.
    pub(super) const fn rounded_up(self) -> u64 {
        self.whole.saturating_add((self.nanos > 0) as u64)
    }

    /// The number as seconds.
    pub(super) const fn as_secs(self) -> Duration {
        Duration::new(self.whole, self.nanos)
    }
}

/// Reads a number of at most eight digits, as most are. It is less than
/// [`LARGEST_DELAY`](super::time::LARGEST_DELAY).
#[inline]
pub(super) fn short(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 8 {
        return None;
    }
    let mut value = 0;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u32::from(digit);
    }
    Some(u64::from(value))
}

/// Returns the number that `text` begins with, and the rest.
fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    let mut rest = text;
    while let Some((byte @ b'0'..=b'9', after)) = rest.split_first() {
        value = value
            .saturating_mul(10)
            .saturating_add(u64::from(byte - b'0'));
        rest = after;
    }
    (rest.len() < text.len()).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_with_at_most_one_point_are_a_number() {
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
    fn other_texts_are_not_numbers() {
        for text in [
            "", " ", "-1", "+1", "1e3", "inf", "nan", "²", "1.", ".5", "1.2.3", "0x10", "1_000",
            "7s", "\"7\"", "null", "1 2", "2, 3",
        ] {
            assert_eq!(Number::read(text.as_bytes()), None, "{text:?}");
        }
    }
}
