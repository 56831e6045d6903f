//! Tests the baselines beside breather, against the same server.

use std::time::Duration;

use breather::{Backoff, Jitter, Policy};
use breather_sim::{Client, Fate, Headers, Load, Run, Server, run, run_client};

#[test]
fn same_seed_gives_the_same_run() {
    let (server, load) = (Server::default(), Load::spike(400));
    for client in clients() {
        let play = |seed| run_client(&server, &load, &client, seed);
        let (one, same, other) = (play(1), play(1), play(2));
        assert_eq!(one.send_times(), same.send_times(), "{}", client.name());
        assert_eq!(one.completions(), same.completions(), "{}", client.name());
        assert_ne!(one.completions(), other.completions(), "{}", client.name());
    }
}

#[test]
fn every_send_has_a_fate_and_every_call_succeeds() {
    let (server, load) = (Server::default(), Load::spike(400));
    for client in clients() {
        let run = run_client(&server, &load, &client, 1);
        let count = |fate| run.fates().iter().filter(|&&it| it == fate).count();
        assert_eq!(run.fates().len(), run.sends());
        assert_eq!(count(Fate::Accepted), 400, "{}", client.name());
        assert_eq!(count(Fate::ThrottledQuota), run.throttled_quota());
        assert_eq!(count(Fate::ThrottledCap), run.throttled_cap());
        assert_eq!(run.ok(), 400, "{}", client.name());
        // No client can beat the ideal.
        assert!(run.makespan() >= server.ideal(&load, 1).makespan());
    }
}

#[test]
fn any_client_may_give_up_calls() {
    // All callers give up before any response is back.
    let server = Server::default().with_service(Duration::from_secs(2));
    let load = Load::spike(20).with_giving_up(1.0, Duration::from_secs(1));
    for client in clients() {
        let run = run_client(&server, &load, &client, 1);
        assert_eq!((run.ok(), run.given_up()), (0, 20), "{}", client.name());
        assert_eq!(run.leaked(), (0, 0), "{}", client.name());
    }
}

#[test]
fn breather_client_equals_run() {
    let (server, load) = (Server::default(), Load::spike(400));
    let (one, same) = (
        run(&server, &load, 3),
        run_client(&server, &load, &Client::Breather, 3),
    );
    assert_eq!(one.send_times(), same.send_times());
}

#[test]
fn clients_that_share_nothing_storm() {
    let (server, load) = (Server::default(), Load::spike(1_000));
    for client in clients() {
        let run = run_client(&server, &load, &client, 1);
        match client {
            Client::Breather => assert!(run.sends_per_call() < 1.05),
            Client::StaticLimiter { .. } => assert!(run.peak_sends_1s() <= 11),
            _ => assert!(run.peak_sends_1s() >= 1_000, "{}", client.name()),
        }
    }
}

#[test]
fn retry_after_is_obeyed_if_present() {
    let server = Server::default().with_cap(None);
    let load = Load::spike(301);
    let play = |server: &Server| run_client(server, &load, &Client::RetryAfter, 1);
    let late = |run: &Run| run.send_times()[301].duration_since(run.send_times()[300]);
    assert_eq!(play(&server).sends(), 302);
    assert_eq!(late(&play(&server)), Duration::from_millis(60_020));
    let bare = play(&server.clone().with_headers(Headers::None));
    assert!(bare.sends() > 302);
    assert!(late(&bare) <= Duration::from_millis(2_020));
}

#[test]
fn static_limiter_sends_at_its_rate() {
    let client = Client::StaticLimiter {
        rate: 5.0,
        burst: 5,
    };
    let run = run_client(&Server::default(), &Load::spike(50), &client, 1);
    let last = run.send_times()[49];
    // Five at once, and 45 more at intervals of a fifth of a second.
    assert_eq!(
        last.duration_since(run.send_times()[0]),
        Duration::from_secs(9)
    );
    assert_eq!(run.sends(), 50);
}

#[test]
fn permanently_throttled_call_gives_up_after_a_day() {
    let day = Duration::from_secs(86_400);
    let server = Server::default().with_closed(Duration::ZERO, day * 10);
    let run = run_client(&server, &Load::spike(1), &Client::LoopCapped, 1);
    assert_eq!(run.ok(), 0);
    let last = run.send_times().last().unwrap();
    let since = last.duration_since(run.send_times()[0]);
    assert!((day..day + Duration::from_secs(11)).contains(&since));
}

#[test]
fn retry_at_the_deadline_is_one_retry() {
    let second = Duration::from_secs(1);
    let server = Server::default()
        .with_quota(1, 60 * second)
        .with_headers(Headers::None);
    // The second call is throttled after 20 ms, and again 1 s later.
    let policy = Policy::new()
        .with_backoff(Backoff::constant(second))
        .with_jitter(Jitter::none())
        .with_deadline(second + Duration::from_millis(20));
    let load = Load::spike(2).with_policy(policy);
    let run = run_client(&server, &load, &Client::Unpaced, 1);
    assert_eq!((run.sends(), run.throttled_quota(), run.ok()), (3, 2, 1));
}

#[test]
fn aws_client_retries_within_its_quota() {
    let (server, load) = (Server::default(), Load::spike(1_000));
    let play = |retries, quota| {
        let client = Client::AwsAdaptive { retries, quota };
        run_client(&server, &load, &client, 1)
    };
    // 50 find a place at once. A full quota pays for 100 retries of the others, whatever the retry
    // limit.
    for retries in [2, u32::MAX] {
        assert_eq!(play(retries, Some(500)).ok(), 150);
    }
    // With free retries, the learned rate is close to the server's. The initial burst costs almost
    // every call a second send.
    let free = play(u32::MAX, None);
    let over = free
        .makespan()
        .div_duration_f64(server.ideal(&load, 1).makespan());
    assert_eq!(free.ok(), 1_000);
    assert!((1.03..1.07).contains(&over), "{over}");
    assert!((2.0..2.15).contains(&free.sends_per_call()));
}

fn clients() -> [Client; 9] {
    [
        Client::Breather,
        Client::Unpaced,
        Client::Loop,
        Client::LoopCapped,
        Client::RetryAfter,
        Client::RetryAfterJittered,
        Client::FullJitter,
        Client::AwsAdaptive {
            retries: u32::MAX,
            quota: None,
        },
        Client::StaticLimiter {
            rate: 5.0,
            burst: 5,
        },
    ]
}
