//! Faults of other crates that this one does not have.
//!
//! `docs/faults.md` lists all of them.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use breather_test::{Answer, Script};
use breather_tower::RetryLayer;
use breather_tower::breather::{Backoff, Breather, EndReason, Jitter, Policy, WaitReason};
use futures_util::future::join_all;
use http::{Method, Request, Response};
use tokio::time::{Instant, sleep, timeout};
use tower::{BoxError, Layer as _, ServiceExt as _, service_fn};

use crate::script::{URI, call, get, request};

const SECOND: Duration = Duration::from_secs(1);

/// Tokio's timer is accurate to a millisecond.
const TICK: Duration = Duration::from_millis(2);

fn exact(backoff: Duration) -> Policy {
    Policy::new()
        .with_backoff(Backoff::constant(backoff))
        .with_jitter(Jitter::none())
}

#[tokio::test(start_paused = true)]
async fn tower_and_kube_cloned_layers_draw_different_delays() {
    // tower's `ExponentialBackoffMaker` copied its generator into each session, so five of kube's
    // requests waited 818 ms each.
    let answers = [503, 503, 503, 200].map(Answer::status);
    let script = Script::new((0..10).flat_map(|_| answers.clone()));
    let layer = RetryLayer::new(Breather::builder().without_pacing().build());
    let layer = layer.with_seed(7);
    let mut waited = BTreeSet::new();
    for _ in 0..5 {
        for service in [
            layer.layer(script.clone()),
            layer.clone().layer(script.clone()),
        ] {
            let (_, report) = get(&service.clone()).await;
            assert_eq!(report.failures(), 3);
            waited.insert(report.waited(WaitReason::Backoff));
        }
    }
    assert_eq!(waited.len(), 10, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn object_store_and_tower_resilience_response_is_dropped_before_wait() {
    // Those crates hold the response, and with it its connection, until the wait is over.
    let held = Arc::new(Mutex::new(Vec::<Weak<()>>::new()));
    let log = held.clone();
    let inner = service_fn(move |_: Request<String>| {
        let body = Arc::new(());
        let mut held = log.lock().unwrap();
        held.push(Arc::downgrade(&body));
        let status = if held.len() == 1 { 503 } else { 200 };
        async move { Ok::<_, BoxError>(Response::builder().status(status).body(body)?) }
    });
    let service = RetryLayer::new(Breather::new(exact(10 * SECOND))).layer(inner);
    let request = Request::get(URI).body(String::new()).unwrap();
    let mut call = Box::pin(service.oneshot(request));
    assert!(timeout(SECOND, &mut call).await.is_err());
    {
        let held = held.lock().unwrap();
        assert_eq!((held.len(), held[0].strong_count()), (1, 0));
    }
    assert_eq!(call.await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn tower_682_and_698_default_policy_retries() {
    let script = Script::new([
        Answer::status(503),
        Answer::throttled(2),
        Answer::error(io::ErrorKind::ConnectionRefused),
    ]);
    let start = Instant::now();
    let (status, report) = get(&RetryLayer::default().layer(script)).await;
    assert_eq!((status, report.attempts()), (200, 4));
    assert_eq!((report.failures(), report.throttled()), (2, 1));
    assert!(start.elapsed() >= 2 * SECOND);
    // The default policy limits retries.
    let script = Script::new((0..99).map(|_| Answer::status(503)));
    let (status, report) = get(&RetryLayer::default().layer(script)).await;
    assert_eq!((status, report.attempts()), (503, 4));
}

#[tokio::test(start_paused = true)]
async fn reqwest_middleware_210_bad_tls_record_is_transient() {
    // rustls returns "received fatal alert: BadRecordMac" like this, on an open connection.
    let damaged = || Answer::error(io::ErrorKind::InvalidData);
    let service = RetryLayer::default().layer(Script::new([damaged()]));
    assert_eq!(get(&service).await.0, 200);
    // The server may have processed the request before.
    let service = RetryLayer::default().layer(Script::new([damaged()]));
    let (result, report) = call(&service, request(Method::POST)).await;
    result.unwrap_err();
    assert_eq!(report.end().unwrap().reason(), EndReason::NotIdempotent);
}

#[tokio::test(start_paused = true)]
async fn smithy_rs_4749_retry_with_hint_is_paced() {
    let quota = |answer: Answer, left: u32| {
        let answer = answer.with_header("x-ratelimit-remaining", left);
        answer.with_header("x-ratelimit-reset", 7)
    };
    let script = Script::new([
        quota(Answer::throttled(1), 5),
        quota(Answer::status(200), 0),
    ]);
    let service = RetryLayer::default().layer(script.clone());
    let start = Instant::now();
    let throttled = async { get(&service).await };
    // Another call uses up the remaining quota meanwhile.
    let other = async {
        sleep(SECOND / 2).await;
        get(&service).await
    };
    let (throttled, other) = tokio::join!(throttled, other);
    assert_eq!((throttled.0, other.0), (200, 200));
    let sends: Vec<_> = script
        .requests()
        .iter()
        .map(|send| send.at - start)
        .collect();
    assert_eq!(sends.len(), 3, "{sends:?}");
    // The other call's response, after half a second, said 7 s.
    assert!(sends[2] >= 7 * SECOND, "{sends:?}");
}

#[tokio::test(start_paused = true)]
async fn remux_399_hour_of_rejections_causes_few_sends() {
    // Independent loops sent 28,800 requests in an hour of 429s.
    const HOUR: Duration = Duration::from_secs(3_600);
    let script = Script::new((0..30_000).map(|_| Answer::status(429)));
    let retry = RetryLayer::default().with_seed(7);
    let service = retry.layer(script.clone());
    let caller = || async {
        loop {
            let (status, _) = get(&service).await;
            assert_eq!(status, 429, "the script ran out of responses");
        }
    };
    let _ = timeout(HOUR, join_all((0..20).map(|_| caller()))).await;
    let sends = script.requests();
    let late = sends.iter().filter(|send| {
        let start = sends[0].at;
        send.at - start > HOUR / 2
    });
    // Each probe comes later than the one before, by a tenth of the time since the first rejection
    // and by at most a minute.
    let late = late.count();
    assert!((1..=31).contains(&late), "{late} sends in the second half");
    assert!(sends.len() < 300, "{} sends in the hour", sends.len());
}

#[tokio::test(start_paused = true)]
async fn vector_16798_thousand_clients_return_spread_out() {
    // Each service stands for a process that does not know the others.
    const CLIENTS: u32 = 1_000;
    let script = Script::new((0..CLIENTS).map(|_| Answer::throttled(7)));
    let unpaced = || Breather::builder().without_pacing().build();
    let services: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let retry = RetryLayer::new(unpaced()).with_seed(client.into());
            retry.layer(script.clone())
        })
        .collect();
    let start = Instant::now();
    join_all(services.iter().map(get)).await;
    let sends = script.requests();
    let mut returns: Vec<_> = sends[CLIENTS as usize..]
        .iter()
        .map(|send| send.at - start)
        .collect();
    returns.sort_unstable();
    assert_eq!(returns.len(), CLIENTS as usize);
    assert!(returns[0] >= 7 * SECOND);
    // The returns spread over 100 ms, so about a tenth of them fall into any 10 ms.
    let most = returns
        .iter()
        .enumerate()
        .map(|(at, first)| returns[at..].partition_point(|it| *it < *first + 5 * TICK))
        .max();
    assert!(most.unwrap() < 200, "{most:?} returns in 10 ms");
}
