//! The type parameters of a [`Retry`](crate::Retry). You don't need to name them.

use breather::{AsOutcome, Executed, Hint, Outcome, driver::Moment};

use self::sealed::Sealed;

/// Classifies the results of a [`Retry`](crate::Retry).
///
/// The default is [`ByItself`]. You replace it with [`when`](crate::Retry::when),
/// [`with_classifier`](crate::Retry::with_classifier) or [`with_hint`](crate::Retry::with_hint).
///
/// # Example
///
/// Name it in a function that takes any [`Retry`](crate::Retry).
///
/// ```
/// use breather_tokio::{Attempt, Retry, judge::Judge, retry};
/// # use breather_tokio::breather::Breather;
///
/// async fn or_default<F, Fut, T, E, J>(retry: Retry<F, Fut, E, J>) -> T
/// where
///     F: FnMut(Attempt) -> Fut,
///     Fut: Future<Output = Result<T, E>>,
///     T: Default,
///     J: Judge<T, E>,
/// {
///     retry.await.unwrap_or_default()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let breather = Breather::default();
/// let rows = retry(&breather, || async { Err::<Vec<u8>, _>("no such table") }).when(|_| false);
/// assert!(or_default(rows).await.is_empty());
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{E}` does not say whether a retry may help",
    note = "say so by `.when(…)` or `.with_classifier(…)`, or implement `breather::AsOutcome` for it"
)]
pub trait Judge<T, E>: Sealed {
    /// Whether the caller permits retries of attempts that the server may have processed.
    const REPEATS_EXECUTED: bool = false;

    /// Returns the hint in a result that was received at `received`.
    fn hint<'r>(&mut self, result: &'r Result<T, E>, received: Moment<'_>) -> Hint<'r>;

    /// Returns the outcome of the attempt.
    fn outcome(&mut self, result: &Result<T, E>, hint: &Hint<'_>) -> Outcome;
}

/// Uses the error's own classification.
///
/// # Example
///
/// ```
/// use breather_tokio::breather::{AsOutcome, Breather, Outcome};
/// use breather_tokio::{Retry, judge::ByItself, retry};
///
/// #[derive(Debug, PartialEq)]
/// struct Busy;
///
/// impl AsOutcome for Busy {
///     fn as_outcome(&self) -> Outcome {
///         Outcome::throttled("busy")
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let breather = Breather::default();
/// let mut answers = [Err(Busy), Ok("rows")].into_iter();
/// let rows: Retry<_, _, Busy, ByItself> =
///     retry(&breather, || std::future::ready(answers.next().unwrap()));
/// assert_eq!(rows.await, Ok("rows"));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ByItself;

impl<T, E: AsOutcome> Judge<T, E> for ByItself {
    fn hint<'r>(&mut self, result: &'r Result<T, E>, received: Moment<'_>) -> Hint<'r> {
        match result {
            Ok(_) => Hint::new(received.instant()),
            Err(error) => error.hint(received),
        }
    }

    fn outcome(&mut self, result: &Result<T, E>, _: &Hint<'_>) -> Outcome {
        match result {
            Ok(_) => Outcome::success(),
            Err(error) => error.as_outcome(),
        }
    }
}

/// Uses the caller's condition on errors.
///
/// # Example
///
/// ```
/// use breather_tokio::{Retry, RetryError, judge::When, retry};
/// # use breather_tokio::breather::Breather;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let breather = Breather::default();
/// let mut answers = [Err("locked"), Err("no such table"), Ok("rows")].into_iter();
/// let rows: Retry<_, _, &str, When<_>> =
///     retry(&breather, || std::future::ready(answers.next().unwrap()))
///         .when(|error| *error == "locked");
/// assert_eq!(rows.await, Err(RetryError::Failed("no such table")));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct When<W>(pub(crate) W);

impl<T, E, W: FnMut(&E) -> bool> Judge<T, E> for When<W> {
    const REPEATS_EXECUTED: bool = true;

    fn hint<'r>(&mut self, _: &'r Result<T, E>, received: Moment<'_>) -> Hint<'r> {
        Hint::new(received.instant())
    }

    fn outcome(&mut self, result: &Result<T, E>, hint: &Hint<'_>) -> Outcome {
        match result {
            Ok(_) => Outcome::success(),
            Err(error) if !(self.0)(error) => Outcome::permanent("the condition does not hold"),
            Err(_) if hint.not_before().is_some() => Outcome::throttled("the error names a time"),
            Err(_) => Outcome::transient(Executed::Unknown, "the condition holds"),
        }
    }
}

/// Uses the caller's classifier.
///
/// # Example
///
/// ```
/// use breather_tokio::breather::{Breather, Executed, Outcome};
/// use breather_tokio::{Retry, judge::By, retry};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let breather = Breather::default();
/// let mut answers = [Err("locked"), Ok("rows")].into_iter();
/// let rows: Retry<_, _, &str, By<_>> =
///     retry(&breather, || std::future::ready(answers.next().unwrap()))
///         .with_classifier(|result| match result {
///             Ok(_) => Outcome::success(),
///             // The database did not execute the query, so it may be sent again.
///             Err(error) => Outcome::transient(Executed::No, error),
///         });
/// assert_eq!(rows.await, Ok("rows"));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct By<C>(pub(crate) C);

impl<T, E, C: FnMut(&Result<T, E>) -> Outcome> Judge<T, E> for By<C> {
    fn hint<'r>(&mut self, _: &'r Result<T, E>, received: Moment<'_>) -> Hint<'r> {
        Hint::new(received.instant())
    }

    fn outcome(&mut self, result: &Result<T, E>, _: &Hint<'_>) -> Outcome {
        (self.0)(result)
    }
}

/// Uses another judge, and hints that the caller reads from the result.
///
/// # Example
///
/// ```
/// use breather_tokio::breather::{Breather, Hint};
/// use breather_tokio::judge::{Hinted, When};
/// use breather_tokio::{Retry, retry};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let breather = Breather::default();
/// let start = tokio::time::Instant::now();
/// let mut answers = [Err(Duration::from_secs(7)), Ok("rows")].into_iter();
/// let rows: Retry<_, _, Duration, Hinted<When<_>, _>> =
///     retry(&breather, || std::future::ready(answers.next().unwrap()))
///         .when(|_| true)
///         .with_hint(|result, received| match result {
///             Ok(_) => Hint::new(received.instant()),
///             Err(wait) => Hint::new(received.instant()).with_retry_after(*wait),
///         });
/// assert_eq!(rows.await, Ok("rows"));
/// assert!(start.elapsed() >= Duration::from_secs(7));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hinted<J, H> {
    pub(crate) judge: J,
    pub(crate) hint: H,
}

impl<T, E, J, H> Judge<T, E> for Hinted<J, H>
where
    J: Judge<T, E>,
    H: for<'r> FnMut(&'r Result<T, E>, Moment<'_>) -> Hint<'r>,
{
    const REPEATS_EXECUTED: bool = J::REPEATS_EXECUTED;

    fn hint<'r>(&mut self, result: &'r Result<T, E>, received: Moment<'_>) -> Hint<'r> {
        (self.hint)(result, received)
    }

    fn outcome(&mut self, result: &Result<T, E>, hint: &Hint<'_>) -> Outcome {
        self.judge.outcome(result, hint)
    }
}

/// Replaces a judge and keeps its hints.
///
/// # Example
///
/// Name it in a function that changes any [`Retry`](crate::Retry).
///
/// ```
/// use breather_tokio::{Retry, judge::{Rejudge, When}, retry};
/// # use breather_tokio::breather::{Breather, Hint};
/// # use std::time::Duration;
///
/// fn retry_all<F, Fut, E, J>(retry: Retry<F, Fut, E, J>) -> Retry<F, Fut, E, J::Rejudged>
/// where
///     J: Rejudge<When<fn(&E) -> bool>>,
/// {
///     retry.when(|_| true)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let breather = Breather::default();
/// let start = tokio::time::Instant::now();
/// let mut answers = [Err(Duration::from_secs(7)), Ok("rows")].into_iter();
/// let rows = retry(&breather, || std::future::ready(answers.next().unwrap()))
///     .when(|_| false)
///     .with_hint(|result, received| match result {
///         Ok(_) => Hint::new(received.instant()),
///         Err(wait) => Hint::new(received.instant()).with_retry_after(*wait),
///     });
/// // The condition is replaced, and the hint still counts.
/// assert_eq!(retry_all(rows).await, Ok("rows"));
/// assert!(start.elapsed() >= Duration::from_secs(7));
/// # }
/// ```
pub trait Rejudge<K>: Sealed {
    /// The new judge.
    type Rejudged;

    /// Replaces the judge with `judge`.
    fn rejudge(self, judge: K) -> Self::Rejudged;
}

impl<K> Rejudge<K> for ByItself {
    type Rejudged = K;

    fn rejudge(self, judge: K) -> K {
        judge
    }
}

impl<K, W> Rejudge<K> for When<W> {
    type Rejudged = K;

    fn rejudge(self, judge: K) -> K {
        judge
    }
}

impl<K, C> Rejudge<K> for By<C> {
    type Rejudged = K;

    fn rejudge(self, judge: K) -> K {
        judge
    }
}

impl<K, J, H> Rejudge<K> for Hinted<J, H> {
    type Rejudged = Hinted<K, H>;

    fn rejudge(self, judge: K) -> Hinted<K, H> {
        let hint = self.hint;
        Hinted { judge, hint }
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "others must not implement it")]
    pub trait Sealed {}
}

impl Sealed for ByItself {}
impl<W> Sealed for When<W> {}
impl<C> Sealed for By<C> {}
impl<J, H> Sealed for Hinted<J, H> {}
