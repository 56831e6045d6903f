//! Layers over a tower service.

use std::convert::identity;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use breather::{Backoff, Breather, Policy};
use breather_benches::versioned;
use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::Full;
use tower::retry::Retry;
use tower::retry::budget::{Budget as _, TpsBudget};
use tower::util::ServiceFn;
use tower::{BoxError, Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_resilience_retry::RetryLayer;

use crate::{
    BODY_LENGTH, Family, RETRIES, Row, URL, next_status, request_headers, response_headers,
    stop_the_clock,
};

pub(crate) fn family() -> Family {
    Family {
        title: "tower",
        rows: vec![
            Row::of_calls(
                "bare service",
                Floor::new,
                |floor| {
                    floor.second = Some(request());
                    request()
                },
                async |floor, first| {
                    let response = floor.service.ready().await?.call(first).await?;
                    if response.status().is_server_error() {
                        if let Some(second) = floor.second.take() {
                            return Ok(floor.service.ready().await?.call(second).await?.status());
                        }
                    }
                    Ok(response.status())
                },
            ),
            Row::of_clones(request, Request::clone),
            Row::of_calls(
                "a loop written by hand",
                bare,
                |_| request(),
                async |service, request| Ok(retry_by_hand(service, request).await?.status()),
            ),
            Row::of_calls(
                versioned("backon"),
                bare,
                |_| request(),
                async |service, request| Ok(retry_by_backon(service, request).await?.status()),
            ),
            Row::of_calls(
                format!("tower's Retry with its budget, {}", versioned("tower")),
                || Retry::new(Budgeted::new(), bare()),
                |_| request(),
                async |retry, request| Ok(retry.ready().await?.call(request).await?.status()),
            ),
            Row::of_calls(
                versioned("tower-resilience-retry"),
                || {
                    stop_the_clock();
                    let layer = RetryLayer::<Request, Response, BoxError>::builder()
                        .exponential_backoff(Duration::ZERO)
                        .retry_on_response(|response: &Response| {
                            response.status().is_server_error()
                        })
                        .build();
                    layer.layer(bare())
                },
                |_| request(),
                async |retry, request| Ok(retry.ready().await?.call(request).await?.status()),
            ),
            Row::of_calls(
                "breather-tower",
                || {
                    let policy = Policy::new().with_backoff(Backoff::constant(Duration::ZERO));
                    breather_tower::RetryLayer::new(Breather::new(policy)).layer(bare())
                },
                |_| request(),
                async |retry, request| Ok(retry.ready().await?.call(request).await?.status()),
            ),
        ],
    }
}

/// The service alone, and the request to send if the first attempt is throttled.
struct Floor {
    service: Bare,
    second: Option<Request>,
}

impl Floor {
    fn new() -> Self {
        Self {
            service: bare(),
            second: None,
        }
    }
}

fn bare() -> Bare {
    service_fn(answer)
}

fn answer(request: Request) -> Ready<Result<Response, BoxError>> {
    drop(black_box(request));
    let mut response = Response::new(Full::from(Bytes::from_static(b"{}")));
    *response.status_mut() = next_status();
    *response.headers_mut() = RESPONSE_HEADERS.with(HeaderMap::clone);
    ready(Ok(response))
}

fn request() -> Request {
    REQUEST.with(Request::clone)
}

async fn retry_by_hand(service: &mut Bare, request: Request) -> Result<Response, BoxError> {
    let mut retries = 0;
    loop {
        let result = service.ready().await?.call(request.clone()).await;
        if retries == RETRIES || !may_pass(&result) {
            return result;
        }
        let ceiling = black_box(Duration::ZERO).saturating_mul(1 << retries);
        let delay = ceiling.min(CAP).mul_f64(fastrand::f64());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        retries += 1;
    }
}

async fn retry_by_backon(service: &Bare, request: Request) -> Result<Response, BoxError> {
    let attempt = || {
        let mut service = *service;
        let request = request.clone();
        async move {
            let result = service.call(request).await;
            if may_pass(&result) {
                Err(result)
            } else {
                result.map_err(Err)
            }
        }
    };
    let backoff = ExponentialBuilder::new()
        .with_jitter()
        .with_min_delay(black_box(Duration::ZERO));
    let result = attempt
        .retry(backoff)
        .sleep(|_| ready(()))
        .when(may_pass)
        .await;
    result.or_else(identity)
}

fn may_pass(result: &Result<Response, BoxError>) -> bool {
    match result {
        Ok(response) => response.status().is_server_error(),
        Err(_) => true,
    }
}

/// Retries as in tower's documentation.
#[derive(Clone)]
struct Budgeted {
    budget: Arc<TpsBudget>,
}

impl Budgeted {
    fn new() -> Self {
        // The budget allows one retry for each call, for any number of calls.
        let budget = TpsBudget::new(Duration::from_secs(10), 10, 1.0);
        Self {
            budget: Arc::new(budget),
        }
    }
}

impl tower::retry::Policy<Request, Response, BoxError> for Budgeted {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request,
        result: &mut Result<Response, BoxError>,
    ) -> Option<Ready<()>> {
        if may_pass(result) {
            return self.budget.withdraw().then(|| ready(()));
        }
        self.budget.deposit();
        None
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

type Request = http::Request<Full<Bytes>>;
type Response = http::Response<Full<Bytes>>;
type Bare = ServiceFn<fn(Request) -> Ready<Result<Response, BoxError>>>;

const CAP: Duration = Duration::from_secs(20);

thread_local! {
    static REQUEST: Request = {
        let mut request = Request::new(Full::from(vec![b' '; BODY_LENGTH]));
        *request.method_mut() = Method::PUT;
        *request.uri_mut() = URL.parse().expect("the constant is a URI");
        *request.headers_mut() = request_headers();
        request
    };
    static RESPONSE_HEADERS: HeaderMap = response_headers();
}
