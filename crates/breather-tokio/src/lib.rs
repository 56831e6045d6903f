//! The tokio clock and timer for [breather].
//!
//! This crate reads tokio's clock and waits on it; it decides nothing. Tokio's paused time works: a
//! test that pauses it sees waits of minutes pass at once.
//!
//! # Example
//!
//! ```
//! use breather::{Breather, CallSpec, Decision, Hint, Outcome};
//! use breather_tokio::{Seeds, TokioTimer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), breather::Stopped> {
//! let breather = Breather::default();
//! let seed = Seeds::random().draw();
//! let mut call = breather.start(Some("db"), CallSpec::new(), TokioTimer, seed);
//! let mut tries = 0;
//! loop {
//!     call.ready().await?;
//!     tries += 1;
//!     let outcome = match tries {
//!         1 => Outcome::throttled("busy"),
//!         _ => Outcome::success(),
//!     };
//!     let hint = Hint::new(call.moment().instant());
//!     match call.on_outcome(outcome, &hint) {
//!         Decision::Retry(_) => {}
//!         Decision::Stop(_) => break,
//!     }
//! }
//! assert_eq!(call.report().attempts(), 2);
//! # Ok(())
//! # }
//! ```

pub use ::breather;

mod seed;
mod timer;

pub use seed::Seeds;
pub use timer::TokioTimer;
