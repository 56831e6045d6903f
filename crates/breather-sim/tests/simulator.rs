//! Tests the simulator itself, with admissions computed by hand and invariants of every run.

use std::time::Duration;

use breather::{Pacing, Policy, driver::Instant};
use breather_sim::{Headers, Limiter, Load, Outage, ResetForm, Rounding, Run, Server, run};

const SECOND: Duration = Duration::from_secs(1);

/// Creates a server without network and service time, so that admissions are at round instants.
fn instant(limiter: Limiter) -> Server {
    Server::unlimited()
        .with_limiter(limiter)
        .with_service(Duration::ZERO)
        .with_rejection(Duration::ZERO)
}

/// Returns when the ideal admits a spike's calls, in milliseconds.
fn admissions(server: &Server, calls: usize) -> Vec<u128> {
    let ideal = server.ideal(&Load::spike(calls), 1);
    let share = |call: usize| call as f64 / calls as f64;
    (1..=calls)
        .map(|call| ideal.quantile(share(call)).as_millis())
        .collect()
}

#[test]
fn ideal_admissions_by_hand() {
    let fixed = instant(Limiter::fixed_window(2, SECOND));
    assert_eq!(admissions(&fixed, 5), [0, 0, 1_000, 1_000, 2_000]);
    let log = instant(Limiter::sliding_log(2, SECOND));
    assert_eq!(admissions(&log, 5), [0, 0, 1_000, 1_000, 2_000]);
    // From 1 s on, less and less of the first two counts.
    let counter = instant(Limiter::sliding_counter(2, SECOND));
    assert_eq!(admissions(&counter, 5), [0, 0, 1_000, 1_500, 2_000]);
    let tokens = instant(Limiter::token_bucket(2, SECOND, 3));
    assert_eq!(admissions(&tokens, 5), [0, 0, 0, 500, 1_000]);
    let leaky = instant(Limiter::leaky_bucket(2, SECOND, 1));
    assert_eq!(admissions(&leaky, 4), [0, 500, 1_000, 1_500]);
    // The tighter limiter decides. It is two a second, or three in two seconds.
    let both = fixed.with_limiter(Limiter::fixed_window(3, 2 * SECOND));
    assert_eq!(admissions(&both, 5), [0, 0, 1_000, 2_000, 2_000]);
}

#[test]
fn ideal_admissions_with_changes_by_hand() {
    let server = || instant(Limiter::fixed_window(2, SECOND));
    let more = server().with_quota_from(SECOND / 2, 3);
    assert_eq!(admissions(&more, 6), [0, 0, 500, 1_000, 1_000, 1_000]);
    let less = server().with_quota_from(SECOND, 1);
    assert_eq!(admissions(&less, 4), [0, 0, 1_000, 2_000]);
    let late = server().with_closed(SECOND, SECOND * 3 / 2);
    assert_eq!(admissions(&late, 4), [0, 0, 1_500, 1_500]);
    let out = server().with_outage(Duration::ZERO, SECOND / 4, Outage::Lost);
    assert_eq!(admissions(&out, 3), [250, 250, 1_000]);
    // Another user's call comes each second, first at 1 s, and is ahead of ours.
    let shared = server().with_others(0.5);
    assert_eq!(admissions(&shared, 4), [0, 0, 1_000, 2_000]);
}

#[test]
fn ideal_with_a_changing_cap_by_hand() {
    // Services take about a second. First two run at a time, then one.
    let server = Server::unlimited().with_service(SECOND).with_cap(Some(2));
    let load = Load::spike(4);
    let two = server.ideal(&load, 1).makespan();
    let one = server
        .clone()
        .with_cap_from(Duration::ZERO, Some(1))
        .ideal(&load, 1);
    let all = server.with_cap_from(Duration::ZERO, None).ideal(&load, 1);
    assert!(all.makespan() < two && two < one.makespan());
    let sequential = Server::unlimited().with_service(SECOND);
    assert_eq!(
        sequential.ideal(&Load::sequential(1, 4), 1).makespan(),
        one.makespan()
    );
}

/// Returns limiters of each kind for some 40 to 100 calls a second, and whether they queue calls.
fn limiters() -> Vec<(Limiter, bool)> {
    vec![
        (Limiter::fixed_window(40, SECOND), false),
        (Limiter::sliding_log(400, 10 * SECOND), false),
        (Limiter::sliding_counter(60, SECOND), false),
        (Limiter::token_bucket(50, SECOND, 100), false),
        (
            Limiter::token_bucket(50, SECOND, 20).with_reset_at_next(),
            false,
        ),
        (Limiter::leaky_bucket(100, SECOND, 20), true),
    ]
}

/// Returns servers of many kinds.
fn servers() -> Vec<Server> {
    let mut servers = vec![Server::unlimited(), Server::unlimited().with_cap(Some(20))];
    for (limiter, is_queue) in limiters() {
        let server = Server::default().limited_by(limiter);
        let epoch = ResetForm::Epoch { date: true };
        servers.extend([
            server.clone(),
            server
                .clone()
                .with_cap(None)
                .with_headers(Headers::RetryAfter),
            server.clone().with_cap(Some(8)).with_headers(Headers::None),
            server
                .clone()
                .with_limiter(Limiter::fixed_window(100, 2 * SECOND)),
            server
                .clone()
                .with_throttled_counted(true)
                .with_jitter(SECOND / 20),
            server.clone().with_counting_at_response(!is_queue),
            server
                .clone()
                .with_reset_form(epoch)
                .with_skew(3)
                .with_rounding(Rounding::Down),
            server
                .clone()
                .with_reset_form(ResetForm::Epoch { date: false })
                .with_skew(-2),
            server.clone().with_early_hints(SECOND / 2).with_others(0.3),
            server
                .clone()
                .with_quota_from(2 * SECOND, 30)
                .with_cap_from(3 * SECOND, Some(9)),
            server
                .clone()
                .with_cap_status(503)
                .with_cap_retry_after(None),
            server.clone().with_closed(SECOND, 3 * SECOND),
            server
                .clone()
                .with_outage(SECOND, 2 * SECOND, Outage::Unavailable(Some(1))),
            server.clone().with_outage(SECOND, 2 * SECOND, Outage::Lost),
            server.with_brownout(SECOND, 3 * SECOND, 5.0),
        ]);
    }
    servers
}

fn loads() -> [Load; 5] {
    [
        Load::spike(300),
        Load::ramp(200, 3 * SECOND),
        Load::open(60.0, 4 * SECOND),
        Load::sequential(20, 10),
        Load::spike(200).with_processes(4),
    ]
}

/// Plays every combination. Tests must not depend on the order.
fn each(mut play: impl FnMut(&Server, &Load, u64)) {
    for (seed, server) in servers().iter().enumerate() {
        for load in loads() {
            play(server, &load, seed as u64);
        }
    }
}

fn assert_consistent(run: &Run, server: &Server, load: &Load) {
    assert_eq!(
        run.leaks(),
        vec![(0, 0); load.processes()],
        "{server:?}, {load:?}"
    );
    let accepted = run.sends() - run.throttled_quota() - run.throttled_cap() - run.failed();
    assert_eq!(accepted, run.ok(), "{server:?}, {load:?}");
    assert_eq!(run.completions().len(), run.ok());
    let attempts: u32 = run.reports().iter().map(|report| report.attempts()).sum();
    assert_eq!(attempts as usize, run.sends(), "{server:?}, {load:?}");
    let over = run.reports().iter().filter(|report| report.end().is_some());
    assert_eq!(over.count(), load.calls(), "{server:?}, {load:?}");
}

#[test]
fn nothing_leaks_and_every_call_ends() {
    each(|server, load, seed| assert_consistent(&run(server, load, seed), server, load));
}

#[test]
fn same_seed_gives_the_same_run() {
    each(|server, load, seed| {
        let [first, second] = [(); 2].map(|()| run(server, load, seed));
        assert_eq!(first.send_times(), second.send_times());
        assert_eq!(first.reports(), second.reports());
    });
}

#[test]
fn no_run_beats_the_ideal() {
    let mut compared = 0;
    for (seed, server) in servers().into_iter().enumerate() {
        // The ideal has no network. If calls are counted at response, the server admits more of the
        // calls that come at once, so the earliest schedule is not the best.
        let server = server
            .with_rejection(Duration::ZERO)
            .with_counting_at_response(false);
        for load in loads() {
            let seed = seed as u64;
            let run = run(&server, &load, seed);
            if run.ok() < load.calls() {
                continue;
            }
            compared += 1;
            let ideal = server.ideal(&load, seed);
            for share in [0.1, 0.5, 0.9, 1.0] {
                assert!(
                    ideal.quantile(share) <= run.quantile(share),
                    "{share}: {server:?}, {load:?}, seed {seed}: {:?}, {:?}",
                    ideal.quantile(share),
                    run.quantile(share),
                );
            }
        }
    }
    assert!(compared > 300, "{compared}");
}

#[test]
fn leaky_bucket_queues_calls() {
    let server = Server::unlimited()
        .with_limiter(Limiter::leaky_bucket(10, SECOND, 30))
        .with_service(Duration::ZERO)
        .with_rejection(Duration::ZERO);
    let run = run(&server, &Load::spike(30), 1);
    assert_eq!((run.ok(), run.sends()), (30, 30));
    assert_eq!(run.makespan(), Duration::from_millis(2_900));
}

#[test]
fn outage_fails_arriving_requests() {
    let once = Load::spike(10).with_policy(Policy::no_retries());
    let out = |outage| Server::default().with_outage(Duration::ZERO, SECOND, outage);
    for outage in [Outage::Lost, Outage::Unavailable(None)] {
        let run = run(&out(outage), &once, 1);
        assert_eq!((run.ok(), run.failed(), run.sends()), (0, 10, 10));
    }
    let told = run(&out(Outage::Unavailable(Some(1))), &Load::spike(10), 1);
    assert_eq!(told.ok(), 10);
    assert!(told.completions()[0] > SECOND);
}

#[test]
fn deadline_passes_in_the_queue() {
    // The server does not state when the quota is back, so no call can stop earlier.
    let policy = Policy::new().with_deadline(5 * SECOND);
    let server = Server::default().with_cap(None).with_headers(Headers::None);
    let load = Load::spike(400).with_policy(policy);
    let run = run(&server, &load, 1);
    assert_consistent(&run, &server, &load);
    assert!(run.ok() < 400);
    for report in run.reports() {
        let at = report.end().unwrap().at();
        assert!(at <= Instant::ORIGIN + 6 * SECOND, "{at}");
    }
}

#[test]
fn full_queue_stops_calls() {
    let load = Load::spike(400).with_pacing(Pacing::new().with_max_queued(10));
    let run = run(&Server::default(), &load, 1);
    assert_consistent(&run, &Server::default(), &load);
    assert!(run.ok() < 60);
}

#[test]
fn calls_start_on_schedule() {
    let server = Server::unlimited();
    let open = run(&server, &Load::open(10.0, 2 * SECOND), 1);
    let sent = open.send_times().iter();
    let expected = (0..20).map(|n| Instant::ORIGIN + n * SECOND / 10 + SECOND / 100);
    assert!(sent.copied().eq(expected));
    let sequential = run(&server, &Load::sequential(1, 5), 1);
    let times = sequential.send_times();
    let over = sequential.completions();
    for (sent, over) in times[1..].iter().zip(over) {
        assert_eq!(*sent, Instant::ORIGIN + *over + SECOND / 100);
    }
}

#[test]
fn thousand_processes_share_a_server() {
    // One call for each process, and then several that come over time. A process cannot know of the
    // others, and still leaves neither a call nor a permit behind.
    for load in [Load::spike(1_000), Load::ramp(3_000, 60 * SECOND)] {
        let server = Server::default().with_quota(3_000, 60 * SECOND);
        let load = load.with_processes(1_000);
        let run = run(&server, &load, 1);
        assert_consistent(&run, &server, &load);
        assert_eq!(run.leaks(), [(0, 0); 1_000]);
        assert_eq!(run.ok(), load.calls());
    }
}

#[test]
fn callers_that_give_up_leave_nothing_behind() {
    let mut given_up = 0;
    each(|server, load, seed| {
        let load = load.with_giving_up(0.5, SECOND);
        let run = run(server, &load, seed);
        assert_eq!(run.leaked(), (0, 0), "{load:?}");
        let stopped = run.reports().iter().filter(|it| it.end().is_some());
        assert_eq!(stopped.count() + run.given_up(), load.calls());
        given_up += run.given_up();
    });
    assert!(given_up > 0);
    // All callers give up before any response is back. The server still handles every request.
    let server = Server::default().with_service(2 * SECOND);
    let run = run(&server, &Load::spike(20).with_giving_up(1.0, SECOND), 1);
    assert_eq!((run.sends(), run.ok(), run.given_up()), (20, 0, 20));
}
