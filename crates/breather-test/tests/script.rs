//! Tests of scripts as middleware, as services and over sockets.

#![cfg(all(feature = "reqwest", feature = "server"))]

use std::io;
use std::time::Duration;

use breather_test::{Answer, Script, TestServer};
use http::{Method, Request};
use reqwest_middleware::ClientBuilder;
use tower::{Service as _, ServiceExt as _};

const SECOND: Duration = Duration::from_secs(1);

fn get() -> Request<String> {
    Request::get("http://api.example.com/rows?page=2")
        .header("x-team", "seven")
        .body("a row".to_owned())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn service_gives_answers_in_order_and_then_200() {
    let script = Script::new(["503", "429 retry-after: 7"]);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let response = script.clone().oneshot(get()).await.unwrap();
        statuses.push(response.status().as_u16());
        tokio::time::advance(SECOND).await;
    }
    assert_eq!(statuses, [503, 429, 200, 200]);
    assert_eq!(script.times(), [0, 1, 2, 3].map(Duration::from_secs));
    let request = &script.requests()[3];
    assert_eq!(request.method, Method::GET);
    assert_eq!(request.uri, "http://api.example.com/rows?page=2");
    assert_eq!(request.headers["x-team"], "seven");
    assert_eq!(request.body, "a row");
}

#[tokio::test(start_paused = true)]
async fn closed_script_sends_remaining_seconds() {
    let script = Script::closed_for(10 * SECOND);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let response = script.clone().oneshot(get()).await.unwrap();
        let seconds = response.headers().get("retry-after").cloned();
        answers.push((response.status().as_u16(), seconds));
        tokio::time::advance(6 * SECOND).await;
    }
    let [first, second, third] = &answers[..] else {
        unreachable!()
    };
    assert_eq!(first, &(429, Some("10".parse().unwrap())));
    assert_eq!(second, &(429, Some("4".parse().unwrap())));
    assert_eq!(third, &(200, None));
}

#[tokio::test]
async fn service_panics_if_called_before_ready() {
    let mut script = Script::default();
    let called = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| script.call(get())));
    assert!(called.is_err());
    let mut script = Script::default().with_readiness([Err(io::ErrorKind::BrokenPipe), Ok(())]);
    assert!(ready(&mut script).await.is_err());
    ready(&mut script).await.unwrap();
    assert_eq!(script.readied(), 1);
    script.call(get()).await.unwrap();
    assert_eq!(script.readied(), 0);
}

async fn ready(script: &mut Script) -> Result<(), breather_test::BoxError> {
    tower::ServiceExt::<Request<String>>::ready(script)
        .await
        .map(|_| ())
}

#[tokio::test]
async fn server_answers_over_a_socket_and_resets_for_errors() {
    let script = Script::new([
        Answer::from("503"),
        Answer::status(200).with_body("rows"),
        Answer::error(io::ErrorKind::ConnectionReset),
    ]);
    let server = TestServer::start(&script).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = || client.post(server.url()).body("a row").send();
    assert_eq!(post().await.unwrap().status(), 503);
    assert_eq!(post().await.unwrap().text().await.unwrap(), "rows");
    assert!(post().await.is_err());
    let bodies: Vec<_> = script.requests().into_iter().map(|it| it.body).collect();
    assert_eq!(bodies, ["a row"; 3]);
}

#[tokio::test]
async fn dropped_server_stops_accepting() {
    let server = TestServer::start(&Script::default()).await.unwrap();
    let url = server.url();
    drop(server);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // The listening task ends at its next poll.
    while client.get(&url).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn middleware_fails_and_answers_as_scripted() {
    let script = Script::new([Answer::from("reset"), Answer::from(204).after(2 * SECOND)]);
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(script.clone())
        .build();
    assert!(client.get("http://api.example.com/").send().await.is_err());
    let start = tokio::time::Instant::now();
    let response = client.get("http://api.example.com/").send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), start.elapsed()),
        (204, 2 * SECOND)
    );
    assert_eq!(response.url().as_str(), "http://api.example.com/");
}

#[test]
fn unreadable_answer_panics_with_expected_format() {
    for (text, expected) in [
        ("teapot", "\"teapot\" is no answer"),
        ("429 retry-after=7", "is no header"),
        ("99", "a status"),
    ] {
        let panic = std::panic::catch_unwind(|| Answer::from(text)).unwrap_err();
        let formatted = panic.downcast_ref::<String>().map(String::as_str);
        let message = formatted.or_else(|| panic.downcast_ref::<&str>().copied());
        let message = message.expect("a message");
        assert!(message.contains(expected), "{text}: {message}");
    }
}
