//! Tests of the parts that depend on a JavaScript engine, such as its timer, its entropy and
//! `fetch`.

#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use breather_reqwest::breather::{
    Breather, Hint, Outcome, ReportSlot,
    driver::{Decision, Instant, NewCall, Timer as _, WallClock as _},
};
use breather_reqwest::{BrowserTimer, RetryMiddleware, random_seeds};
use js_sys::{Function, Promise};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_futures::wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

/// Starts a Node server that runs the JavaScript in `answer` for each request, and resolves to its
/// URL.
///
/// The JavaScript sees `response` and `number`, which is 1 for the first request. The server does
/// not keep Node from exiting.
const SERVE: &str = "
    const http = process.getBuiltinModule('node:http');
    let number = 0;
    return new Promise(resolve => {
        const server = http.createServer((request, response) => {
            number += 1;
            new Function('number', 'response', answer)(number, response);
        });
        server.unref();
        server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}/`));
    });";

async fn serve(answer: &str) -> String {
    let serve = Function::new_with_args("answer", SERVE);
    let url = serve.call1(&JsValue::NULL, &answer.into()).unwrap();
    let url = JsFuture::from(Promise::from(url)).await.unwrap();
    url.as_string().unwrap()
}

fn client() -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new())
        .with(RetryMiddleware::default())
        .build()
}

fn elapsed(start: Instant) -> Duration {
    BrowserTimer.now().duration_since(start)
}

#[wasm_bindgen_test]
async fn sleep_never_ends_early() {
    for micros in [0, 1, 999, 1_001, 20_500] {
        let at = BrowserTimer.now() + Duration::from_micros(micros);
        BrowserTimer.sleep_until(at).await;
        assert!(BrowserTimer.now() >= at, "{micros}");
    }
}

#[wasm_bindgen_test]
async fn month_long_sleep_does_not_end_at_once() {
    let start = BrowserTimer.now();
    let mut month = BrowserTimer.sleep_until(start + Duration::from_secs(30 * 86_400));
    let mut soon = BrowserTimer.sleep_until(start + Duration::from_millis(50));
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        assert!(Pin::new(&mut month).poll(cx).is_pending());
        Pin::new(&mut soon).poll(cx)
    })
    .await;
    // The long sleep does not spin either. The short sleep may take two timeouts.
    assert!(polls <= 3, "{polls}");
}

#[wasm_bindgen_test]
fn wall_clock_matches_the_browsers() {
    let before = js_sys::Date::now() as i64;
    let unix_ms = BrowserTimer.unix_time().as_micros() / 1_000;
    let after = js_sys::Date::now() as i64;
    assert!(
        (before..=after).contains(&unix_ms),
        "{before} {unix_ms} {after}"
    );
}

#[wasm_bindgen_test]
fn random_seeds_differ() {
    assert_ne!(random_seeds().draw(), random_seeds().draw());
}

#[wasm_bindgen_test]
async fn throttled_call_waits_for_retry_after() {
    let url = serve(
        "if (number === 1) response.writeHead(429, { 'retry-after': '1' });
         response.end('done');",
    )
    .await;
    let start = BrowserTimer.now();
    let slot = ReportSlot::new();
    let request = client().get(url).with_extension(slot.clone());
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "done");
    assert_eq!(slot.report().unwrap().attempts(), 2);
    assert!(elapsed(start) >= Duration::from_secs(1));
}

#[wasm_bindgen_test]
async fn queued_call_is_woken() {
    let breather = Breather::default();
    let start = |seed| {
        breather.start(
            NewCall::new().with_origin("api").with_idempotent(true),
            BrowserTimer,
            seed,
        )
    };
    let mut throttled = start(1);
    throttled.ready().await.unwrap();
    let received = throttled.moment().instant();
    let wait = Duration::from_millis(100);
    let hint = Hint::new(received).with_retry_after(wait);
    let decision = throttled.on_outcome(Outcome::throttled("busy"), &hint);
    assert!(matches!(decision, Decision::Retry(_)));
    drop(throttled);
    // From here on, only the alarm can wake the next call.
    start(2).ready().await.unwrap();
    assert!(elapsed(received) >= wait);
}

#[wasm_bindgen_test]
async fn failed_fetch_is_retried_only_if_idempotent() {
    let url = serve("if (number % 2 === 1) response.destroy(); else response.end('done');").await;
    let response = client().get(&url).send().await.unwrap();
    assert_eq!(response.status(), 200);

    let slot = ReportSlot::new();
    let request = client().post(&url).with_extension(slot.clone());
    assert!(request.send().await.is_err());
    assert_eq!(slot.report().unwrap().attempts(), 1);
}
