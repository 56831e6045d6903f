//! Tests limits in units other than requests, billed overage, and new connections.

use std::ops::ControlFlow;
use std::time::Duration;

use breather::Policy;
use breather::driver::Instant;
use breather::hint::Unit;
use breather_sim::{Fate, Happening, Headers, Limiter, Load, Server, Watch, run, run_watched};

const SECOND: Duration = Duration::from_secs(1);

/// Creates a server without network and service time, with 100 tokens a second.
fn tokens(limiter: fn(u64, Duration) -> Limiter) -> Server {
    Server::unlimited()
        .with_limiter(limiter(1_000, 10 * SECOND).with_unit(Unit::Tokens))
        .with_service(Duration::ZERO)
        .with_rejection(Duration::ZERO)
}

fn bucket(quota: u64, window: Duration) -> Limiter {
    Limiter::token_bucket(quota, window, quota)
}

/// Returns a load of calls that cost 300 tokens each.
fn threes(calls: usize) -> Load {
    Load::spike(calls).with_cost(Unit::Tokens, 300, 300)
}

fn makespan(server: &Server, calls: usize) -> Duration {
    server.ideal(&threes(calls), 1).makespan()
}

#[test]
fn ideal_charges_costs() {
    let (bucket, window) = (tokens(bucket), tokens(Limiter::fixed_window));
    let log = tokens(Limiter::sliding_log);
    for (calls, in_bucket, in_windows) in [(3, 0, 0), (4, 2, 10), (6, 8, 10), (7, 11, 20)] {
        assert_eq!(makespan(&bucket, calls), in_bucket * SECOND, "{calls}");
        assert_eq!(makespan(&window, calls), in_windows * SECOND, "{calls}");
        assert_eq!(makespan(&log, calls), in_windows * SECOND, "{calls}");
    }
}

#[test]
fn call_larger_than_the_quota_takes_all_of_it() {
    let huge = Load::spike(2).with_cost(Unit::Tokens, 1_500, 1_500);
    assert_eq!(tokens(bucket).ideal(&huge, 1).makespan(), 15 * SECOND);
    let windows = tokens(Limiter::fixed_window);
    assert_eq!(windows.ideal(&huge, 1).makespan(), 10 * SECOND);
}

#[test]
fn costs_depend_on_the_seed_and_have_the_median() {
    let load = Load::spike(1_001).with_cost(Unit::Tokens, 800, 12_000);
    let spent = |seed| tokens(bucket).ideal(&load, seed).makespan();
    assert_eq!(spent(1), spent(1));
    assert_ne!(spent(1), spent(2));
    // The mean of a log-normal distribution with this median and p99 is 1,576.
    let mean = (spent(1).as_secs_f64() * 100.0 + 1_000.0) / 1_001.0;
    assert!((1_300.0..1_900.0).contains(&mean), "{mean}");
}

#[test]
fn charge_at_response_admits_calls_in_flight() {
    let at_response = |server: Server, limiter: Limiter| {
        let limiter = limiter.with_unit(Unit::Tokens).with_charge_at_response();
        let server = server.limited_by(limiter).with_service(SECOND);
        run(&server, &threes(20).with_policy(Policy::no_retries()), 1)
    };
    let server = Server::unlimited();
    let run = at_response(server, bucket(1_000, 10 * SECOND));
    // All of them arrive before the first one is charged.
    assert_eq!(run.ok(), 20);
}

#[test]
fn overage_is_accepted_and_told() {
    let limiter = Limiter::fixed_window(5, 1_000 * SECOND).with_overage();
    let server = Server::unlimited().with_limiter(limiter);
    let told = windows(&server, &Load::spike(20));
    assert_eq!(told.iter().filter(|it| it[0].1 == Some(0)).count(), 16);
}

/// Collects the unit and the remaining quota of the windows in each response.
#[derive(Default)]
struct Windows(Vec<Vec<(Unit, Option<u64>)>>);

impl Watch for Windows {
    fn on(&mut self, _: Instant, happening: Happening<'_>) -> ControlFlow<()> {
        if let Happening::Answered { hint, .. } = happening {
            let windows = hint.windows().map(|it| (it.unit(), it.remaining()));
            self.0.push(windows.collect());
        }
        ControlFlow::Continue(())
    }
}

/// Plays `load` and returns the windows of each response.
fn windows(server: &Server, load: &Load) -> Vec<Vec<(Unit, Option<u64>)>> {
    let mut windows = Windows::default();
    let run = run_watched(server, load, 1, &mut windows);
    assert!(run.fates().iter().all(|&fate| fate == Fate::Accepted));
    windows.0
}

#[test]
fn language_model_headers_state_requests_and_tokens() {
    for (headers, left) in [(Headers::OpenAi, 8_720), (Headers::Anthropic, 9_000)] {
        let server = Server::unlimited()
            .with_limiter(Limiter::token_bucket(50, SECOND, 50))
            .with_limiter(
                Limiter::token_bucket(10_000, 60 * SECOND, 10_000).with_unit(Unit::Tokens),
            )
            .with_headers(headers);
        let load = Load::spike(1).with_cost(Unit::Tokens, 1_280, 1_280);
        let expected = [(Unit::Requests, Some(49)), (Unit::Tokens, Some(left))];
        assert_eq!(windows(&server, &load), [expected], "{headers:?}");
    }
}

#[test]
fn tightest_limiter_is_told_alone() {
    let server = Server::unlimited()
        .with_limiter(Limiter::fixed_window(10, SECOND))
        .with_limiter(Limiter::fixed_window(12, 60 * SECOND))
        .with_headers(Headers::Tightest)
        .with_service(SECOND * 3 / 2);
    let told = windows(&server, &Load::open(1.0, 8 * SECOND));
    // The first eight calls leave nine of the small window, and then fewer of the large one.
    let left: Vec<_> = told.iter().map(|it| it[0].1.unwrap()).collect();
    assert_eq!(left, [9, 9, 9, 8, 7, 6, 5, 4]);
}

#[test]
fn calls_on_used_connections_overtake_those_on_new_ones() {
    let server = Server::unlimited()
        .with_service(SECOND / 100)
        .with_rejection(SECOND / 500)
        .with_connect(SECOND / 20);
    // The second wave finds the connections of the first.
    let first = run(&server, &Load::spike(1), 1).send_times()[0];
    assert_eq!(first, Instant::ORIGIN + Duration::from_millis(51));
    let run = run(&server, &Load::sequential(2, 3), 1);
    let later = run.send_times()[5].duration_since(first);
    assert!(later < Duration::from_millis(40), "{later:?}");
}
