//! Tests the bodies that a server receives when breather retries octocrab's requests.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use breather_tower::RetryLayer;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::Layer as _;

type Bodies = Arc<Mutex<Vec<Bytes>>>;

/// Starts a server that throttles the first request and accepts all others.
async fn server() -> (http::Uri, Bodies) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let bodies = Bodies::default();
    let received = Arc::clone(&bodies);
    let router = Router::new().fallback(move |body: Bytes| {
        let mut bodies = received.lock().unwrap();
        bodies.push(body);
        let status = match bodies.len() {
            1 => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::CREATED,
        };
        async move { (status, [("retry-after", "1")], "{}") }
    });
    tokio::spawn(async { axum::serve(listener, router).await });
    (uri.parse().unwrap(), bodies)
}

fn issue() -> Value {
    json!({ "title": "Requests are sent again", "body": "a".repeat(10_000) })
}

async fn post(octocrab: &Octocrab) -> StatusCode {
    let response = octocrab._post("/repos/a/b/issues", Some(&issue())).await;
    response.unwrap().status()
}

#[tokio::test]
async fn recorded_body_arrives_whole_each_time() {
    let (uri, bodies) = server().await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let retry = RetryLayer::default().replay(64 * 1024).box_errors();
    let octocrab = OctocrabBuilder::new_empty()
        .with_service(retry.layer(client))
        .with_layer(&BaseUriLayer::new(uri))
        .with_auth(AuthState::None)
        .build()
        .unwrap();
    assert_eq!(post(&octocrab).await, StatusCode::CREATED);
    let bodies = bodies.lock().unwrap();
    assert_eq!(bodies.len(), 2);
    let whole = issue().to_string();
    for body in &*bodies {
        assert_eq!(body, &whole);
    }
}

/// Shows why the default layer rejects such a body.
#[tokio::test]
async fn cloned_body_does_not_arrive_a_second_time() {
    let (uri, bodies) = server().await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let retry = RetryLayer::default().trust_clone().box_errors();
    let octocrab = OctocrabBuilder::new_empty()
        .with_service(retry.layer(client))
        .with_layer(&BaseUriLayer::new(uri))
        .with_auth(AuthState::None)
        .build()
        .unwrap();
    let _ = octocrab._post("/repos/a/b/issues", Some(&issue())).await;
    let bodies = bodies.lock().unwrap();
    assert_eq!(bodies[0], issue().to_string());
    assert!(bodies.get(1).is_none_or(Bytes::is_empty));
}
