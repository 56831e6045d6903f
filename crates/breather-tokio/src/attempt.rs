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

    /// How much time is left before the call's deadline as the attempt begins; `None` if it has none.
    #[must_use]
    pub const fn time_left(&self) -> Option<Duration> {
        self.time_left
    }
}
