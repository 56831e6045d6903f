//! Middlewares in a reqwest-middleware chain.

use std::hint::black_box;
use std::time::Duration;

use breather::{Backoff, Breather, Policy};
use breather_benches::versioned;
use breather_reqwest::RetryMiddleware;
use bytes::Bytes;
use http::{Extensions, HeaderMap, Method};
use reqwest::{Request, Response, ResponseBuilderExt as _};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;

use crate::{
    BODY_LENGTH, Family, RETRIES, Row, URL, next_status, request_headers, response_headers,
    stop_the_clock,
};

pub(crate) fn family() -> Family {
    Family {
        title: "reqwest-middleware",
        rows: vec![
            Row::of_calls(
                format!("bare chain, {}", versioned("reqwest-middleware")),
                Floor::new,
                |floor| {
                    floor.second = Some(request());
                    request()
                },
                async |floor, first| {
                    let response = floor.chain.execute(first).await?;
                    if response.status().is_server_error() {
                        if let Some(second) = floor.second.take() {
                            return Ok(floor.chain.execute(second).await?.status());
                        }
                    }
                    Ok(response.status())
                },
            ),
            Row::of_clones(request, cloned),
            Row::of_calls(
                versioned("reqwest-retry"),
                || {
                    stop_the_clock();
                    let policy = ExponentialBackoff::builder()
                        .retry_bounds(Duration::ZERO, Duration::ZERO)
                        .build_with_max_retries(RETRIES);
                    chain()
                        .with(RetryTransientMiddleware::new_with_policy(policy))
                        .with(Script)
                        .build()
                },
                |_| request(),
                async |chain, request| Ok(chain.execute(request).await?.status()),
            ),
            Row::of_calls(
                "breather-reqwest",
                || {
                    let policy = Policy::default().with_backoff(Backoff::constant(Duration::ZERO));
                    let breather = Breather::new(policy);
                    chain()
                        .with(RetryMiddleware::new(breather))
                        .with(Script)
                        .build()
                },
                |_| request(),
                async |chain, request| Ok(chain.execute(request).await?.status()),
            ),
        ],
    }
}

/// The chain alone, and the request to send if the first attempt is throttled.
struct Floor {
    chain: ClientWithMiddleware,
    second: Option<Request>,
}

impl Floor {
    fn new() -> Self {
        Self {
            chain: chain().with(Script).build(),
            second: None,
        }
    }
}

fn chain() -> ClientBuilder {
    ClientBuilder::new(reqwest::Client::new())
}

/// The end of each chain. It responds, so no request reaches a network.
struct Script;

#[async_trait::async_trait]
impl Middleware for Script {
    async fn handle(&self, request: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        // The URL moves from the request to its response, as in reqwest.
        let url = request.url().clone();
        drop(black_box(request));
        let mut response = http::Response::builder()
            .status(next_status())
            .url(url)
            .body(Bytes::from_static(b"{}"))
            .expect("all parts are valid");
        *response.headers_mut() = RESPONSE_HEADERS.with(HeaderMap::clone);
        Ok(Response::from(response))
    }
}

fn request() -> Request {
    REQUEST.with(cloned)
}

fn cloned(request: &Request) -> Request {
    request.try_clone().expect("the body is not a stream")
}

thread_local! {
    static REQUEST: Request = {
        let mut request = Request::new(Method::PUT, URL.parse().expect("the constant is a URL"));
        *request.body_mut() = Some(vec![b' '; BODY_LENGTH].into());
        *request.headers_mut() = request_headers();
        request
    };
    static RESPONSE_HEADERS: HeaderMap = response_headers();
}
