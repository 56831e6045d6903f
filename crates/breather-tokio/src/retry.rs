//! Retries of a closure.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use breather::{
    Breather, CallOptions, Hint, Outcome, ReportSlot, Scopes,
    driver::{ActiveCall, Decision, Instant, Moment, NewCall, Seeds, SleepSlot, Timer as _, Wait},
};
use pin_project_lite::pin_project;

use crate::attempt::Attempt;
use crate::entropy::random_seeds;
use crate::error::RetryError;
use crate::judge::{By, ByItself, Hinted, Judge, Rejudge, When};
use crate::timer::TokioTimer;

/// Calls `operation` until it succeeds, by the policy of `breather`.
///
/// An error is followed by another attempt only if [`when`](Retry::when) or
/// [`with_classifier`](Retry::with_classifier) says so, or the error itself, by
/// [`AsOutcome`](breather::AsOutcome). With a [`with_scope`](Retry::with_scope) each attempt passes its pacer.
///
/// # Example
///
/// ```
/// use breather_tokio::breather::Breather;
///
/// # #[derive(Debug, PartialEq)]
/// # struct DbError { transient: bool }
/// # impl DbError { fn is_transient(&self) -> bool { self.transient } }
/// # struct Db(std::cell::Cell<u32>);
/// # impl Db {
/// #     async fn query(&self, _: &str) -> Result<u32, DbError> {
/// #         self.0.set(self.0.get() + 1);
/// #         if self.0.get() < 3 { Err(DbError { transient: true }) } else { Ok(self.0.get()) }
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tokio::RetryError<DbError>> {
/// # let db = Db(std::cell::Cell::new(0));
/// let breather = Breather::default();
/// let rows = breather_tokio::retry(&breather, || async { db.query("SELECT 1").await })
///     .when(|error| error.is_transient())
///     .await?;
/// # assert_eq!(rows, 3);
/// # Ok(())
/// # }
/// ```
pub fn retry<F, Fut, T, E>(
    breather: &Breather,
    mut operation: F,
) -> Retry<impl FnMut(Attempt) -> Fut + use<F, Fut, T, E>, Fut, E>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    retry_with(breather, move |_| operation())
}

/// As [`retry`], for closures that want to know which attempt this is and how much time is left.
///
/// # Example
///
/// ```
/// use breather_tokio::breather::{Breather, Policy};
/// use breather_tokio::retry_with;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let breather = Breather::new(Policy::new().with_deadline(Duration::from_secs(9)));
/// let number = retry_with(&breather, |attempt| async move {
///     let limit = attempt.time_left().unwrap_or(Duration::MAX);
///     assert!(limit <= Duration::from_secs(9));
///     if attempt.number() < 3 { Err("not yet") } else { Ok(attempt.number()) }
/// });
/// assert_eq!(number.when(|_| true).await, Ok(3));
/// # }
/// ```
pub fn retry_with<F, Fut, T, E>(breather: &Breather, operation: F) -> Retry<F, Fut, E>
where
    F: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    Retry {
        state: State::Waiting,
        waiting: SleepSlot::new(),
        operation,
        judge: ByItself,
        notify: |_, _| {},
        last_error: None,
        settings: Settings {
            breather: breather.clone(),
            scopes: None,
            options: None,
            idempotent: false,
            seed: None,
            slot: None,
        },
        call: None,
    }
}

pin_project! {
    /// A closure to be retried: settings first, then `.await`.
    ///
    /// Made by [`retry`] or [`retry_with`]. The call begins when it is first polled. Dropping it cancels the
    /// attempt in flight, and gives back all that it holds.
    ///
    /// # Errors
    ///
    /// The error of the last attempt. If the call stops while it waits for its turn, and has no such error,
    /// [`RetryError::Stopped`]; so, too, if the last attempt was dropped since its time was up, of which
    /// [`notify`](Retry::notify) is not told.
    #[must_use = "futures do nothing unless polled"]
    pub struct Retry<F, Fut, E, J = ByItself, N = fn(&E, &Wait)> {
        // First, so that an attempt is over before its permit is given back.
        #[pin]
        state: State<Fut>,
        #[pin]
        waiting: SleepSlot<TokioTimer>,
        operation: F,
        judge: J,
        notify: N,
        // It says more than a stop does, if the call stops while it waits.
        last_error: Option<E>,
        settings: Settings,
        call: Option<ActiveCall<TokioTimer>>,
    }
}

#[derive(Debug)]
struct Settings {
    breather: Breather,
    scopes: Option<Scopes>,
    options: Option<CallOptions>,
    idempotent: bool,
    seed: Option<u64>,
    slot: Option<ReportSlot>,
}

pin_project! {
    #[project = StateProjection]
    enum State<Fut> {
        Waiting,
        InFlight {
            #[pin]
            attempt: Fut,
            // When its time is up, if ever.
            ends: Option<Instant>,
        },
        Done,
    }
}

impl<F, Fut, E, J, N> Retry<F, Fut, E, J, N> {
    /// Repeats what `condition` holds for, be it executed or not. In place of the error's own
    /// classification.
    ///
    /// Where [`with_hint`](Self::with_hint) reads a time from the error, it counts as a rejection, and otherwise as a
    /// failure that may pass. What an [`AsOutcome`](breather::AsOutcome) says about time is not read unless
    /// [`hint_of_error`](crate::hint_of_error) is set to do so: errors need not be one.
    pub fn when<W>(self, condition: W) -> Retry<F, Fut, E, J::Rejudged, N>
    where
        J: Rejudge<When<W>>,
        W: FnMut(&E) -> bool,
    {
        self.with_judge(|judge| judge.rejudge(When(condition)))
    }

    /// Decides by `classify` what a result means. In place of the error's own classification.
    ///
    /// What may have been executed is repeated only if the call is [`with_idempotent`](Self::with_idempotent).
    /// [`Outcome::pending`] has a value asked for again. If the call stops with such an answer, it is handed on;
    /// if it stops later, waiting for its turn, that answer is gone.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tokio::breather::{Breather, Outcome};
    /// use breather_tokio::retry;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// # let breather = Breather::default();
    /// let mut states = ["queued", "running", "done"].into_iter();
    /// let state = retry(&breather, || std::future::ready(states.next().ok_or("no such job")))
    ///     .with_classifier(|state| match state {
    ///         Ok("done") => Outcome::success(),
    ///         Ok(_) => Outcome::pending("the job is not done"),
    ///         Err(_) => Outcome::permanent("there is no such job"),
    ///     })
    ///     .with_idempotent(true)
    ///     .await;
    /// assert_eq!(state, Ok("done"));
    /// # }
    /// ```
    pub fn with_classifier<T, C>(self, classify: C) -> Retry<F, Fut, E, J::Rejudged, N>
    where
        J: Rejudge<By<C>>,
        Fut: Future<Output = Result<T, E>>,
        C: FnMut(&Result<T, E>) -> Outcome,
    {
        self.with_judge(|judge| judge.rejudge(By(classify)))
    }

    /// Reads by `hint` what a result says about time, a success that tells what remains included. In place of
    /// what the error says itself.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tokio::breather::{Breather, Hint};
    /// use breather_tokio::retry;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// struct Busy(Duration);
    ///
    /// # let breather = Breather::default();
    /// # let start = tokio::time::Instant::now();
    /// let mut answers = [Err(Busy(Duration::from_secs(7))), Ok("rows")].into_iter();
    /// let result = retry(&breather, || std::future::ready(answers.next().unwrap()))
    ///     .when(|_| true)
    ///     .with_hint(|result, received| {
    ///         let hint = Hint::new(received.instant());
    ///         match result {
    ///             Ok(_) => hint,
    ///             Err(busy) => hint.with_retry_after(busy.0),
    ///         }
    ///     })
    ///     .await;
    /// assert!(result.is_ok());
    /// # assert!(start.elapsed() >= Duration::from_secs(7));
    /// # }
    /// ```
    pub fn with_hint<T, H>(self, hint: H) -> Retry<F, Fut, E, Hinted<J, H>, N>
    where
        Fut: Future<Output = Result<T, E>>,
        H: for<'r> FnMut(&'r Result<T, E>, Moment<'_>) -> Hint<'r>,
    {
        self.with_judge(|judge| Hinted { judge, hint })
    }

    /// Tells `notify` of each error that is followed by a wait, before the wait begins.
    pub fn notify<M: FnMut(&E, &Wait)>(self, notify: M) -> Retry<F, Fut, E, J, M> {
        Retry {
            state: self.state,
            waiting: self.waiting,
            operation: self.operation,
            judge: self.judge,
            notify,
            last_error: self.last_error,
            settings: self.settings,
            call: self.call,
        }
    }

    /// Has each attempt pass the pacer of `scope`, with all other calls of that scope that the handle's
    /// clones make: of one, as in `"db"`, or of several, as in `["tenant 7", "db"]`, the most specific first.
    /// Defaults to none.
    pub fn with_scope(mut self, scope: impl Into<Scopes>) -> Self {
        self.settings.scopes = Some(scope.into());
        self
    }

    /// Says that executing the operation twice does no more than executing it once. Defaults to no, except
    /// that what [`when`](Self::when) permits is repeated in any case.
    pub fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.settings.idempotent = idempotent;
        self
    }

    /// Sets what this call asks for otherwise than its handle does: a policy, a deadline, scopes, or no retries.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tokio::breather::{Breather, CallOptions};
    /// use breather_tokio::retry;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// # let breather = Breather::default();
    /// let soon = CallOptions::new().with_deadline(Duration::from_millis(300));
    /// let result = retry(&breather, || std::future::pending::<Result<(), std::io::Error>>())
    ///     .when(|_| true)
    ///     .with_options(soon)
    ///     .await;
    /// assert!(result.unwrap_err().stopped().is_some());
    /// # }
    /// ```
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.settings.options = Some(options);
        self
    }

    /// Sets the seed of the call's delays, for tests that must be the same each time. Defaults to a random
    /// one.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// Sets where the report of the call goes.
    pub fn with_report_slot(mut self, slot: ReportSlot) -> Self {
        self.settings.slot = Some(slot);
        self
    }

    fn with_judge<K>(self, judge: impl FnOnce(J) -> K) -> Retry<F, Fut, E, K, N> {
        Retry {
            state: self.state,
            waiting: self.waiting,
            operation: self.operation,
            judge: judge(self.judge),
            notify: self.notify,
            last_error: self.last_error,
            settings: self.settings,
            call: self.call,
        }
    }
}

impl<F, Fut, T, E, J, N> Future for Retry<F, Fut, E, J, N>
where
    F: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    J: Judge<T, E>,
    N: FnMut(&E, &Wait),
{
    type Output = Result<T, RetryError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let call = this
            .call
            .get_or_insert_with(|| this.settings.start(J::REPEATS_EXECUTED));
        loop {
            let result = match this.state.as_mut().project() {
                StateProjection::Waiting => {
                    if let Err(stopped) = ready!(call.poll_ready(cx, this.waiting.as_mut())) {
                        this.state.set(State::Done);
                        let failed = this.last_error.take().map(RetryError::Failed);
                        return Poll::Ready(Err(failed.unwrap_or(RetryError::Stopped(stopped))));
                    }
                    let ends = call.attempt_deadline();
                    let number = call.attempt();
                    let time_left = ends.map(|ends| ends.duration_since(TokioTimer.now()));
                    let next = Attempt { number, time_left };
                    let attempt = call.in_span(|| (this.operation)(next));
                    this.waiting.set(SleepSlot::new());
                    this.state.set(State::InFlight { attempt, ends });
                    continue;
                }
                StateProjection::InFlight { attempt, ends } => {
                    match (call.in_span(|| attempt.poll(cx)), *ends) {
                        (Poll::Ready(result), _) => result,
                        (Poll::Pending, None) => return Poll::Pending,
                        (Poll::Pending, Some(ends)) => {
                            ready!(call.poll_ends(cx, ends, this.waiting.as_mut()));
                            this.state.set(State::Waiting);
                            // What an earlier attempt ended with is not how this one did.
                            *this.last_error = None;
                            if let Err(stopped) = call.on_timed_out() {
                                this.state.set(State::Done);
                                return Poll::Ready(Err(RetryError::Stopped(stopped)));
                            }
                            continue;
                        }
                    }
                }
                StateProjection::Done => panic!("polled after it was ready"),
            };
            let decision = {
                let hint = this.judge.hint(&result, call.moment());
                let outcome = this.judge.outcome(&result, &hint);
                call.on_outcome(outcome, &hint)
            };
            let Decision::Retry(wait) = decision else {
                this.state.set(State::Done);
                return Poll::Ready(result.map_err(RetryError::Failed));
            };
            // The attempt's future goes before the wait, and all that it holds.
            this.state.set(State::Waiting);
            *this.last_error = result.err();
            if let Some(error) = this.last_error {
                (this.notify)(error, &wait);
            }
        }
    }
}

impl<F, Fut, E, J, N> fmt::Debug for Retry<F, Fut, E, J, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("settings", &self.settings)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

impl Settings {
    fn start(&self, repeats_executed: bool) -> ActiveCall<TokioTimer> {
        let new = NewCall::new()
            .with_scope(self.scopes.as_ref())
            .with_options(self.options.as_ref())
            .with_idempotent(self.idempotent || repeats_executed)
            .with_report_slot(self.slot.as_ref());
        let seed = self.seed.unwrap_or_else(|| SEEDS.draw());
        self.breather.start(new, TokioTimer, seed)
    }
}

static SEEDS: LazyLock<Seeds> = LazyLock::new(random_seeds);
