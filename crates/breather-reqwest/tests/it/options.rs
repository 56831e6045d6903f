//! Tests of the options of clients, routes and requests.

use std::collections::BTreeSet;
use std::time::Duration;

use breather_reqwest::RetryMiddleware;
use breather_reqwest::breather::{
    Backoff, Breather, CallOptions, CostSlot, EndReason, Jitter, Policy, ReportSlot, Stopped, Unit,
};
use breather_test::{Answer, Script};
use http::HeaderName;
use reqwest::Method;
use reqwest_middleware::{Error, RequestBuilder};
use tokio::time::Instant;

use crate::script::scripted;

const SECOND: Duration = Duration::from_secs(1);

/// Tokio's timer has a granularity of a millisecond.
const TICK: Duration = Duration::from_millis(3);

const URL: &str = "http://api.example.com/v1/rows";

fn at_once() -> Policy {
    Policy::new()
        .with_backoff(Backoff::constant(Duration::ZERO))
        .with_jitter(Jitter::none())
}

fn failing() -> Script {
    Script::new((0..50).map(|_| Answer::status(500)))
}

fn with(policy: Policy) -> RetryMiddleware {
    RetryMiddleware::new(Breather::new(policy))
}

/// Returns how often the script gets the request that `ask` makes of `method` and `url`.
async fn sends(
    retry: &RetryMiddleware,
    method: Method,
    url: &str,
    ask: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> usize {
    let script = failing();
    let client = scripted(&script, retry.clone());
    let _ = ask(client.request(method, url)).send().await;
    script.requests().len()
}

#[tokio::test(start_paused = true)]
async fn request_options_override_policy() {
    // reqwest#2326 asks for another policy for a single request of a client.
    let retry = with(at_once());
    let own = CallOptions::new();
    for (options, method, expected) in [
        (own.clone(), Method::GET, 4),
        (
            own.clone().with_policy(at_once().with_max_retries(1)),
            Method::GET,
            2,
        ),
        (own.clone().without_retries(), Method::GET, 1),
        (own.clone().with_idempotent(false), Method::GET, 1),
        (own.clone(), Method::POST, 1),
        (own.clone().with_idempotent(true), Method::POST, 4),
    ] {
        let text = format!("{method} {options:?}");
        let sends = sends(&retry, method, URL, |it| it.with_extension(options)).await;
        assert_eq!(sends, expected, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn client_idempotence_applies_unless_request_overrides_it() {
    let retry = with(at_once()).with_idempotent(true);
    assert_eq!(sends(&retry, Method::POST, URL, |it| it).await, 4);
    let not = CallOptions::new().with_idempotent(false);
    let ask = |it: RequestBuilder| it.with_extension(not);
    assert_eq!(sends(&retry, Method::POST, URL, ask).await, 1);
}

#[tokio::test(start_paused = true)]
async fn route_applies_only_to_matching_requests() {
    let breather = Breather::new(at_once());
    breather.set_route("api.example.com/v1", CallOptions::new().without_retries());
    let retry = RetryMiddleware::new(breather);
    for (url, expected) in [
        (URL, 1),
        ("http://API.example.com:80/v1", 1),
        ("http://api.example.com/v10", 4),
        ("http://api.example.com:8080/v1", 4),
        ("http://other.example.com/v1", 4),
    ] {
        assert_eq!(
            sends(&retry, Method::GET, url, |it| it).await,
            expected,
            "{url}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn timed_out_attempt_is_dropped_and_retried() {
    let script = Script::new([Answer::status(200).after(60 * SECOND)]);
    let breather = Breather::new(at_once().with_attempt_timeout(2 * SECOND));
    let client = scripted(&script, RetryMiddleware::new(breather.clone()));
    let start = Instant::now();
    let response = client.put(URL).body("a row").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let took = start.elapsed();
    assert!(took >= 2 * SECOND && took < 2 * SECOND + TICK, "{took:?}");
    assert_eq!(breather.snapshot("api.example.com").unwrap().in_flight(), 0);
    let bodies: Vec<_> = script
        .requests()
        .into_iter()
        .map(|send| send.body)
        .collect();
    assert_eq!(bodies, ["a row", "a row"]);
}

#[tokio::test(start_paused = true)]
async fn timed_out_last_attempt_returns_stopped() {
    for (method, attempts, reason) in [
        (Method::GET, 4, EndReason::MaxRetries),
        (Method::POST, 1, EndReason::NotIdempotent),
    ] {
        let script = Script::new((0..9).map(|_| Answer::status(200).after(60 * SECOND)));
        let client = scripted(&script, with(at_once().with_attempt_timeout(SECOND)));
        let error = client.request(method, URL).send().await.unwrap_err();
        let Error::Middleware(error) = error else {
            panic!("{error}")
        };
        let stopped: &Stopped = error.downcast_ref().unwrap();
        assert_eq!(stopped.end().reason(), reason);
        assert_eq!(script.requests().len(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn remaining_deadline_limits_attempt() {
    let script = Script::new([
        Answer::status(500).after(3 * SECOND),
        Answer::status(200).after(3_600 * SECOND),
    ]);
    let client = scripted(&script, with(at_once().with_deadline(5 * SECOND)));
    let slot = ReportSlot::new();
    let start = Instant::now();
    let request = client.get(URL).with_extension(slot.clone());
    assert!(request.send().await.unwrap_err().is_middleware());
    let report = slot.report().unwrap();
    assert_eq!(report.end().unwrap().reason(), EndReason::Deadline);
    let took = start.elapsed();
    assert!(took >= 5 * SECOND && took < 5 * SECOND + TICK, "{took:?}");
}

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

#[tokio::test(start_paused = true)]
async fn unsafe_call_uses_one_key_for_all_attempts() {
    let retry = with(at_once()).with_idempotency_keys();
    let mut keys = BTreeSet::new();
    for _ in 0..3 {
        let script = failing();
        let _ = scripted(&script, retry.clone()).post(URL).send().await;
        let sent = script.requests();
        let of_call: BTreeSet<_> = sent
            .iter()
            .map(|send| send.headers[&KEY].to_str().unwrap().to_owned())
            .collect();
        assert_eq!((sent.len(), of_call.len()), (4, 1));
        keys.extend(of_call);
    }
    assert_eq!(keys.len(), 3, "each call has its own key");
    assert!(keys.iter().all(|key| key.len() == 36), "{keys:?}");

    let script = failing();
    let _ = scripted(&script, retry.clone()).get(URL).send().await;
    assert!(!script.requests()[0].headers.contains_key(&KEY));

    let script = failing();
    let own = scripted(&script, retry).post(URL).header(KEY, "mine");
    let _ = own.send().await;
    assert!(
        script
            .requests()
            .iter()
            .all(|send| send.headers[&KEY] == "mine")
    );
}

#[tokio::test(start_paused = true)]
async fn attempt_header_is_sent_only_if_enabled() {
    let name = HeaderName::from_static("x-retry-attempt");
    let script = Script::new([Answer::status(500), Answer::throttled(1)]);
    let client = scripted(&script, with(at_once()).with_attempt_header(name.clone()));
    let _ = client.get(URL).header(&name, "99").send().await;
    let sends = script.requests();
    let numbers: Vec<_> = sends.iter().map(|send| &send.headers[&name]).collect();
    assert_eq!(numbers, ["1", "2", "3"]);

    let script = Script::default();
    let _ = scripted(&script, with(at_once())).get(URL).send().await;
    assert!(script.requests()[0].headers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn calls_to_two_origins_share_no_headers() {
    let breather = Breather::new(at_once());
    let retry = RetryMiddleware::new(breather).with_idempotency_keys();
    let script = Script::new((0..20).map(|_| Answer::status(500)));
    let client = scripted(&script, retry);
    let slot = ReportSlot::new();
    let one = client
        .post("http://one.example.com/")
        .bearer_auth("secret of one")
        .with_extension(slot.clone())
        .with_extension(CallOptions::new().with_idempotent(true));
    let other = client.post("http://two.example.com/");
    let (one, other) = tokio::join!(one.send(), other.send());
    assert_eq!(
        (one.unwrap().status(), other.unwrap().status()),
        (500.try_into().unwrap(), 500.try_into().unwrap())
    );
    let sends = script.requests();
    let of = |host| {
        sends
            .iter()
            .filter(move |send| send.uri.host() == Some(host))
    };
    assert_eq!(
        (of("one.example.com").count(), of("two.example.com").count()),
        (4, 4)
    );
    assert!(of("one.example.com").all(|send| send.headers.contains_key("authorization")));
    assert!(of("two.example.com").all(|send| !send.headers.contains_key("authorization")));
    let keys = |host| -> BTreeSet<_> {
        of(host)
            .map(|send| send.headers[&KEY].to_str().unwrap().to_owned())
            .collect()
    };
    assert!(keys("one.example.com").is_disjoint(&keys("two.example.com")));
    assert_eq!(slot.report().unwrap().attempts(), 4);
}

#[tokio::test(start_paused = true)]
async fn promise_9_drop_with_all_options_releases_everything() {
    let policy = at_once()
        .with_attempt_timeout(5 * SECOND)
        .with_deadline(60 * SECOND);
    let breather = Breather::new(policy);
    breather.set_route("api.example.com", CallOptions::new().with_idempotent(true));
    let retry = RetryMiddleware::new(breather.clone())
        .with_idempotency_keys()
        .with_attempt_header(HeaderName::from_static("x-attempt"));
    // In flight, waiting after a rejection, in flight again, and waiting after an attempt timeout.
    for after in [0, 1, 4, 9, 12, 14] {
        let slow = Answer::status(200).after(6 * SECOND);
        let script = Script::new([Answer::throttled(2).after(2 * SECOND), slow.clone(), slow]);
        let client = scripted(&script, retry.clone());
        let _ = tokio::time::timeout(after * SECOND, client.post(URL).send()).await;
        let snapshot = breather.snapshot("api.example.com").unwrap();
        assert_eq!(
            (snapshot.in_flight(), snapshot.queued()),
            (0, 0),
            "{after} s"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn stated_cost_is_paced_and_can_be_settled() {
    let tokens = |left: u64| {
        Answer::status(200)
            .with_header("x-ratelimit-limit-tokens", 10_000)
            .with_header("x-ratelimit-remaining-tokens", left)
            .with_header("x-ratelimit-reset-tokens", "40s")
            .after(SECOND)
    };
    let script = Script::new([tokens(4_000), tokens(1_000), tokens(9_000)]);
    let client = scripted(&script, RetryMiddleware::default());
    let send = |cost, slot: &CostSlot| {
        let options = CallOptions::new().with_cost(Unit::Tokens, cost);
        let request = client.post(URL).with_extension(options);
        request.with_extension(slot.clone()).send()
    };
    let start = Instant::now();
    let slot = CostSlot::new();
    send(10, &slot).await.unwrap();
    // The first of these two takes most of what is left, so the second one waits for it.
    let first = tokio::spawn(send(3_500, &slot));
    tokio::task::yield_now().await;
    let second = tokio::spawn(send(2_000, &CostSlot::new()));
    tokio::task::yield_now().await;
    assert_eq!(script.requests().len(), 2);
    slot.settle(Unit::Tokens, 1_200);
    let response = second.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let took = start.elapsed();
    assert!(took < 2 * SECOND + TICK, "{took:?}");
    first.await.unwrap().unwrap();
}
