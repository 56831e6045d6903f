//! A flaky database for examples of calls that do not use HTTP.

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

/// A row of a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// The only column.
    pub id: u32,
}

/// Why a query failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DbError {
    /// The database has too many connections. One should be free after this time.
    Busy(Duration),
    /// The connection was reset. The database may have executed the query.
    Reset,
    /// The table does not exist.
    NoTable,
}

impl Db {
    /// Runs a query.
    ///
    /// # Errors
    ///
    /// In each group of three queries, the first fails with `Busy` and the second with `Reset`. The
    /// third fails with `NoTable` unless it reads the table `conversations`.
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
    /// Returns whether a retry may succeed.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Busy(_) | Self::Reset)
    }
}

/// Tells [`retry`](breather_tokio::retry) which errors to retry, so you need no condition.
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
