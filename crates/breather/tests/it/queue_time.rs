//! The longest time for which a call waits for permits.

use std::task::Waker;
use std::time::Duration;

use breather::{
    Breather, CallOptions, End, EndReason, Executed, Hint, Outcome, Pacing, Policy, Scopes,
    driver::{ActiveCall, Decision, Instant, NewCall, Step, Timer},
    hint::Window,
};
use breather_test::VirtualTimer;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

type Active = ActiveCall<VirtualTimer>;

/// A handle whose calls wait for 2 s at most.
struct Scope {
    breather: Breather,
    timer: VirtualTimer,
    scopes: Scopes,
}

impl Scope {
    fn new() -> Self {
        Self::paced(Pacing::new())
    }

    fn paced(pacing: Pacing) -> Self {
        let policy = Policy::new().with_max_queue_time(2 * SECOND);
        let builder = Breather::builder().with_policy(policy);
        Self {
            breather: builder.with_pacing(pacing).build(),
            timer: VirtualTimer::default(),
            scopes: "api".into(),
        }
    }

    fn call(&self) -> Active {
        self.call_with(CallOptions::new())
    }

    fn call_with(&self, options: CallOptions) -> Active {
        let new = NewCall::new().with_idempotent(true).with_options(&options);
        let new = new.with_scope(&self.scopes);
        let seed = self.timer.now().as_nanos();
        self.breather.start(new, self.timer.clone(), seed)
    }

    /// Returns the hint of a window that is spent for `reset`.
    fn spent(&self, reset: Duration) -> Hint<'static> {
        let window = Window::new("").with_limit(9).with_remaining(0);
        Hint::new(self.timer.now()).with_window(window.with_reset(reset))
    }

    /// Has a call sent and answered at once with a window that is spent for `reset`.
    fn spend(&self, reset: Duration) {
        let mut call = self.call();
        assert_eq!(step(&mut call), Step::Send);
        let _ = call.on_outcome(Outcome::success(), &self.spent(reset));
    }

    /// Holds the scope by a throttled response that does not say for how long. Returns the throttled call.
    fn reject(&self) -> Active {
        let mut call = self.call();
        assert_eq!(step(&mut call), Step::Send);
        let decision = call.on_outcome(throttled(), &Hint::new(self.timer.now()));
        assert!(matches!(decision, Decision::Retry(_)), "{decision:?}");
        call
    }
}

fn throttled() -> Outcome {
    Outcome::throttled("status 429")
}

fn step(call: &mut Active) -> Step {
    call.poll_step(Waker::noop())
}

fn end(call: &mut Active) -> End {
    match step(call) {
        Step::End(stopped) => *stopped.end(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn window_that_is_spent_for_longer_ends_a_call_at_once() {
    for scopes in [Scopes::from("api"), Scopes::from(["api", "organisation"])] {
        let scope = Scope {
            scopes,
            ..Scope::new()
        };
        scope.spend(3 * SECOND);
        let end = end(&mut scope.call());
        assert_eq!(end.reason(), EndReason::MaxQueueTime);
        assert_eq!(end.retry_after(), Some(3 * SECOND));
    }
}

#[test]
fn window_that_is_spent_for_less_is_waited_for() {
    let scope = Scope::new();
    scope.spend(2 * SECOND);
    let mut call = scope.call();
    assert!(matches!(step(&mut call), Step::Wait { .. }));
    scope.timer.advance(2 * SECOND);
    assert_eq!(step(&mut call), Step::Send);
}

#[test]
fn hold_that_grows_while_a_call_waits_ends_it() {
    let scope = Scope::new();
    let mut first = scope.call();
    let mut late = scope.call();
    assert_eq!(
        (step(&mut first), step(&mut late)),
        (Step::Send, Step::Send)
    );
    let decision = first.on_outcome(throttled(), &scope.spent(SECOND));
    assert!(matches!(decision, Decision::Retry(_)), "{decision:?}");
    let mut waiting = scope.call();
    assert!(matches!(step(&mut waiting), Step::Wait { .. }));
    // The other attempt of the same burst learns more.
    let Decision::End(own) = late.on_outcome(throttled(), &scope.spent(9 * SECOND)) else {
        panic!("it is retried");
    };
    for end in [own, end(&mut waiting)] {
        assert_eq!(end.reason(), EndReason::MaxQueueTime);
        assert_eq!(end.retry_after(), Some(9 * SECOND));
    }
}

#[test]
fn call_ends_when_it_has_waited_for_so_long() {
    let scope = Scope::paced(Pacing::new().with_max_in_flight(1));
    let mut first = scope.call();
    assert_eq!(step(&mut first), Step::Send);
    let mut call = scope.call();
    let Step::Wait { until: Some(until) } = step(&mut call) else {
        panic!("it does not wait");
    };
    assert_eq!(until, scope.timer.now() + 2 * SECOND);
    scope.timer.advance(2 * SECOND - MS);
    assert!(matches!(step(&mut call), Step::Wait { .. }));
    scope.timer.advance(MS);
    let end = end(&mut call);
    assert_eq!((end.reason(), end.at()), (EndReason::MaxQueueTime, until));
    // Nobody knows when the attempt in flight ends.
    assert_eq!(end.retry_at(), None);
    assert_eq!(scope.breather.snapshot("api").unwrap().queued(), 0);
}

#[test]
fn guess_of_the_end_of_a_hold_is_in_the_end() {
    let scope = Scope::paced(Pacing::new().with_silent_hold(9 * SECOND));
    let _throttled = scope.reject();
    let mut call = scope.call();
    assert!(matches!(step(&mut call), Step::Wait { .. }));
    scope.timer.advance(2 * SECOND);
    let end = end(&mut call);
    assert_eq!(end.reason(), EndReason::MaxQueueTime);
    assert_eq!(end.retry_after(), Some(7 * SECOND));
    let text = "no permit in time; retry possible in 7s";
    assert_eq!(end.to_string(), text);
}

#[test]
fn zero_permits_no_wait_at_all() {
    let scope = Scope::new();
    let now_or_never = || scope.call_with(CallOptions::new().with_max_queue_time(Duration::ZERO));
    assert_eq!(step(&mut now_or_never()), Step::Send);
    let _throttled = scope.reject();
    assert_eq!(end(&mut now_or_never()).reason(), EndReason::MaxQueueTime);
}

#[test]
fn time_counts_over_all_attempts_and_without_backoffs() {
    let scope = Scope::paced(Pacing::new().with_max_in_flight(1));
    let silent = || Hint::new(scope.timer.now());
    let mut other = scope.call();
    let mut call = scope.call();
    assert_eq!(step(&mut other), Step::Send);
    assert!(matches!(step(&mut call), Step::Wait { .. }));
    scope.timer.advance(1_500 * MS);
    let _ = other.on_outcome(Outcome::success(), &silent());
    assert_eq!(step(&mut call), Step::Send);
    let failed = Outcome::transient(Executed::No, "refused");
    let Decision::Retry(wait) = call.on_outcome(failed, &silent()) else {
        panic!("it ends");
    };
    // Another call takes the only place meanwhile.
    let mut other = scope.call();
    assert_eq!(step(&mut other), Step::Send);
    scope.timer.advance(wait.delay());
    let Step::Wait { until } = step(&mut call) else {
        panic!("it does not wait");
    };
    assert_eq!(until, Some(scope.timer.now() + 500 * MS));
    scope.timer.advance(500 * MS);
    assert_eq!(end(&mut call).reason(), EndReason::MaxQueueTime);
}

#[test]
fn earlier_deadline_comes_first() {
    let scope = Scope::paced(Pacing::new().with_max_in_flight(1));
    let mut first = scope.call();
    assert_eq!(step(&mut first), Step::Send);
    let mut call = scope.call_with(CallOptions::new().with_deadline(SECOND));
    let Step::Wait { until } = step(&mut call) else {
        panic!("it does not wait");
    };
    assert_eq!(until, Some(Instant::ORIGIN + SECOND));
    scope.timer.advance(SECOND);
    assert_eq!(end(&mut call).reason(), EndReason::Deadline);
}

#[test]
fn call_that_is_not_paced_is_not_queued() {
    let policy = Policy::new().with_max_queue_time(Duration::ZERO);
    let breather = Breather::new(policy);
    let timer = VirtualTimer::default();
    let new = NewCall::new().with_idempotent(true);
    let mut call = breather.start(new, timer.clone(), 1);
    assert_eq!(step(&mut call), Step::Send);
    let hint = Hint::new(timer.now()).with_retry_after(SECOND);
    let decision = call.on_outcome(throttled(), &hint);
    assert!(matches!(decision, Decision::Retry(_)), "{decision:?}");
}

#[test]
fn wait_that_rules_out_no_permit_does_not_count() {
    let scope = Scope::new();
    let mut call = scope.call();
    assert_eq!(step(&mut call), Step::Send);
    // The server failed, and asks this call to come back later. It does not throttle the scope.
    let failed = Outcome::transient(Executed::No, "status 500");
    let hint = Hint::new(scope.timer.now()).with_retry_after(9 * SECOND);
    let decision = call.on_outcome(failed, &hint);
    assert!(matches!(decision, Decision::Retry(_)), "{decision:?}");
    scope.timer.advance(9 * SECOND);
    assert_eq!(step(&mut call), Step::Send);
}

#[test]
fn report_says_which_stated_limit_a_call_waited_for() {
    for scopes in [Scopes::from("api"), Scopes::from(["api", "organisation"])] {
        let scope = Scope {
            scopes,
            ..Scope::paced(Pacing::new().with_max_in_flight(1))
        };
        let mut first = scope.call();
        assert_eq!(step(&mut first), Step::Send);
        let mut second = scope.call();
        assert!(matches!(step(&mut second), Step::Wait { .. }));
        scope.timer.advance(SECOND);
        let _ = first.on_outcome(Outcome::success(), &Hint::new(scope.timer.now()));
        assert_eq!(step(&mut second), Step::Send);
        let _ = second.on_outcome(Outcome::success(), &Hint::new(scope.timer.now()));
        let said = second.report().to_string();
        assert_eq!(
            said,
            "succeeded after 1 attempt, waited 1s, limited by max_in_flight"
        );
        assert_eq!(first.report().stated_limits().count(), 0);
    }
}

#[test]
fn earlier_of_deadline_and_queue_time_is_the_reason() {
    for (deadline, reason) in [
        (SECOND, EndReason::Deadline),
        (3 * SECOND, EndReason::MaxQueueTime),
    ] {
        let scope = Scope::new();
        scope.spend(9 * SECOND);
        let mut call = scope.call_with(CallOptions::new().with_deadline(deadline));
        assert_eq!(end(&mut call).reason(), reason, "{deadline:?}");
    }
}
