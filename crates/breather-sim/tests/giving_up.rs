//! Tests the pacer when callers drop calls that wait or are in flight.
//!
//! The server learns of neither. An accepted request keeps its place and its time to the end.

use std::time::Duration;

use breather_sim::{Headers, Limiter, Load, Run, Server};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Plays a run and asserts that all calls succeeded or were given up, and that nothing leaked.
fn finished(server: &Server, load: &Load, seed: u64) -> Run {
    let run = breather_sim::run(server, load, seed);
    assert_eq!(run.leaked(), (0, 0), "{server:?}, {load:?}, seed {seed}");
    let ended = run.ok() + run.given_up();
    assert_eq!(ended, load.calls(), "{server:?}, {load:?}, seed {seed}");
    run
}

/// Returns how many calls were given up after the server had accepted them.
fn dropped_in_flight(run: &Run) -> usize {
    run.sends() - run.throttled_quota() - run.throttled_cap() - run.ok()
}

#[test]
fn remaining_callers_finish_as_if_the_others_had_never_called() {
    let log = Limiter::sliding_log(300, MINUTE);
    let server = Server::default;
    for (server, makespan, sends) in [
        (server(), 1.01, 1.03),
        (server().limited_by(log), 1.02, 1.05),
        (server().with_headers(Headers::RetryAfter), 1.02, 1.05),
        (server().with_headers(Headers::None), 1.10, 1.15),
        (server().with_counting_at_response(true), 1.02, 1.05),
        (server().with_quota_from(90 * SECOND, 150), 1.02, 1.05),
        (server().with_cap_from(60 * SECOND, Some(20)), 1.10, 1.08),
    ] {
        for share in [0.5, 0.9] {
            let load = Load::spike(1_000).with_giving_up(share, 2 * MINUTE);
            for seed in SEEDS {
                let run = finished(&server, &load, seed);
                // Waiting calls that leave make room for the others, so the ideal of the remaining
                // calls is a fair measure.
                let alone = server.clone().with_counting_at_response(false);
                let ideal = alone.ideal(&Load::spike(run.ok()), seed).makespan();
                let took = run.makespan().div_duration_f64(ideal);
                let sent = run.sends() as f64 / run.ok() as f64;
                assert!(
                    took <= makespan && sent <= sends,
                    "{took:.3}, {sent:.3}: {server:?}, {share} leave, seed {seed}"
                );
            }
        }
    }
}

#[test]
fn place_of_a_dropped_call_in_flight_comes_back() {
    let server = Server::default()
        .with_quota(10_000, MINUTE)
        .with_cap(Some(20))
        .with_service(2 * SECOND);
    for seed in SEEDS {
        let load = Load::spike(600).with_giving_up(0.5, 30 * SECOND);
        let run = finished(&server, &load, seed);
        // The server has a place for each request that it accepted.
        let accepted = Load::spike(run.ok() + dropped_in_flight(&run));
        let ideal = server.ideal(&accepted, seed).makespan();
        let took = run.makespan().div_duration_f64(ideal);
        assert!(took <= 1.15, "{took:.3}, seed {seed}");

        let load = Load::open(20.0, MINUTE).with_giving_up(0.8, 4 * SECOND);
        let run = finished(&server, &load, seed);
        let dropped = dropped_in_flight(&run);
        assert!(dropped > 100, "{dropped}, seed {seed}");
        assert!(
            run.throttled_cap() <= 30,
            "{}, seed {seed}",
            run.throttled_cap()
        );
        assert!(run.makespan() <= 75 * SECOND, "{:?}", run.makespan());
    }
}

#[test]
fn dropped_call_in_flight_stays_spent() {
    let server = Server::default().with_service(2 * SECOND);
    let load = Load::open(10.0, 5 * MINUTE).with_giving_up(0.7, 3 * SECOND);
    for seed in SEEDS {
        let run = finished(&server, &load, seed);
        let dropped = dropped_in_flight(&run);
        assert!(dropped > 400, "{dropped}, seed {seed}");
        assert_eq!(run.throttled_quota(), 0, "seed {seed}");
    }
}
