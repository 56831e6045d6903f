//! The shared handle, with waiting, waking and giving back.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breather::{
    Breather, EndReason, Executed, Hint, Outcome, Pace, Pacing, Policy, Scopes, WaitReason,
    driver::{ActiveCall, Decision, Moment, NewCall, Step, Timer},
    hint::Window,
};
use breather_test::{VirtualTimer, WakeCounter};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// The concurrency that a new pacer permits.
const AT_START: usize = 30;

type Active = ActiveCall<VirtualTimer>;

fn start(breather: &Breather, timer: &VirtualTimer) -> Active {
    breather.start(
        NewCall::new().with_origin("api").with_idempotent(true),
        timer.clone(),
        1,
    )
}

fn step(call: &mut Active) -> Step {
    call.poll_step(Waker::noop())
}

/// Sends a call whose response reports `remaining` and a reset in 9 s.
fn learn(breather: &Breather, timer: &VirtualTimer, remaining: u64) {
    let mut call = start(breather, timer);
    assert_eq!(step(&mut call), Step::Send);
    let decision = call.on_outcome(Outcome::success(), &said(timer, remaining));
    assert!(matches!(decision, Decision::End(_)));
}

fn said(timer: &VirtualTimer, remaining: u64) -> Hint<'static> {
    let window = Window::new("").with_limit(300).with_remaining(remaining);
    Hint::new(timer.now()).with_window(window.with_reset(9 * SECOND))
}

#[test]
fn spent_window_holds_other_calls_until_reset() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let start_at = timer.now();
    learn(&breather, &timer, 0);
    let bell = WakeCounter::new();
    let mut call = start(&breather.clone(), &timer);
    let waker = Waker::from(Arc::clone(&bell));
    assert_eq!(call.poll_step(&waker), Step::Wait { until: None });
    timer.advance_to(start_at + 9 * SECOND - MS);
    assert_eq!(bell.take(), 0);
    timer.advance(MS);
    assert_eq!(bell.take(), 1);
    assert_eq!(call.poll_step(&waker), Step::Send);
    assert_eq!(call.report().waited(WaitReason::Pacer), 9 * SECOND);
}

#[test]
fn hold_does_not_affect_other_scopes() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    learn(&breather, &timer, 0);
    let mut elsewhere = breather.start(
        NewCall::new().with_origin("other").with_idempotent(true),
        timer.clone(),
        1,
    );
    assert_eq!(step(&mut elsewhere), Step::Send);
    let mut unscoped = breather.start(NewCall::new().with_idempotent(true), timer.clone(), 1);
    assert_eq!(step(&mut unscoped), Step::Send);
    assert!(matches!(
        step(&mut start(&breather, &timer)),
        Step::Wait { .. }
    ));
}

#[test]
fn response_from_elsewhere_delays_only_its_call() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let mut redirected = start(&breather, &timer);
    assert_eq!(step(&mut redirected), Step::Send);
    let rejection = Outcome::throttled("status 429");
    let decision = redirected.on_outcome_elsewhere(rejection, &said(&timer, 0));
    assert!(matches!(decision, Decision::Retry(wait) if wait.delay() >= 9 * SECOND));
    assert_eq!(step(&mut start(&breather, &timer)), Step::Send);
}

#[test]
fn unpaced_calls_do_not_wait_for_each_other() {
    let breather = Breather::builder().without_pacing().build();
    let timer = VirtualTimer::default();
    learn(&breather, &timer, 0);
    assert_eq!(step(&mut start(&breather, &timer)), Step::Send);
    assert_eq!(breather.snapshot("api"), None);
}

#[test]
fn promise_9_dropped_call_leaves_scopes_idle() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let idle = |what: &str| {
        let snapshot = breather.snapshot("api").unwrap();
        assert_eq!((snapshot.in_flight(), snapshot.queued()), (0, 0), "{what}");
    };
    drop(start(&breather, &timer));
    idle("before it was polled");

    let mut sent = start(&breather, &timer);
    assert_eq!(step(&mut sent), Step::Send);
    assert_eq!(breather.snapshot("api").unwrap().in_flight(), 1);
    drop(sent);
    idle("in flight");

    learn(&breather, &timer, 0);
    let mut waiting = start(&breather, &timer);
    assert!(matches!(step(&mut waiting), Step::Wait { .. }));
    assert_eq!(breather.snapshot("api").unwrap().queued(), 1);
    drop(waiting);
    idle("waiting for a permit");

    timer.advance(9 * SECOND);
    let mut throttled = start(&breather, &timer);
    assert_eq!(step(&mut throttled), Step::Send);
    let _ = throttled.on_outcome(Outcome::throttled("status 429"), &said(&timer, 0));
    assert!(matches!(
        step(&mut throttled),
        Step::Wait { until: Some(_) }
    ));
    drop(throttled);
    idle("between two attempts");
}

#[test]
fn offered_permit_of_dropped_call_goes_to_next() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    learn(&breather, &timer, 0);
    let bells = [WakeCounter::new(), WakeCounter::new()];
    let [mut first, mut second] = [(); 2].map(|()| start(&breather, &timer));
    let _ = first.poll_step(&Waker::from(Arc::clone(&bells[0])));
    let _ = second.poll_step(&Waker::from(Arc::clone(&bells[1])));
    timer.advance(9 * SECOND);
    assert_eq!([bells[0].take(), bells[1].take()], [1, 0]);
    drop(first);
    assert_eq!(bells[1].take(), 1);
    assert_eq!(step(&mut second), Step::Send);
}

#[test]
fn thousand_unpolled_calls_delay_next_by_a_second() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    learn(&breather, &timer, 0);
    let mut asleep: Vec<_> = (0..1_000).map(|_| start(&breather, &timer)).collect();
    for call in &mut asleep {
        assert!(matches!(step(call), Step::Wait { .. }));
    }
    let bell = WakeCounter::new();
    let mut alive = start(&breather, &timer);
    let _ = alive.poll_step(&Waker::from(Arc::clone(&bell)));
    timer.advance(9 * SECOND + 1_001 * MS);
    assert_eq!(bell.take(), 1);
    assert_eq!(step(&mut alive), Step::Send);
}

#[test]
fn each_returned_permit_wakes_one_call() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let mut sent: Vec<_> = (0..AT_START).map(|_| start(&breather, &timer)).collect();
    assert!(sent.iter_mut().all(|call| step(call) == Step::Send));
    let bell = WakeCounter::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut waiting: Vec<_> = (0..500).map(|_| start(&breather, &timer)).collect();
    for call in &mut waiting {
        assert!(matches!(call.poll_step(&waker), Step::Wait { .. }));
    }
    for call in &mut sent {
        let _ = call.on_outcome(Outcome::success(), &said(&timer, 280));
        assert_eq!(bell.take(), 1);
    }
    let steps = waiting.iter_mut().map(step);
    assert_eq!(steps.filter(|step| *step == Step::Send).count(), AT_START);
    assert!(timer.alarms_pending() <= 3, "{}", timer.alarms_pending());
}

#[test]
fn alarms_lost_by_a_runtime_are_set_again() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    learn(&breather, &timer, 0);
    let bell = WakeCounter::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut call = start(&breather, &timer);
    let _ = call.poll_step(&waker);
    assert_eq!(timer.alarms_pending(), 1);
    timer.lose_alarms();
    assert_eq!(bell.take(), 1);
    assert!(matches!(call.poll_step(&waker), Step::Wait { .. }));
    assert_eq!(timer.alarms_pending(), 1);
    timer.advance(9 * SECOND);
    assert_eq!(call.poll_step(&waker), Step::Send);
}

#[test]
fn promise_2_hold_past_deadline_ends_call_immediately() {
    let policy = Policy::new().with_deadline(5 * SECOND);
    let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
    learn(&breather, &timer, 0);
    let Step::End(stopped) = step(&mut start(&breather, &timer)) else {
        panic!()
    };
    assert_eq!(stopped.end().reason(), EndReason::Deadline);
    assert_eq!(stopped.end().retry_after(), Some(9 * SECOND));
    assert_eq!(
        stopped.to_string(),
        "call ended without a response: deadline reached; retry possible in 9s"
    );
    assert_eq!(breather.snapshot("api").unwrap().queued(), 0);
}

#[test]
fn promise_2_too_long_hold_ends_queued_calls() {
    let policy = Policy::new().with_max_retry_after(5 * SECOND);
    let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
    let mut sent: Vec<_> = (0..AT_START).map(|_| start(&breather, &timer)).collect();
    assert!(sent.iter_mut().all(|call| step(call) == Step::Send));
    let bell = WakeCounter::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut waiting = start(&breather, &timer);
    assert!(matches!(waiting.poll_step(&waker), Step::Wait { .. }));
    let _ = sent[AT_START - 1].on_outcome(Outcome::success(), &said(&timer, 0));
    assert_eq!(bell.take(), 1);
    let Step::End(stopped) = waiting.poll_step(&waker) else {
        panic!()
    };
    assert_eq!(stopped.end().reason(), EndReason::RetryAfterTooLong);
}

#[test]
fn queued_call_ends_at_its_deadline() {
    let policy = Policy::new().with_deadline(500 * MS);
    let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
    learn(&breather, &timer, 0);
    timer.advance(9 * SECOND);
    let mut probe = start(&breather, &timer);
    assert_eq!(step(&mut probe), Step::Send);
    // The length of the probe is unknown, so the call can't end before its deadline.
    let mut call = start(&breather, &timer);
    let mut ready = pin!(call.ready());
    let bell = WakeCounter::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut cx = Context::from_waker(&waker);
    assert!(ready.as_mut().poll(&mut cx).is_pending());
    timer.advance(499 * MS);
    assert_eq!(bell.take(), 0);
    timer.advance(MS);
    assert_eq!(bell.take(), 1);
    let Poll::Ready(Err(stopped)) = ready.as_mut().poll(&mut cx) else {
        panic!()
    };
    assert_eq!(stopped.end().reason(), EndReason::Deadline);
}

#[test]
fn call_polled_after_deadline_is_not_sent() {
    let policy = Policy::new().with_deadline(SECOND);
    let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
    let mut sent: Vec<_> = (0..AT_START).map(|_| start(&breather, &timer)).collect();
    assert!(sent.iter_mut().all(|call| step(call) == Step::Send));
    let mut call = start(&breather, &timer);
    // The deadline counts from the call's first poll.
    timer.advance(10 * SECOND);
    let until = Some(timer.now() + SECOND);
    assert_eq!(step(&mut call), Step::Wait { until });
    drop(sent);
    timer.advance(10 * SECOND);
    let Step::End(stopped) = step(&mut call) else {
        panic!()
    };
    assert_eq!(stopped.end().reason(), EndReason::Deadline);
    // The server stated no time.
    assert_eq!(stopped.end().retry_at(), None);
}

#[test]
fn permit_of_overdue_unsent_call_goes_to_next_immediately() {
    let policy = Policy::new().with_deadline(500 * MS);
    let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
    let [mut late, mut throttled] = [(); 2].map(|()| start(&breather, &timer));
    assert_eq!(step(&mut late), Step::Send);
    assert_eq!(step(&mut throttled), Step::Send);
    let _ = throttled.on_outcome(Outcome::throttled("status 429"), &said(&timer, 200));
    assert_eq!(breather.snapshot("api").unwrap().concurrency(), 1);
    timer.advance(499 * MS);
    let bell = WakeCounter::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut next = start(&breather, &timer);
    assert!(matches!(next.poll_step(&waker), Step::Wait { .. }));
    timer.advance(MS + Duration::from_nanos(1));
    let Step::End(stopped) = late.poll_unsent(Waker::noop()) else {
        panic!()
    };
    assert_eq!(stopped.end().reason(), EndReason::Deadline);
    assert_eq!(bell.take(), 1);
    assert_eq!(next.poll_step(&waker), Step::Send);
}

#[test]
fn unsent_permit_is_refunded_only_to_the_count_that_included_it() {
    let unsent = |is_told: bool| {
        let policy = Policy::new().with_deadline(500 * MS);
        let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
        learn(&breather, &timer, 9);
        let [mut late, mut next] = [(); 2].map(|()| start(&breather, &timer));
        assert_eq!(step(&mut late), Step::Send);
        assert_eq!(step(&mut next), Step::Send);
        timer.advance(400 * MS);
        if is_told {
            // The server has received one of the two calls.
            let _ = next.on_outcome(Outcome::success(), &said(&timer, 8));
        }
        timer.advance(101 * MS);
        assert!(matches!(late.poll_unsent(Waker::noop()), Step::End(_)));
        breather.snapshot("api").unwrap().remaining()
    };
    assert_eq!(unsent(false), Some(8));
    assert_eq!(unsent(true), Some(8));
}

#[test]
fn attempt_without_outcome_is_given_up_by_next_poll() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let mut call = start(&breather, &timer);
    for _ in 0..3 {
        assert_eq!(step(&mut call), Step::Send);
        assert_eq!(breather.snapshot("api").unwrap().in_flight(), 1);
    }
    drop(call);
    assert_eq!(breather.snapshot("api").unwrap().in_flight(), 0);
}

#[test]
fn stalled_runtime_does_not_block_driven_one() {
    let breather = Breather::default();
    let still = VirtualTimer::default();
    learn(&breather, &still, 0);
    let mut stuck = start(&breather, &still);
    assert!(matches!(step(&mut stuck), Step::Wait { .. }));
    // The first call's alarm never rings.
    let driven = VirtualTimer::in_domain(1);
    let bell = WakeCounter::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut call = start(&breather, &driven);
    assert!(matches!(call.poll_step(&waker), Step::Wait { .. }));
    driven.advance(11 * SECOND);
    assert!(bell.take() >= 1);
    assert_eq!(call.poll_step(&waker), Step::Send);
}

#[test]
fn scope_with_guessed_hold_is_not_evicted() {
    let breather = Breather::builder().with_max_scopes(1).build();
    let timer = VirtualTimer::default();
    learn(&breather, &timer, 200);
    let mut call = start(&breather, &timer);
    assert_eq!(step(&mut call), Step::Send);
    let bare = Hint::new(timer.now());
    let _ = call.on_outcome(Outcome::throttled("status 429"), &bare);
    drop(call);
    let mut other = breather.start(
        NewCall::new().with_origin("other").with_idempotent(true),
        timer.clone(),
        1,
    );
    assert!(other.report().unshared());
    // The report says so even after a rejection.
    assert_eq!(step(&mut other), Step::Send);
    let _ = other.on_outcome(Outcome::throttled("status 429"), &bare);
    assert_eq!(other.report().throttled(), 1);
    assert!(other.report().unshared());
    timer.advance(SECOND);
    let other = breather.start(
        NewCall::new().with_origin("other").with_idempotent(true),
        timer.clone(),
        1,
    );
    assert!(!other.report().unshared());
}

#[test]
fn full_queue_ends_call() {
    let breather = Breather::builder()
        .with_pacing(Pacing::new().with_max_queued(0))
        .build();
    let timer = VirtualTimer::default();
    learn(&breather, &timer, 0);
    let Step::End(stopped) = step(&mut start(&breather, &timer)) else {
        panic!()
    };
    assert_eq!(stopped.end().reason(), EndReason::QueueFull);
}

#[test]
fn ready_waits_for_backoff_then_permit() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let mut call = start(&breather, &timer);
    assert_eq!(step(&mut call), Step::Send);
    let hint = said(&timer, 200).with_retry_after(2 * SECOND);
    let decision = call.on_outcome(Outcome::throttled("status 429"), &hint);
    assert!(matches!(decision, Decision::Retry(_)));
    let bell = WakeCounter::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut cx = Context::from_waker(&waker);
    let mut ready = pin!(call.ready());
    assert!(ready.as_mut().poll(&mut cx).is_pending());
    timer.advance(2 * SECOND - MS);
    assert_eq!(bell.take(), 0);
    timer.advance(MS);
    // The call was throttled alone, so it also holds its scope. Both waits end at the same instant.
    for _ in 0..2 {
        if ready.as_mut().poll(&mut cx).is_ready() {
            return;
        }
        timer.advance(MS);
    }
    panic!("not ready in time");
}

#[test]
fn promise_9_panic_in_classifier_leaves_scope_usable() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut call = start(&breather, &timer);
        assert_eq!(step(&mut call), Step::Send);
        panic!("a bug in the caller's classifier");
    }));
    assert!(unwound.is_err());
    assert_eq!(breather.snapshot("api").unwrap().in_flight(), 0);
    assert_eq!(step(&mut start(&breather, &timer)), Step::Send);
}

#[test]
fn scopes_are_bounded_and_held_scope_is_kept() {
    let breather = Breather::builder().with_max_scopes(2).build();
    let timer = VirtualTimer::default();
    let on = |scope: &str| {
        breather.start(
            NewCall::new().with_origin(scope).with_idempotent(true),
            timer.clone(),
            1,
        )
    };
    learn(&breather, &timer, 0);
    drop(on("idle"));
    assert!(breather.snapshot("idle").is_some());
    // breather evicts "idle" and keeps "api", which is held.
    let busy = on("busy");
    assert!(!busy.report().unshared());
    assert!(breather.snapshot("idle").is_none());
    assert!(breather.snapshot("api").is_some());
    // Now no scope can be evicted.
    let alone = on("alone");
    assert!(alone.report().unshared());
    assert!(breather.snapshot("alone").is_none());
    drop(busy);
    assert!(!on("shared again").report().unshared());
}

#[test]
fn scope_can_have_its_own_pacing() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let even = Pacing::new().with_pace(Pace::Even);
    breather.set_pacing("api", even);
    let mut first = start(&breather, &timer);
    assert_eq!(step(&mut first), Step::Send);
    // With an even pace, the first call goes alone.
    let mut second = start(&breather, &timer);
    assert_eq!(step(&mut second), Step::Wait { until: None });
    let mut elsewhere = [(); 2].map(|()| {
        breather.start(
            NewCall::new().with_origin("other").with_idempotent(true),
            timer.clone(),
            1,
        )
    });
    assert!(elsewhere.iter_mut().all(|call| step(call) == Step::Send));
    // The setting also applies to a scope that already exists.
    breather.set_pacing(
        "other",
        Pacing::new().with_max_queued(0).with_pace(Pace::Even),
    );
    drop(elsewhere);
    let mut calls = [(); 2].map(|()| {
        breather.start(
            NewCall::new().with_origin("other").with_idempotent(true),
            timer.clone(),
            1,
        )
    });
    assert_eq!(step(&mut calls[0]), Step::Send);
    assert!(matches!(step(&mut calls[1]), Step::End(_)));
    let names: Vec<_> = breather
        .snapshots()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["api", "other"]);
}

#[test]
fn end_for_hold_names_the_header_behind_it() {
    let policy = Policy::new().with_deadline(5 * SECOND);
    let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
    let [mut held, mut failed, mut timed_out] = [(); 3].map(|()| start(&breather, &timer));
    for call in [&mut held, &mut failed, &mut timed_out] {
        assert_eq!(step(call), Step::Send);
    }
    let headers: [(&str, &[u8]); 2] = [("retry-after", b"60"), ("x-ratelimit-remaining", b"0")];
    let hint = Hint::read(headers, Moment::new(timer.now()));
    let _ = held.on_outcome(Outcome::throttled("status 429"), &hint);

    // After another failure, a call would also have to wait for the hold.
    let broken = Outcome::transient(Executed::No, "no connection");
    let decision = failed.on_outcome(broken, &Hint::new(timer.now()));
    let Decision::End(end) = decision else {
        panic!("the call should end")
    };
    assert_eq!(end.retry_after(), Some(60 * SECOND));
    let shown = end.evidence().map(ToString::to_string);
    assert_eq!(shown.as_deref(), Some("retry-after: 60"));
    assert_eq!(failed.report().end(), Some(&end));

    let stopped = timed_out.on_timed_out().unwrap_err();
    let shown = stopped.end().evidence().map(ToString::to_string);
    assert_eq!(shown.as_deref(), Some("retry-after: 60"));
}

#[test]
fn debug_output_of_call_omits_scope_names() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let names = ["token s3cret", "organisation s3cret"];
    for scopes in [&names[..1], &names[..]] {
        let scopes: Scopes = scopes.iter().copied().collect();
        let mut call = breather.start(
            NewCall::new().with_scope(&scopes).with_idempotent(true),
            timer.clone(),
            1,
        );
        assert_eq!(step(&mut call), Step::Send);
        let printed = format!("{call:?}");
        assert!(!printed.contains("s3cret"), "{printed}");
    }
}

/// A classifier may find the delay where breather does not look, as in the body.
#[test]
fn delay_of_a_classifier_holds_the_call_and_its_scope() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let mut call = start(&breather, &timer);
    assert_eq!(step(&mut call), Step::Send);
    let outcome =
        Outcome::throttled("in the body").with_retry_after(Duration::from_micros(6_200_500));
    let in_header = Hint::new(timer.now()).with_retry_after(SECOND);
    let Decision::Retry(wait) = call.on_outcome(outcome, &in_header) else {
        panic!("the call ends");
    };
    assert_eq!(wait.reason(), WaitReason::Hint);
    assert!(wait.delay() >= Duration::from_millis(6_201), "{wait}");
    let mut other = start(&breather, &timer);
    let Step::Wait { .. } = step(&mut other) else {
        panic!("the scope is not held");
    };
    let held = breather.snapshot("api").unwrap().held_until().unwrap();
    let held = held.duration_since(timer.now());
    assert_eq!(held, Duration::from_millis(6_201));
}

#[test]
fn delay_of_a_classifier_from_elsewhere_is_the_calls_alone() {
    let (breather, timer) = (Breather::default(), VirtualTimer::default());
    let mut call = start(&breather, &timer);
    assert_eq!(step(&mut call), Step::Send);
    let outcome = Outcome::transient(Executed::No, "busy").with_retry_after(7 * SECOND);
    let decision = call.on_outcome_elsewhere(outcome, &Hint::new(timer.now()));
    assert!(matches!(decision, Decision::Retry(wait) if wait.delay() >= 7 * SECOND));
    assert_eq!(step(&mut start(&breather, &timer)), Step::Send);
}

#[test]
fn longest_delay_of_an_outcome_is_49_days() {
    let outcome = Outcome::throttled("").with_retry_after(Duration::MAX);
    assert_eq!(
        outcome.retry_after(),
        Some(Duration::from_millis(u64::from(u32::MAX) - 1))
    );
    assert_eq!(Outcome::throttled("").retry_after(), None);
    let now = Outcome::throttled("").with_retry_after(Duration::ZERO);
    assert_eq!(now.retry_after(), Some(Duration::ZERO));
}
