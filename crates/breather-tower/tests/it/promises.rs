//! Tests the promises in paused time.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use breather_test::{Answer, PausedClock, Script};
use breather_tower::breather::{
    self, AttemptResult, Backoff, Breather, ClassifyHttp as _, EndReason, Executed, Jitter,
    Outcome, Policy, Report, ReportSlot, Scopes, Stopped, WaitReason, driver::UnixTime,
};
use breather_tower::{Http, RetryLayer};
use futures_util::future::join_all;
use http::{Method, Request};
use tokio::time::{Instant, timeout};
use tower::{BoxError, Layer as _, ServiceExt, service_fn};

use crate::script::{SCOPE, URI, call, get, request};

const SECOND: Duration = Duration::from_secs(1);

/// Tokio's timer is accurate to a millisecond.
const TICK: Duration = Duration::from_millis(2);

fn with(policy: Policy) -> RetryLayer {
    RetryLayer::new(Breather::new(policy))
}

/// Creates a layer without pacing and jitter, so that only the call itself delays its retry.
fn on_its_own() -> RetryLayer {
    let breather = Breather::builder()
        .with_policy(exact(Duration::ZERO))
        .without_pacing();
    RetryLayer::new(breather.build())
}

fn exact(backoff: Duration) -> Policy {
    Policy::new()
        .with_backoff(Backoff::constant(backoff))
        .with_jitter(Jitter::none())
}

#[tokio::test(start_paused = true)]
async fn constant_delay_is_not_cut() {
    let policy = Policy::new().with_backoff(Backoff::constant(60 * SECOND));
    for _ in 0..20 {
        let script = Script::new([503, 503, 503].map(Answer::status));
        let retry = with(policy);
        let (status, report) = get(&retry.layer(script.clone())).await;
        assert_eq!((status, report.attempts()), (200, 4));
        for pair in script.requests().windows(2) {
            let waited = pair[1].at - pair[0].at;
            let kept = 60 * SECOND..=66 * SECOND + TICK;
            assert!(kept.contains(&waited), "{waited:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn promise_1_retry_after_is_respected() {
    for retry in [RetryLayer::default(), on_its_own()] {
        let script = Script::new([Answer::throttled(7).after(3 * SECOND)]);
        let (status, report) = get(&retry.layer(script.clone())).await;
        assert_eq!((status, report.attempts()), (200, 2));
        let [first, second] = &script.requests()[..] else {
            panic!()
        };
        // The wait counts from the receipt of the response, which took three seconds.
        let waited = second.at - first.at - 3 * SECOND;
        assert!(
            waited >= 7 * SECOND && waited < 7 * SECOND + TICK,
            "{waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn promise_1_reset_is_respected() {
    for retry in [RetryLayer::default(), on_its_own()] {
        let spent = Answer::status(429)
            .with_header("x-ratelimit-remaining", 0)
            .with_header("x-ratelimit-reset", 1_800_000_012)
            .with_header("date", "Fri, 15 Jan 2027 08:00:00 GMT");
        let start = Instant::now();
        get(&retry.layer(Script::new([spent]))).await;
        let waited = start.elapsed();
        assert!(
            waited >= 12 * SECOND && waited < 12 * SECOND + TICK,
            "{waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn promise_2_too_long_wait_ends_call_immediately() {
    for (policy, seconds, reason) in [
        (
            Policy::new().with_deadline(5 * SECOND),
            7,
            EndReason::Deadline,
        ),
        (Policy::new(), 301, EndReason::RetryAfterTooLong),
    ] {
        let start = Instant::now();
        let service = with(policy).layer(Script::new([Answer::throttled(seconds)]));
        let (status, report) = get(&service).await;
        assert_eq!((status, start.elapsed()), (429, Duration::ZERO));
        let end = report.end().unwrap();
        assert_eq!(
            (end.reason(), end.retry_after()),
            (reason, Some(Duration::from_secs(seconds)))
        );
        assert_eq!(
            end.evidence().unwrap().to_string(),
            format!("retry-after: {seconds}")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn promise_2_new_call_fails_immediately_on_long_hold() {
    let spent = Answer::status(200)
        .with_header("x-ratelimit-remaining", 0)
        .with_header("x-ratelimit-reset", 60);
    let script = Script::new([spent]);
    let service = with(Policy::new().with_deadline(5 * SECOND)).layer(script.clone());
    get(&service).await;
    let start = Instant::now();
    let (result, report) = call(&service, request(Method::GET)).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let stopped = result.unwrap_err().downcast::<Stopped>().unwrap();
    assert_eq!(Some(stopped.end()), report.end());
    assert_eq!(stopped.end().reason(), EndReason::Deadline);
    assert_eq!(stopped.end().retry_after(), Some(60 * SECOND));
    assert_eq!((script.requests().len(), script.readied()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn promise_3_rejections_have_separate_limit() {
    let service = with(Policy::new().with_max_retries(0))
        .layer(Script::new((0..10).map(|_| Answer::throttled(1))));
    let (status, report) = get(&service).await;
    assert_eq!(
        (status, report.throttled(), report.failures()),
        (200, 10, 0)
    );

    let service = RetryLayer::default().layer(Script::new((0..50).map(|_| Answer::throttled(1))));
    let (status, report) = get(&service).await;
    assert_eq!((status, report.attempts()), (429, 17));
    assert_eq!(report.end().unwrap().reason(), EndReason::MaxThrottles);
}

#[tokio::test(start_paused = true)]
async fn promise_4_possibly_executed_call_is_retried_only_if_idempotent() {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset};
    for (method, answer, sends) in [
        (Method::GET, Answer::status(503), 2),
        (Method::PUT, Answer::status(500), 2),
        (Method::DELETE, Answer::error(ConnectionReset), 2),
        (Method::POST, Answer::status(503), 1),
        (Method::PATCH, Answer::status(408), 1),
        (Method::POST, Answer::error(ConnectionReset), 1),
        // The server throttled these before it executed them.
        (Method::POST, Answer::status(429), 2),
        (Method::PATCH, Answer::status(425), 2),
        // The client may have followed a redirect before these errors.
        (Method::GET, Answer::error(ConnectionRefused), 2),
        (Method::POST, Answer::error(ConnectionRefused), 1),
    ] {
        let script = Script::new([answer.clone()]);
        let service = RetryLayer::default().layer(script.clone());
        let (result, report) = call(&service, request(method.clone())).await;
        assert_eq!(script.requests().len(), sends, "{method} {answer:?}");
        if sends == 1 {
            assert!(result.is_err() || !result.unwrap().status().is_success());
            assert_eq!(report.end().unwrap().reason(), EndReason::NotIdempotent);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn promise_4_post_with_key_or_opt_in_is_retried() {
    let mut keyed = request(Method::POST);
    keyed
        .headers_mut()
        .insert("idempotency-key", "7c4f".parse().unwrap());
    for (retry, post) in [
        (RetryLayer::default(), keyed),
        (
            RetryLayer::default().with_idempotent(true),
            request(Method::POST),
        ),
    ] {
        let script = Script::new([Answer::status(503)]);
        let (result, _) = call(&retry.layer(script.clone()), post).await;
        assert_eq!(result.unwrap().status(), 200);
        assert_eq!(script.requests().len(), 2);
        for send in script.requests() {
            assert_eq!((send.method, &send.body[..]), (Method::POST, &b"a row"[..]));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn promise_4_uncloneable_request_is_sent_once() {
    struct Stream;
    for (status, headers) in [(503, vec![]), (429, vec![("retry-after", "1")])] {
        let inner = service_fn(move |request: Request<Stream>| {
            let Stream = request.into_body();
            let mut response = http::Response::builder().status(status);
            for (name, value) in &headers {
                response = response.header(*name, *value);
            }
            async { Ok::<_, BoxError>(response.body(())?) }
        });
        let service = RetryLayer::default().send_once().layer(inner);
        let slot = ReportSlot::new();
        let request = Request::put(URI)
            .extension(slot.clone())
            .body(Stream)
            .unwrap();
        assert_eq!(service.oneshot(request).await.unwrap().status(), status);
        let report = slot.report().unwrap();
        assert_eq!(report.attempts(), 1);
        assert_eq!(report.end().unwrap().reason(), EndReason::NotReplayable);
    }
}

#[tokio::test(start_paused = true)]
async fn promise_5_calls_with_same_hint_return_spread_out() {
    let script = Script::new((0..100).map(|_| Answer::throttled(7)));
    let retry = RetryLayer::new(Breather::builder().without_pacing().build());
    let retry = retry.with_seed(7);
    // There are two services of one layer, and a clone for each call.
    let services = [
        retry.layer(script.clone()),
        retry.clone().layer(script.clone()),
    ];
    let start = Instant::now();
    join_all((0..100).map(|n| get(&services[n % 2]))).await;
    let sends = script.requests();
    let returns: BTreeSet<_> = sends[100..].iter().map(|send| send.at - start).collect();
    let (first, last) = (*returns.first().unwrap(), *returns.last().unwrap());
    assert!(first >= 7 * SECOND);
    // A hundred draws from 100 ms, rounded to milliseconds, give about sixty different values.
    assert!(returns.len() > 45, "{}", returns.len());
    assert!(
        last - first > Duration::from_millis(80),
        "{:?}",
        last - first
    );
}

#[tokio::test(start_paused = true)]
async fn promise_6_same_seed_gives_same_delays() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let retry = RetryLayer::default().with_seed(7);
        let service = retry.layer(Script::new((0..9).map(|_| Answer::status(503))));
        let mut waited = Vec::new();
        for _ in 0..3 {
            let (_, report) = get(&service).await;
            waited.push(report.waited(WaitReason::Backoff));
        }
        runs.push(waited);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0][0] != runs[0][1] && runs[0][1] != runs[0][2]);
}

#[tokio::test(start_paused = true)]
async fn promise_9_drop_at_any_await_releases_everything() {
    let slow = Answer::status(200).after(60 * SECOND);
    for (what, answers, in_flight, waiting) in [
        ("in flight", vec![slow.clone()], true, false),
        (
            "waiting for its backoff",
            vec![Answer::status(503)],
            false,
            false,
        ),
        (
            "waiting for its hint",
            vec![Answer::throttled(60)],
            false,
            false,
        ),
        ("waiting for a permit", vec![slow; 90], true, true),
    ] {
        let breather = Breather::new(exact(10 * SECOND));
        let calls = answers.len();
        let script = Script::new(answers);
        let service = RetryLayer::new(breather.clone()).layer(script.clone());
        let held = || {
            let snapshot = breather.snapshot(SCOPE).unwrap();
            (snapshot.in_flight(), snapshot.queued())
        };
        let mut all = Box::pin(join_all((0..calls).map(|_| get(&service))));
        assert!(timeout(5 * TICK, &mut all).await.is_err(), "{what}");
        let (sent, queued) = held();
        assert_eq!((sent > 0, queued > 0), (in_flight, waiting), "{what}");
        assert_eq!(script.readied(), 0, "{what}");
        drop(all);
        assert_eq!(held(), (0, 0), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_call_fills_report_slot() {
    let service = RetryLayer::default().layer(Script::new([Answer::throttled(60)]));
    let slot = ReportSlot::new();
    let mut request = request(Method::GET);
    request.extensions_mut().insert(slot.clone());
    assert!(timeout(SECOND, service.oneshot(request)).await.is_err());
    let report = slot.report().unwrap();
    assert_eq!((report.attempts(), report.throttled()), (1, 1));
    assert_eq!(report.end(), None);
}

#[tokio::test(start_paused = true)]
async fn promise_9_classifier_panic_releases_permit() {
    let breather = Breather::default();
    let touchy = |ending: &AttemptResult<'_>| match ending.result {
        Ok(status) if status == 418 => panic!("panic in a classifier"),
        _ => breather::DefaultClassifier.classify(ending),
    };
    let retry = RetryLayer::new(breather.clone()).with_classifier(Http::by(touchy));
    let service = retry.layer(Script::new([Answer::status(418)]));
    let doomed = tokio::spawn(service.clone().oneshot(request(Method::GET)));
    assert!(doomed.await.unwrap_err().is_panic());
    assert_eq!(breather.snapshot(SCOPE).unwrap().in_flight(), 0);
    assert_eq!(get(&service).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn rejection_holds_other_service_with_same_breather() {
    let spent = Answer::throttled(7)
        .with_header("x-ratelimit-remaining", 0)
        .with_header("x-ratelimit-reset", 7);
    let script = Script::new([spent]);
    let breather = Breather::default();
    let one = RetryLayer::new(breather.clone()).layer(script.clone());
    let other = RetryLayer::new(breather).layer(script.clone());
    let stranger = RetryLayer::default().layer(script.clone());

    let start = Instant::now();
    let throttled = tokio::spawn(async move { get(&one).await });
    tokio::time::sleep(TICK).await;
    let (_, report) = get(&stranger).await;
    assert_eq!(report.total_wait(), Duration::ZERO);
    let (status, report) = get(&other).await;
    assert_eq!((status, report.attempts()), (200, 1));
    assert!(start.elapsed() >= 7 * SECOND);
    assert!(report.waited(WaitReason::Pacer) >= 7 * SECOND - 2 * TICK);
    assert_eq!(throttled.await.unwrap().0, 200);
    assert_eq!(script.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn scope_is_origin_unless_layer_names_one() {
    let script = Script::new([
        Answer::throttled(60),
        Answer::status(200),
        Answer::status(200),
    ]);
    let breather = Breather::default();
    let service = RetryLayer::new(breather.clone()).layer(script.clone());
    let held = tokio::spawn(service.clone().oneshot(request(Method::GET)));
    tokio::time::sleep(TICK).await;
    let start = Instant::now();
    let port = Request::get("http://api.example.com:8080/").body(String::new());
    service.oneshot(port.unwrap()).await.unwrap();
    let token = RetryLayer::new(breather.clone())
        .with_scope("token 7")
        .layer(script.clone());
    get(&token).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(breather.snapshot("token 7").is_some());
    held.abort();
}

#[tokio::test(start_paused = true)]
async fn request_can_choose_its_scopes() {
    let script = Script::new([
        Answer::throttled(60),
        Answer::status(200),
        Answer::status(200),
    ]);
    let breather = Breather::default();
    let service = RetryLayer::new(breather.clone()).layer(script.clone());
    let with_token = |token: &str| {
        let mut request = request(Method::GET);
        let scopes = Scopes::from([token, "organisation 3"]);
        request.extensions_mut().insert(scopes);
        request
    };
    let held = tokio::spawn(service.clone().oneshot(with_token("token 7")));
    tokio::time::sleep(TICK).await;
    let start = Instant::now();
    let other = service.clone().oneshot(with_token("token 8"));
    assert_eq!(other.await.unwrap().status(), 200);
    assert_eq!(start.elapsed(), Duration::ZERO);
    let same = service.oneshot(with_token("token 7"));
    assert_eq!(same.await.unwrap().status(), 200);
    assert!(start.elapsed() >= 59 * SECOND);
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    let organisation = breather.snapshot("organisation 3").unwrap();
    assert_eq!((organisation.in_flight(), organisation.queued()), (0, 0));
    assert_eq!(breather.snapshot(SCOPE), None);
}

#[tokio::test(start_paused = true)]
async fn only_eventful_call_has_report_in_response() {
    let script = Script::new([Answer::status(200), Answer::status(503)]);
    let service = with(exact(SECOND)).layer(script);
    let untroubled = service.clone().oneshot(request(Method::GET)).await.unwrap();
    assert!(untroubled.extensions().is_empty());
    let retried = service.oneshot(request(Method::GET)).await.unwrap();
    let report = retried.extensions().get::<Report>().unwrap();
    assert_eq!((report.attempts(), report.failures()), (2, 1));
    assert_eq!(report.waited(WaitReason::Backoff), SECOND);
    assert_eq!(
        report.last_wait().unwrap().to_string(),
        "waiting 1s (backoff)"
    );
}

#[tokio::test(start_paused = true)]
async fn extensions_are_reset_for_each_attempt() {
    let script = Script::new([Answer::status(503), Answer::status(503)]);
    get(&RetryLayer::default().layer(script.clone())).await;
    let seen: Vec<_> = script
        .requests()
        .iter()
        .map(|send| send.extensions_seen)
        .collect();
    assert_eq!(seen, [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn no_retries_policy_sends_once_without_clone() {
    #[derive(Debug)]
    struct Unclonable;
    impl Clone for Unclonable {
        fn clone(&self) -> Self {
            panic!("cloned although no retry is possible");
        }
    }
    let inner = service_fn(|_: Request<Unclonable>| async {
        Ok::<_, BoxError>(http::Response::builder().status(429).body(())?)
    });
    let service = with(Policy::no_retries()).trust_clone().layer(inner);
    let request = Request::get(URI).body(Unclonable).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 429);
}

#[tokio::test(start_paused = true)]
async fn closure_classifies_any_request_and_response() {
    let breather = Breather::new(Policy::new().with_max_retries(1));
    let classify = |result: &Result<u32, BoxError>| match result {
        Ok(rows) if *rows < 2 => Outcome::throttled("too few rows"),
        Ok(_) => Outcome::success(),
        Err(_) => Outcome::transient(Executed::Unknown, "an error"),
    };
    let tries = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = tries.clone();
    let inner = service_fn(move |sql: &'static str| {
        let rows = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            if sql == "select" {
                Ok(rows)
            } else {
                Err(BoxError::from("no such thing"))
            }
        }
    });
    let retry = RetryLayer::new(breather.clone()).with_classifier(classify);

    let paced = retry.clone().with_scope("db").layer(inner.clone());
    assert_eq!(paced.clone().oneshot("select").await.unwrap(), 2);
    assert_eq!(breather.snapshot("db").unwrap().in_flight(), 0);
    // A closure does not say whether a call may be executed twice.
    paced.clone().oneshot("insert").await.unwrap_err();
    assert_eq!(tries.swap(0, std::sync::atomic::Ordering::Relaxed), 4);
    let idempotent = retry.with_idempotent(true).layer(inner);
    idempotent.oneshot("insert").await.unwrap_err();
    assert_eq!(tries.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn debug_and_report_contain_no_secrets() {
    let breather = Breather::default();
    let retry = RetryLayer::new(breather.clone());
    let service = retry.layer(Script::new([Answer::throttled(1)]));
    let mut readied = service.clone();
    let future = {
        let ready = ServiceExt::<Request<String>>::ready(&mut readied).await;
        tower::Service::call(ready.unwrap(), request(Method::GET))
    };
    let mut said = format!("{retry:?} {future:?} {breather:?}");
    let (_, report) = get(&service).await;
    said.push_str(&format!("{report} {report:?}"));
    assert!(
        !said.contains("secret") && !said.contains("password"),
        "{said}"
    );
    assert!(breather.snapshot(SCOPE).is_some());
}

#[tokio::test(start_paused = true)]
async fn retry_after_date_uses_injected_clock() {
    // The clock starts at 08:00:00, and the response has no `Date`.
    let clock = PausedClock::new(UnixTime::from_secs(1_800_000_000));
    let breather = Breather::builder().with_wall_clock(clock).build();
    let opens = "Fri, 15 Jan 2027 08:00:20 GMT";
    let script = Script::new([Answer::status(429).with_header("retry-after", opens)]);
    let service = RetryLayer::new(breather).layer(script.clone());
    let (status, _) = get(&service).await;
    assert_eq!(status, 200);
    let waited = script.times()[1].as_secs();
    assert!((19..=21).contains(&waited), "{waited} s");
}
