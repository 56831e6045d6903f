//! Tests the pacer against servers that answer 503 without a delay.

use std::time::Duration;

use breather::EndReason;
use breather_sim::{Limiter, Load, Outage, Run, Server, run};

const SECOND: Duration = Duration::from_secs(1);

/// Returns when the last call ended.
fn last_end(run: &Run) -> Duration {
    let ends = run.reports().iter().filter_map(|report| report.end());
    let ends = ends.map(|end| end.at().duration_since(breather::driver::Instant::ORIGIN));
    ends.max().unwrap_or_default()
}

#[test]
fn calls_end_if_the_server_answers_nothing_else() {
    let server = Server::unlimited().with_faults(1.0);
    for (calls, longest) in [(1, 2), (20, 20), (500, 60)] {
        let run = run(&server, &Load::spike(calls), 1);
        assert_eq!(run.ok(), 0);
        assert!(last_end(&run) < longest * SECOND, "{:?}", last_end(&run));
        let ends = run.reports().iter().filter_map(|report| report.end());
        assert!(
            ends.into_iter()
                .all(|end| end.reason() == EndReason::MaxRetries)
        );
    }
}

#[test]
fn calls_end_if_the_server_fails_for_ever_after_a_good_start() {
    let down = Outage::Unavailable(None);
    let server = Server::unlimited().with_outage(5 * SECOND, 5_000 * SECOND, down);
    let run = run(&server, &Load::sequential(20, 100), 1);
    assert!(run.ok() > 400);
    // For a minute, the server may shed load. Then the calls fail one after the other.
    assert!(last_end(&run) < 112 * SECOND, "{:?}", last_end(&run));
}

#[test]
fn shed_calls_succeed_whatever_sheds_them() {
    let limited = |limiter| {
        Server::unlimited()
            .with_limiter(limiter)
            .with_quota_status(503)
    };
    for (server, calls) in [
        (limited(Limiter::token_bucket(10, SECOND, 20)), 300),
        (limited(Limiter::leaky_bucket(5, SECOND, 5)), 200),
        (limited(Limiter::fixed_window(100, 10 * SECOND)), 300),
        (limited(Limiter::sliding_log(50, 10 * SECOND)), 200),
        (
            Server::unlimited().with_cap(Some(7)).with_cap_status(503),
            500,
        ),
    ] {
        let server = server
            .with_headers(breather_sim::Headers::None)
            .with_cap_retry_after(None);
        for seed in 1..=5 {
            let run = run(&server, &Load::spike(calls), seed);
            assert_eq!(run.ok(), calls, "{server:?}, seed {seed}");
            assert!(
                run.sends_per_call() < 1.6,
                "{server:?}: {}",
                run.sends_per_call()
            );
        }
    }
}
