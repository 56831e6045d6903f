//! The promises that only a JavaScript engine can break: its timer, its entropy, and a call through its `fetch`.

#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use breather_reqwest::breather::{
    Breather, Hint, Outcome, ReportSlot,
    driver::{Decision, Instant, NewCall, Timer as _, WallClock as _},
};
use breather_reqwest::{BrowserTimer, RetryMiddleware};
use js_sys::{Function, Promise};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_futures::wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

/// Sets up a server of Node's that answers by the JavaScript in `answer`, which sees `number`, from 1, and
/// `response`. Resolves to its URL. It does not keep Node from ending.
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
async fn a_sleep_is_never_over_early() {
    for micros in [0, 1, 999, 1_001, 20_500] {
        let at = BrowserTimer.now() + Duration::from_micros(micros);
        BrowserTimer.sleep_until(at).await;
        assert!(BrowserTimer.now() >= at, "{micros}");
    }
}

#[wasm_bindgen_test]
async fn a_wait_of_a_month_is_no_wait_of_none() {
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
    // Neither does it end and begin again all the time. The short wait may take two timeouts.
    assert!(polls <= 3, "{polls}");
}

#[wasm_bindgen_test]
fn the_wall_clock_is_that_of_the_browser() {
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
    assert_ne!(Seeds::random().draw(), Seeds::random().draw());
}

#[wasm_bindgen_test]
async fn a_throttled_call_is_sent_again_when_the_server_said() {
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
async fn a_call_that_waits_for_its_turn_is_woken() {
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
    // Nobody but the alarm knows of it now.
    start(2).ready().await.unwrap();
    assert!(elapsed(received) >= wait);
}

#[wasm_bindgen_test]
async fn a_fetch_that_fails_is_repeated_if_the_call_is_idempotent() {
    let url = serve("if (number % 2 === 1) response.destroy(); else response.end('done');").await;
    let response = client().get(&url).send().await.unwrap();
    assert_eq!(response.status(), 200);

    let slot = ReportSlot::new();
    let request = client().post(&url).with_extension(slot.clone());
    assert!(request.send().await.is_err());
    assert_eq!(slot.report().unwrap().attempts(), 1);
}
