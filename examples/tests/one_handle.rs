//! A reqwest client, a tower stack and a closure that share one handle.

use std::{
    collections::VecDeque,
    future::{Ready, poll_fn, ready},
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use breather::{Breather, End, EndReason, Hint, Outcome, Policy, Stopped};
use breather_reqwest::RetryMiddleware;
use breather_tokio::{RetryError, retry};
use breather_tower::{BoxError, Retry, RetryLayer};
use http::{Extensions, Request, Response, StatusCode};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

/// The three kinds of client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Reqwest,
    Tower,
    Closure,
}

use Way::{Closure, Reqwest, Tower};

#[tokio::test(start_paused = true)]
async fn rejection_of_one_client_holds_all() {
    for throttled in [Reqwest, Tower, Closure] {
        let api = Api::new([Answer::Rejection { reset_s: 1 }]);
        let clients = Clients::new(Breather::default(), &api);
        let start = Instant::now();
        let mut first = pin!(clients.call(throttled, "first"));
        // The call waits for the time in its rejection.
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(api.answered() == 1 && clients.is_held());
        let others = [Reqwest, Tower, Closure].map(|way| clients.call(way, "other"));
        let [one, two, three] = others;
        let (first, one, two, three) = tokio::join!(first, one, two, three);
        for result in [first, one, two, three] {
            assert_eq!(result.unwrap(), StatusCode::OK, "{throttled:?}");
        }
        assert!(start.elapsed() >= Duration::from_secs(1), "{throttled:?}");
        let arrivals = api.arrivals();
        assert_eq!(arrivals.len(), 5, "{throttled:?}");
        for (path, at) in &arrivals[1..] {
            assert!(
                *at - start >= Duration::from_secs(1),
                "{throttled:?}: {path}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hold_past_the_deadline_stops_all_clients() {
    let policy = Policy::new().with_deadline(Duration::from_secs(5));
    for throttled in [Reqwest, Tower, Closure] {
        let api = Api::new([Answer::Rejection { reset_s: 60 }]);
        let clients = Clients::new(Breather::new(policy), &api);
        let start = Instant::now();
        // The throttled call returns its response. The others have none, so they return `Stopped`.
        let first = clients.call(throttled, "first").await;
        assert!(matches!(first, Ok(StatusCode::TOO_MANY_REQUESTS)));
        for way in [Reqwest, Tower, Closure] {
            let Err(Failure::Stopped(end)) = clients.call(way, "other").await else {
                panic!("{way:?} after {throttled:?}");
            };
            assert_eq!(end.reason(), EndReason::Deadline);
            assert!(end.retry_after().unwrap() > Duration::from_secs(55));
            let evidence = end.evidence().unwrap().to_string();
            assert_eq!(evidence, "retry-after: 60", "{way:?} after {throttled:?}");
        }
        assert_eq!(api.answered(), 1);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn all_clients_share_one_queue() {
    let orders = [
        [Closure, Reqwest, Tower],
        [Tower, Closure, Reqwest],
        [Reqwest, Tower, Closure],
    ];
    for order in orders {
        // Each window has room for one call.
        let api = Api::new((0..9).map(|_| Answer::Last { reset_s: 1 }));
        let clients = Clients::new(Breather::default(), &api);
        clients.call(order[1], "before").await.unwrap();
        let [mut one, mut two, mut three] =
            order.map(|way| Box::pin(clients.call(way, way.name())));
        for call in [&mut one, &mut two, &mut three] {
            let is_pending = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
            assert!(is_pending);
        }
        // The order of the polls does not matter.
        let results = tokio::join!(three, two, one);
        assert!(results.0.is_ok() && results.1.is_ok() && results.2.is_ok());
        let arrived: Vec<_> = api.arrivals().into_iter().map(|(path, _)| path).collect();
        assert_eq!(arrived[0], "before");
        assert_eq!(arrived[1..], order.map(Way::name));
    }
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Reqwest => "reqwest",
            Tower => "tower",
            Closure => "closure",
        }
    }
}

/// Three clients of one API that share one handle.
struct Clients {
    breather: Breather,
    middleware: ClientWithMiddleware,
    service: Retry<Api>,
    plain: ClientWithMiddleware,
}

#[derive(Debug)]
enum Failure {
    Stopped(End),
    Other,
}

impl Clients {
    fn new(breather: Breather, api: &Api) -> Self {
        let plain = || ClientBuilder::new(reqwest::Client::new());
        let retry = RetryMiddleware::new(breather.clone());
        Self {
            middleware: plain().with(retry).with(api.clone()).build(),
            service: RetryLayer::new(breather.clone()).layer(api.clone()),
            plain: plain().with(api.clone()).build(),
            breather,
        }
    }

    fn is_held(&self) -> bool {
        let snapshot = self.breather.snapshot(HOST);
        snapshot.is_some_and(|snapshot| snapshot.opens_at().is_some())
    }

    async fn call(&self, way: Way, path: &str) -> Result<StatusCode, Failure> {
        let url = format!("http://{HOST}/{path}");
        match way {
            Reqwest => match self.middleware.get(url).send().await {
                Ok(response) => Ok(response.status()),
                Err(reqwest_middleware::Error::Middleware(error)) => {
                    Err(Failure::stopped(error.downcast_ref()))
                }
                Err(_) => Err(Failure::Other),
            },
            Tower => {
                let request = Request::get(url).body(String::new()).unwrap();
                match self.service.clone().oneshot(request).await {
                    Ok(response) => Ok(response.status()),
                    Err(error) => Err(Failure::stopped(error.downcast_ref())),
                }
            }
            Closure => {
                let call = retry(&self.breather, || async {
                    let response = self.plain.get(&url).send().await.map_err(drop)?;
                    Ok((response.status(), response.headers().clone()))
                });
                let call = call
                    .with_scope(format!("http://{HOST}"))
                    .with_classifier(|result| match result {
                        Ok((StatusCode::OK, _)) => Outcome::success(),
                        Ok((StatusCode::TOO_MANY_REQUESTS, _)) => Outcome::throttled("status 429"),
                        _ => Outcome::permanent("the API is gone"),
                    })
                    .with_hint(|result, received| match result {
                        Ok((_, headers)) => Hint::from_headers(headers, received),
                        Err(()) => Hint::new(received.instant()),
                    });
                match call.await {
                    Ok((status, _)) => Ok(status),
                    Err(RetryError::Failed(())) => Err(Failure::Other),
                    Err(RetryError::Stopped(stopped)) => Err(Failure::stopped(Some(&stopped))),
                }
            }
        }
    }
}

impl Failure {
    fn stopped(stopped: Option<&Stopped>) -> Self {
        stopped.map_or(Self::Other, |stopped| Self::Stopped(*stopped.end()))
    }
}

/// An API with scripted responses, followed by 200 with quota left.
#[derive(Clone, Default)]
struct Api(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    answers: VecDeque<Answer>,
    arrivals: Vec<(String, Instant)>,
}

enum Answer {
    /// The call is throttled because the quota is spent.
    Rejection { reset_s: u64 },
    /// The call is accepted as the last one of its window.
    Last { reset_s: u64 },
}

impl Api {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let api = Self::default();
        api.0.lock().unwrap().answers = answers.into_iter().collect();
        api
    }

    fn arrivals(&self) -> Vec<(String, Instant)> {
        self.0.lock().unwrap().arrivals.clone()
    }

    fn answered(&self) -> usize {
        self.0.lock().unwrap().arrivals.len()
    }

    fn answer(&self, path: &str) -> Response<String> {
        let mut log = self.0.lock().unwrap();
        let path = path.trim_start_matches('/').to_owned();
        log.arrivals.push((path, Instant::now()));
        let mut response = Response::new(String::new());
        let (remaining, reset_s) = match log.answers.pop_front() {
            Some(Answer::Rejection { reset_s }) => {
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                let headers = response.headers_mut();
                headers.insert("retry-after", reset_s.into());
                (0, reset_s)
            }
            Some(Answer::Last { reset_s }) => (0, reset_s),
            None => (99, 60),
        };
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-remaining", remaining.into());
        headers.insert("x-ratelimit-reset", reset_s.into());
        response
    }
}

impl Service<Request<String>> for Api {
    type Response = Response<String>;
    type Error = BoxError;
    type Future = Ready<Result<Response<String>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        ready(Ok(self.answer(request.uri().path())))
    }
}

#[async_trait::async_trait]
impl Middleware for Api {
    async fn handle(
        &self,
        request: reqwest::Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        // Responses of reqwest itself contain the requested URL, so this one does too.
        let told = Response::builder();
        let told = reqwest::ResponseBuilderExt::url(told, request.url().clone());
        let (head, body) = self.answer(request.url().path()).into_parts();
        let mut response = told.body(body).unwrap();
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        Ok(response.into())
    }
}

const HOST: &str = "api.example.com";
