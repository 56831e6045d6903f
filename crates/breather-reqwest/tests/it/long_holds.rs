//! Tests of holds that last too long for a call.

use std::time::Duration;

use breather_reqwest::RetryMiddleware;
use breather_reqwest::breather::{Breather, End, EndReason, Policy, ReportSlot};
use breather_test::{Answer, Script};
use reqwest::Method;
use reqwest_middleware::ClientWithMiddleware;
use tokio::time::{Instant, advance};

use crate::script::scripted;

const SECOND: Duration = Duration::from_secs(1);
const YEAR: u64 = 365 * 86_400;
const ORIGIN: &str = "https://api.example.com";

/// Returns the responses of a bucket of five until it is empty. It gains one every `apart` seconds.
fn empty_bucket(apart: u32) -> impl Iterator<Item = Answer> {
    (1..=5).map(move |used| {
        Answer::status(200)
            .with_header("x-ratelimit-limit", 5)
            .with_header("x-ratelimit-remaining", 5 - used)
            .with_header("x-ratelimit-reset", used * apart)
    })
}

async fn status(client: &ClientWithMiddleware, method: Method) -> u16 {
    let response = client.request(method, ORIGIN).send().await;
    response.unwrap().status().as_u16()
}

/// Sends a call that ends without an attempt, and returns its end.
async fn ended(client: &ClientWithMiddleware, method: Method) -> End {
    let (start, slot) = (Instant::now(), ReportSlot::new());
    let request = client.request(method, ORIGIN).with_extension(slot.clone());
    assert!(request.send().await.is_err());
    let report = slot.report().unwrap();
    assert_eq!((start.elapsed(), report.attempts()), (Duration::ZERO, 0));
    *report.end().unwrap()
}

#[tokio::test(start_paused = true)]
async fn call_ends_immediately_if_quota_returns_too_late() {
    let hour = Policy::new()
        .with_max_retry_after(Duration::MAX)
        .with_deadline(3_600 * SECOND);
    for (policy, reason) in [
        (Policy::new(), EndReason::RetryAfterTooLong),
        (hour, EndReason::Deadline),
    ] {
        let script = Script::new(empty_bucket(17_280));
        let client = scripted(&script, RetryMiddleware::new(Breather::new(policy)));
        for _ in 0..5 {
            status(&client, Method::GET).await;
        }
        let end = ended(&client, Method::GET).await;
        assert_eq!(
            (end.reason(), end.retry_after()),
            (reason, Some(17_280 * SECOND))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn year_long_hold_can_be_forgotten() {
    let breather = Breather::default();
    let client = scripted(
        &Script::new([Answer::throttled(YEAR)]),
        RetryMiddleware::new(breather.clone()),
    );
    assert_eq!(status(&client, Method::GET).await, 429);
    assert_eq!(
        ended(&client, Method::GET).await.reason(),
        EndReason::RetryAfterTooLong
    );
    assert!(breather.forget(ORIGIN));
    assert_eq!(status(&client, Method::GET).await, 200);
}

#[tokio::test(start_paused = true)]
async fn idempotent_call_probes_year_long_hold_after_five_minutes() {
    let client = scripted(
        &Script::new([Answer::throttled(YEAR)]),
        RetryMiddleware::default(),
    );
    assert_eq!(status(&client, Method::GET).await, 429);
    advance(301 * SECOND).await;
    assert_eq!(
        ended(&client, Method::POST).await.reason(),
        EndReason::RetryAfterTooLong
    );
    assert_eq!(status(&client, Method::GET).await, 200);
    assert_eq!(status(&client, Method::POST).await, 200);
}
