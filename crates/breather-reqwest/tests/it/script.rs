//! Clients that talk to a script.

use breather_reqwest::RetryMiddleware;
use breather_test::Script;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

/// Returns a client that retries with `retry` and gets the answers of `script`.
pub(crate) fn scripted(script: &Script, retry: RetryMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new())
        .with(retry)
        .with(script.clone())
        .build()
}
