//! Tests limits and holds that the caller states.

use std::time::Duration;

use breather::{Pacing, StatedLimit};
use breather_sim::{Headers, Limiter, Load, Run, Server, run};

const SECOND: Duration = Duration::from_secs(1);

/// A server that locks callers out for 30 s if they exceed `quota` in `seconds`, and states nothing.
fn locking(quota: u64, seconds: u32) -> Server {
    let limiter = Limiter::lock_out(quota, seconds * SECOND, 30 * SECOND, false);
    let server = Server::unlimited().with_limiter(limiter);
    server.with_headers(Headers::None)
}

/// Plays 100 calls, of which all succeed. Returns the run and its time over that of the ideal.
fn played(server: &Server, pacing: Pacing, seed: u64) -> (Run, f64) {
    let load = Load::spike(100).with_pacing(pacing);
    let run = run(server, &load, seed);
    assert_eq!(run.ok(), 100, "{server:?}, seed {seed}");
    let ideal = server.ideal(&load, seed).makespan();
    let over = run.makespan().div_duration_f64(ideal);
    (run, over)
}

#[test]
fn right_limit_is_exact_and_without_a_rejection() {
    for (quota, seconds) in [(5, 1), (10, 2), (50, 10), (7, 3)] {
        for seed in 1..=5 {
            let pacing = Pacing::new().with_limit(quota, seconds * SECOND);
            let (run, over) = played(&locking(quota, seconds), pacing, seed);
            assert_eq!(run.throttled_quota(), 0, "{quota} in {seconds} s");
            assert!(over <= 1.05, "{quota} in {seconds} s: {over}");
        }
    }
}

#[test]
fn limit_that_is_too_high_is_lowered() {
    for (quota, seconds) in [(5, 1), (10, 2)] {
        for seed in 1..=5 {
            let pacing = Pacing::new().with_limit(quota + 1, seconds * SECOND);
            let server = locking(quota, seconds);
            let (_, over) = played(&server, pacing, seed);
            assert!(over <= 3.0, "{quota} in {seconds} s: {over}");
            // With the length of the lock, one rejection is enough.
            let pacing = pacing.with_silent_hold(30 * SECOND);
            let (run, over) = played(&server, pacing, seed);
            assert_eq!(run.throttled_quota(), 1, "{quota} in {seconds} s");
            assert!(over <= 3.0, "{quota} in {seconds} s: {over}");
        }
    }
}

#[test]
fn stated_cap_is_never_exceeded() {
    let server = Server::unlimited()
        .with_cap(Some(4))
        .with_headers(Headers::None);
    let load = Load::spike(200).with_pacing(Pacing::new().with_max_in_flight(4));
    for seed in 1..=5 {
        let run = run(&server, &load, seed);
        assert_eq!((run.ok(), run.throttled_cap()), (200, 0));
    }
}

#[test]
fn silent_hold_is_kept_and_begins_with_one_attempt() {
    let server = Server::unlimited().with_closed(Duration::ZERO, 150 * SECOND);
    let server = server.with_headers(Headers::None);
    let load = Load::spike(20).with_pacing(Pacing::new().with_silent_hold(60 * SECOND));
    for seed in 1..=5 {
        let run = run(&server, &load, seed);
        // One attempt at 0, 60 and 120 s, and then all.
        assert_eq!((run.ok(), run.sends()), (20, 23), "seed {seed}");
        let sends = run.send_times();
        assert!(sends[3].duration_since(sends[0]) >= 180 * SECOND);
    }
}

#[test]
fn lone_call_survives_a_silent_rejection_with_few_sends() {
    let server = Server::unlimited().with_closed(Duration::ZERO, 150 * SECOND);
    let server = server.with_headers(Headers::None);
    for seed in 1..=20 {
        let run = run(&server, &Load::spike(1), seed);
        assert_eq!(run.ok(), 1, "seed {seed}");
        let sends = run.send_times().iter();
        let early =
            sends.filter(|at| at.duration_since(breather::driver::Instant::ORIGIN) < 60 * SECOND);
        assert!(early.count() <= 8, "seed {seed}");
    }
}

/// Calls against ten a second, about which the server says nothing. Returns the sends per call and the time over that of
/// the ideal.
fn with_initial(pacing: Pacing, limiter: Limiter, seed: u64) -> (f64, f64) {
    let server = Server::unlimited().with_limiter(limiter);
    let server = server.with_headers(Headers::None);
    let load = Load::spike(300).with_pacing(pacing);
    let run = run(&server, &load, seed);
    assert_eq!(run.ok(), 300, "{pacing:?}, seed {seed}");
    let ideal = server.ideal(&load, seed).makespan();
    (run.sends_per_call(), run.makespan().div_duration_f64(ideal))
}

#[test]
fn right_initial_limit_spares_the_first_rejections() {
    for seed in 1..=5 {
        let limiter = Limiter::fixed_window(10, SECOND);
        let known = Pacing::new().with_initial_limit(10, SECOND);
        let (sends, over) = with_initial(known, limiter, seed);
        let (unknown, _) = with_initial(Pacing::new(), limiter, seed);
        assert!(sends < unknown && sends <= 1.05, "{sends} of {unknown}");
        assert!(over <= 1.05, "{over}");
    }
}

#[test]
fn wrong_initial_limit_is_improved_on() {
    let limiters = [
        Limiter::fixed_window(10, SECOND),
        Limiter::sliding_log(10, SECOND),
    ];
    for limiter in limiters {
        for (number, per) in [(5, SECOND), (20, SECOND), (1, SECOND), (100, 10 * SECOND)] {
            for seed in 1..=5 {
                let pacing = Pacing::new().with_initial_limit(number, per);
                let (sends, over) = with_initial(pacing, limiter, seed);
                let what = format!("{number} in {per:?}, {limiter:?}: {sends}, {over}");
                // Ten seconds instead of one cost 25 s, once.
                assert!(sends <= 1.3 && over <= 2.0, "{what}");
            }
        }
    }
}

#[test]
fn report_says_which_stated_limit_made_the_call_wait() {
    let unlimited = Server::unlimited().with_headers(Headers::None);
    for (server, pacing, expected) in [
        (unlimited.clone(), Pacing::new(), None),
        (
            unlimited.clone(),
            Pacing::new().with_max_in_flight(4),
            Some(StatedLimit::MaxInFlight),
        ),
        (
            unlimited,
            Pacing::new().with_limit(20, SECOND),
            Some(StatedLimit::Limit),
        ),
        (
            locking(5, 1),
            Pacing::new().with_silent_hold(30 * SECOND),
            Some(StatedLimit::SilentHold),
        ),
    ] {
        let (run, _) = played(&server, pacing, 1);
        let last = run.reports().last().unwrap();
        assert!(last.stated_limits().eq(expected), "{pacing:?}: {last}");
        let said = last.to_string();
        let name = expected.map_or("limited by", StatedLimit::as_str);
        assert_eq!(said.contains(name), expected.is_some(), "{said}");
    }
}
