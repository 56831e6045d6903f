//! A web handler that calls an API which limits it, and answers 503 instead of keeping people waiting.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use breather::{Breather, Policy};
use breather_reqwest::{RetryMiddleware, stopped};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};

/// An API, and the client that calls it.
#[derive(Clone, Debug)]
pub struct Api {
    client: ClientWithMiddleware,
    url: String,
}

impl Api {
    /// Creates a client for the API at `url`, whose calls wait half a second for a permit at most.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let policy = Policy::interactive().with_max_queue_time(Duration::from_millis(500));
        let retry = RetryMiddleware::new(Breather::new(policy));
        Self {
            client: ClientBuilder::new(reqwest::Client::new())
                .with(retry)
                .build(),
            url: url.into(),
        }
    }
}

/// Returns the routes of the web service.
pub fn routes(api: Api) -> Router {
    Router::new().route("/rates", get(rates)).with_state(api)
}

/// Answers with the body of the API.
async fn rates(State(api): State<Api>) -> Response {
    match api.client.get(&api.url).send().await {
        Ok(response) if response.status().is_success() => {
            response.text().await.unwrap_or_default().into_response()
        }
        Ok(response) => {
            // The last attempt was rejected, and our caller may come back when we may.
            let retry_after = response.headers().get(RETRY_AFTER).cloned();
            let headers = HeaderMap::from_iter(retry_after.map(|value| (RETRY_AFTER, value)));
            (StatusCode::SERVICE_UNAVAILABLE, headers).into_response()
        }
        Err(error) => match retry_after(&error) {
            Some(wait) => {
                let seconds = wait.as_secs_f64().ceil().to_string();
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, seconds)]).into_response()
            }
            None => StatusCode::BAD_GATEWAY.into_response(),
        },
    }
}

/// Returns when a caller should try again, if the call waited too long for a permit. If nobody knows, that is a second.
fn retry_after(error: &Error) -> Option<Duration> {
    let end = stopped(error)?.end();
    Some(end.retry_after().unwrap_or(Duration::from_secs(1)))
}
