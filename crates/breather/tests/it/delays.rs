//! breather keeps the delays that you configure.

use std::time::Duration;

use breather::{
    Backoff, Executed, Hint, Jitter, Outcome, Policy, WaitReason,
    driver::{Call, CallSpec, Decision, Instant},
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn failed() -> Outcome {
    Outcome::transient(Executed::No, "connection refused")
}

fn pending() -> Outcome {
    Outcome::pending("202")
}

/// Returns the first `count` waits of a call whose attempts all end with `outcome`.
fn waits(policy: Policy, seed: u64, outcome: Outcome, count: usize) -> Vec<Duration> {
    let policy = policy.with_max_retries(u32::MAX);
    let mut now = Instant::ORIGIN;
    let mut call = Call::new(policy, CallSpec::new(), seed, now);
    let next = || {
        call.on_sent(now);
        match call.on_outcome(now, outcome, &Hint::new(now), None) {
            Decision::Retry(wait) => {
                assert_eq!(wait.reason(), WaitReason::Backoff);
                now = wait.until();
                wait.delay()
            }
            Decision::End(end) => panic!("{end}"),
        }
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Asserts that each wait is as long as configured, or up to a tenth longer.
fn assert_kept(policy: Policy, outcome: Outcome, written: &[Duration]) {
    for seed in 0..50 {
        let waits = waits(policy, seed, outcome, written.len());
        for (&wait, &written) in waits.iter().zip(written) {
            let kept = written..=written + written / 10;
            assert!(kept.contains(&wait), "{wait:?}, written {written:?}");
        }
    }
}

#[test]
fn constant_delay_is_not_cut() {
    let policy = Policy::new().with_backoff(Backoff::constant(MINUTE));
    assert_kept(policy, failed(), &[MINUTE; 10]);
    let day = 24 * 60 * MINUTE;
    let policy = Policy::new().with_backoff(Backoff::constant(day));
    assert_kept(policy, failed(), &[day; 10]);
}

#[test]
fn linear_delay_is_not_cut() {
    let policy = Policy::new().with_backoff(Backoff::linear(10 * SECOND));
    let written: Vec<_> = (1..=30).map(|step| step * 10 * SECOND).collect();
    assert_kept(policy, failed(), &written);
}

#[test]
fn fibonacci_delay_is_not_cut() {
    let policy = Policy::new().with_backoff(Backoff::fibonacci(10 * SECOND));
    let written = [1, 1, 2, 3, 5, 8, 13, 21].map(|times| times * 10 * SECOND);
    assert_kept(policy, failed(), &written);
}

#[test]
fn custom_delay_is_not_cut() {
    let backoff = Backoff::custom(|retry| [5, 30, 300][retry.min(2) as usize] * SECOND);
    let written = [5, 30, 300, 300].map(|secs| secs * SECOND);
    assert_kept(Policy::new().with_backoff(backoff), failed(), &written);
}

#[test]
fn presets_keep_configured_delay() {
    for preset in [Policy::batch(), Policy::patient()] {
        let policy = preset.with_backoff(Backoff::constant(5 * MINUTE));
        assert_kept(policy, failed(), &[5 * MINUTE; 3]);
    }
}

#[test]
fn exponential_base_is_not_cut() {
    let policy = Policy::new().with_backoff(Backoff::exponential(MINUTE));
    let longest = (0..50).flat_map(|seed| waits(policy, seed, failed(), 3));
    let longest = longest.max().unwrap();
    assert!(longest > 50 * SECOND && longest <= MINUTE, "{longest:?}");
}

#[test]
fn constant_polling_is_not_cut() {
    let policy = Policy::new().with_polling(Backoff::constant(MINUTE));
    assert_kept(policy, pending(), &[MINUTE; 10]);
}

#[test]
fn backoff_and_polling_keep_their_own_shape() {
    // Polling is exponential by default, whatever the shape of the backoff.
    let policy = Policy::new().with_backoff(Backoff::constant(MINUTE));
    let shortest = (0..50).flat_map(|seed| waits(policy, seed, pending(), 1));
    assert!(shortest.min().unwrap() < SECOND / 10);
    let policy = Policy::new().with_polling(Backoff::constant(MINUTE));
    let shortest = (0..50).flat_map(|seed| waits(policy, seed, failed(), 1));
    assert!(shortest.min().unwrap() < SECOND / 100);
}

#[test]
fn set_cap_wins() {
    let short = Backoff::constant(MINUTE).with_cap(SECOND);
    let policy = Policy::new().with_backoff(short).with_polling(short);
    assert_kept(policy, failed(), &[SECOND; 3]);
    assert_kept(policy, pending(), &[SECOND; 3]);
}

#[test]
fn set_jitter_wins() {
    let policy = Policy::new()
        .with_backoff(Backoff::constant(MINUTE))
        .with_polling(Backoff::linear(MINUTE));
    let policy = policy.with_jitter(Jitter::none());
    assert_eq!(waits(policy, 1, failed(), 2), [MINUTE; 2]);
    assert_eq!(waits(policy, 1, pending(), 2), [MINUTE, 2 * MINUTE]);
    let policy = policy.with_jitter(Jitter::full());
    for outcome in [failed(), pending()] {
        let waits = (0..50).flat_map(|seed| waits(policy, seed, outcome, 1));
        let (early, late): (Vec<_>, Vec<_>) = waits.partition(|&wait| wait < MINUTE / 2);
        assert!(early.len() > 10 && late.len() > 10);
        assert!(late.iter().all(|&wait| wait <= MINUTE));
    }
}

#[test]
fn decorrelated_jitter_is_bounded() {
    for backoff in [
        Backoff::constant(SECOND),
        Backoff::linear(SECOND),
        Backoff::fibonacci(SECOND),
        Backoff::custom(|_| Duration::from_secs(1)),
    ] {
        let policy = Policy::new()
            .with_backoff(backoff)
            .with_jitter(Jitter::decorrelated());
        let longest = waits(policy, 1, failed(), 200).into_iter().max();
        assert!(longest.unwrap() <= 20 * SECOND, "{backoff:?}: {longest:?}");
    }
}

#[test]
fn unpaced_call_adds_configured_delay_to_hint() {
    // An unpaced call adds its own delay to the hint.
    let policy = Policy::new().with_backoff(Backoff::constant(MINUTE));
    for (paced, retry_at, latest) in [(false, 70, 76), (true, 60, 66)] {
        let start = Instant::ORIGIN;
        let mut call = Call::new(policy, CallSpec::new().with_paced(paced), 1, start);
        call.on_sent(start);
        let hint = Hint::new(start).with_retry_after(10 * SECOND);
        let decision = call.on_outcome(start, Outcome::throttled("429"), &hint, None);
        let Decision::Retry(wait) = decision else {
            panic!("{decision:?}")
        };
        let kept = retry_at * SECOND..=latest * SECOND;
        assert!(kept.contains(&wait.delay()), "{wait}");
    }
}
