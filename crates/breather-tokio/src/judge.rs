//! What an error of a closure means.

use breather::{AsOutcome, Hint, Moment, Outcome};

/// What an error means to a [`Retry`](crate::Retry).
///
/// [`ByItself`] unless the caller says otherwise by [`when`](crate::Retry::when),
/// [`classify`](crate::Retry::classify) or [`hint`](crate::Retry::hint).
#[diagnostic::on_unimplemented(
    message = "`{E}` does not say whether it may pass",
    note = "say so by `.when(…)` or `.classify(…)`, or implement `breather::AsOutcome` for it"
)]
pub trait Judge<E> {
    /// Whether the caller has said that what may have been executed is to be repeated.
    const REPEATS_EXECUTED: bool = false;

    /// What the server said about time, with an error that was received at `received`.
    fn hint<'e>(&mut self, error: &'e E, received: Moment) -> Hint<'e>;

    /// How the attempt ended.
    fn outcome(&mut self, error: &E, hint: &Hint<'_>) -> Outcome;
}

/// The error's own classification.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ByItself;

impl<E: AsOutcome> Judge<E> for ByItself {
    fn hint<'e>(&mut self, error: &'e E, received: Moment) -> Hint<'e> {
        error.hint(received)
    }

    fn outcome(&mut self, error: &E, _: &Hint<'_>) -> Outcome {
        error.as_outcome()
    }
}

/// A condition of the caller's.
#[derive(Clone, Copy, Debug)]
pub struct When<W>(pub(crate) W);

impl<E, W: FnMut(&E) -> bool> Judge<E> for When<W> {
    const REPEATS_EXECUTED: bool = true;

    fn hint<'e>(&mut self, _: &'e E, received: Moment) -> Hint<'e> {
        Hint::new(received.instant())
    }

    fn outcome(&mut self, error: &E, hint: &Hint<'_>) -> Outcome {
        if !(self.0)(error) {
            Outcome::permanent("the condition does not hold")
        } else if hint.not_before().is_some() {
            Outcome::throttled("the error names a time")
        } else {
            Outcome::transient(breather::Executed::Unknown, "the condition holds")
        }
    }
}

/// A classification of the caller's.
#[derive(Clone, Copy, Debug)]
pub struct By<C>(pub(crate) C);

impl<E, C: FnMut(&E) -> Outcome> Judge<E> for By<C> {
    fn hint<'e>(&mut self, _: &'e E, received: Moment) -> Hint<'e> {
        Hint::new(received.instant())
    }

    fn outcome(&mut self, error: &E, _: &Hint<'_>) -> Outcome {
        (self.0)(error)
    }
}

/// Another judge, with hints that the caller reads from the error.
#[derive(Clone, Copy, Debug)]
pub struct Hinted<J, H> {
    pub(crate) judge: J,
    pub(crate) hint: H,
}

impl<E, J, H> Judge<E> for Hinted<J, H>
where
    J: Judge<E>,
    H: for<'e> FnMut(&'e E, Moment) -> Hint<'e>,
{
    const REPEATS_EXECUTED: bool = J::REPEATS_EXECUTED;

    fn hint<'e>(&mut self, error: &'e E, received: Moment) -> Hint<'e> {
        (self.hint)(error, received)
    }

    fn outcome(&mut self, error: &E, hint: &Hint<'_>) -> Outcome {
        self.judge.outcome(error, hint)
    }
}
