//! Faults of other crates that breather doesn't have.
//!
//! `docs/faults.md` lists all of them.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::mpsc;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use breather::{
    AttemptResult, Backoff, Breather, ClassifyHttp, DefaultClassifier, End, EndReason, Executed,
    Hint, Jitter, Outcome, Pacing, Policy, RetryBudget, WaitReason,
    driver::{
        Admission, Call, CallSpec, Decision, Delays, Instant, Moment, NewCall, Pacer, UnixTime,
        WaitLimits,
    },
    hint::Window,
};
use breather_test::VirtualTimer;
use http::{Method, StatusCode};
use proptest::prelude::*;

use crate::said::{AT, DATE, NOW, pairs};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// All kinds of jitter that draw something.
fn jitters() -> [Jitter; 5] {
    [
        Jitter::full(),
        Jitter::equal(),
        Jitter::additive(Duration::ZERO, SECOND),
        Jitter::proportional(0.99),
        Jitter::decorrelated(),
    ]
}

#[test]
fn tower_jitter_is_not_cut_to_whole_seconds() {
    // tower's `ExponentialBackoff` cut the jitter to whole seconds. With a base of 1 s, 200 draws
    // gave 1 delay.
    for base in [1, 2, 3, 10].map(Duration::from_secs) {
        for jitter in jitters() {
            let backoff = Backoff::exponential(base);
            let first = |seed| Delays::new(backoff, jitter, seed).draw(0);
            let drawn: BTreeSet<_> = (0..200).map(first).collect();
            assert_eq!(drawn.len(), 200, "{base:?} {jitter:?}");
        }
    }
}

proptest! {
    #[test]
    fn backon_jitter_never_exceeds_the_cap(
        base in 1_u64..10_000,
        cap in 1_u64..10_000,
        retry in 0_u32..80,
        seed: u64,
    ) {
        // backon waited for 3.9 s at a `max_delay` of 2 s. In breather, only additive kinds of
        // jitter exceed the ceiling, by the amount that you set.
        let cap = Duration::from_millis(cap);
        let backoff = Backoff::exponential(Duration::from_millis(base)).with_cap(cap);
        for jitter in [Jitter::full(), Jitter::equal(), Jitter::decorrelated()] {
            let drawn = Delays::new(backoff, jitter, seed).draw(retry);
            prop_assert!(drawn <= cap, "{:?} of {:?}", drawn, cap);
        }
        let capped = Jitter::additive(SECOND, 9 * SECOND).with_cap_after_jitter(cap);
        prop_assert!(Delays::new(backoff, capped, seed).draw(retry) <= cap);
    }
}

#[test]
fn backon_184_delays_at_cap_spread_over_the_cap() {
    // With a jitter of up to a second and a cap of a minute, a wave of calls would return together.
    let backoff = Backoff::exponential(SECOND).with_cap(60 * SECOND);
    let at_cap = |seed| Delays::new(backoff, Jitter::default(), seed).draw(30);
    let drawn: BTreeSet<_> = (0..100).map(at_cap).collect();
    let (first, last) = (*drawn.first().unwrap(), *drawn.last().unwrap());
    assert!(last - first > 50 * SECOND, "{:?}", last - first);
    let in_a_second = |delay: &Duration| drawn.range(*delay..*delay + SECOND).count();
    assert!(drawn.iter().map(in_a_second).max().unwrap() < 15);
}

#[test]
fn tokio_retry2_each_retry_draws_new_jitter() {
    // Its `jitter_range(0..1)` was always 0 ns, and a wider range drew one factor for all delays.
    for width in [Duration::from_nanos(1_000), MS, SECOND] {
        let backoff = Backoff::constant(width);
        let added = Jitter::additive(Duration::ZERO, width);
        for jitter in [Jitter::full(), added, Jitter::proportional(0.5)] {
            let mut delays = Delays::new(backoff, jitter, 7);
            let drawn: BTreeSet<_> = (0..20).map(|retry| delays.draw(retry)).collect();
            assert!(drawn.len() >= 18, "{jitter:?}: {drawn:?}");
        }
    }
}

#[test]
fn tower_and_tower_resilience_411_threads_cannot_overdraw_budget() {
    // Checking and taking the budget is one step. In two steps, two threads could take the same
    // share.
    const THREADS: usize = 8;
    const CALLS: usize = 300;
    const RETRIES: u32 = 100;
    for pacing in [true, false] {
        let budget = RetryBudget::new().with_share(0.0).with_floor(RETRIES);
        let builder = Breather::builder().with_budget(budget.with_window(SECOND));
        let breather = match pacing {
            true => builder.build(),
            false => builder.without_pacing().build(),
        };
        let timer = VirtualTimer::default();
        let at_once = Barrier::new(THREADS);
        let fails = || {
            let mut call = breather.start(
                NewCall::new().with_origin("api").with_idempotent(true),
                timer.clone(),
                1,
            );
            if !matches!(call.poll_step(Waker::noop()), breather::driver::Step::Send) {
                return None;
            }
            let outcome = Outcome::transient(Executed::No, "refused connection");
            let decision = call.on_outcome(outcome, &Hint::new(Instant::ORIGIN));
            // A dropped call would refund its retry, so keep the call.
            matches!(decision, Decision::Retry(_)).then_some(call)
        };
        let retries: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        at_once.wait();
                        (0..CALLS).filter_map(|_| fails()).collect::<Vec<_>>()
                    })
                })
                .collect();
            let waiting: Vec<_> = threads
                .into_iter()
                .flat_map(|it| it.join().unwrap())
                .collect();
            waiting.len()
        });
        assert_eq!(retries, RETRIES as usize, "pacing: {pacing}");
    }
}

#[test]
fn tower_idle_budget_skips_windows_without_a_loop() {
    // tower's loop took 0.38 s for a month of windows of a second. 500 years of 100 µs would take a
    // loop too long.
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let mut budget = RetryBudget::new().with_floor(1_000).with_window(MS);
        budget.on_call(Instant::ORIGIN);
        let _ = done.send(budget.withdraw(Instant::MAX, 1).is_some());
    });
    let withdrawn = is_done.recv_timeout(Duration::from_secs(120));
    assert_eq!(withdrawn, Ok(true));
}

#[test]
fn smithy_rs_4632_spent_budget_has_no_debt_and_recovers() {
    let mut budget = RetryBudget::new().with_share(0.0).with_floor(1);
    let at = |seconds| Instant::ORIGIN + seconds * SECOND;
    let mut draws: Vec<_> = (0..1_000)
        .filter_map(|_| budget.withdraw(at(0), 3))
        .collect();
    assert_eq!((draws.len(), budget.available(at(0))), (3, 1));
    // Late refunds return only the amount that was taken.
    draws.drain(..).for_each(|draw| budget.refund(draw));
    assert_eq!(budget.available(at(0)), 10);
    assert!(budget.withdraw(at(0), 10).is_some());
    assert_eq!(budget.available(at(9)), 0);
    assert_eq!(budget.available(at(10)), 10);
}

/// Reads header lines in wire format, with a clock that agrees with the server's.
fn hint(lines: &str) -> Hint<'_> {
    const CLOCK: UnixTime = UnixTime::from_secs(NOW);
    Hint::read(pairs(lines), Moment::new(AT).with_wall_clock(&CLOCK))
}

/// Returns the wait that the lines of a rejection ask for.
fn asked(lines: &str) -> Option<Duration> {
    let hint = hint(lines);
    Some(hint.not_before()?.duration_since(AT))
}

/// Returns the decision of a paced call with `policy` about a response with this status.
fn decided(policy: Policy, status: u16, lines: &str) -> Decision {
    let hint = hint(lines);
    let status = StatusCode::from_u16(status).unwrap();
    let outcome = DefaultClassifier.classify(&AttemptResult::new(&Method::GET, Ok(status), &hint));
    let mut call = Call::new(policy, CallSpec::new().with_paced(true), 1, AT);
    call.on_sent(AT);
    call.on_outcome(AT, outcome, &hint, None)
}

fn waits(decision: Decision) -> (Duration, WaitReason) {
    match decision {
        Decision::Retry(wait) => (wait.delay(), wait.reason()),
        Decision::End(end) => panic!("{end}"),
    }
}

fn stops(decision: Decision) -> End {
    match decision {
        Decision::Retry(wait) => panic!("{wait}"),
        Decision::End(end) => end,
    }
}

#[test]
fn rate_limits_epoch_is_not_a_wait_of_57_years() {
    // A reset is read by its magnitude, and obeyed only if it is unambiguous.
    let soon = NOW + 30;
    for (lines, expected) in [
        (
            format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {soon}"),
            Some(30),
        ),
        (
            format!("RateLimit-Remaining: 0\nRateLimit-Reset: {soon}"),
            Some(30),
        ),
        (format!("RateLimit: \"a\";r=0;t={soon}"), None),
    ] {
        assert_eq!(asked(&lines), expected.map(Duration::from_secs), "{lines}");
    }
}

#[test]
fn rate_limits_delta_reset_is_not_a_date_of_1970() {
    let lines = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 30";
    assert_eq!(asked(lines), Some(30 * SECOND));
}

#[test]
fn rate_limits_structured_fields_are_read() {
    let lines = "RateLimit-Policy: \"minute\";q=300;w=60\nRateLimit: \"minute\";r=0;t=30";
    assert_eq!(asked(lines), Some(30 * SECOND));
    let hint = hint(lines);
    let window = hint.windows().next().unwrap();
    assert_eq!((window.limit(), window.remaining()), (Some(300), Some(0)));
    assert_eq!(window.length(), Some(60 * SECOND));
}

#[test]
fn reessaie_reset_is_ignored_while_quota_remains() {
    let policy = Policy::new().with_backoff(Backoff::constant(20 * MS));
    for status in [429, 503] {
        let healthy = "X-RateLimit-Limit: 5000\nX-RateLimit-Remaining: 4999\nX-RateLimit-Reset: 3";
        let (delay, origin) = waits(decided(policy, status, healthy));
        assert!(delay <= 22 * MS, "{status}: {delay:?}");
        assert_eq!(origin, WaitReason::Backoff);
    }
}

#[test]
fn octokit_throttling_566_secondary_limit_waits_for_retry_after() {
    // The hourly quota is nearly untouched, so its reset doesn't apply.
    let policy = Policy::new().with_backoff(Backoff::constant(20 * MS));
    let quota = format!(
        "X-RateLimit-Remaining: 4999\nX-RateLimit-Reset: {}",
        NOW + 3_000
    );
    for status in [403, 429] {
        let lines = format!("{quota}\nRetry-After: 60");
        let decision = decided(policy, status, &lines);
        assert_eq!(waits(decision), (60 * SECOND, WaitReason::Hint), "{status}");
    }

    // A 403 without such a header is a permanent failure. If your classifier says that it is a
    // rejection, the call backs off.
    assert_eq!(
        stops(decided(policy, 403, &quota)).reason(),
        EndReason::Permanent
    );
    let secondary = |ending: &AttemptResult<'_>| match ending.body {
        Some(body) if body.starts_with(b"You have exceeded a secondary rate limit") => {
            Outcome::throttled("a secondary limit")
        }
        _ => DefaultClassifier.classify(ending),
    };
    let hint = hint(&quota);
    let ending = AttemptResult::new(&Method::GET, Ok(StatusCode::FORBIDDEN), &hint)
        .with_body(b"You have exceeded a secondary rate limit. Please wait");
    let outcome = secondary.classify(&ending);
    let mut call = Call::new(policy, CallSpec::new().with_paced(true), 1, AT);
    call.on_sent(AT);
    let (delay, origin) = waits(call.on_outcome(AT, outcome, &hint, None));
    assert_eq!((delay <= 22 * MS, origin), (true, WaitReason::Backoff));
}

#[test]
fn backoff_retry_after_obeys_deadline_and_max_throttles() {
    // The crate waited for `retry_after` without end, whatever `max_elapsed_time` said.
    let policy = Policy::new().with_deadline(5 * SECOND);
    let mut call = Call::new(policy, CallSpec::new().with_paced(true), 1, AT);
    let mut now = AT;
    let end = loop {
        call.on_sent(now);
        let hint = Hint::new(now).with_retry_after(2 * SECOND);
        match call.on_outcome(now, Outcome::throttled("busy"), &hint, None) {
            Decision::Retry(wait) => now = wait.until(),
            Decision::End(end) => break end,
        }
        assert!(now <= AT + 5 * SECOND, "{now:?}");
    };
    assert_eq!(end.reason(), EndReason::Deadline);
    assert_eq!(
        (end.at(), end.retry_after()),
        (AT + 4 * SECOND, Some(2 * SECOND))
    );

    // A call without a deadline also ends.
    let mut call = Call::new(Policy::new(), CallSpec::new().with_paced(true), 1, AT);
    let throttled = |call: &mut Call| {
        call.on_sent(AT);
        let hint = Hint::new(AT).with_retry_after(SECOND);
        matches!(
            call.on_outcome(AT, Outcome::throttled("busy"), &hint, None),
            Decision::Retry(_)
        )
    };
    let mut retries = 0;
    while throttled(&mut call) {
        retries += 1;
        assert!(retries < 1_000);
    }
    assert_eq!(retries, 16);
}

#[test]
fn reqwest_retry_backoff_does_not_exceed_deadline() {
    // A total of 100 ms took 2 s, because the crate checked it only before the sleep.
    let policy = Policy::new()
        .with_deadline(100 * MS)
        .with_jitter(Jitter::none())
        .with_backoff(Backoff::constant(2 * SECOND));
    let end = stops(decided(policy, 503, ""));
    assert_eq!(end.reason(), EndReason::Deadline);
    assert_eq!((end.at(), end.retry_after()), (AT, Some(2 * SECOND)));
}

#[test]
fn pi_3671_wait_of_55_hours_ends_call() {
    let hours = Duration::from_secs(55 * 3_600);
    let lines = format!("Retry-After: {}", hours.as_secs());
    let end = stops(decided(Policy::new(), 429, &lines));
    assert_eq!(end.reason(), EndReason::RetryAfterTooLong);
    // The wait is not cut down to the policy's maximum, because that retry would be rejected.
    assert_eq!((end.at(), end.retry_after()), (AT, Some(hours)));
    assert_eq!(end.evidence().unwrap().to_string(), "retry-after: 198000");
    let patient = Policy::new().with_max_retry_after(hours);
    assert_eq!(waits(decided(patient, 429, &lines)).0, hours);
}

#[test]
fn httpx_retries_13_past_date_falls_back_to_backoff() {
    let policy = Policy::new()
        .with_jitter(Jitter::none())
        .with_backoff(Backoff::constant(2 * SECOND));
    let past = format!("Date: {DATE}\nRetry-After: Fri, 15 Jan 2027 07:59:00 GMT");
    assert_eq!(asked(&past), None);
    assert_eq!(
        waits(decided(policy, 429, &past)),
        (2 * SECOND, WaitReason::Backoff)
    );
}

proptest! {
    #[test]
    fn dotnet_extensions_7001_retry_is_never_early(
        seconds in 0_u64..300,
        received in 0_u64..u64::MAX / 2,
        seed: u64,
        paced: bool,
    ) {
        // Timers that round down sent retries up to 11 ms early.
        let received = Instant::from_nanos(received);
        let value = seconds.to_string();
        let headers = [("Retry-After", value.as_bytes())];
        let hint = Hint::read(headers, Moment::new(received));
        let spec = CallSpec::new().with_paced(paced);
        let mut call = Call::new(Policy::new(), spec, seed, received);
        call.on_sent(received);
        let decision = call.on_outcome(received, Outcome::throttled("429"), &hint, None);
        let Decision::Retry(wait) = decision else { panic!("{decision:?}") };
        prop_assert!(wait.until() >= received + Duration::from_secs(seconds));
        prop_assert_eq!(call.not_before(), Some(wait.until()));
    }
}

#[test]
fn azure_sdk_618_and_1517_milliseconds_are_not_read_as_seconds() {
    for lines in ["x-ms-retry-after-ms: 1500", "retry-after-ms: 1500"] {
        assert_eq!(asked(lines), Some(1_500 * MS), "{lines}");
    }
    // Servers send both. The finer one counts.
    let both = "retry-after: 2\nretry-after-ms: 1500";
    assert!(asked(both).unwrap() >= 1_500 * MS && asked(both).unwrap() <= 2 * SECOND);
}

fn granted(pacer: &mut Pacer) -> breather::driver::Permit {
    let ticket = pacer.arrive();
    match pacer.request(AT, ticket, WaitLimits::endless()) {
        Admission::Send(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn answered(pacer: &mut Pacer, limit: u64, remaining: u64) {
    let permit = granted(pacer);
    let window = Window::new("").with_limit(limit).with_remaining(remaining);
    let hint = Hint::new(AT).with_window(window.with_reset(60 * SECOND));
    let _ = pacer.on_outcome(AT, permit, Outcome::success(), &hint);
}

/// Returns the number of calls that the pacer grants now.
fn sendable(pacer: &mut Pacer) -> usize {
    let permits = core::iter::from_fn(|| {
        let ticket = pacer.arrive();
        match pacer.request(AT, ticket, WaitLimits::endless()) {
            Admission::Send(permit) => Some(permit),
            Admission::Wait { .. } => {
                pacer.leave(ticket);
                None
            }
            Admission::QueueFull | Admission::Rejected { .. } => None,
        }
    });
    permits.take(1_000).count()
}

#[test]
fn governor_39_and_273_changed_quota_applies_immediately() {
    for (limit, remaining) in [(3, 2), (12, 11), (5, 0)] {
        let mut pacer = Pacer::new(Pacing::new());
        answered(&mut pacer, 300, 25);
        // The account's plan changes, and the next response says so.
        answered(&mut pacer, limit, remaining);
        let snapshot = pacer.snapshot();
        assert_eq!(snapshot.limit(), Some(limit));
        assert_eq!(snapshot.remaining(), Some(remaining));
        assert_eq!(sendable(&mut pacer) as u64, remaining);
    }
}

#[test]
fn governor_117_and_186_snapshot_takes_no_permit() {
    let mut pacer = Pacer::new(Pacing::new());
    answered(&mut pacer, 300, 5);
    for _ in 0..100 {
        let snapshot = pacer.snapshot();
        assert_eq!((snapshot.remaining(), snapshot.in_flight()), (Some(5), 0));
        assert_eq!(snapshot.reset(), Some(AT + 60 * SECOND));
    }
    assert_eq!(sendable(&mut pacer), 5);
}
