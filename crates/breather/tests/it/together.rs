//! Budgets, options, timeouts and observers of a handle's calls.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breather::{
    Backoff, Breather, BreatherBuilder, CallOptions, Dialect, EndReason, Event, EventKind,
    Executed, Hint, Jitter, Outcome, OutcomeKind, Policy, RetryBudget, WaitReason,
    driver::{ActiveCall, Decision, NewCall, Step, Timer},
};
use breather_test::VirtualTimer;

const SECOND: Duration = Duration::from_secs(1);

type Active = ActiveCall<VirtualTimer>;

/// A policy that retries without a wait.
fn at_once() -> Policy {
    let backoff = Backoff::constant(Duration::ZERO);
    Policy::new().with_backoff(backoff).with_max_retries(100)
}

fn few(retries: u32) -> BreatherBuilder {
    let budget = RetryBudget::new().with_share(0.0).with_floor(retries);
    let budget = budget.with_window(SECOND);
    Breather::builder()
        .with_policy(at_once())
        .with_budget(budget)
}

fn start(breather: &Breather, scope: &str, timer: &VirtualTimer) -> Active {
    start_with(breather, scope, timer, CallOptions::new())
}

fn start_with(
    breather: &Breather,
    scope: &str,
    timer: &VirtualTimer,
    options: CallOptions,
) -> Active {
    let new = NewCall::new().with_origin(scope).with_idempotent(true);
    breather.start(new.with_options(&options), timer.clone(), 1)
}

fn fails(call: &mut Active, timer: &VirtualTimer, outcome: Outcome) -> Decision {
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    call.on_outcome(outcome, &Hint::new(timer.now()))
}

fn reason(decision: Decision) -> Option<EndReason> {
    match decision {
        Decision::Retry(_) => None,
        Decision::End(end) => Some(end.reason()),
    }
}

fn reset() -> Outcome {
    Outcome::transient(Executed::Unknown, "reset")
}

#[test]
fn each_scope_has_its_own_budget() {
    let (breather, timer) = (few(3).build(), VirtualTimer::default());
    let mut calls: Vec<_> = (0..5).map(|_| start(&breather, "api", &timer)).collect();
    let ends: Vec<_> = calls
        .iter_mut()
        .map(|call| reason(fails(call, &timer, reset())))
        .collect();
    let spent = Some(EndReason::Budget);
    assert_eq!(ends, [None, None, None, spent, spent]);
    let mut other = start(&breather.clone(), "other", &timer);
    assert_eq!(reason(fails(&mut other, &timer, reset())), None);
    // Withdrawals count for a second.
    timer.advance(SECOND);
    let mut later = start(&breather, "api", &timer);
    assert_eq!(reason(fails(&mut later, &timer, reset())), None);
}

#[test]
fn budget_end_names_the_failure() {
    let (breather, timer) = (few(0).build(), VirtualTimer::default());
    let mut call = start(&breather, "api", &timer);
    let _ = fails(&mut call, &timer, reset());
    let report = call.report();
    assert_eq!(
        report.end().unwrap().to_string(),
        "retry budget spent: reset"
    );
    assert_eq!((report.attempts(), report.last_wait()), (1, None));
}

#[test]
fn only_successful_retry_is_refunded() {
    let (breather, timer) = (few(1).build(), VirtualTimer::default());
    for _ in 0..10 {
        let mut call = start(&breather, "api", &timer);
        assert_eq!(reason(fails(&mut call, &timer, reset())), None);
        let _ = fails(&mut call, &timer, Outcome::success());
    }
    let mut call = start(&breather, "api", &timer);
    assert_eq!(reason(fails(&mut call, &timer, reset())), None);
    assert_eq!(
        reason(fails(&mut call, &timer, reset())),
        Some(EndReason::Budget)
    );
}

#[test]
fn budget_cost_depends_on_outcome() {
    let spent = Some(EndReason::Budget);
    for (outcome, affordable, paced) in [
        (Outcome::throttled("429"), None, true),
        (Outcome::pending("202"), None, true),
        (Outcome::overloaded("503"), None, true),
        (Outcome::overloaded("503"), spent, false),
        (reset(), spent, true),
    ] {
        let builder = few(0);
        let breather = if paced {
            builder
        } else {
            builder.without_pacing()
        }
        .build();
        let timer = VirtualTimer::default();
        let mut call = start(&breather, "api", &timer);
        let decision = fails(&mut call, &timer, outcome);
        assert_eq!(reason(decision), affordable, "{outcome}");
    }
    for (floor, expected) in [(1, spent), (2, None)] {
        let (breather, timer) = (few(floor).build(), VirtualTimer::default());
        let mut call = start(&breather, "api", &timer);
        assert_eq!(
            reason(fails(&mut call, &timer, Outcome::timed_out())),
            expected
        );
    }
}

#[test]
fn unpaced_calls_share_one_budget() {
    let (unpaced, timer) = (few(1).without_pacing().build(), VirtualTimer::default());
    let mut waiting = start(&unpaced, "a", &timer);
    let first = reason(fails(&mut waiting, &timer, reset()));
    let second = reason(fails(&mut start(&unpaced, "b", &timer), &timer, reset()));
    assert_eq!((first, second), (None, Some(EndReason::Budget)));
    let free = few(0).without_budget().build();
    assert_eq!(
        reason(fails(&mut start(&free, "a", &timer), &timer, reset())),
        None
    );
}

#[test]
fn default_budget_adds_a_fifth_in_an_outage() {
    let breather = Breather::new(at_once().with_max_retries(3));
    let timer = VirtualTimer::default();
    let mut sends = 0;
    for _ in 0..10_000 {
        let mut call = start(&breather, "api", &timer);
        loop {
            sends += 1;
            if reason(fails(&mut call, &timer, reset())).is_some() {
                break;
            }
        }
        timer.advance(SECOND / 1_000);
    }
    // 10,000 calls, a fifth more, and the floor of 10 per second for 10 s, with a tolerance of 50.
    assert!((12_050..12_150).contains(&sends), "{sends}");
}

#[test]
fn call_options_replace_policy_and_deadline() {
    let breather = Breather::new(at_once());
    let timer = VirtualTimer::default();
    let once = CallOptions::new().without_retries();
    let soon = CallOptions::new().with_deadline(SECOND);
    let thrice = CallOptions::new().with_policy(at_once().with_max_retries(2));
    breather.set_route("thrice", thrice.clone());
    for (scope, options, sends, expected) in [
        ("api", &once, 1, EndReason::MaxRetries),
        ("api", &thrice, 3, EndReason::MaxRetries),
        ("thrice", &once, 1, EndReason::MaxRetries),
    ] {
        let mut call = start_with(&breather, scope, &timer, options.clone());
        let ends = (1..=sends).map(|_| reason(fails(&mut call, &timer, reset())));
        assert_eq!(ends.last().unwrap(), Some(expected), "{options:?}");
        assert_eq!(call.report().attempts(), sends);
    }
    let call = start_with(&breather, "api", &timer, once);
    assert!(!call.policy().can_retry());
    let mut call = start_with(&breather, "api", &timer, soon);
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    assert_eq!(call.deadline(), Some(timer.now() + SECOND));
    let hint = Hint::new(timer.now()).with_retry_after(2 * SECOND);
    let decision = call.on_outcome(Outcome::throttled("429"), &hint);
    assert_eq!(reason(decision), Some(EndReason::Deadline));
}

#[test]
fn own_policy_without_dialects_uses_those_of_scope() {
    const GITHUB: &[Dialect] = &[Dialect::github()];
    const OKTA: &[Dialect] = &[Dialect::okta()];
    let breather = Breather::default();
    breather.set_dialects("api", GITHUB);
    let timer = VirtualTimer::default();
    let own = CallOptions::new().with_policy(at_once());
    let call = start_with(&breather, "api", &timer, own);
    assert_eq!(call.policy().dialects().len(), 1);
    assert_eq!(call.policy().dialects()[0].name(), GITHUB[0].name());
    let own = CallOptions::new().with_policy(at_once().with_dialects(OKTA));
    let call = start_with(&breather, "api", &timer, own);
    assert_eq!(call.policy().dialects()[0].name(), OKTA[0].name());
}

#[test]
fn request_options_win_over_route_per_setting() {
    let breather = Breather::new(at_once());
    let export = CallOptions::new()
        .with_idempotent(true)
        .with_scope("export");
    breather.set_route("api.example.com/export", export);
    let timer = VirtualTimer::default();
    // Returns the scope, and whether the call is retried.
    let ask = |own: Option<CallOptions>, path| {
        let new = NewCall::new()
            .with_origin("https://api.example.com")
            .with_path(path)
            .with_options(own.as_ref());
        let mut call = breather.start(new, timer.clone(), 1);
        let is_repeated = reason(fails(&mut call, &timer, reset())).is_none();
        (call.scope().unwrap().to_owned(), is_repeated)
    };
    let own = CallOptions::new().with_scope("mine");
    assert_eq!(ask(Some(own), "/export/7"), ("mine".to_owned(), true));
    assert_eq!(ask(None, "/export"), ("export".to_owned(), true));
    let origin = "https://api.example.com".to_owned();
    assert_eq!(ask(None, "/exports"), (origin, false));
}

/// Polls `future`, and advances to the next due instant between polls.
fn run<F: Future>(timer: &VirtualTimer, future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        let due = timer.next_due().expect("a timer is set");
        timer.advance_to(due);
    }
}

#[test]
fn attempt_ends_at_timeout_or_deadline() {
    let policy = at_once()
        .with_max_retries(2)
        .with_attempt_timeout(2 * SECOND);
    let policy = policy.with_deadline(5 * SECOND);
    let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
    let began = timer.now();
    let mut call = start(&breather, "api", &timer);
    let mut ends = Vec::new();
    let stopped = loop {
        assert_eq!(call.poll_step(Waker::noop()), Step::Send);
        ends.push(call.attempt_deadline().unwrap().duration_since(began));
        let nothing = run(&timer, call.in_time(std::future::pending::<()>()));
        assert_eq!(nothing, None);
        match call.on_timed_out() {
            Ok(wait) => assert_eq!(wait.reason(), WaitReason::Backoff),
            Err(stopped) => break stopped,
        }
    };
    assert_eq!(ends, [2 * SECOND, 4 * SECOND, 5 * SECOND]);
    assert_eq!(stopped.end().reason(), EndReason::Deadline);
    assert_eq!(stopped.end().detail(), "no response in time");
    assert_eq!(call.report().failures(), 3);
    assert_eq!(breather.snapshot("api").unwrap().in_flight(), 0);
}

#[test]
fn timed_out_attempt_may_have_been_executed() {
    let policy = at_once().with_attempt_timeout(SECOND);
    let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
    let mut call = start(&breather, "api", &timer);
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    let sleep = timer.sleep_until(timer.now() + SECOND / 2);
    assert_eq!(run(&timer, call.in_time(sleep)), Some(()));

    let new = NewCall::new().with_origin("api");
    let mut unsafe_call = breather.start(new, timer.clone(), 1);
    assert_eq!(unsafe_call.poll_step(Waker::noop()), Step::Send);
    let stopped = unsafe_call.on_timed_out().unwrap_err();
    assert_eq!(stopped.end().reason(), EndReason::NotIdempotent);
}

#[test]
fn polls_obey_polling_backoff_and_hints_without_retries() {
    let policy = Policy::new()
        .with_jitter(Jitter::none())
        .with_max_retries(0)
        .with_backoff(Backoff::constant(60 * SECOND));
    let (breather, timer) = (Breather::new(policy), VirtualTimer::default());
    let mut call = start(&breather, "api", &timer);
    let mut waits = Vec::new();
    for asked in 0..4 {
        assert_eq!(call.poll_step(Waker::noop()), Step::Send);
        let hint = Hint::new(timer.now());
        let hint = match asked {
            2 => hint.with_retry_after(30 * SECOND),
            _ => hint,
        };
        match call.on_outcome(Outcome::pending("202"), &hint) {
            Decision::Retry(wait) => waits.push(wait.delay()),
            Decision::End(end) => panic!("{end}"),
        }
        timer.advance(60 * SECOND);
    }
    let ms = Duration::from_millis;
    assert_eq!(waits, [ms(1_000), ms(1_500), ms(30_000), ms(3_375)]);
    assert_eq!(call.report().failures(), 0);
}

/// Returns an observer, and the list of events that it writes.
fn told() -> (impl Fn(&Event<'_>) + Send + Sync, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let tell = move |event: &Event<'_>| {
        let what = match event.kind {
            EventKind::Queued => "queued".to_owned(),
            EventKind::Sent {
                attempt, queued, ..
            } => format!("sent {attempt} after {queued:?}"),
            EventKind::Answered(outcome) => format!("answered: {}", outcome.kind()),
            EventKind::Abandoned => "abandoned".to_owned(),
            EventKind::Held(_) => "held".to_owned(),
            EventKind::Waiting(wait) => format!("waits {:?}", wait.delay()),
            EventKind::Ended { report, queued, .. } => {
                let end = report.end().map(|end| end.reason().as_str());
                format!("over: {}, queued: {queued}", end.unwrap_or("dropped"))
            }
            _ => "something new".to_owned(),
        };
        assert_eq!(event.scope, Some("api"));
        list.lock().unwrap().push(what);
    };
    (tell, told)
}

#[test]
fn observers_receive_each_event_once_in_order() {
    let (tell, list) = told();
    let breather = Breather::builder().with_observer(tell).build();
    let timer = VirtualTimer::default();
    let mut call = start(&breather, "api", &timer);
    let hint = Hint::new(timer.now()).with_retry_after(3 * SECOND);
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    let _ = call.on_outcome(Outcome::throttled("429"), &hint);
    let mut queued = start(&breather, "api", &timer);
    assert!(matches!(queued.poll_step(Waker::noop()), Step::Wait { .. }));
    assert!(matches!(queued.poll_step(Waker::noop()), Step::Wait { .. }));
    drop(queued);
    timer.advance(3 * SECOND);
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    let _ = call.on_outcome(Outcome::success(), &Hint::new(timer.now()));
    drop(call);
    let mut dropped = start(&breather, "api", &timer);
    assert_eq!(dropped.poll_step(Waker::noop()), Step::Send);
    drop(dropped);
    assert_eq!(
        *list.lock().unwrap(),
        [
            "sent 1 after None",
            "answered: throttled",
            "held",
            "waits 3s",
            "queued",
            "over: dropped, queued: true",
            "sent 2 after None",
            "answered: success",
            "over: success, queued: false",
            "sent 1 after None",
            "abandoned",
            "over: dropped, queued: false",
        ]
    );
}

#[test]
fn sent_event_has_time_in_queue() {
    let (tell, list) = told();
    let breather = Breather::builder().with_observer(tell).build();
    let timer = VirtualTimer::default();
    let mut call = start(&breather, "api", &timer);
    let hint = Hint::new(timer.now()).with_retry_after(3 * SECOND);
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    let _ = call.on_outcome(Outcome::throttled("429"), &hint);
    drop(call);
    let mut next = start(&breather, "api", &timer);
    assert!(matches!(next.poll_step(Waker::noop()), Step::Wait { .. }));
    timer.advance(3 * SECOND);
    assert_eq!(next.poll_step(Waker::noop()), Step::Send);
    let list = list.lock().unwrap();
    assert_eq!(list.last().unwrap(), "sent 1 after Some(3s)");
}

#[test]
fn promise_9_panicking_observer_leaves_scope_usable() {
    for panics_at in ["sent", "answered", "held", "waits", "over"] {
        let (breather, timer) = {
            let (tell, list) = told();
            let panics = move |event: &Event<'_>| {
                tell(event);
                let last = list.lock().unwrap().last().unwrap().clone();
                assert!(!last.starts_with(panics_at), "an observer's bug");
            };
            let breather = Breather::builder().with_observer(panics).build();
            (breather, VirtualTimer::default())
        };
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut call = start(&breather, "api", &timer);
            let hint = Hint::new(timer.now()).with_retry_after(SECOND);
            assert_eq!(call.poll_step(Waker::noop()), Step::Send);
            let _ = call.on_outcome(Outcome::throttled("429"), &hint);
            let _ = call.on_outcome(Outcome::permanent("403"), &hint);
        }));
        assert!(result.is_err(), "{panics_at}");
        let snapshot = breather.snapshot("api").unwrap();
        assert_eq!(
            (snapshot.in_flight(), snapshot.queued()),
            (0, 0),
            "{panics_at}"
        );
    }
}

#[test]
fn promise_9_observer_panic_in_drop_returns_permit() {
    let breather = Breather::builder()
        .with_observer(|event: &Event<'_>| {
            assert!(
                !matches!(event.kind, EventKind::Abandoned),
                "an observer's bug"
            );
        })
        .build();
    let timer = VirtualTimer::default();
    let mut call = start(&breather, "api", &timer);
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(call))).is_err());
    assert_eq!(breather.snapshot("api").unwrap().in_flight(), 0);
}

#[test]
fn panic_in_service_ends_events_of_call() {
    let (tell, list) = told();
    let breather = Breather::builder().with_observer(tell).build();
    let timer = VirtualTimer::default();
    let panics = catch_unwind(AssertUnwindSafe(|| {
        let mut call = start(&breather, "api", &timer);
        assert_eq!(call.poll_step(Waker::noop()), Step::Send);
        panic!("a bug in the caller's service");
    }));
    assert!(panics.is_err());
    assert_eq!(
        *list.lock().unwrap(),
        [
            "sent 1 after None",
            "abandoned",
            "over: dropped, queued: false"
        ]
    );
}

#[test]
fn overload_elsewhere_costs_budget_and_retries_spread() {
    let (breather, timer) = (few(0).build(), VirtualTimer::default());
    let mut call = start(&breather, "api", &timer);
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    let silent = Hint::new(timer.now());
    let decision = call.on_outcome_elsewhere(Outcome::overloaded("503"), &silent);
    assert_eq!(reason(decision), Some(EndReason::Budget));

    let returns: std::collections::BTreeSet<_> = (0..9)
        .map(|seed| {
            let breather = Breather::default();
            let mut call = breather.start(
                NewCall::new().with_origin("api").with_idempotent(true),
                timer.clone(),
                seed,
            );
            assert_eq!(call.poll_step(Waker::noop()), Step::Send);
            let hint = Hint::new(timer.now()).with_retry_after(10 * SECOND);
            match call.on_outcome_elsewhere(Outcome::throttled("429"), &hint) {
                Decision::Retry(wait) => wait.until(),
                Decision::End(end) => panic!("{end}"),
            }
        })
        .collect();
    assert_eq!(returns.len(), 9);
}

#[test]
fn budget_is_refunded_only_for_unsent_retry() {
    let (breather, timer) = (few(1).build(), VirtualTimer::default());
    let mut call = start(&breather, "api", &timer);
    assert_eq!(reason(fails(&mut call, &timer, reset())), None);
    let unheard = Outcome::transient(Executed::No, "no connection").with_budget_cost(0);
    assert_eq!(reason(fails(&mut call, &timer, unheard)), None);
    let _ = fails(&mut call, &timer, Outcome::success());
    let mut next = start(&breather, "api", &timer);
    assert_eq!(
        reason(fails(&mut next, &timer, reset())),
        Some(EndReason::Budget)
    );

    let (breather, timer) = (few(1).build(), VirtualTimer::default());
    for _ in 0..5 {
        let mut dropped = start(&breather, "api", &timer);
        assert_eq!(reason(fails(&mut dropped, &timer, reset())), None);
    }
}

#[test]
fn pending_response_resets_failures() {
    let policy = at_once()
        .with_max_retries(1)
        .with_polling(Backoff::constant(Duration::ZERO));
    let breather = Breather::builder().with_policy(policy);
    let breather = breather
        .with_budget(RetryBudget::new().with_share(0.0).with_floor(1))
        .build();
    let timer = VirtualTimer::default();
    let mut call = start(&breather, "api", &timer);
    for _ in 0..50 {
        assert_eq!(reason(fails(&mut call, &timer, reset())), None);
        assert_eq!(
            reason(fails(&mut call, &timer, Outcome::pending("202"))),
            None
        );
    }
    assert_eq!(reason(fails(&mut call, &timer, reset())), None);
    assert_eq!(
        reason(fails(&mut call, &timer, reset())),
        Some(EndReason::MaxRetries)
    );
    assert_eq!(call.report().failures(), 52);
}

#[test]
fn request_policy_replaces_route_deadline_and_retries() {
    let breather = Breather::default();
    let route = CallOptions::new().without_retries().with_deadline(SECOND);
    breather.set_route("api.example.com", route);
    let own = CallOptions::new().with_policy(at_once().with_max_retries(9));
    let timer = VirtualTimer::default();
    let call = start_with(&breather, "https://api.example.com", &timer, own);
    assert_eq!(
        (call.policy().max_retries(), call.policy().deadline()),
        (9, None)
    );
}

#[test]
fn call_with_zero_deadline_is_not_sent() {
    let breather = Breather::new(at_once().with_deadline(Duration::ZERO));
    let timer = VirtualTimer::default();
    let mut call = start(&breather, "api", &timer);
    let Step::End(stopped) = call.poll_step(Waker::noop()) else {
        panic!("the call was sent")
    };
    assert_eq!(stopped.end().reason(), EndReason::Deadline);
    assert_eq!(call.report().attempts(), 0);
}

#[test]
fn event_outcome_includes_server_advice() {
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&kinds);
    let breather = Breather::builder()
        .with_observer(move |event: &Event<'_>| {
            if let EventKind::Answered(outcome) = event.kind {
                list.lock().unwrap().push(outcome.kind());
            }
        })
        .build();
    let timer = VirtualTimer::default();
    let mut call = start(&breather, "api", &timer);
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    let hint = Hint::new(timer.now()).with_retry(false);
    let _ = call.on_outcome(reset(), &hint);
    assert_eq!(*kinds.lock().unwrap(), [OutcomeKind::Permanent]);
}
