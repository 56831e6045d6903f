//! Tests who waits how long if calls have priorities and shares.

use std::time::Duration;

use breather::Priority;
use breather::driver::Instant;
use breather_sim::{Headers, Limiter, Load, Run, Server, run};

const SECOND: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(10);

/// A window, a guess of its end if the server does not state it, and the time of two answers.
const LONGEST: Duration = Duration::from_secs(12);

/// The kinds of servers that permit ten calls in 10 s.
fn servers() -> Vec<Server> {
    let limiters = [
        Limiter::fixed_window(10, WINDOW),
        Limiter::sliding_log(10, WINDOW),
        Limiter::token_bucket(10, WINDOW, 10),
    ];
    let all = limiters.iter().flat_map(|&limiter| {
        [Headers::All, Headers::RetryAfter, Headers::None].map(|headers| {
            let server = Server::unlimited().with_limiter(limiter);
            server.with_headers(headers)
        })
    });
    all.collect()
}

/// Returns how long after its start each call ended.
fn ends(run: &Run) -> Vec<Duration> {
    let ends = run
        .reports()
        .iter()
        .map(|report| report.end().unwrap().at());
    ends.map(|at| at.duration_since(Instant::ORIGIN)).collect()
}

fn one_interactive(call: usize) -> Priority {
    match call {
        100 => Priority::Interactive,
        _ => Priority::Batch,
    }
}

#[test]
fn interactive_call_waits_one_window_beside_a_batch() {
    for server in servers() {
        for seed in 1..=5 {
            let load = Load::spike(101);
            let beside = run(&server, &load.with_priorities(one_interactive), seed);
            let alone = run(&server, &load, seed);
            assert_eq!((beside.ok(), alone.ok()), (101, 101));
            let what = format!("{server:?}, seed {seed}");
            let waited = ends(&beside)[100];
            assert!(waited <= LONGEST, "{waited:?}: {what}");
            let batch = beside.makespan().div_duration_f64(alone.makespan());
            assert!(batch <= 1.02, "{batch}: {what}");
        }
    }
}

/// Calls come at twice the rate that the server permits, and each tenth is interactive.
#[test]
fn interactive_calls_that_come_later_wait_one_window() {
    let of = |call: usize| match call % 10 {
        9 => Priority::Interactive,
        _ => Priority::Batch,
    };
    let load = Load::open(2.0, 60 * SECOND).with_priorities(of);
    for server in servers() {
        for seed in 1..=5 {
            let run = run(&server, &load, seed);
            assert_eq!(run.ok(), 120, "{server:?}, seed {seed}");
            for (call, end) in ends(&run).into_iter().enumerate().skip(9).step_by(10) {
                let waited = end - SECOND * call as u32 / 2;
                let what = format!("call {call} waits {waited:?}: {server:?}, seed {seed}");
                assert!(waited <= LONGEST, "{what}");
            }
        }
    }
}

#[test]
fn batch_is_served_while_interactive_calls_never_run_out() {
    let of = |call: usize| match call % 2 {
        0 => Priority::Interactive,
        _ => Priority::Batch,
    };
    let load = Load::spike(400).with_priorities(of);
    for server in servers() {
        let run = run(&server, &load, 1);
        assert_eq!(run.ok(), 400, "{server:?}");
        let ends = ends(&run);
        let half = ends.iter().step_by(2).max().unwrap().mul_f64(0.9);
        let early = ends.iter().skip(1).step_by(2).filter(|&&end| end < half);
        // One in 16 of 180, beside those that went before there was a queue.
        assert!(early.count() >= 8, "{server:?}");
    }
}

#[test]
fn few_calls_of_a_tenant_do_not_wait_behind_many_of_another() {
    let tenant = |call: usize| if call < 1_000 { 1 } else { 2 };
    let load = Load::spike(1_005).with_shares(tenant);
    for server in servers() {
        let run = run(&server, &load, 1);
        assert_eq!(run.ok(), 1_005, "{server:?}");
        let last = ends(&run)[1_000..].iter().max().copied().unwrap();
        assert!(last <= WINDOW + LONGEST, "{last:?}: {server:?}");
    }
}
