//! What a closure may want to know.

use std::time::Duration;

/// The attempt that a closure is to make.
///
/// See [`retry_with`](crate::retry_with).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) time_left: Option<Duration>,
}

impl Attempt {
    /// Its number, from 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// How much time the attempt has as it begins, by the policy's attempt time-out and the call's deadline; `None` if
    /// there is neither. It is dropped then; what it asks may be told, to give up earlier.
    #[must_use]
    pub const fn time_left(&self) -> Option<Duration> {
        self.time_left
    }
}
