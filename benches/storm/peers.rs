//! The decisions of other crates, driven in virtual time.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use breather_benches::versioned;
use breather_sim::{Admission, Callers, Client, Failure, Retries};
use fastrand::Rng;
use governor::clock::{Clock as _, FakeRelativeClock};
use governor::{Quota, RateLimiter};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{RetryDecision, RetryPolicy as _};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tower::retry::backoff::{Backoff as _, ExponentialBackoffMaker, MakeBackoff as _};
use tower::retry::budget::{Budget as _, TpsBudget};
use tower_resilience_retry::{ExponentialBackoff as Doubling, IntervalFunction as _};

/// Returns reqwest-retry, with the policy from its documentation.
pub(crate) fn reqwest_retry() -> Client {
    let name = format!("{}, {RETRIES} retries", versioned("reqwest-retry"));
    Client::custom(name, || {
        let policy = ExponentialBackoff::builder().build_with_max_retries(RETRIES);
        each(move |_| {
            each_failure(move |failure| {
                // The policy takes and returns times of the wall clock, which it reads itself.
                let now = SystemTime::now();
                match policy.should_retry(now - failure.now, failure.retry) {
                    RetryDecision::Retry { execute_after } => {
                        Some(execute_after.duration_since(now).unwrap_or_default())
                    }
                    RetryDecision::DoNotRetry => None,
                }
            })
        })
    })
}

/// Returns backon's exponential backoff, with jitter.
pub(crate) fn backon() -> Client {
    let name = format!("{}, jitter, {RETRIES} retries", versioned("backon"));
    Client::custom(name, || {
        each(|seed| {
            let mut delays = ExponentialBuilder::new()
                .with_jitter()
                .with_jitter_seed(seed)
                .with_max_times(RETRIES as usize)
                .build();
            each_failure(move |_| delays.next())
        })
    })
}

/// Returns tower's exponential backoff without a budget, which would be its only limit.
pub(crate) fn tower_without_budget() -> Client {
    let name = format!("{}'s backoff, no budget", versioned("tower"));
    Client::custom(name, || Box::new(Tower::new(None)))
}

/// Returns tower's exponential backoff and its budget, which all callers share.
pub(crate) fn tower() -> Client {
    let name = format!("{}'s backoff and budget", versioned("tower"));
    Client::custom(name, || Box::new(Tower::new(Some(TpsBudget::default))))
}

/// Returns tower-resilience-retry's exponential backoff, as in its documentation.
///
/// It has neither jitter nor a ceiling.
pub(crate) fn tower_resilience() -> Client {
    let name = format!("{}, {RETRIES} retries", versioned("tower-resilience-retry"));
    Client::custom(name, || {
        let backoff = Doubling::new(Duration::from_millis(100));
        each(move |_| {
            let backoff = backoff.clone();
            each_failure(move |failure| {
                let retry = failure.retry;
                (retry < RETRIES).then(|| backoff.next_interval(retry as usize))
            })
        })
    })
}

/// Returns the AWS SDKs' adaptive mode.
pub(crate) fn aws_adaptive() -> Client {
    Client::AwsAdaptive {
        retries: RETRIES,
        quota: Some(500),
    }
}

/// Returns the AWS SDKs' adaptive mode without its retry quota.
pub(crate) fn aws_adaptive_without_quota() -> Client {
    Client::AwsAdaptive {
        retries: RETRIES,
        quota: None,
    }
}

/// Returns governor in front of a loop, set to the exact quota of the server.
pub(crate) fn governor() -> Client {
    let name = format!("{}, 5/s, and the capped loop", versioned("governor"));
    Client::custom(name, || {
        let clock = FakeRelativeClock::default();
        let rate = const { NonZeroU32::new(5).unwrap() };
        Box::new(Governed {
            limiter: RateLimiter::direct_with_clock(Quota::per_second(rate), clock.clone()),
            clock,
        })
    })
}

/// Creates callers that share nothing. `retries` creates the rules of each call from its seed.
fn each(retries: impl Fn(u64) -> Box<dyn Retries> + 'static) -> Box<dyn Callers> {
    Box::new(Each(retries))
}

fn each_failure(decide: impl FnMut(&Failure) -> Option<Duration> + 'static) -> Box<dyn Retries> {
    Box::new(EachFailure(decide))
}

struct Each<F>(F);

impl<F: Fn(u64) -> Box<dyn Retries>> Callers for Each<F> {
    fn call(&mut self, seed: u64) -> Box<dyn Retries> {
        (self.0)(seed)
    }
}

struct EachFailure<F>(F);

impl<F: FnMut(&Failure) -> Option<Duration>> Retries for EachFailure<F> {
    fn on_failure(&mut self, failure: &Failure) -> Option<Duration> {
        (self.0)(failure)
    }
}

/// tower's policy as in its documentation. Failures withdraw and successes deposit.
struct Tower {
    clock: Rc<PausedClock>,
    budget: Option<Rc<TpsBudget>>,
}

impl Tower {
    fn new(budget: Option<fn() -> TpsBudget>) -> Self {
        let clock = Rc::new(PausedClock::new());
        // The budget reads tokio's clock when it is created.
        let budget = budget.map(|new| Rc::new(clock.within(new)));
        Self { clock, budget }
    }
}

impl Callers for Tower {
    fn call(&mut self, seed: u64) -> Box<dyn Retries> {
        let random = Seeded(Rng::with_seed(seed));
        let default = (
            Duration::from_millis(50),
            Duration::from_millis(u64::MAX),
            0.99,
        );
        let maker = ExponentialBackoffMaker::new(default.0, default.1, default.2, random);
        let mut backoff = maker.expect("the defaults are valid").make_backoff();
        Box::new(TowerCall {
            clock: self.clock.clone(),
            budget: self.budget.clone(),
            next: Box::new(move || backoff.next_backoff().deadline() - Instant::now()),
        })
    }
}

struct TowerCall {
    clock: Rc<PausedClock>,
    budget: Option<Rc<TpsBudget>>,
    /// Returns the next backoff.
    next: Box<dyn FnMut() -> Duration>,
}

impl Retries for TowerCall {
    fn on_failure(&mut self, failure: &Failure) -> Option<Duration> {
        self.clock.advance_to(failure.now);
        self.clock.within(|| {
            let permits = self.budget.as_ref().is_none_or(|budget| budget.withdraw());
            permits.then(|| (self.next)())
        })
    }

    fn on_success(&mut self, now: Duration) {
        self.clock.advance_to(now);
        self.clock.within(|| {
            if let Some(budget) = &self.budget {
                budget.deposit();
            }
        });
    }
}

/// tokio's clock, which moves only when it is told to.
struct PausedClock {
    runtime: Runtime,
    start: Instant,
}

impl PausedClock {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without I/O can always be built");
        let start = runtime.block_on(async { Instant::now() });
        Self { runtime, start }
    }

    /// Sets it to `now` since the start.
    fn advance_to(&self, now: Duration) {
        let ahead = (self.start + now).saturating_duration_since(self.within(Instant::now));
        if !ahead.is_zero() {
            self.runtime.block_on(tokio::time::advance(ahead));
        }
    }

    fn within<T>(&self, what: impl FnOnce() -> T) -> T {
        let _guard = self.runtime.enter();
        what()
    }
}

/// governor's limiter with a clock that is told the time.
///
/// A call that finds no free cell asks again when the limiter says.
struct Governed {
    limiter: RateLimiter<
        governor::state::NotKeyed,
        governor::state::InMemoryState,
        FakeRelativeClock,
        governor::middleware::NoOpMiddleware<governor::nanos::Nanos>,
    >,
    clock: FakeRelativeClock,
}

impl Callers for Governed {
    fn admit(&mut self, now: Duration) -> Admission {
        let shown = Duration::from(self.clock.now());
        self.clock.advance(now.saturating_sub(shown));
        match self.limiter.check() {
            Ok(()) => Admission::At(now),
            Err(not_until) => Admission::AskAgain(not_until.earliest_possible().into()),
        }
    }

    fn call(&mut self, seed: u64) -> Box<dyn Retries> {
        let mut random = Rng::with_seed(seed);
        each_failure(move |failure| {
            let delay_s = 2_f64.powi(failure.retry as i32) + random.f64();
            Some(Duration::from_secs_f64(delay_s.min(10.0)))
        })
    }
}

#[derive(Clone, Debug)]
struct Seeded(Rng);

impl tower::util::rng::Rng for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0.u64(..)
    }
}

/// With 3 retries, most calls of each of them end throttled.
const RETRIES: u32 = 10;
