//! Retries and pacing by [breather] on tokio: for any async closure, and for adapters a clock and a timer.
//!
//! ```
//! # struct DbError;
//! # impl DbError { fn is_transient(&self) -> bool { true } }
//! # struct Db;
//! # impl Db { async fn query(&self, _: &str) -> Result<u32, DbError> { Ok(7) } }
//! # async fn example(breather: breather::Breather, db: Db, sql: &str) -> Result<(), breather_tokio::RetryError<DbError>> {
//! let rows = breather_tokio::retry(&breather, || async { db.query(sql).await })
//!     .with_scope("reporting db")
//!     .when(|error| error.is_transient())
//!     .await?;
//! # let _ = rows;
//! # Ok(())
//! # }
//! ```
//!
//! Without a scope a closure is retried and not paced, and learns nothing of what others were told.
//!
//! Tokio's paused time works: a test that pauses it sees waits of minutes pass at once.
//!
//! # For adapters
//!
//! [`TokioTimer`] reads tokio's clock and waits on it, and [`random_seeds`] draws what a call needs of entropy.
//! Neither decides anything.
//!
//! ```
//! use breather::{Breather, Hint, Outcome, driver::{NewCall, Decision}};
//! use breather_tokio::{TokioTimer, random_seeds};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), breather::Stopped> {
//! let breather = Breather::default();
//! let seed = random_seeds().draw();
//! let mut call = breather.start(NewCall::new().with_origin("db").with_idempotent(true), TokioTimer, seed);
//! call.ready().await?;
//! // … send the attempt, and say how it ended.
//! let hint = Hint::new(call.moment().instant());
//! let decision = call.on_outcome(Outcome::success(), &hint);
//! assert!(matches!(decision, Decision::End(_)));
//! # Ok(())
//! # }
//! ```

pub use ::breather;

mod attempt;
mod entropy;
mod error;
mod hint_of_error;
pub mod judge;
mod retry;
mod timer;

pub use attempt::Attempt;
pub use entropy::random_seeds;
pub use error::RetryError;
pub use hint_of_error::hint_of_error;
pub use retry::{Retry, retry, retry_with};
pub use timer::TokioTimer;
