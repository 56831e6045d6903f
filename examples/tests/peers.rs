//! Checks claims about other crates in the chapters on changing to breather.
//!
//! The examples in these chapters do not cover them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use breather_examples::no_hosts::{client_that_times_out, never_found};
use breather_reqwest::{
    RetryMiddleware,
    breather::{Breather, Policy},
};
use breather_test::Script;
use reqwest_middleware::ClientBuilder;
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tower::retry::{
    backoff::{Backoff, ExponentialBackoffMaker, MakeBackoff},
    budget::{Budget, TpsBudget},
};
use tower::util::rng::HasherRng;

const URL: &str = "http://api.example.com/rows";

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn reqwest_retry_retries_posts_and_every_5xx() {
    let server = Script::new(["500", "501", "505", "200"]);
    let policy = ExponentialBackoff::builder().build_with_max_retries(3);
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(RetryTransientMiddleware::new_with_policy(policy))
        .with(server.clone())
        .build();
    assert_eq!(client.post(URL).send().await.unwrap().status(), 200);
    assert_eq!(server.times().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn breather_retries_posts_only_after_a_rejection() {
    for (answer, sends) in [("429", 2), ("500", 1), ("501", 1)] {
        let server = Script::new([answer, "200"]);
        let client = ClientBuilder::new(reqwest::Client::new())
            .with(RetryMiddleware::default())
            .with(server.clone())
            .build();
        client.post(URL).send().await.unwrap();
        assert_eq!(server.times().len(), sends, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn budget_limits_retries_of_48_calls() {
    let server = Script::always("500");
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(RetryMiddleware::default())
        .with(server.clone())
        .build();
    let mut calls = JoinSet::new();
    for _ in 0..48 {
        let client = client.clone();
        calls.spawn(async move { client.get(URL).send().await.unwrap().status() });
    }
    assert!(calls.join_all().await.iter().all(|&status| status == 500));
    // The budget allows retries of a fifth of the 48 calls, and 10 a second for 10 seconds.
    assert_eq!(server.times().len(), 48 + 9 + 100);
}

#[tokio::test(start_paused = true)]
async fn reqwest_timeout_covers_its_retries_but_one_breather_attempt() {
    let builder = reqwest::Client::builder().timeout(SECOND).retry(
        reqwest::retry::for_host("api.example.com")
            .max_retries_per_request(2)
            .classify_fn(|attempt| attempt.retryable()),
    );
    let start = Instant::now();
    never_found(builder).get(URL).send().await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 1);

    let client = ClientBuilder::new(client_that_times_out())
        .with(RetryMiddleware::new(Breather::new(
            Policy::new().with_max_retries(2),
        )))
        .build();
    let start = Instant::now();
    client.get(URL).send().await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn tower_backoffs_share_jitter_and_whole_seconds_have_none() {
    let delays = async |min: Duration| {
        let mut maker =
            ExponentialBackoffMaker::new(min, 60 * SECOND, 0.99, HasherRng::default()).unwrap();
        let mut delays = Vec::new();
        for _ in 0..20 {
            let start = Instant::now();
            maker.make_backoff().next_backoff().await;
            delays.push(start.elapsed());
        }
        delays
    };
    let of_tenths = delays(SECOND / 10).await;
    assert!(of_tenths.iter().all(|&delay| delay == of_tenths[0]));
    let of_a_second = delays(SECOND).await;
    assert!(of_a_second.iter().all(|delay| delay.as_millis() <= 1_001));
}

#[tokio::test(start_paused = true)]
async fn tower_budget_rounds_its_share() {
    for (share, expected) in [(0.2, 200), (0.3, 333), (0.4, 500), (0.6, 1_000)] {
        let budget = TpsBudget::new(10 * SECOND, 0, share);
        (0..1_000).for_each(|_| budget.deposit());
        let withdrawn = (0..2_000).filter(|_| budget.withdraw()).count();
        assert_eq!(withdrawn, expected, "{share}");
    }
}

#[tokio::test(start_paused = true)]
async fn backon_adjust_overrides_all_limits() {
    let sends = Arc::new(AtomicU32::new(0));
    let operation = || async {
        match sends.fetch_add(1, Ordering::Relaxed) {
            9 => Ok(()),
            _ => Err("busy"),
        }
    };
    let limits = ExponentialBuilder::default()
        .with_max_times(2)
        .with_total_delay(Some(SECOND));
    let start = Instant::now();
    let result = operation
        .retry(limits)
        .adjust(|_, _| Some(100 * SECOND))
        .await;
    assert_eq!(result, Ok(()));
    assert!(start.elapsed() >= 900 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn backon_total_delay_excludes_operations() {
    let limits = ExponentialBuilder::default().with_total_delay(Some(3 * SECOND));
    let start = Instant::now();
    let result = (|| async {
        sleep(10 * SECOND).await;
        Err::<(), _>("no answer")
    })
    .retry(limits)
    .await;
    assert!(result.is_err());
    // Three operations take 10 s each, and the delays are 1 s and 2 s.
    assert_eq!(start.elapsed().as_secs(), 33);
}

#[test]
fn backon_jitter_exceeds_max_delay() {
    let delays = ExponentialBuilder::default()
        .with_jitter()
        .with_jitter_seed(7)
        .with_max_delay(SECOND)
        .with_max_times(100);
    assert!(delays.build().all(|delay| delay >= SECOND));
    assert!(
        delays
            .build()
            .any(|delay| delay > SECOND + Duration::from_millis(900))
    );
}
