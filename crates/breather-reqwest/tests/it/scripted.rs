//! Tests of the promises under paused time.

use std::collections::BTreeSet;
use std::time::Duration;

use breather_reqwest::RetryMiddleware;
use breather_reqwest::breather::{
    AttemptResult, Backoff, Breather, ClassifyHttp, DefaultClassifier, EndReason, Jitter, Outcome,
    Policy, Report, ReportSlot, Scopes, Stopped, WaitReason, driver::UnixTime,
};
use breather_test::{Answer, PausedClock, Script};
use reqwest::Method;
use reqwest_middleware::{ClientWithMiddleware, Error};
use tokio::time::{Instant, timeout};

use crate::script::scripted;

const URL: &str = "http://api.example.com/v1/rows?token=secret";
const SECOND: Duration = Duration::from_secs(1);

/// Tokio's timer has a granularity of a millisecond.
const TICK: Duration = Duration::from_millis(2);

fn with(policy: Policy) -> RetryMiddleware {
    RetryMiddleware::new(Breather::new(policy))
}

/// Returns a middleware without pacing, backoff and jitter, so only the hint delays a retry.
fn on_its_own() -> RetryMiddleware {
    let policy = Policy::new().with_jitter(Jitter::none());
    let policy = policy.with_backoff(Backoff::constant(Duration::ZERO));
    let breather = Breather::builder().with_policy(policy).without_pacing();
    RetryMiddleware::new(breather.build())
}

fn exact(backoff: Duration) -> Policy {
    Policy::new()
        .with_backoff(Backoff::constant(backoff))
        .with_jitter(Jitter::none())
}

/// Sends one call and returns its status and its report.
async fn call(client: &ClientWithMiddleware, method: Method) -> (u16, Report) {
    let slot = ReportSlot::new();
    let request = client.request(method, URL).with_extension(slot.clone());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), slot.report().unwrap())
}

#[tokio::test(start_paused = true)]
async fn constant_delay_is_not_cut() {
    let policy = Policy::new().with_backoff(Backoff::constant(60 * SECOND));
    for _ in 0..20 {
        let script = Script::new([503, 503, 503].map(Answer::status));
        let retry = with(policy);
        let (status, report) = call(&scripted(&script, retry), Method::GET).await;
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
    for retry in [RetryMiddleware::default(), on_its_own()] {
        let script = Script::new([Answer::throttled(7).after(3 * SECOND)]);
        let (status, report) = call(&scripted(&script, retry), Method::GET).await;
        assert_eq!((status, report.attempts()), (200, 2));
        let [first, second] = &script.requests()[..] else {
            panic!()
        };
        // The delay counts from the receipt of the response, which took three seconds.
        let waited = second.at - first.at - 3 * SECOND;
        assert!(
            waited >= 7 * SECOND && waited < 7 * SECOND + TICK,
            "{waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn promise_1_reset_is_respected() {
    for retry in [RetryMiddleware::default(), on_its_own()] {
        let spent = Answer::status(429)
            .with_header("x-ratelimit-remaining", 0)
            .with_header("x-ratelimit-reset", 1_800_000_012)
            .with_header("date", "Fri, 15 Jan 2027 08:00:00 GMT");
        let client = scripted(&Script::new([spent]), retry);
        let start = Instant::now();
        call(&client, Method::GET).await;
        let waited = start.elapsed();
        assert!(
            waited >= 12 * SECOND && waited < 12 * SECOND + TICK,
            "{waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn promise_2_wait_past_deadline_ends_call_immediately() {
    let script = Script::new([Answer::throttled(7)]);
    let client = scripted(&script, with(Policy::new().with_deadline(5 * SECOND)));
    let start = Instant::now();
    let (status, report) = call(&client, Method::GET).await;
    assert_eq!((status, start.elapsed()), (429, Duration::ZERO));
    let end = report.end().unwrap();
    assert_eq!(end.reason(), EndReason::Deadline);
    assert_eq!(end.retry_after(), Some(7 * SECOND));
    assert_eq!(end.evidence().unwrap().to_string(), "retry-after: 7");
}

#[tokio::test(start_paused = true)]
async fn promise_2_too_long_retry_after_ends_call_immediately() {
    let script = Script::new([Answer::throttled(301)]);
    let client = scripted(&script, RetryMiddleware::default());
    let start = Instant::now();
    let (status, report) = call(&client, Method::GET).await;
    assert_eq!((status, start.elapsed()), (429, Duration::ZERO));
    assert_eq!(report.end().unwrap().reason(), EndReason::RetryAfterTooLong);
    assert_eq!(report.end().unwrap().retry_after(), Some(301 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn promise_2_new_call_fails_immediately_on_long_hold() {
    let spent = Answer::status(200)
        .with_header("x-ratelimit-remaining", 0)
        .with_header("x-ratelimit-reset", 60);
    let script = Script::new([spent]);
    let client = scripted(&script, with(Policy::new().with_deadline(5 * SECOND)));
    call(&client, Method::GET).await;
    let start = Instant::now();
    let error = client.get(URL).send().await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::ZERO);
    let Error::Middleware(error) = error else {
        panic!("{error}")
    };
    let stopped = error.downcast::<Stopped>().unwrap();
    assert_eq!(stopped.end().reason(), EndReason::Deadline);
    assert_eq!(stopped.end().retry_after(), Some(60 * SECOND));
    // The response to another call said so.
    let evidence = stopped.end().evidence().unwrap();
    assert_eq!(evidence.to_string(), "x-ratelimit-reset: 60");
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn promise_3_rejections_do_not_use_retries() {
    let script = Script::new((0..10).map(|_| Answer::throttled(1)));
    let client = scripted(&script, with(Policy::new().with_max_retries(0)));
    let (status, report) = call(&client, Method::GET).await;
    assert_eq!(
        (status, report.throttled(), report.failures()),
        (200, 10, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn promise_3_rejections_have_their_own_limit() {
    let script = Script::new((0..50).map(|_| Answer::throttled(1)));
    let client = scripted(&script, RetryMiddleware::default());
    let (status, report) = call(&client, Method::GET).await;
    assert_eq!((status, report.attempts()), (429, 17));
    assert_eq!(report.end().unwrap().reason(), EndReason::MaxThrottles);
}

#[tokio::test(start_paused = true)]
async fn promise_4_possibly_executed_call_is_retried_only_if_idempotent() {
    for (method, status, sends) in [
        (Method::GET, 503, 2),
        (Method::HEAD, 502, 2),
        (Method::PUT, 500, 2),
        (Method::DELETE, 504, 2),
        (Method::OPTIONS, 408, 2),
        (Method::POST, 500, 1),
        (Method::POST, 503, 1),
        (Method::PATCH, 502, 1),
        (Method::POST, 408, 1),
        // The server rejects these before it processes them.
        (Method::POST, 429, 2),
        (Method::PATCH, 425, 2),
    ] {
        let script = Script::new([Answer::status(status)]);
        let client = scripted(&script, RetryMiddleware::default());
        let (last, report) = call(&client, method.clone()).await;
        assert_eq!(script.requests().len(), sends, "{method} {status}");
        if sends == 1 {
            assert_eq!(last, status);
            assert_eq!(report.end().unwrap().reason(), EndReason::NotIdempotent);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn promise_4_post_with_idempotency_key_is_retried_with_its_body() {
    let script = Script::new([Answer::status(503)]);
    let client = scripted(&script, RetryMiddleware::default());
    let request = client
        .post(URL)
        .header("idempotency-key", "7c4f")
        .body("a row");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let sends = script.requests();
    assert_eq!(sends.len(), 2);
    for send in sends {
        assert_eq!(send.method, Method::POST);
        assert_eq!(send.body, "a row");
    }
}

#[tokio::test(start_paused = true)]
async fn promise_4_uncloneable_body_is_sent_once() {
    for answer in [Answer::status(503), Answer::throttled(1)] {
        let script = Script::new([answer.clone()]);
        let client = scripted(&script, RetryMiddleware::default());
        let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>("a row")]);
        let slot = ReportSlot::new();
        let request = client.put(URL).body(reqwest::Body::wrap_stream(chunks));
        let response = request.with_extension(slot.clone()).send().await.unwrap();
        assert!(response.status() == 503 || response.status() == 429);
        assert_eq!(script.requests().len(), 1);
        let report = slot.report().unwrap();
        assert_eq!(report.end().unwrap().reason(), EndReason::NotReplayable);
    }
}

#[tokio::test(start_paused = true)]
async fn promise_5_calls_with_same_hint_return_spread_out() {
    let script = Script::new((0..100).map(|_| Answer::throttled(7)));
    let breather = Breather::builder().without_pacing().build();
    // Two clients have clones of one middleware.
    let retry = RetryMiddleware::new(breather).with_seed(7);
    let clients = [scripted(&script, retry.clone()), scripted(&script, retry)];
    let start = Instant::now();
    let calls = (0..100).map(|n| call(&clients[n % 2], Method::GET));
    futures_util::future::join_all(calls).await;
    let sends = script.requests();
    let returns: BTreeSet<_> = sends[100..].iter().map(|send| send.at - start).collect();
    let (first, last) = (returns.first().unwrap(), returns.last().unwrap());
    assert!(*first >= 7 * SECOND);
    // A hundred draws from 100 ms, in whole milliseconds, give some sixty different values.
    assert!(returns.len() > 45, "{}", returns.len());
    assert!(
        *last - *first > Duration::from_millis(80),
        "{:?}",
        *last - *first
    );
}

#[tokio::test(start_paused = true)]
async fn promise_6_same_seed_gives_same_delays() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let script = Script::new((0..9).map(|_| Answer::status(503)));
        let client = scripted(&script, RetryMiddleware::default().with_seed(7));
        let mut waited = Vec::new();
        for _ in 0..3 {
            let (_, report) = call(&client, Method::GET).await;
            waited.push(report.waited(WaitReason::Backoff));
        }
        runs.push(waited);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0][0] != runs[0][1] && runs[0][1] != runs[0][2]);
}

#[tokio::test(start_paused = true)]
async fn promise_9_drop_at_any_await_releases_everything() {
    let policy = exact(10 * SECOND);
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
        let breather = Breather::new(policy);
        let calls = answers.len();
        let client = scripted(
            &Script::new(answers),
            RetryMiddleware::new(breather.clone()),
        );
        let held = || {
            let snapshot = breather.snapshot("api.example.com").unwrap();
            (snapshot.in_flight(), snapshot.queued())
        };
        let calls = (0..calls).map(|_| client.get(URL).send());
        let mut all = Box::pin(futures_util::future::join_all(calls));
        assert!(timeout(5 * TICK, &mut all).await.is_err(), "{what}");
        let (sent, queued) = held();
        assert_eq!((sent > 0, queued > 0), (in_flight, waiting), "{what}");
        drop(all);
        assert_eq!(held(), (0, 0), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_call_fills_report_slot() {
    let script = Script::new([Answer::throttled(60)]);
    let client = scripted(&script, RetryMiddleware::default());
    let slot = ReportSlot::new();
    let call = client.get(URL).with_extension(slot.clone()).send();
    assert!(timeout(SECOND, call).await.is_err());
    let report = slot.report().unwrap();
    assert_eq!((report.attempts(), report.throttled()), (1, 1));
    assert_eq!(report.end(), None);
}

#[tokio::test(start_paused = true)]
async fn promise_9_classifier_panic_releases_permit() {
    let script = Script::new([Answer::status(418)]);
    let breather = Breather::default();
    let touchy = |ending: &AttemptResult<'_>| match ending.result {
        Ok(status) if status == 418 => panic!("the caller's classifier panics"),
        _ => DefaultClassifier.classify(ending),
    };
    let retry = RetryMiddleware::new(breather.clone()).with_classifier(touchy);
    let client = scripted(&script, retry);
    let doomed = tokio::spawn(client.get(URL).send());
    assert!(doomed.await.unwrap_err().is_panic());
    assert_eq!(breather.snapshot("api.example.com").unwrap().in_flight(), 0);
    assert_eq!(call(&client, Method::GET).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn rejection_holds_other_clients_of_the_same_breather() {
    let spent = Answer::throttled(7)
        .with_header("x-ratelimit-remaining", 0)
        .with_header("x-ratelimit-reset", 7);
    let script = Script::new([spent]);
    let breather = Breather::default();
    let one = scripted(&script, RetryMiddleware::new(breather.clone()));
    let other = scripted(&script, RetryMiddleware::new(breather));
    let stranger = scripted(&script, RetryMiddleware::default());

    let start = Instant::now();
    let throttled = tokio::spawn(one.get(URL).send());
    tokio::time::sleep(TICK).await;
    let (_, report) = call(&stranger, Method::GET).await;
    assert_eq!(report.total_wait(), Duration::ZERO);
    let (status, report) = call(&other, Method::GET).await;
    assert_eq!(status, 200);
    assert!(start.elapsed() >= 7 * SECOND);
    assert!(report.waited(WaitReason::Pacer) >= 7 * SECOND - 2 * TICK);
    assert_eq!(report.attempts(), 1);
    assert_eq!(throttled.await.unwrap().unwrap().status(), 200);
    assert_eq!(script.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn hosts_and_ports_are_separate_scopes() {
    let script = Script::new([Answer::throttled(60)]);
    let client = scripted(&script, RetryMiddleware::default());
    let held = tokio::spawn(client.get(URL).send());
    tokio::time::sleep(TICK).await;
    let start = Instant::now();
    client
        .get("http://api.example.com:8080/")
        .send()
        .await
        .unwrap();
    client
        .get("http://other.example.com/")
        .send()
        .await
        .unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
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
    let client = scripted(&script, RetryMiddleware::new(breather.clone()));
    let with_token = |token: &str| {
        let scopes = Scopes::from([token, "organisation 3"]);
        client.get(URL).with_extension(scopes).send()
    };
    let held = tokio::spawn(with_token("token 7"));
    tokio::time::sleep(TICK).await;
    let start = Instant::now();
    assert_eq!(with_token("token 8").await.unwrap().status(), 200);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(with_token("token 7").await.unwrap().status(), 200);
    assert!(start.elapsed() >= 59 * SECOND);
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    let organisation = breather.snapshot("organisation 3").unwrap();
    assert_eq!((organisation.in_flight(), organisation.queued()), (0, 0));
    assert_eq!(breather.snapshot("api.example.com"), None);
}

#[tokio::test(start_paused = true)]
async fn request_scope_overrides_client_scope() {
    let script = Script::new([
        Answer::throttled(60),
        Answer::status(200),
        Answer::status(200),
    ]);
    let breather = Breather::default();
    let client_of = |token: &str| {
        let middleware = RetryMiddleware::new(breather.clone());
        scripted(&script, middleware.with_scope(token))
    };
    let (one, other) = (client_of("token 7"), client_of("token 8"));
    let held = tokio::spawn(one.get(URL).send());
    tokio::time::sleep(TICK).await;
    let start = Instant::now();
    assert_eq!(other.get(URL).send().await.unwrap().status(), 200);
    let elsewhere = one.get(URL).with_extension(Scopes::from("token 9"));
    assert_eq!(elsewhere.send().await.unwrap().status(), 200);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    assert!(start.elapsed() >= 59 * SECOND);
    assert_eq!(breather.snapshot("api.example.com"), None);
}

#[tokio::test(start_paused = true)]
async fn only_calls_that_waited_have_a_report_in_the_response() {
    let script = Script::new([Answer::status(200), Answer::status(503)]);
    let client = scripted(&script, with(exact(SECOND)));
    let untroubled = client.get(URL).send().await.unwrap();
    assert!(untroubled.extensions().get::<Report>().is_none());
    let retried = client.get(URL).send().await.unwrap();
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
    let client = scripted(&script, RetryMiddleware::default());
    call(&client, Method::GET).await;
    let seen: Vec<_> = script
        .requests()
        .iter()
        .map(|send| send.extensions_seen)
        .collect();
    assert_eq!(seen, [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn no_retries_policy_sends_once_and_returns_the_response() {
    for answer in [Answer::status(503), Answer::throttled(1)] {
        let script = Script::new([answer]);
        let client = scripted(&script, with(Policy::no_retries()));
        let response = client.get(URL).send().await.unwrap();
        assert!(!response.status().is_success());
        assert_eq!(script.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn custom_classifier_decides() {
    let script = Script::new([Answer::status(200).with_header("x-error", "busy")]);
    let busy = |ending: &AttemptResult<'_>| match ending.result {
        Ok(status) if status == 200 && ending.hint.windows().count() == 0 => {
            Outcome::throttled("a 200 that is none")
        }
        _ => DefaultClassifier.classify(ending),
    };
    let retry = with(Policy::new().with_max_throttles(2)).with_classifier(busy);
    let (status, report) = call(&scripted(&script, retry), Method::GET).await;
    assert_eq!((status, report.attempts()), (200, 3));
    assert_eq!(report.end().unwrap().reason(), EndReason::MaxThrottles);
}

#[tokio::test(start_paused = true)]
async fn debug_and_report_contain_no_secrets() {
    let script = Script::new([Answer::throttled(1)]);
    let breather = Breather::default();
    let retry = RetryMiddleware::new(breather.clone());
    let debug = format!("{retry:?}");
    let client = scripted(&script, retry);
    let slot = ReportSlot::new();
    let url = "http://user:password@api.example.com/?token=secret";
    client
        .get(url)
        .with_extension(slot.clone())
        .send()
        .await
        .unwrap();
    let report = slot.report().unwrap();
    let said = format!("{debug} {breather:?} {report} {report:?}");
    assert!(
        !said.contains("secret") && !said.contains("password"),
        "{said}"
    );
    assert!(breather.snapshot("api.example.com").is_some());
}

#[tokio::test(start_paused = true)]
async fn dates_use_the_injected_clock() {
    // The clock shows 08:00:00, and the response has no Date.
    let clock = PausedClock::new(UnixTime::from_secs(1_800_000_000));
    let breather = Breather::builder().with_wall_clock(clock).build();
    for opens in ["Fri, 15 Jan 2027 08:00:20 GMT", "1800000040"] {
        let header = match opens.contains("GMT") {
            true => "retry-after",
            false => "x-ratelimit-reset",
        };
        let throttled = Answer::status(429).with_header(header, opens);
        let script = Script::new([throttled.with_header("x-ratelimit-remaining", 0)]);
        let client = scripted(&script, RetryMiddleware::new(breather.clone()));
        let response = client.get("http://api.example.com/").send().await.unwrap();
        assert_eq!(response.status(), 200);
        let waited = script.times()[1].as_secs();
        assert!((19..=21).contains(&waited), "{opens}: {waited} s");
    }
}
