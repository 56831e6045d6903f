//! The hint of an error.

use breather::{AsOutcome, Hint, driver::Moment};

/// Returns the hint of an error that implements [`AsOutcome`].
///
/// Pass it to [`Retry::with_hint`](crate::Retry::with_hint) if you choose the errors to retry with
/// [`when`](crate::Retry::when) and want breather to obey the hint in each error.
///
/// # Example
///
/// ```
/// use breather_tokio::breather::{AsOutcome, Breather, Hint, Outcome, driver::Moment};
/// use breather_tokio::{hint_of_error, retry};
/// use std::time::Duration;
///
/// struct Busy;
///
/// impl AsOutcome for Busy {
///     fn as_outcome(&self) -> Outcome {
///         Outcome::throttled("busy")
///     }
///
///     fn hint(&self, received: Moment<'_>) -> Hint<'_> {
///         Hint::new(received.instant()).with_retry_after(Duration::from_secs(7))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let breather = Breather::default();
/// # let start = tokio::time::Instant::now();
/// let mut answers = [Err(Busy), Ok("rows")].into_iter();
/// let result = retry(&breather, || std::future::ready(answers.next().unwrap()))
///     .when(|_| true)
///     .with_hint(hint_of_error)
///     .await;
/// assert!(result.is_ok());
/// # assert!(start.elapsed() >= Duration::from_secs(7));
/// # }
/// ```
pub fn hint_of_error<'r, T, E: AsOutcome>(
    result: &'r Result<T, E>,
    received: Moment<'_>,
) -> Hint<'r> {
    match result {
        Ok(_) => Hint::new(received.instant()),
        Err(error) => error.hint(received),
    }
}
