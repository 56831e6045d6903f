//! Holds that are too long for a call.

use std::time::Duration;

use breather_test::{Answer, Script};
use breather_tower::breather::{Breather, End, EndReason, Policy, Stopped};
use breather_tower::{BoxError, RetryLayer};
use http::{Method, Request, Response};
use tokio::time::{Instant, advance};
use tower::{Layer as _, Service};

use crate::script::{SCOPE, call, get, request};

const SECOND: Duration = Duration::from_secs(1);
const YEAR: u64 = 365 * 86_400;

/// Returns the responses of a bucket of five, until it is empty. It gains one every `apart`
/// seconds.
fn empty_bucket(apart: u32) -> impl Iterator<Item = Answer> {
    (1..=5).map(move |used| {
        Answer::status(200)
            .with_header("x-ratelimit-limit", 5)
            .with_header("x-ratelimit-remaining", 5 - used)
            .with_header("x-ratelimit-reset", used * apart)
    })
}

/// Returns why a call of `method` ended without an attempt.
async fn ended<S>(service: &S, method: Method) -> End
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError> + Clone,
{
    let start = Instant::now();
    let (result, report) = call(service, request(method)).await;
    assert_eq!((start.elapsed(), report.attempts()), (Duration::ZERO, 0));
    *result.unwrap_err().downcast::<Stopped>().unwrap().end()
}

#[tokio::test(start_paused = true)]
async fn call_ends_immediately_if_reset_exceeds_max_retry_after() {
    let script = Script::new(empty_bucket(17_280));
    let service = RetryLayer::default().layer(script.clone());
    for _ in 0..5 {
        get(&service).await;
    }
    let end = ended(&service, Method::GET).await;
    assert_eq!(
        (end.reason(), end.retry_after()),
        (EndReason::RetryAfterTooLong, Some(17_280 * SECOND))
    );
    assert_eq!(end.evidence().unwrap().header(), "x-ratelimit-reset");
    assert_eq!(script.requests().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn call_ends_immediately_if_reset_is_after_deadline() {
    let policy = Policy::new()
        .with_max_retry_after(Duration::MAX)
        .with_deadline(3_600 * SECOND);
    let service = RetryLayer::new(Breather::new(policy)).layer(Script::new(empty_bucket(17_280)));
    for _ in 0..5 {
        get(&service).await;
    }
    let end = ended(&service, Method::GET).await;
    assert_eq!(
        (end.reason(), end.retry_after()),
        (EndReason::Deadline, Some(17_280 * SECOND))
    );
}

#[tokio::test(start_paused = true)]
async fn year_long_hold_can_be_forgotten() {
    let breather = Breather::default();
    let service = RetryLayer::new(breather.clone()).layer(Script::new([Answer::throttled(YEAR)]));
    assert_eq!(get(&service).await.0, 429);
    assert_eq!(
        ended(&service, Method::GET).await.reason(),
        EndReason::RetryAfterTooLong
    );
    assert!(breather.forget(SCOPE));
    assert_eq!(get(&service).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn idempotent_call_probes_year_long_hold_after_five_minutes() {
    let service = RetryLayer::default().layer(Script::new([Answer::throttled(YEAR)]));
    assert_eq!(get(&service).await.0, 429);
    advance(299 * SECOND).await;
    let _ = ended(&service, Method::GET).await;
    advance(2 * SECOND).await;
    let end = ended(&service, Method::POST).await;
    assert_eq!(end.retry_after(), Some((YEAR as u32 - 301) * SECOND));
    assert_eq!(get(&service).await.0, 200);
    // The year was the server's mistake, so all other calls are sent, too.
    let (result, _) = call(&service, request(Method::POST)).await;
    assert_eq!(result.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn queued_calls_end_together_if_scope_only_rejects() {
    let script = Script::new((0..5_000).map(|_| Answer::throttled(299)));
    let service = RetryLayer::default().layer(script.clone());
    let start = Instant::now();
    let calls = (0..50).map(|_| async {
        let (_, report) = call(&service, request(Method::GET)).await;
        (start.elapsed(), report.end().unwrap().reason())
    });
    let ends = futures_util::future::join_all(calls).await;
    let last = ends.iter().map(|(at, _)| *at).max().unwrap();
    assert!(last < 2 * 3_600 * SECOND, "{last:?}");
    let together = ends
        .iter()
        .filter(|(_, reason)| *reason == EndReason::ScopeThrottled);
    assert!(together.count() > 40, "{ends:?}");
}
