//! The error of a retried closure.

use breather::Stopped;

/// The error of a [`retry`](crate::retry()).
///
/// You can match it exhaustively. A call fails either with the closure's error or without one.
///
/// # Example
///
/// ```
/// use breather_tokio::RetryError;
///
/// let error: RetryError<&str> = RetryError::Failed("no such table");
/// assert_eq!(error.to_string(), "no such table");
/// assert_eq!(error.into_failed(), Some("no such table"));
/// ```
#[expect(clippy::exhaustive_enums)]
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum RetryError<E> {
    /// The last attempt's error, unchanged.
    #[error(transparent)]
    Failed(E),
    /// The call ended without an error of the closure.
    ///
    /// There are two cases:
    ///
    /// - The call was waiting for its turn. Usually it was never sent. If it was sent, its last
    ///   result was a value whose outcome asked for another attempt.
    /// - breather dropped the last attempt because its time was over. The service may have
    ///   processed that attempt.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl<E> RetryError<E> {
    /// Returns the closure's error, if there is one.
    #[must_use]
    pub fn into_failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Stopped(_) => None,
        }
    }

    /// Returns why the call ended, if it has no error of the closure.
    #[must_use]
    pub const fn stopped(&self) -> Option<&Stopped> {
        match self {
            Self::Failed(_) => None,
            Self::Stopped(stopped) => Some(stopped),
        }
    }
}
