//! Waits that a policy forbids, and very long holds.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use breather::{
    Breather, CallOptions, End, EndReason, Executed, Hint, Outcome, Pace, Pacing, Policy,
    driver::{ActiveCall, Decision, Instant, NewCall, Step, Timer},
    hint::Window,
};
use breather_test::{VirtualTimer, WakeCounter};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// The longest `Retry-After` that the default policy accepts.
const LONGEST: Duration = Duration::from_secs(300);

type Active = ActiveCall<VirtualTimer>;

/// A handle and its clock.
struct Scope {
    breather: Breather,
    timer: VirtualTimer,
}

impl Scope {
    fn new() -> Self {
        Self::paced(Pacing::new())
    }

    fn paced(pacing: Pacing) -> Self {
        let scope = Self {
            breather: Breather::builder().with_pacing(pacing).build(),
            timer: VirtualTimer::default(),
        };
        scope.timer.advance(HOUR);
        scope
    }

    fn start(&self, new: NewCall<'_>) -> Active {
        let seed = self.timer.now().as_nanos();
        let new = new.with_origin("api");
        self.breather.start(new, self.timer.clone(), seed)
    }

    fn call(&self) -> Active {
        self.start(NewCall::new().with_idempotent(true))
    }

    fn call_with(&self, options: CallOptions) -> Active {
        self.start(NewCall::new().with_idempotent(true).with_options(&options))
    }

    fn step(&self) -> Step {
        step(&mut self.call())
    }

    /// Returns the end of a new call that ends immediately.
    fn ends(&self, options: CallOptions) -> End {
        let mut call = self.call_with(options);
        match step(&mut call) {
            Step::End(stopped) => *stopped.end(),
            other => panic!("{other:?}"),
        }
    }

    fn hint(&self) -> Hint<'static> {
        Hint::new(self.timer.now())
    }

    /// Sends a call, and ends it with `outcome` and `hint`.
    fn answer(&self, outcome: Outcome, hint: &Hint<'_>) -> Active {
        let mut call = self.call();
        assert_eq!(step(&mut call), Step::Send);
        let _ = call.on_outcome(outcome, hint);
        call
    }

    /// Accepts a call, and reports `remaining` of `limit` until `reset`.
    fn accepts(&self, limit: u64, remaining: u64, reset: Duration) {
        let window = Window::new("").with_limit(limit).with_remaining(remaining);
        let hint = self.hint().with_window(window.with_reset(reset));
        self.answer(Outcome::success(), &hint);
    }

    /// Rejects a call, and asks for a wait of `delay`.
    fn rejects(&self, delay: Duration) {
        let hint = self.hint().with_retry_after(delay);
        self.answer(throttled(), &hint);
    }

    /// Accepts a call that leaves nothing until `reset`, and rejects the next one.
    fn spends(&self, reset: Duration) {
        self.accepts(10, 0, reset);
        let window = Window::new("").with_limit(10).with_remaining(0);
        let hint = self.hint().with_window(window.with_reset(reset));
        self.answer(throttled(), &hint);
    }

    fn is_held(&self) -> bool {
        self.breather
            .snapshot("api")
            .unwrap()
            .held_until()
            .is_some()
    }
}

fn step(call: &mut Active) -> Step {
    call.poll_step(Waker::noop())
}

fn throttled() -> Outcome {
    Outcome::throttled("status 429")
}

fn lost() -> Outcome {
    Outcome::transient(Executed::Unknown, "connection reset")
}

/// Empties a bucket of five that gains one call per `apart`.
fn empty_bucket(scope: &Scope, apart: Duration) {
    for remaining in [4, 3, 2, 1, 0] {
        scope.accepts(5, remaining, apart * (5 - remaining as u32));
    }
}

#[test]
fn refill_after_max_retry_after_ends_call_immediately() {
    let scope = Scope::new();
    empty_bucket(&scope, DAY / 5);
    let end = scope.ends(CallOptions::new());
    assert_eq!(end.reason(), EndReason::RetryAfterTooLong);
    assert_eq!(end.retry_at(), Some(scope.timer.now() + DAY / 5));
    // The call was never sent and has left the queue.
    assert_eq!(scope.breather.snapshot("api").unwrap().queued(), 0);
}

#[test]
fn refill_after_deadline_ends_call_immediately() {
    let patient = Policy::new()
        .with_max_retry_after(Duration::MAX)
        .with_deadline(HOUR);
    let scope = Scope::new();
    empty_bucket(&scope, DAY / 5);
    let end = scope.ends(CallOptions::new().with_policy(patient));
    assert_eq!(end.reason(), EndReason::Deadline);
    assert_eq!(end.retry_after(), Some(DAY / 5));
}

#[test]
fn call_waits_for_refill_within_policy() {
    let scope = Scope::new();
    empty_bucket(&scope, 100 * SECOND);
    let mut call = scope.call();
    assert!(matches!(step(&mut call), Step::Wait { .. }));
    // The next call in the queue waits for the second refill. A queue doesn't count as one wait.
    let mut behind = scope.call();
    assert!(matches!(step(&mut behind), Step::Wait { .. }));
    scope.timer.advance(100 * SECOND);
    assert_eq!(step(&mut call), Step::Send);
}

#[test]
fn failed_call_ends_if_quota_returns_too_late() {
    let scope = Scope::new();
    let mut call = scope.call();
    assert_eq!(step(&mut call), Step::Send);
    empty_bucket(&scope, DAY / 5);
    let decision = call.on_outcome(lost(), &scope.hint());
    let Decision::End(end) = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(end.reason(), EndReason::RetryAfterTooLong);
}

#[test]
fn even_pace_beyond_max_retry_after_ends_call_immediately() {
    let scope = Scope::paced(Pacing::new().with_pace(Pace::Even));
    // The response must take some time. Otherwise it doesn't show how many calls an even pace has
    // in flight.
    let window = Window::new("").with_limit(5).with_remaining(3);
    let mut first = scope.call();
    assert_eq!(step(&mut first), Step::Send);
    scope.timer.advance(SECOND);
    let hint = scope.hint().with_window(window.with_reset(DAY));
    let _ = first.on_outcome(Outcome::success(), &hint);
    let end = scope.ends(CallOptions::new());
    assert_eq!(end.reason(), EndReason::RetryAfterTooLong);
    assert_eq!(end.retry_after(), Some(DAY / 4 - SECOND));
    let patient = Policy::new()
        .with_max_retry_after(Duration::MAX)
        .with_deadline(HOUR);
    let end = scope.ends(CallOptions::new().with_policy(patient));
    assert_eq!(
        (end.reason(), end.retry_after()),
        (EndReason::Deadline, Some(DAY / 4 - SECOND))
    );
}

#[test]
fn end_names_the_header_of_the_refill() {
    use breather::driver::Moment;
    let scope = Scope::new();
    for remaining in [4_u32, 3, 2, 1, 0] {
        let (left, reset) = (
            remaining.to_string(),
            (17_280 * (5 - remaining)).to_string(),
        );
        let lines = [
            ("x-ratelimit-limit", "5"),
            ("x-ratelimit-remaining", &*left),
            ("x-ratelimit-reset", &*reset),
        ];
        let lines = lines.map(|(name, value)| (name, value.as_bytes()));
        let moment = Moment::new(scope.timer.now()).with_wall_clock(&scope.timer);
        scope.answer(Outcome::success(), &Hint::read(lines, moment));
    }
    let end = scope.ends(CallOptions::new());
    let evidence = end.evidence().expect("a header stated the refill");
    assert_eq!(evidence.header(), "x-ratelimit-reset");
}

#[test]
fn probes_are_a_minute_apart_at_most_in_silent_outage() {
    const STEP: Duration = Duration::from_secs(5);
    let scope = Scope::new();
    let endless = CallOptions::new().with_policy(Policy::new().with_max_throttles(u32::MAX));
    let mut calls: Vec<_> = (0..5).map(|_| scope.call_with(endless.clone())).collect();
    let ends = scope.timer.now() + 60 * HOUR;
    let (mut latest, mut is_over) = (scope.timer.now(), false);
    while !is_over {
        for call in &mut calls {
            if step(call) == Step::Send {
                let now = scope.timer.now();
                let apart = now.duration_since(latest);
                assert!(apart <= MINUTE + STEP, "{apart:?}");
                (latest, is_over) = (now, now >= ends);
                let _ = call.on_outcome(throttled(), &scope.hint());
            }
        }
        scope.timer.advance(STEP);
    }
}

#[test]
fn hanging_probe_blocks_scope_for_a_minute_at_most() {
    let scope = Scope::new();
    let mut slow = scope.call();
    assert_eq!(step(&mut slow), Step::Send);
    scope.timer.advance(3_155 * SECOND);
    let _ = slow.on_outcome(Outcome::success(), &scope.hint());
    scope.rejects(SECOND);
    scope.timer.advance(SECOND);
    let mut hangs = scope.call();
    assert_eq!(step(&mut hangs), Step::Send);
    let mut next = scope.call();
    assert!(matches!(step(&mut next), Step::Wait { .. }));
    scope.timer.advance(MINUTE);
    assert_eq!(step(&mut next), Step::Send);
}

/// Runs `callers` calls against a server that rejects all of them, with a `Retry-After` of `delay`
/// if set. Returns the time and the end of each call.
fn rejected_for_ever(
    policy: Policy,
    callers: usize,
    delay: Option<Duration>,
) -> Vec<(Duration, End)> {
    played(policy, callers, delay, |_| false)
}

/// Runs calls like [`rejected_for_ever`], but the server accepts calls at times for which `accepts`
/// is true. Times count from the start.
fn played(
    policy: Policy,
    callers: usize,
    delay: Option<Duration>,
    mut accepts: impl FnMut(Duration) -> bool,
) -> Vec<(Duration, End)> {
    let scope = Scope::new();
    let start = scope.timer.now();
    let bells: Vec<_> = (0..callers).map(|_| WakeCounter::new()).collect();
    let mut calls: Vec<_> = (0..callers)
        .map(|_| {
            let call = scope.call_with(CallOptions::new().with_policy(policy));
            Some((call, Some(start)))
        })
        .collect();
    let mut ends = Vec::new();
    while ends.len() < callers {
        let now = scope.timer.now();
        for (slot, bell) in calls.iter_mut().zip(&bells) {
            let Some((call, due)) = slot else { continue };
            if bell.take() == 0 && due.is_none_or(|due| due > now) {
                continue;
            }
            let end = match call.poll_step(&Waker::from(Arc::clone(bell))) {
                Step::Wait { until } => {
                    *due = until;
                    continue;
                }
                Step::End(stopped) => *stopped.end(),
                Step::Send => {
                    let (outcome, hint) = match delay {
                        _ if accepts(now.duration_since(start)) => {
                            (Outcome::success(), scope.hint())
                        }
                        Some(delay) => (throttled(), scope.hint().with_retry_after(delay)),
                        None => (throttled(), scope.hint()),
                    };
                    match call.on_outcome(outcome, &hint) {
                        Decision::Retry(wait) => {
                            *due = Some(wait.until());
                            continue;
                        }
                        Decision::End(end) => end,
                    }
                }
            };
            ends.push((now.duration_since(start), end));
            *slot = None;
        }
        let due = calls.iter().flatten().filter_map(|(_, due)| *due);
        let next = due.chain(scope.timer.next_due()).min();
        assert!(now < start + 100 * HOUR, "{} have ended", ends.len());
        if let Some(next) = next {
            scope.timer.advance_to(next.max(now));
        }
    }
    ends
}

/// Returns the times of the first and the last end for [`EndReason::ScopeThrottled`].
fn together(ends: &[(Duration, End)]) -> (Duration, Duration) {
    let reason = EndReason::ScopeThrottled;
    let all = ends.iter().filter(|(_, end)| end.reason() == reason);
    let all = all.map(|&(at, _)| at);
    (all.clone().min().unwrap(), all.max().unwrap())
}

#[test]
fn queued_calls_end_together_if_scope_only_rejects() {
    for (delay, latest) in [(299 * SECOND, 91 * MINUTE), (MINUTE, 65 * MINUTE)] {
        let ends = rejected_for_ever(Policy::new(), 50, Some(delay));
        let (first, last) = together(&ends);
        // The call that was sent last ends after its own wait.
        assert!(last <= first + delay + 10 * SECOND, "{first:?}, {last:?}");
        assert_eq!(ends[0].0, first, "no call ended before");
        assert!(first > HOUR && last <= latest, "{first:?}, {last:?}");
        let own = ends
            .iter()
            .filter(|(_, end)| end.reason() == EndReason::MaxThrottles);
        assert_eq!(own.count(), 0);
    }
}

#[test]
fn queued_calls_end_after_an_hour_of_silent_rejections() {
    let ends = rejected_for_ever(Policy::new(), 50, None);
    let (first, last) = together(&ends);
    assert!(first > HOUR && last < 65 * MINUTE, "{first:?}, {last:?}");
}

#[test]
fn lone_call_ends_at_max_throttles() {
    let ends = rejected_for_ever(Policy::new(), 1, Some(299 * SECOND));
    assert_eq!(ends[0].1.reason(), EndReason::MaxThrottles);
}

#[test]
fn scope_throttled_end_says_when_to_retry() {
    let ends = rejected_for_ever(Policy::new(), 50, Some(299 * SECOND));
    let together = ends
        .iter()
        .find(|(_, end)| end.reason() == EndReason::ScopeThrottled);
    let (_, end) = together.unwrap();
    assert!(end.retry_at().is_some(), "{end}");
    assert!(
        end.to_string().contains("scope throttled for over an hour"),
        "{end}"
    );
}

#[test]
fn occasional_success_prevents_scope_throttled() {
    let mut latest = Duration::ZERO;
    let one_in_half_an_hour = |now: Duration| {
        let accepts = now >= latest + 30 * MINUTE;
        latest = if accepts { now } else { latest };
        accepts
    };
    let ends = played(Policy::new(), 60, Some(MINUTE), one_in_half_an_hour);
    let together = ends
        .iter()
        .filter(|(_, end)| end.reason() == EndReason::ScopeThrottled);
    assert_eq!(together.count(), 0, "{ends:?}");
    let last = ends.iter().map(|(at, _)| *at).max().unwrap();
    assert!(last > 2 * HOUR, "the test is too short: {last:?}");
}

#[test]
fn old_rejections_do_not_end_new_calls() {
    for delay in [None, Some(SECOND), Some(30 * SECOND)] {
        let scope = Scope::new();
        let reject = |call: &mut Active| {
            let hint = match delay {
                Some(delay) => scope.hint().with_retry_after(delay),
                None => scope.hint(),
            };
            call.on_outcome(throttled(), &hint)
        };
        // Reject a probe, and then send no call for hours.
        for _ in 0..2 {
            let mut call = scope.call();
            assert_eq!(step(&mut call), Step::Send);
            let _ = reject(&mut call);
            scope.timer.advance(31 * SECOND);
        }
        scope.timer.advance(2 * HOUR);
        let mut calls: Vec<_> = (0..50).map(|_| scope.call()).collect();
        for _ in 0..1_500 {
            for call in &mut calls {
                match step(call) {
                    Step::Send => {
                        if let Decision::End(end) = reject(call) {
                            assert_eq!(end.reason(), EndReason::MaxThrottles, "{delay:?}");
                        }
                    }
                    Step::Wait { .. } => {}
                    Step::End(stopped) => panic!("{delay:?}: {stopped}"),
                }
            }
            calls.retain(|call| call.report().end().is_none());
            scope.timer.advance(SECOND);
        }
        assert!(calls.len() > 10, "{delay:?}: {} are left", calls.len());
    }
}

#[test]
fn forget_lifts_a_hold_of_a_year() {
    for freeze in [
        |scope: &Scope| scope.rejects(YEAR),
        |scope: &Scope| scope.spends(YEAR),
    ] {
        let scope = Scope::new();
        freeze(&scope);
        let end = scope.ends(CallOptions::new());
        assert_eq!(
            (end.reason(), end.retry_after()),
            (EndReason::RetryAfterTooLong, Some(YEAR))
        );
        assert!(scope.breather.forget("api"));
        assert_eq!(scope.step(), Step::Send);
        assert!(!scope.breather.forget("elsewhere"));
    }
}

#[test]
fn forget_wakes_queued_calls_and_ignores_pending_responses() {
    let scope = Scope::new();
    let mut in_flight = scope.call();
    assert_eq!(step(&mut in_flight), Step::Send);
    scope.rejects(MINUTE);
    let bell = WakeCounter::new();
    let mut queued = scope.call();
    let waker = Waker::from(Arc::clone(&bell));
    assert!(matches!(queued.poll_step(&waker), Step::Wait { .. }));
    scope.breather.forget("api");
    assert_eq!(bell.take(), 1);
    assert_eq!(queued.poll_step(&waker), Step::Send);
    let _ = in_flight.on_outcome(throttled(), &scope.hint().with_retry_after(YEAR));
    assert!(!scope.is_held());
    drop(queued);
    let snapshot = scope.breather.snapshot("api").unwrap();
    assert_eq!((snapshot.in_flight(), snapshot.queued()), (0, 0));
}

/// Returns the first step of a new call that may probe, after `after`.
fn after(scope: &Scope, after: Duration) -> Step {
    scope.timer.advance(after);
    scope.step()
}

fn ends_at_once(step: &Step) -> bool {
    matches!(step, Step::End(stopped) if stopped.end().reason() == EndReason::RetryAfterTooLong)
}

#[test]
fn unconfirmed_year_is_probed_after_max_retry_after() {
    let scope = Scope::new();
    scope.rejects(YEAR);
    assert!(ends_at_once(&after(&scope, LONGEST - SECOND)));
    scope.timer.advance(SECOND);
    scope.answer(Outcome::success(), &scope.hint());
    assert!(!scope.is_held(), "the probe was accepted");
    assert_eq!(scope.step(), Step::Send);
}

#[test]
fn acceptance_lifts_a_window_that_is_spent_for_a_year() {
    let scope = Scope::new();
    scope.accepts(10, 0, YEAR);
    scope.answer(Outcome::success(), &scope.hint());
    assert!(!scope.is_held(), "the probe was accepted");
    assert_eq!(scope.step(), Step::Send);
}

#[test]
fn interval_doubles_after_inconclusive_probe() {
    let scope = Scope::new();
    scope.rejects(YEAR);
    let mut waited = LONGEST;
    for _ in 0..6 {
        assert!(ends_at_once(&after(&scope, waited - SECOND)));
        scope.timer.advance(SECOND);
        scope.answer(lost(), &scope.hint());
        assert!(ends_at_once(&scope.step()), "one probe at a time");
        waited *= 2;
    }
}

#[test]
fn probe_with_same_wait_confirms_hold() {
    let scope = Scope::new();
    scope.rejects(YEAR);
    scope.timer.advance(LONGEST);
    scope.rejects(YEAR - LONGEST);
    for _ in 0..20 {
        assert!(ends_at_once(&after(&scope, 10 * DAY)));
    }
}

#[test]
fn probe_with_shorter_wait_shortens_hold() {
    let scope = Scope::new();
    scope.rejects(YEAR);
    scope.timer.advance(LONGEST);
    scope.rejects(MINUTE);
    let mut call = scope.call();
    assert!(matches!(step(&mut call), Step::Wait { .. }));
    scope.timer.advance(MINUTE);
    assert_eq!(step(&mut call), Step::Send);
}

#[test]
fn two_agreeing_responses_confirm_hold() {
    let scope = Scope::new();
    // Show that the server accepts this many calls in flight.
    let mut calls = [(); 4].map(|()| scope.call());
    for call in &mut calls {
        assert_eq!(step(call), Step::Send);
    }
    let [other, accepted @ ..] = &mut calls;
    for call in accepted {
        let _ = call.on_outcome(Outcome::success(), &scope.hint());
    }
    scope.rejects(DAY);
    scope.timer.advance(5 * SECOND);
    let _ = other.on_outcome(throttled(), &scope.hint().with_retry_after(DAY));
    for _ in 0..20 {
        assert!(ends_at_once(&after(&scope, HOUR)));
    }
}

#[test]
fn window_in_several_responses_is_confirmed() {
    let scope = Scope::new();
    for remaining in [2, 1] {
        scope.accepts(10, remaining, DAY);
    }
    scope.spends(DAY);
    for _ in 0..20 {
        assert!(ends_at_once(&after(&scope, HOUR)));
    }
}

#[test]
fn only_idempotent_calls_probe_a_long_hold() {
    let scope = Scope::new();
    scope.rejects(YEAR);
    scope.timer.advance(2 * LONGEST);
    let unsafe_call = &mut scope.start(NewCall::new());
    assert!(ends_at_once(&step(unsafe_call)));
    assert_eq!(scope.step(), Step::Send);
}

#[test]
fn throttled_call_never_probes() {
    let patient = Policy::new().with_max_retry_after(2 * LONGEST);
    let scope = Scope::new();
    let mut call = scope.call_with(CallOptions::new().with_policy(patient));
    assert_eq!(step(&mut call), Step::Send);
    let _ = call.on_outcome(throttled(), &scope.hint().with_retry_after(SECOND));
    scope.timer.advance(SECOND);
    // Meanwhile, the server asks another call to wait for a year.
    scope.rejects(YEAR);
    scope.timer.advance(3 * LONGEST);
    assert!(ends_at_once(&step(&mut call)));
    assert_eq!(scope.step(), Step::Send);
}

#[test]
fn hold_within_policy_is_never_probed() {
    let scope = Scope::new();
    scope.rejects(LONGEST);
    let mut call = scope.call();
    for _ in 0..LONGEST.as_secs() {
        assert!(matches!(step(&mut call), Step::Wait { .. }));
        scope.timer.advance(SECOND);
    }
    assert_eq!(step(&mut call), Step::Send);
}

#[test]
fn dropped_probe_keeps_hold() {
    let scope = Scope::new();
    scope.rejects(YEAR);
    scope.timer.advance(LONGEST);
    let mut call = scope.call();
    assert_eq!(step(&mut call), Step::Send);
    // The transport was not ready, but the call may still be sent.
    assert_eq!(call.poll_unsent(Waker::noop()), Step::Send);
    drop(call);
    assert!(ends_at_once(&scope.step()));
    let opens = scope.breather.snapshot("api").unwrap().opens_at();
    assert_eq!(opens, Some(Instant::ORIGIN + HOUR + YEAR));
}

/// Returns `COUNT` calls in flight, after the server accepted `COUNT` others.
///
/// All were in flight together, so that concurrency is no reason for a rejection.
fn in_flight<const COUNT: usize>(scope: &Scope) -> [Active; COUNT] {
    let mut calls = [(); COUNT].map(|()| scope.call());
    let mut more = [(); COUNT].map(|()| scope.call());
    for call in more.iter_mut().chain(&mut calls) {
        assert_eq!(step(call), Step::Send);
    }
    for call in &mut calls {
        let _ = call.on_outcome(Outcome::success(), &scope.hint());
    }
    more
}

fn is_never_probed(scope: &Scope) {
    for _ in 0..20 {
        assert!(ends_at_once(&after(scope, HOUR)));
    }
}

#[test]
fn responses_agreeing_within_an_eighth_confirm_hold() {
    for (first, second) in [(DAY, DAY), (DAY, DAY + HOUR), (DAY, DAY - HOUR)] {
        let scope = Scope::new();
        let [mut one, mut other, ..] = in_flight::<4>(&scope);
        let _ = one.on_outcome(throttled(), &scope.hint().with_retry_after(first));
        scope.timer.advance(Duration::from_millis(5));
        let _ = other.on_outcome(throttled(), &scope.hint().with_retry_after(second));
        is_never_probed(&scope);
    }
}

#[test]
fn much_shorter_wait_does_not_confirm_hold() {
    let scope = Scope::new();
    let [mut one, mut other, ..] = in_flight::<4>(&scope);
    let _ = one.on_outcome(throttled(), &scope.hint().with_retry_after(YEAR));
    let _ = other.on_outcome(throttled(), &scope.hint().with_retry_after(SECOND));
    assert_eq!(after(&scope, LONGEST), Step::Send);
}

#[test]
fn rejection_confirms_spent_window() {
    let scope = Scope::new();
    let [mut one, mut other, ..] = in_flight::<4>(&scope);
    let window = Window::new("").with_limit(8).with_remaining(0);
    let hint = scope.hint().with_window(window.with_reset(DAY));
    let _ = one.on_outcome(Outcome::success(), &hint);
    let _ = other.on_outcome(throttled(), &scope.hint().with_retry_after(DAY));
    is_never_probed(&scope);
}

#[test]
fn earlier_windows_confirm_rejection_with_same_reset() {
    let scope = Scope::new();
    scope.accepts(10, 9, DAY);
    scope.accepts(10, 8, DAY);
    let window = Window::new("").with_limit(10).with_remaining(0);
    let hint = scope.hint().with_window(window.with_reset(DAY));
    scope.answer(throttled(), &hint.with_retry_after(DAY));
    is_never_probed(&scope);
}

#[test]
fn later_windows_confirm_rejection() {
    let scope = Scope::new();
    let [mut one, mut other, mut third, ..] = in_flight::<4>(&scope);
    let _ = one.on_outcome(throttled(), &scope.hint().with_retry_after(DAY));
    for (call, remaining) in [(&mut other, 1), (&mut third, 0)] {
        let window = Window::new("").with_limit(8).with_remaining(remaining);
        let hint = scope.hint().with_window(window.with_reset(DAY));
        let _ = call.on_outcome(Outcome::success(), &hint);
    }
    is_never_probed(&scope);
}

#[test]
fn single_wrong_reset_is_probed() {
    let window = || {
        Window::new("")
            .with_limit(10)
            .with_remaining(0)
            .with_reset(YEAR)
    };
    let scope = Scope::new();
    scope.accepts(10, 5, MINUTE);
    scope.accepts(10, 4, MINUTE);
    scope.answer(throttled(), &scope.hint().with_window(window()));
    assert!(ends_at_once(&after(&scope, LONGEST - SECOND)));
    assert_eq!(after(&scope, SECOND), Step::Send);
}

#[test]
fn call_waits_if_rest_of_hold_is_within_policy() {
    let scope = Scope::new();
    scope.rejects(400 * SECOND);
    scope.timer.advance(150 * SECOND);
    let mut queued = scope.call();
    assert!(matches!(step(&mut queued), Step::Wait { .. }));
    assert!(matches!(after(&scope, 150 * SECOND), Step::Wait { .. }));
    scope.timer.advance(100 * SECOND);
    assert_eq!(step(&mut queued), Step::Send);
}

#[test]
fn probes_are_at_least_a_minute_apart() {
    for longest in [Duration::ZERO, Duration::from_millis(100), 5 * SECOND] {
        let scope = Scope::new();
        scope.rejects(HOUR);
        let policy = Policy::new().with_max_retry_after(longest);
        let mut sent = Vec::new();
        for _ in 0..600 {
            let mut call = scope.call_with(CallOptions::new().with_policy(policy));
            if step(&mut call) == Step::Send {
                sent.push((scope.timer.now(), call));
            }
            scope.timer.advance(SECOND);
        }
        let at: Vec<_> = sent
            .iter()
            .map(|(at, _)| at.duration_since(Instant::ORIGIN + HOUR))
            .collect();
        assert_eq!(at, [MINUTE, 3 * MINUTE, 7 * MINUTE], "{longest:?}");
    }
}

#[test]
fn rejected_early_probe_does_not_count_as_concurrency() {
    let scope = Scope::new();
    scope.answer(Outcome::success(), &scope.hint());
    let mut hung = scope.call();
    assert_eq!(step(&mut hung), Step::Send);
    // The call is rejected with another in flight, which shows a cap of one.
    scope.answer(throttled(), &scope.hint());
    let mut spends = scope.call();
    while step(&mut spends) != Step::Send {
        scope.timer.advance(SECOND);
    }
    let window = Window::new("").with_limit(10).with_remaining(0);
    let hint = scope.hint().with_window(window.with_reset(YEAR));
    let _ = spends.on_outcome(Outcome::success(), &hint);
    scope.timer.advance(LONGEST);
    scope.rejects(YEAR - LONGEST);
    assert!(scope.is_held(), "the probe confirmed it");
    is_never_probed(&scope);
}

#[test]
fn unsent_early_probe_does_not_count() {
    let scope = Scope::new();
    scope.rejects(YEAR);
    scope.timer.advance(LONGEST);
    let late = Policy::new().with_deadline(SECOND);
    let mut unsent = scope.call_with(CallOptions::new().with_policy(late));
    assert_eq!(step(&mut unsent), Step::Send);
    scope.timer.advance(2 * SECOND);
    // The transport was not ready until the deadline had passed.
    assert!(matches!(unsent.poll_unsent(Waker::noop()), Step::End(_)));
    assert_eq!(scope.step(), Step::Send);
}

#[test]
fn even_pace_without_timed_response_ends_no_call() {
    let scope = Scope::paced(Pacing::new().with_pace(Pace::Even));
    let window = Window::new("").with_limit(100).with_remaining(99);
    let mut call = scope.call();
    assert_eq!(step(&mut call), Step::Send);
    let decision = call.on_outcome(lost(), &scope.hint().with_window(window.with_reset(DAY)));
    assert!(matches!(decision, Decision::Retry(_)), "{decision:?}");
}

#[test]
fn end_for_refill_names_no_unrelated_header() {
    use breather::driver::Moment;
    let scope = Scope::new();
    let moment = || Moment::new(scope.timer.now());
    scope.answer(
        throttled(),
        &Hint::read([("retry-after", &b"1"[..])], moment()),
    );
    scope.timer.advance(2 * SECOND);
    for used in 1..=4_u32 {
        scope.accepts(5, u64::from(5 - used), DAY / 5 * used);
    }
    let mut last = scope.call();
    assert_eq!(step(&mut last), Step::Send);
    let end = scope.ends(CallOptions::new());
    assert_eq!(
        (end.reason(), end.evidence()),
        (EndReason::RetryAfterTooLong, None)
    );
}
