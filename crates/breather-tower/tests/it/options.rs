//! Options of layers, routes and requests.

use std::collections::BTreeSet;
use std::time::Duration;

use breather_test::{Answer, Script};
use breather_tower::breather::{
    self, AttemptResult, Backoff, Breather, CallOptions, ClassifyHttp as _, EndReason, Event,
    EventKind, Jitter, Policy, Scopes, Stopped, Unit,
};
use breather_tower::{Http, RetryLayer, TrustClone};
use http::{HeaderName, Method, Request};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;
use tower::{Layer as _, Service as _, ServiceExt};

use crate::script::{SCOPE, call, get, request};

const SECOND: Duration = Duration::from_secs(1);

/// Tokio's timer is accurate to a millisecond.
const TICK: Duration = Duration::from_millis(3);

fn at_once() -> Policy {
    Policy::new()
        .with_backoff(Backoff::constant(Duration::ZERO))
        .with_jitter(Jitter::none())
}

fn with(policy: Policy) -> RetryLayer {
    RetryLayer::new(Breather::new(policy))
}

fn failing() -> Script {
    Script::new((0..50).map(|_| Answer::status(500)))
}

fn asking(options: CallOptions, method: Method) -> Request<String> {
    let mut request = request(method);
    request.extensions_mut().insert(options);
    request
}

async fn sends(layer: &RetryLayer, request: Request<String>) -> usize {
    let script = failing();
    let _ = call(&layer.layer(script.clone()), request).await;
    script.requests().len()
}

#[tokio::test(start_paused = true)]
async fn request_options_override_policy() {
    // reqwest#2326 asks for another policy for one request on the same client.
    let layer = with(at_once());
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
        assert_eq!(
            sends(&layer, asking(options, method)).await,
            expected,
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn request_options_override_route_and_route_overrides_layer() {
    let breather = Breather::new(at_once());
    breather.set_route(
        "api.example.com/v1",
        CallOptions::new().with_idempotent(true),
    );
    breather.set_route("api.example.com/v2", CallOptions::new().without_retries());
    let layer = RetryLayer::new(breather).with_idempotent(true);
    let none = CallOptions::new();
    assert_eq!(sends(&layer, asking(none.clone(), Method::POST)).await, 4);
    let not = none.with_idempotent(false);
    assert_eq!(sends(&layer, asking(not, Method::POST)).await, 1);
    let mut other = request(Method::GET);
    *other.uri_mut() = "http://api.example.com/v2/rows".parse().unwrap();
    assert_eq!(sends(&layer, other).await, 1);
}

#[tokio::test(start_paused = true)]
async fn request_scopes_override_layer_scope() {
    let breather = Breather::default();
    let service = RetryLayer::new(breather.clone())
        .with_scope("of the layer")
        .layer(Script::default());
    let mut request = request(Method::GET);
    request.extensions_mut().insert(Scopes::from("its own"));
    let _ = call(&service, request).await;
    let _ = get(&service).await;
    let names: Vec<_> = breather
        .snapshots()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["its own", "of the layer"]);
}

#[tokio::test(start_paused = true)]
async fn timed_out_attempt_is_dropped_and_retried() {
    let script = Script::new([Answer::status(200).after(60 * SECOND)]);
    let breather = Breather::new(at_once().with_attempt_timeout(2 * SECOND));
    let service = RetryLayer::new(breather.clone()).layer(script.clone());
    let start = Instant::now();
    let (status, report) = get(&service).await;
    assert_eq!((status, report.attempts(), report.failures()), (200, 2, 1));
    let took = start.elapsed();
    assert!(took >= 2 * SECOND && took < 2 * SECOND + TICK, "{took:?}");
    assert_eq!(breather.snapshot(SCOPE).unwrap().in_flight(), 0);
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
        let slow = || Answer::status(200).after(60 * SECOND);
        let script = Script::new((0..9).map(|_| slow()));
        let service = with(at_once().with_attempt_timeout(SECOND)).layer(script.clone());
        let (result, report) = call(&service, request(method)).await;
        let error = result.unwrap_err();
        let stopped: &Stopped = error.downcast_ref().unwrap();
        assert_eq!(stopped.end().reason(), reason);
        assert_eq!(report.attempts(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn timeout_does_not_return_earlier_error() {
    let error = Answer::error(std::io::ErrorKind::ConnectionReset);
    let script = Script::new([error, Answer::status(200).after(60 * SECOND)]);
    let policy = at_once().with_max_retries(1).with_attempt_timeout(SECOND);
    let (result, _) = call(&with(policy).layer(script), request(Method::GET)).await;
    assert!(result.unwrap_err().is::<Stopped>());
}

#[tokio::test(start_paused = true)]
async fn remaining_deadline_limits_attempt() {
    // iceberg-rust#2455 and djc/tokio-retry#34 ask for an overall limit, for a retry that hangs.
    let script = Script::new([
        Answer::status(500).after(3 * SECOND),
        Answer::status(200).after(3_600 * SECOND),
    ]);
    let start = Instant::now();
    let service = with(at_once().with_deadline(5 * SECOND)).layer(script);
    let (result, report) = call(&service, request(Method::GET)).await;
    assert!(result.unwrap_err().is::<Stopped>());
    assert_eq!(report.end().unwrap().reason(), EndReason::Deadline);
    let took = start.elapsed();
    assert!(took >= 5 * SECOND && took < 5 * SECOND + TICK, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn request_deadline_overrides_policy() {
    let script = Script::new([Answer::throttled(7)]);
    let service = with(at_once().with_deadline(60 * SECOND)).layer(script);
    let soon = CallOptions::new().with_deadline(SECOND);
    let start = Instant::now();
    let (result, report) = call(&service, asking(soon, Method::GET)).await;
    assert_eq!(result.unwrap().status(), 429);
    assert_eq!(report.end().unwrap().reason(), EndReason::Deadline);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

#[tokio::test(start_paused = true)]
async fn unsafe_call_uses_one_key_for_all_attempts() {
    let service = |script: &Script| {
        with(at_once())
            .with_idempotency_keys()
            .layer(script.clone())
    };
    let mut keys = BTreeSet::new();
    for _ in 0..3 {
        let script = failing();
        let _ = call(&service(&script), request(Method::POST)).await;
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
    let _ = call(&service(&script), request(Method::GET)).await;
    assert!(!script.requests()[0].headers.contains_key(&KEY));

    let script = failing();
    let mut own = request(Method::POST);
    own.headers_mut().insert(KEY, "mine".parse().unwrap());
    let _ = call(&service(&script), own).await;
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
    let layer = with(at_once()).with_attempt_header(name.clone());
    let mut own = request(Method::GET);
    own.headers_mut().insert(&name, "99".parse().unwrap());
    let _ = call(&layer.layer(script.clone()), own).await;
    let numbers: Vec<_> = script
        .requests()
        .iter()
        .map(|send| send.headers[&name].clone())
        .collect();
    assert_eq!(numbers, ["1", "2", "3"]);

    let script = Script::default();
    let _ = get(&with(at_once()).layer(script.clone())).await;
    assert!(script.requests()[0].headers.is_empty());

    let script = Script::default();
    let once = with(at_once()).send_once();
    let _ = get(&once.with_attempt_header(name.clone()).layer(script.clone())).await;
    assert_eq!(script.requests()[0].headers[&name], "1");
}

#[tokio::test(start_paused = true)]
async fn observer_sees_each_call() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let breather = Breather::builder()
        .with_policy(at_once())
        .with_observer(move |event: &Event<'_>| {
            let scope = event.scope.unwrap_or_default();
            match event.kind {
                EventKind::Sent { attempt, .. } => {
                    list.lock().unwrap().push(format!("{scope} {attempt}"))
                }
                EventKind::Ended { report, .. } => list.lock().unwrap().push(report.to_string()),
                _ => {}
            }
        })
        .build();
    let script = Script::new([Answer::status(500)]);
    let _ = get(&RetryLayer::new(breather).layer(script)).await;
    let told = told.lock().unwrap();
    assert_eq!(
        *told,
        [
            "http://api.example.com 1",
            "http://api.example.com 2",
            "succeeded after 2 attempts (1 failed)"
        ]
    );
    assert!(
        told.iter()
            .all(|line| !line.contains("secret") && !line.contains("password"))
    );
}

#[tokio::test(start_paused = true)]
async fn promise_9_drop_with_all_options_releases_everything() {
    let policy = at_once()
        .with_attempt_timeout(5 * SECOND)
        .with_deadline(60 * SECOND);
    let breather = Breather::new(policy);
    breather.set_route("api.example.com", CallOptions::new().with_idempotent(true));
    let layer = RetryLayer::new(breather.clone())
        .with_idempotency_keys()
        .with_attempt_header(HeaderName::from_static("x-attempt"));
    // The call is dropped in flight, while it waits after a rejection, in flight again, and while
    // it waits after its own timeout.
    for after in [0, 1, 4, 9, 12, 14] {
        let slow = Answer::status(200).after(6 * SECOND);
        let script = Script::new([Answer::throttled(2).after(2 * SECOND), slow.clone(), slow]);
        let mut service = layer.layer(script.clone());
        let future = {
            let ready = ServiceExt::<Request<String>>::ready(&mut service).await;
            ready.unwrap().call(request(Method::POST))
        };
        drop(service);
        let _ = tokio::time::timeout(after * SECOND, future).await;
        let snapshot = breather.snapshot(SCOPE).unwrap();
        assert_eq!(
            (snapshot.in_flight(), snapshot.queued()),
            (0, 0),
            "{after} s"
        );
        assert_eq!(script.readied(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn settings_survive_any_order() {
    let name = HeaderName::from_static("x-attempt");
    let layer = || with(at_once());
    let numbered = || layer().with_attempt_header(name.clone());
    let scripts: Vec<_> = (0..6).map(|_| Script::new([Answer::status(500)])).collect();
    let _ = get(&numbered().trust_clone().layer(scripts[0].clone())).await;
    let _ = get(&layer()
        .trust_clone()
        .with_attempt_header(name.clone())
        .layer(scripts[1].clone()))
    .await;
    let _ = get(&numbered().send_once().layer(scripts[2].clone())).await;
    let _ = get(&layer()
        .send_once()
        .with_attempt_header(name.clone())
        .layer(scripts[3].clone()))
    .await;
    let _ = get(&numbered()
        .with_repeat(TrustClone::default())
        .layer(scripts[4].clone()))
    .await;
    let _ = get(&numbered().replay(9).trust_clone().layer(scripts[5].clone())).await;
    for script in &scripts {
        for (at, send) in script.requests().iter().enumerate() {
            assert_eq!(send.headers[&name], (at + 1).to_string());
        }
    }

    let by_hand =
        || Http::by(|ending: &AttemptResult<'_>| breather::DefaultClassifier.classify(ending));
    for layer in [
        with(at_once())
            .with_classifier(by_hand())
            .with_idempotency_keys(),
        with(at_once())
            .with_idempotency_keys()
            .with_classifier(by_hand()),
    ] {
        let script = Script::new([Answer::status(500)]);
        let (result, _) = call(&layer.layer(script.clone()), request(Method::POST)).await;
        assert_eq!(result.unwrap().status(), 200);
        let keys: Vec<_> = script
            .requests()
            .iter()
            .map(|send| send.headers["idempotency-key"].clone())
            .collect();
        assert_eq!((keys.len(), keys[0] == keys[1]), (2, true));
    }
}

#[tokio::test(start_paused = true)]
async fn stated_cost_waits_for_its_window() {
    let tokens = |left: u64| {
        Answer::status(200)
            .with_header("anthropic-ratelimit-input-tokens-limit", 10_000)
            .with_header("anthropic-ratelimit-input-tokens-remaining", left)
            .with_header("anthropic-ratelimit-input-tokens-reset", "30s")
    };
    let script = Script::new([tokens(4_000), tokens(3_000)]);
    let service = RetryLayer::default().layer(script.clone());
    let cost = |tokens| CallOptions::new().with_cost(Unit::InputTokens, tokens);
    let send = |options| service.clone().oneshot(asking(options, Method::POST));
    let start = Instant::now();
    send(cost(10)).await.unwrap();
    send(cost(4_000)).await.unwrap();
    // Costs in output tokens do not matter to this window.
    send(CallOptions::new().with_cost(Unit::OutputTokens, 9_000))
        .await
        .unwrap();
    assert!(start.elapsed() < TICK);
    send(cost(3_500)).await.unwrap();
    assert!(start.elapsed() >= 29 * SECOND, "{:?}", start.elapsed());
}
