//! Compares the pacer with the ideal against a fixed window with a cap.
//!
//! Time is virtual and seeds are fixed, so the figures are the same on every machine.

mod common;

use std::time::Duration;

use breather::{EndReason, Pace, Pacing, Policy};
use breather_sim::{Headers, Load, Server};

use self::common::{SEEDS, finished};

/// The additional sends that finding the cap may cost, once.
const START_UP: f64 = 40.0;

fn assert_within(what: &str, server: &Server, calls: usize, makespan: f64, sends: f64) {
    common::assert_within(what, server, &Load::spike(calls), makespan, sends);
}

fn window(seconds: u64, quota: u64) -> Server {
    Server::default().with_quota(quota, Duration::from_secs(seconds))
}

#[test]
fn several_windows() {
    assert_within("300 a minute", &Server::default(), 1_000, 1.01, 1.02);
    assert_within("300 a minute", &Server::default(), 5_000, 1.01, 1.02);
    assert_within("300 in 10 s", &window(10, 300), 600, 1.01, 1.02);
    assert_within("300 in 10 s", &window(10, 300), 1_200, 1.01, 1.02);
}

#[test]
fn less_than_a_window() {
    let server = Server::default().with_cap_retry_after(None);
    assert_within("one window", &server, 50, 1.10, 1.05);
    assert_within("one window", &server, 200, 1.10, 1.05);
}

#[test]
fn no_cap() {
    let server = Server::default().with_cap(None);
    assert_within("no cap", &server, 1_000, 1.02, 1.05);
}

#[test]
fn caps_and_services_of_every_size() {
    for (cap, quota, calls) in [(5, 150, 800), (20, 600, 3_000)] {
        let server = window(10, quota).with_cap(Some(cap));
        assert_within(
            "a small cap",
            &server,
            calls,
            1.03,
            1.02 + START_UP / calls as f64,
        );
    }
    for (cap, quota, calls) in [(100, 600, 3_000), (500, 3_000, 15_000)] {
        let server = window(60, quota).with_cap(Some(cap));
        assert_within(
            "a large cap",
            &server,
            calls,
            1.03,
            1.02 + START_UP / calls as f64,
        );
    }
    for service in [20, 2_000] {
        let server = Server::default().with_service(Duration::from_millis(service));
        assert_within("service", &server, 1_500, 1.03, 1.02 + START_UP / 1_500.0);
    }
}

#[test]
fn fewer_headers() {
    let retry_after = Server::default().with_headers(Headers::RetryAfter);
    assert_within("Retry-After alone", &retry_after, 1_000, 1.02, 1.05);
    let bare = Server::default().with_headers(Headers::None);
    assert_within("nothing but the 429", &bare, 1_000, 1.10, 1.15);
}

#[test]
fn server_that_counts_at_response() {
    let counting = Server::default().with_counting_at_response(true);
    for calls in [1_000, 5_000] {
        let load = Load::spike(calls);
        for seed in SEEDS {
            let run = finished(&counting, &load, seed);
            // The calls that the server admits before the last of the quota is counted are extra,
            // and the ideal must not rely on them.
            let ideal = Server::default().ideal(&load, seed).makespan();
            let took = run.makespan().div_duration_f64(ideal);
            let sends = run.sends_per_call();
            assert!(took <= 1.01 && sends <= 1.02, "{took:.3}, {sends:.3}");
        }
    }
}

#[test]
fn no_storm_after_a_reset() {
    for seed in SEEDS {
        let run = finished(&Server::default(), &Load::spike(1_000), seed);
        // 50 in flight of 200 ms each are 250 a second.
        assert!(run.peak_sends_1s() <= 300, "{}", run.peak_sends_1s());
    }
}

#[test]
fn response_times_are_near_the_ideal() {
    let (server, load) = (Server::default(), Load::spike(1_000));
    for seed in SEEDS {
        let run = finished(&server, &load, seed);
        let ideal = server.ideal(&load, seed);
        for share in [0.5, 0.99] {
            let late = run.quantile(share).div_duration_f64(ideal.quantile(share));
            assert!(late <= 1.02, "p{}: {late:.3}", share * 100.0);
        }
    }
}

#[test]
fn same_seed_gives_the_same_run() {
    let load = Load::spike(600);
    let [first, second] = [(); 2].map(|()| finished(&Server::default(), &load, 7));
    assert_eq!(first.reports(), second.reports());
    let other = finished(&Server::default(), &load, 8);
    assert_ne!(first.reports(), other.reports());
}

#[test]
fn deadline_before_the_reset_stops_calls_immediately_and_loses_none() {
    let policy = Policy::new().with_deadline(Duration::from_secs(20));
    let load = Load::spike(1_000).with_policy(policy);
    let run = breather_sim::run(&Server::default(), &load, 1);
    assert_eq!(run.leaked(), (0, 0));
    // Exactly the first window's quota succeeds. The stated reset comes in time, so the stopped
    // calls cost no attempt.
    assert_eq!(run.ok(), 300);
    for report in run.reports() {
        let end = report.end().unwrap();
        match end.reason() {
            EndReason::Success => {}
            EndReason::Deadline => {
                let stopped = end.at().duration_since(breather::driver::Instant::ORIGIN);
                assert!(
                    stopped < Duration::from_secs(3),
                    "stopped after {stopped:?}"
                );
                assert!(end.retry_after().unwrap() > Duration::from_secs(50));
            }
            other => panic!("{other}"),
        }
    }
}

/// Draws a server, its load and a seed from `state`.
fn drawn(state: &mut u64) -> (Server, Load, u64) {
    // Marsaglia, "Xorshift RNGs", 2003.
    let mut below = |bound: u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % bound
    };
    let quota = 1 + below(400);
    let cap = (below(5) > 0).then_some(1 + below(100) as u32);
    let service = [5, 20, 50, 200, 1_000, 3_000][below(6) as usize];
    let server = window(1 + below(60), quota)
        .with_cap(cap)
        .with_service(Duration::from_millis(service))
        .with_cap_retry_after((below(2) > 0).then_some(1));
    (server, Load::spike(1 + below(400) as usize), below(1_000))
}

#[test]
fn honest_headers_let_every_call_succeed() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..2_000 {
        let (server, load, seed) = drawn(&mut state);
        let run = finished(&server, &load, seed);
        let most = load.calls() + load.calls() / 10 + 45;
        assert!(
            run.sends() <= most,
            "{} sends: {server:?}, {load:?}, seed {seed}",
            run.sends()
        );
    }
}

#[test]
fn fewer_headers_leave_no_call_stuck() {
    let mut state = 0x2545_f491_4f6c_dd1d;
    for headers in [Headers::RetryAfter, Headers::None] {
        for _ in 0..1_000 {
            let (server, load, seed) = drawn(&mut state);
            let server = server.with_headers(headers);
            let run = breather_sim::run(&server, &load, seed);
            assert_eq!(run.leaked(), (0, 0), "{server:?}, {load:?}, seed {seed}");
            let over = run.reports().iter().filter(|report| report.end().is_some());
            assert_eq!(
                over.count(),
                load.calls(),
                "{server:?}, {load:?}, seed {seed}"
            );
        }
    }
}

#[test]
fn even_pace_never_bursts_and_uses_the_quota() {
    let pacing = Pacing::new().with_pace(Pace::Even);
    let load = Load::spike(1_000).with_pacing(pacing);
    for seed in SEEDS {
        let run = finished(&Server::default(), &load, seed);
        // 300 a minute are 5 a second.
        assert!(run.peak_sends_1s() <= 7, "{}", run.peak_sends_1s());
        assert!(run.sends() <= 1_010, "{}", run.sends());
        // Three windows, and a third of the fourth.
        let makespan = run.makespan().as_secs();
        assert!((199..=205).contains(&makespan), "{makespan}");
    }
}
