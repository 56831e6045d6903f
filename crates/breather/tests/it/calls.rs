//! Promises that hold for every call, policy, server and seed.

use std::time::Duration;

use breather::{
    Backoff, End, EndReason, Executed, Hint, Jitter, Outcome, OutcomeKind, Policy, WaitReason,
    driver::{Call, CallSpec, Decision, Instant},
    hint::Window,
};
use proptest::prelude::*;

/// The end of one attempt, with the server's hint.
#[derive(Clone, Copy, Debug)]
struct Ending {
    outcome: Outcome,
    took: Duration,
    retry_after: Option<Duration>,
    window: Option<(u64, Duration)>,
}

impl Ending {
    fn hint(&self, now: Instant) -> Hint<'static> {
        let mut hint = Hint::new(now);
        if let Some(delay) = self.retry_after {
            hint = hint.with_retry_after(delay);
        }
        if let Some((remaining, reset)) = self.window {
            hint = hint.with_window(Window::new("").with_remaining(remaining).with_reset(reset));
        }
        hint
    }

    /// Returns the wait that the server asked for, by the documented rules.
    fn asked(&self) -> Option<Duration> {
        let spent = self.window.filter(|(remaining, _)| *remaining == 0);
        self.retry_after.or_else(|| Some(spent?.1))
    }
}

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        1 => Just(Outcome::success()),
        1 => Just(Outcome::permanent("permanent")),
        1 => Just(Outcome::pending("pending")),
        4 => Just(Outcome::throttled("throttled")),
        2 => Just(Outcome::throttled("throttled").with_executed(Executed::Unknown)),
        3 => Just(Outcome::transient(Executed::No, "transient")),
        3 => Just(Outcome::transient(Executed::Unknown, "transient")),
        1 => Just(Outcome::transient(Executed::Yes, "transient")),
    ]
}

fn ending() -> impl Strategy<Value = Ending> {
    let retry_after = prop_oneof![
        3 => Just(None),
        2 => millis(0..5_000).prop_map(Some),
        1 => millis(0..10_000_000).prop_map(Some),
    ];
    let window = proptest::option::of((0..3_u64, millis(0..90_000)));
    (outcome(), millis(0..2_000), retry_after, window).prop_map(
        |(outcome, took, retry_after, window)| Ending {
            outcome,
            took,
            retry_after,
            window,
        },
    )
}

fn jitter() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        Just(Jitter::none()),
        Just(Jitter::full()),
        Just(Jitter::equal()),
        Just(Jitter::decorrelated()),
        (0.0..1.0).prop_map(Jitter::proportional),
        millis(0..3_000).prop_map(|high| Jitter::additive(Duration::ZERO, high)),
    ]
}

fn backoff() -> impl Strategy<Value = Backoff> {
    let shape = (millis(0..5_000), 0.0..4.0_f64).prop_flat_map(|(base, factor)| {
        prop_oneof![
            Just(Backoff::constant(base)),
            Just(Backoff::linear(base)),
            Just(Backoff::exponential(base).with_factor(factor)),
            Just(Backoff::fibonacci(base)),
        ]
    });
    (shape, millis(0..60_000)).prop_map(|(backoff, cap)| backoff.with_cap(cap))
}

fn policy() -> impl Strategy<Value = Policy> {
    let deadline = proptest::option::of(millis(0..120_000));
    (
        backoff(),
        jitter(),
        0..5_u32,
        0..6_u32,
        deadline,
        millis(0..600_000),
    )
        .prop_map(
            |(backoff, jitter, retries, rejections, deadline, longest)| {
                let policy = Policy::new()
                    .with_backoff(backoff)
                    .with_jitter(jitter)
                    .with_max_retries(retries)
                    .with_max_throttles(rejections)
                    .with_max_retry_after(longest);
                deadline.map_or(policy, |deadline| policy.with_deadline(deadline))
            },
        )
}

fn spec() -> impl Strategy<Value = CallSpec> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(idempotent, replayable, paced)| {
        CallSpec::new()
            .with_idempotent(idempotent)
            .with_replayable(replayable)
            .with_paced(paced)
    })
}

const START: Instant = Instant::from_nanos(1_000_000_007);

/// Drives a call. Returns the time, the ending and the decision of each attempt.
fn drive(
    policy: Policy,
    spec: CallSpec,
    seed: u64,
    endings: &[Ending],
) -> Vec<(Instant, Ending, Decision)> {
    let mut call = Call::new(policy, spec, seed, START);
    let mut now = START;
    let mut seen = Vec::new();
    for &ending in endings {
        now = call.not_before().unwrap_or(now).max(now);
        call.on_sent(now);
        now = now + ending.took;
        let decision = call.on_outcome(now, ending.outcome, &ending.hint(now), None);
        seen.push((now, ending, decision));
        if let Decision::End(end) = decision {
            assert_eq!(call.report().end(), Some(&end));
            break;
        }
    }
    assert_eq!(call.report().attempts() as usize, seen.len());
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn promise_1_retry_is_never_before_the_hint(
        policy in policy(), spec in spec(), seed: u64,
        endings in prop::collection::vec(ending(), 1..12),
    ) {
        for (now, ending, decision) in drive(policy, spec, seed, &endings) {
            if let Decision::Retry(wait) = decision {
                prop_assert!(wait.until() >= now);
                if let Some(asked) = ending.asked() {
                    prop_assert!(wait.until() >= now + asked, "{wait}, asked for {asked:?}");
                }
            }
        }
    }

    #[test]
    fn promise_2_wait_fits_deadline_and_max_retry_after(
        policy in policy(), spec in spec(), seed: u64,
        endings in prop::collection::vec(ending(), 1..12),
    ) {
        for (now, ending, decision) in drive(policy, spec, seed, &endings) {
            let deadline = policy.deadline().map(|deadline| START + deadline);
            match decision {
                Decision::Retry(wait) => {
                    prop_assert!(deadline.is_none_or(|deadline| wait.until() <= deadline));
                    let asked = ending.asked().unwrap_or_default();
                    prop_assert!(asked <= policy.max_retry_after());
                }
                Decision::End(end) => match end.reason() {
                    EndReason::RetryAfterTooLong => {
                        // The reported instant is the server's, not cut down.
                        let asked = ending.asked().unwrap();
                        prop_assert!(asked > policy.max_retry_after());
                        prop_assert_eq!(end.retry_at(), Some(now + asked));
                        prop_assert_eq!(end.retry_after(), Some(asked));
                    }
                    EndReason::Deadline => {
                        let retry_at = end.retry_at().unwrap();
                        prop_assert!(retry_at > deadline.unwrap());
                        prop_assert!(retry_at >= now + ending.asked().unwrap_or_default());
                    }
                    _ => prop_assert_eq!(end.retry_at(), None),
                },
            }
        }
    }

    #[test]
    fn promise_3_retries_and_throttles_are_counted_separately(
        policy in policy(), seed: u64,
        endings in prop::collection::vec(ending(), 1..12),
    ) {
        let mut failures = 0;
        let mut rejections = 0;
        for (_, ending, decision) in drive(policy, CallSpec::new(), seed, &endings) {
            match ending.outcome.kind() {
                OutcomeKind::Transient => failures += 1,
                OutcomeKind::Throttled => rejections += 1,
                // A pending response resets both counts.
                OutcomeKind::Pending => (failures, rejections) = (0, 0),
                _ => {}
            }
            prop_assert!(failures <= policy.max_retries() + 1);
            prop_assert!(rejections <= policy.max_throttles() + 1);
            if let Decision::End(end) = decision {
                let used_up = match end.reason() {
                    EndReason::MaxRetries => failures == policy.max_retries() + 1,
                    EndReason::MaxThrottles => rejections == policy.max_throttles() + 1,
                    _ => true,
                };
                prop_assert!(used_up, "{end}");
            }
        }
    }

    #[test]
    fn promise_4_executed_call_is_retried_only_if_idempotent(
        policy in policy(), spec in spec(), seed: u64, replayable: bool,
        endings in prop::collection::vec(ending(), 1..12),
    ) {
        let unsafe_spec = spec.with_idempotent(false).with_replayable(replayable);
        for (_, ending, decision) in drive(policy, unsafe_spec, seed, &endings) {
            if let Decision::Retry(_) = decision {
                prop_assert!(replayable);
                prop_assert_eq!(ending.outcome.executed(), Executed::No);
            }
        }
    }

    #[test]
    fn promise_6_same_inputs_give_same_decisions(
        policy in policy(), spec in spec(), seed: u64,
        endings in prop::collection::vec(ending(), 1..12),
    ) {
        let first: Vec<_> = drive(policy, spec, seed, &endings);
        let second: Vec<_> = drive(policy, spec, seed, &endings);
        let decisions = |seen: &[(Instant, Ending, Decision)]| {
            seen.iter().map(|&(now, _, decision)| (now, decision)).collect::<Vec<_>>()
        };
        prop_assert_eq!(decisions(&first), decisions(&second));
    }

    #[test]
    fn any_times_and_events_do_not_panic(
        policy in policy(), spec in spec(), seed: u64,
        events in prop::collection::vec((any::<u64>(), 0..5_u8, ending()), 0..40),
    ) {
        let mut call = Call::new(policy, spec, seed, START);
        for (nanos, event, ending) in events {
            let now = Instant::from_nanos(nanos);
            match event {
                0 => call.on_sent(now),
                4 => drop(call.on_asking(now)),
                1 => drop(call.on_waiting(now, Some(now + ending.took), None)),
                2 => drop(call.on_waiting(now, None, None)),
                _ => drop(call.on_outcome(now, ending.outcome, &ending.hint(now), None)),
            }
            let _ = (call.wait_limits(), call.not_before(), call.report().to_string());
        }
    }
}

#[test]
fn promise_5_calls_with_one_hint_spread() {
    let returns = |seed| {
        let mut call = Call::new(Policy::default(), CallSpec::new(), seed, START);
        call.on_sent(START);
        let hint = Hint::new(START).with_retry_after(Duration::from_secs(7));
        match call.on_outcome(START, Outcome::throttled("429"), &hint, None) {
            Decision::Retry(wait) => {
                assert_eq!(wait.reason(), WaitReason::Hint);
                wait.until()
            }
            Decision::End(end) => panic!("{end}"),
        }
    };
    let instants: std::collections::BTreeSet<_> = (0..1_000).map(returns).collect();
    assert_eq!(instants.len(), 1_000);
    let first = *instants.first().unwrap();
    let last = *instants.last().unwrap();
    assert!(first >= START + Duration::from_secs(7));
    // Full jitter below the first ceiling of 100 ms uses most of that range.
    let spread = last.duration_since(first);
    assert!(spread > Duration::from_millis(90) && spread <= Duration::from_millis(100));
}

#[test]
fn paced_call_retries_exactly_at_the_hint() {
    let mut call = Call::new(
        Policy::default(),
        CallSpec::new().with_paced(true),
        1,
        START,
    );
    call.on_sent(START);
    let hint = Hint::new(START).with_retry_after(Duration::from_secs(7));
    let decision = call.on_outcome(START, Outcome::throttled("429"), &hint, None);
    let Decision::Retry(wait) = decision else {
        panic!()
    };
    assert_eq!(wait.until(), START + Duration::from_secs(7));
}

#[test]
fn hold_past_deadline_ends_call_immediately() {
    let policy = Policy::new().with_deadline(Duration::from_secs(10));
    let mut call = Call::new(policy, CallSpec::new().with_paced(true), 1, START);
    call.on_sent(START);
    let opens = START + Duration::from_secs(60);
    let hint = Hint::new(START).with_retry_after(Duration::from_secs(1));
    let decision = call.on_outcome(START, Outcome::throttled("429"), &hint, Some(opens));
    let Decision::End(end) = decision else {
        panic!()
    };
    assert_eq!(end.reason(), EndReason::Deadline);
    assert_eq!(end.retry_at(), Some(opens));
}

/// Returns the end of a call with a deadline of 5 s and a backoff of `own` seconds, after the
/// server's `Retry-After`.
fn stop_at_five_seconds(paced: bool, own: u64, retry_after: &str) -> End {
    let policy = Policy::new()
        .with_deadline(Duration::from_secs(5))
        .with_backoff(Backoff::constant(Duration::from_secs(own)))
        .with_jitter(Jitter::none());
    let mut call = Call::new(policy, CallSpec::new().with_paced(paced), 1, START);
    call.on_sent(START);
    let headers = [("retry-after", retry_after.as_bytes())];
    let hint = Hint::read(headers, breather::driver::Moment::new(START));
    match call.on_outcome(START, Outcome::throttled("429"), &hint, None) {
        Decision::End(end) => end,
        Decision::Retry(wait) => panic!("{wait}"),
    }
}

#[test]
fn end_names_only_the_header_that_caused_it() {
    for (paced, own, retry_after, is_shown) in [
        (true, 1, "60", true),
        (false, 1, "60", true),
        (true, 8, "7", false),
        (true, 8, "1", false),
        (false, 8, "1", false),
        (false, 8, "0", false),
    ] {
        let end = stop_at_five_seconds(paced, own, retry_after);
        assert_eq!(end.evidence().is_some(), is_shown, "{paced} {own}: {end}");
    }
}

#[test]
fn no_retries_policy_does_not_poll() {
    for outcome in [
        Outcome::pending("status 202"),
        Outcome::throttled("status 429"),
        Outcome::transient(Executed::No, "no connection"),
    ] {
        let mut call = Call::new(Policy::no_retries(), CallSpec::new(), 1, START);
        call.on_sent(START);
        let decision = call.on_outcome(START, outcome, &Hint::new(START), None);
        assert!(matches!(decision, Decision::End(_)), "{outcome}");
    }
}

#[test]
fn wait_and_end_show_their_reason() {
    let headers: [(&str, &[u8]); 1] = [("Retry-After", b"7")];
    let hint = Hint::read(headers, breather::driver::Moment::new(START));
    let policy = Policy::new().with_max_throttles(1);
    let mut call = Call::new(policy, CallSpec::new().with_paced(true), 1, START);
    call.on_sent(START);
    let decision = call.on_outcome(START, Outcome::throttled("status 429"), &hint, None);
    let Decision::Retry(wait) = decision else {
        panic!()
    };
    assert_eq!(wait.to_string(), "waiting 7s (retry-after: 7)");
    call.on_sent(wait.until());
    let decision = call.on_outcome(wait.until(), Outcome::throttled("status 429"), &hint, None);
    let Decision::End(end) = decision else {
        panic!()
    };
    assert_eq!(end.to_string(), "throttle limit reached: status 429");
    assert_eq!(
        call.report().to_string(),
        "throttle limit reached after 2 attempts (2 throttled), waited 7s: status 429"
    );
}

#[test]
fn backward_clock_counts_as_standing_still() {
    let mut call = Call::new(Policy::default(), CallSpec::new(), 1, START);
    call.on_sent(START + Duration::from_secs(5));
    let earlier = Outcome::transient(Executed::No, "connect");
    let decision = call.on_outcome(START, earlier, &Hint::new(START), None);
    let Decision::Retry(wait) = decision else {
        panic!()
    };
    assert!(wait.until() >= START + Duration::from_secs(5));
}
