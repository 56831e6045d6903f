//! A database that fails now and then, for examples of calls that are no HTTP.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use breather::{AsOutcome, Executed, Hint, Outcome, driver::Moment};
use tokio::time::sleep;

/// A connection to the database.
#[derive(Debug, Default)]
pub struct Db {
    queries: AtomicU32,
}

/// A row of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// Its only column.
    pub id: u32,
}

/// Why a query failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DbError {
    /// Too many connections; one is expected to be free after this time.
    Busy(Duration),
    /// The connection was reset, and nobody knows whether the query was executed.
    Reset,
    /// There is no such table.
    NoTable,
}

impl Db {
    /// Runs a query. Of each three, the first finds the database busy, and the second loses its
    /// connection.
    ///
    /// # Errors
    ///
    /// As said; and always, unless the query is of the table `conversations`.
    pub async fn query(&self, sql: &str) -> Result<Vec<Row>, DbError> {
        sleep(Duration::from_millis(5)).await;
        match self.queries.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => Err(DbError::Busy(Duration::from_millis(300))),
            1 => Err(DbError::Reset),
            _ if sql.contains("conversations") => Ok(vec![Row { id: 1 }, Row { id: 2 }]),
            _ => Err(DbError::NoTable),
        }
    }
}

impl DbError {
    /// Whether it may pass.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Busy(_) | Self::Reset)
    }
}

/// What lets [`retry`](breather_tokio::retry) repeat these errors unasked.
impl AsOutcome for DbError {
    fn as_outcome(&self) -> Outcome {
        match self {
            Self::Busy(_) => Outcome::throttled("the database is busy"),
            Self::Reset => Outcome::transient(Executed::Unknown, "the connection was reset"),
            Self::NoTable => Outcome::permanent("there is no such table"),
        }
    }

    fn hint(&self, received: Moment<'_>) -> Hint<'_> {
        let hint = Hint::new(received.instant());
        match self {
            Self::Busy(time) => hint.with_retry_after(*time),
            _ => hint,
        }
    }
}
