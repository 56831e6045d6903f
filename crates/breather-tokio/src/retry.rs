//! Retries of closures.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use breather::{
    Breather, CallOptions, CostSlot, Hint, Outcome, ReportSlot, Scopes,
    driver::{ActiveCall, Decision, Instant, Moment, NewCall, Seeds, SleepSlot, Timer as _, Wait},
};
use pin_project_lite::pin_project;

use crate::attempt::Attempt;
use crate::entropy::random_seeds;
use crate::error::RetryError;
use crate::judge::{By, ByItself, Hinted, Judge, Rejudge, When};
use crate::timer::TokioTimer;

/// Calls `operation` until it succeeds or the policy ends the call.
///
/// breather retries an error only if [`when`](Retry::when) or
/// [`with_classifier`](Retry::with_classifier) says so, or if the error itself does with
/// [`AsOutcome`](breather::AsOutcome). Add [`with_scope`](Retry::with_scope) to pace the attempts
/// as well.
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

/// Calls `operation` like [`retry`], and passes it the current [`Attempt`].
///
/// Use it if your closure needs the number of the attempt or the time that is left.
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
            cost_slot: None,
        },
        call: None,
    }
}

pin_project! {
    /// A future that retries a closure.
    ///
    /// [`retry`] and [`retry_with`] create it. Change its settings first, and then `.await` it. The
    /// call begins at the first poll. If you drop the future, breather cancels the attempt in
    /// flight and releases everything that the call holds.
    ///
    /// # Errors
    ///
    /// You get the error of the last attempt. You get [`RetryError::Stopped`] in two cases:
    ///
    /// - The call ends while it waits for its turn, and its last attempt had no error.
    /// - breather drops the last attempt because its time is over. In this case
    ///   [`notify`](Retry::notify) is not called.
    #[must_use = "futures do nothing unless polled"]
    pub struct Retry<F, Fut, E, J = ByItself, N = fn(&E, &Wait)> {
        // The first field drops first, so an attempt ends before its permit is returned.
        #[pin]
        state: State<Fut>,
        #[pin]
        waiting: SleepSlot<TokioTimer>,
        operation: F,
        judge: J,
        notify: N,
        // If the call ends while it waits, this error says more than `Stopped`.
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
    cost_slot: Option<CostSlot>,
}

pin_project! {
    #[project = StateProjection]
    enum State<Fut> {
        Waiting,
        InFlight {
            #[pin]
            attempt: Fut,
            // When its time is over, if it has a limit.
            ends: Option<Instant>,
        },
        Done,
    }
}

impl<F, Fut, E, J, N> Retry<F, Fut, E, J, N> {
    /// Retries errors for which `condition` returns `true`.
    ///
    /// breather retries them even if the service may have processed the attempt. The condition
    /// replaces the error's own classification.
    ///
    /// An error counts as a rejection if [`with_hint`](Self::with_hint) reads a time from it, and
    /// otherwise as a transient failure. The error need not implement
    /// [`AsOutcome`](breather::AsOutcome). If it does, pass [`hint_of_error`](fn@crate::hint_of_error)
    /// to `with_hint` to obey the hint in the error.
    pub fn when<W>(self, condition: W) -> Retry<F, Fut, E, J::Rejudged, N>
    where
        J: Rejudge<When<W>>,
        W: FnMut(&E) -> bool,
    {
        self.with_judge(|judge| judge.rejudge(When(condition)))
    }

    /// Sets the classifier, which decides the outcome of each result.
    ///
    /// It replaces the error's own classification. If the service may have processed the attempt,
    /// breather retries it only if you set [`with_idempotent`](Self::with_idempotent).
    ///
    /// Return [`Outcome::pending`] to ask again for a value that is not final. If the call ends
    /// with that value, you get it. If the call ends later, while it waits for its turn, the value
    /// is gone.
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

    /// Sets the function that reads a hint from each result.
    ///
    /// It replaces the error's own hint. breather also calls it for successes, because they may
    /// report the remaining quota.
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

    /// Calls `notify` with each error that is retried, before the wait begins.
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

    /// Paces each attempt with all other calls of `scope`.
    ///
    /// Pass one scope, for example `"db"`, or several with the most specific first, for example
    /// `["tenant 7", "db"]`. All clones of the [`Breather`] share its scopes. By default a closure
    /// has no scope and is not paced.
    pub fn with_scope(mut self, scope: impl Into<Scopes>) -> Self {
        self.settings.scopes = Some(scope.into());
        self
    }

    /// Sets whether the operation may be executed twice.
    ///
    /// Set `true` if a second execution has no further effect. The default is `false`. Errors that
    /// [`when`](Self::when) permits are retried in any case.
    pub fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.settings.idempotent = idempotent;
        self
    }

    /// Sets options that override the settings of the [`Breather`] for this call.
    ///
    /// You can set another policy, a deadline or scopes, or turn off retries.
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

    /// Sets the seed of the call's delays.
    ///
    /// Use it in tests, so that the delays are the same in each run. By default the seed is random.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// Sets the slot that receives the report of the call.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tokio::breather::{Breather, ReportSlot};
    /// use breather_tokio::retry;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let slot = ReportSlot::new();
    /// let result = retry(&Breather::default(), || std::future::ready(Ok::<_, std::io::Error>(7)))
    ///     .when(|_| true)
    ///     .with_report_slot(slot.clone())
    ///     .await;
    /// assert_eq!(result.unwrap(), 7);
    /// assert_eq!(slot.report().unwrap().attempts(), 1);
    /// # }
    /// ```
    pub fn with_report_slot(mut self, slot: ReportSlot) -> Self {
        self.settings.slot = Some(slot);
        self
    }

    /// Sets the slot to settle once you know the actual cost of the call.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tokio::breather::{Breather, CallOptions, CostSlot, Unit};
    /// use breather_tokio::retry;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let slot = CostSlot::new();
    /// let tokens = retry(&Breather::default(), || std::future::ready(Ok::<_, std::io::Error>(870)))
    ///     .when(|_| true)
    ///     .with_scope("llm")
    ///     .with_options(CallOptions::new().with_cost(Unit::Tokens, 1_000))
    ///     .with_cost_slot(slot.clone())
    ///     .await;
    /// assert_eq!(tokens.as_ref().ok(), Some(&870));
    /// slot.settle(Unit::Tokens, 870);
    /// # }
    /// ```
    pub fn with_cost_slot(mut self, slot: CostSlot) -> Self {
        self.settings.cost_slot = Some(slot);
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
                            // The error of an earlier attempt is not the result of this one.
                            *this.last_error = None;
                            if let Err(stopped) = call.on_timed_out() {
                                this.state.set(State::Done);
                                return Poll::Ready(Err(RetryError::Stopped(stopped)));
                            }
                            continue;
                        }
                    }
                }
                StateProjection::Done => panic!("`Retry` was polled after it completed"),
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
            // Drop the attempt's future before the wait, with everything that it holds.
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
            .with_report_slot(self.slot.as_ref())
            .with_cost_slot(self.cost_slot.as_ref());
        let seed = self.seed.unwrap_or_else(|| SEEDS.draw());
        self.breather.start(new, TokioTimer, seed)
    }
}

static SEEDS: LazyLock<Seeds> = LazyLock::new(random_seeds);
