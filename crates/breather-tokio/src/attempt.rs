//! The attempt that a closure makes.

use std::time::Duration;

/// The attempt that a closure makes.
///
/// Pass a closure that takes it to [`retry_with`](crate::retry_with).
///
/// # Example
///
/// ```
/// use breather_tokio::breather::Breather;
/// use breather_tokio::{Attempt, retry_with};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let operation = |attempt: Attempt| async move { Ok::<_, std::io::Error>(attempt.number()) };
/// let number = retry_with(&Breather::default(), operation).when(|_| true).await;
/// assert_eq!(number.unwrap(), 1);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) time_left: Option<Duration>,
}

impl Attempt {
    /// Returns the number of the attempt. The first is 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Returns how much time the attempt has when it begins.
    ///
    /// The policy's attempt timeout and the call's deadline limit it. Returns `None` if neither is
    /// set. breather drops the attempt when this time is over. Pass it to your client if the client
    /// should give up earlier.
    #[must_use]
    pub const fn time_left(&self) -> Option<Duration> {
        self.time_left
    }
}
