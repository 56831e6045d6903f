//! How a retried closure fails.

use breather::Stopped;

/// How a [`retry`](crate::retry()) fails.
///
/// Exhaustive on purpose: it is the closure's error or none.
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
    /// The last attempt's error, as it is.
    #[error(transparent)]
    Failed(E),
    /// The call stopped while it waited for its turn, and has no error of an attempt to hand on; or its last
    /// attempt was dropped since its time was up, and may have been executed. If it waited, it was mostly never
    /// sent; if it was, its answer asked to come again.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl<E> RetryError<E> {
    /// The closure's error, if there is one.
    #[must_use]
    pub fn into_failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Stopped(_) => None,
        }
    }

    /// Why the call stopped, if it has no error of the closure's.
    #[must_use]
    pub const fn stopped(&self) -> Option<&Stopped> {
        match self {
            Self::Failed(_) => None,
            Self::Stopped(stopped) => Some(stopped),
        }
    }
}
