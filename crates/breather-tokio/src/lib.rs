//! Retries and rate-limit pacing for async closures on tokio.
//!
//! Pass [`retry()`] a closure that calls your database, your gRPC client or any other service. If
//! you name a scope, all closures of that scope share what the service says about its limits.
//! breather then sends calls when the service will accept them, and retries the calls that fail.
//! The crate also has tokio's clock and timer, for authors of adapters.
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
//! A closure without a scope is retried but not paced. It neither waits for other callers nor
//! shares what it learns.
//!
//! If you pause tokio's time in a test, waits of minutes pass at once.
//!
//! Sister crates:
//!
//! - `breather` is the core, which decides whether and when to send. It is re-exported here as
//!   [`breather`].
//! - `breather-reqwest` is a middleware for reqwest clients.
//! - `breather-tower` is a layer for tower services.
//! - `breather-test` has scripted servers and virtual time for your tests.
//!
//! The crate has no features of its own. The oldest supported Rust is 1.85.
//!
//! # Write an adapter
//!
//! Use [`TokioTimer`] to read tokio's clock and to wait, and [`random_seeds`] for the seed of each
//! call. The policy decides everything else.
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
//! // … send the attempt, and tell the call how it ended.
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
