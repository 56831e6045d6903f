//! The `RateLimit` dictionary of the IETF's draft -07.

use super::found::Entry;
use super::reading::IgnoreReason;
use super::structured::dictionary;
use super::window::{Stated, Window};

/// The figures of one dictionary line.
pub(super) struct Members<'a> {
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) reset: Option<Stated<'a>>,
    /// Whether some of it has no effect.
    pub(super) is_partial: bool,
}

impl<'a> Members<'a> {
    /// Reads a line.
    pub(super) fn read(entry: &Entry<'a>) -> Result<Self, IgnoreReason> {
        let members = dictionary(entry.value).ok_or(IgnoreReason::Unreadable)?;
        // Several lines make one dictionary. If a key is there twice, the last one counts.
        let (mut limit, mut remaining, mut reset) = (None, None, None);
        for (key, item) in members {
            let number = Some(item.bare.integer());
            match key {
                "limit" => limit = number,
                "remaining" => remaining = number,
                "reset" => reset = number,
                _ => {}
            }
        }
        // If one is no number, the others are not believed either.
        let read = |number: Option<Option<u64>>| match number {
            Some(None) => Err(IgnoreReason::Unreadable),
            number => Ok(number.flatten()),
        };
        let (limit, remaining, seconds) = (read(limit)?, read(remaining)?, read(reset)?);
        let reset = seconds.and_then(|seconds| entry.stated_seconds(seconds));
        if limit.is_none() && remaining.is_none() && reset.is_none() {
            return Err(IgnoreReason::Unreadable);
        }
        Ok(Self {
            limit,
            remaining,
            reset,
            is_partial: limit == Some(0) || seconds.is_some() && reset.is_none(),
        })
    }

    /// Writes the figures to `window`. They outrank other headers.
    pub(super) fn tell(&self, window: &mut Window<'a>) {
        window.limit = self.limit.or(window.limit);
        window.remaining = self.remaining.or(window.remaining);
        window.reset = self.reset.or(window.reset);
    }
}
