//! The type parameters of a [`Retry`](crate::Retry). You don't need to name them.

use breather::{AsOutcome, Executed, Hint, Outcome, driver::Moment};

use self::sealed::Sealed;

/// Classifies the results of a [`Retry`](crate::Retry).
///
/// The default is [`ByItself`]. You replace it with [`when`](crate::Retry::when),
/// [`with_classifier`](crate::Retry::with_classifier) or [`with_hint`](crate::Retry::with_hint).
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
