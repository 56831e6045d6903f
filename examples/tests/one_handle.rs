//! One handle in every place where calls are made: a reqwest client, a tower stack, and a closure.

use std::{
    collections::VecDeque,
    future::{Future, IntoFuture, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::Poll,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use breather::{Breather, Hint, Outcome, Policy, Stop, StopReason, Stopped};
use breather_reqwest::RetryMiddleware;
use breather_tokio::{RetryError, retry};
use breather_tower::{BoxErrors, Retry, RetryLayer};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

/// The three places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Reqwest,
    Tower,
    Closure,
}

use Way::{Closure, Reqwest, Tower};

#[tokio::test]
async fn a_refusal_seen_by_any_holds_the_others() {
    for refused in [Reqwest, Tower, Closure] {
        let api = Api::start([Answer::Refusal { reset_s: 1 }]).await;
        let clients = Clients::new(Breather::default(), &api);
        let start = Instant::now();
        let mut first = pin!(clients.call(refused, "first"));
        // Until its refusal is there, and it waits.
        poll_until(&mut first, || api.answered() == 1 && clients.is_held()).await;
        let others = [Reqwest, Tower, Closure].map(|way| clients.call(way, "other"));
        let [one, two, three] = others;
        let (first, one, two, three) = tokio::join!(first, one, two, three);
        for result in [first, one, two, three] {
            assert_eq!(result.unwrap(), StatusCode::OK, "{refused:?}");
        }
        assert!(start.elapsed() >= Duration::from_secs(1), "{refused:?}");
        let arrivals = api.arrivals();
        assert_eq!(arrivals.len(), 5, "{refused:?}");
        for (path, at) in &arrivals[1..] {
            assert!(*at - start >= Duration::from_secs(1), "{refused:?}: {path}");
        }
    }
}

#[tokio::test]
async fn there_is_one_budget_of_time() {
    let policy = Policy::new().with_deadline(Duration::from_secs(5));
    for refused in [Reqwest, Tower, Closure] {
        let api = Api::start([Answer::Refusal { reset_s: 60 }]).await;
        let clients = Clients::new(Breather::new(policy), &api);
        let start = Instant::now();
        // The refused one has its answer to hand on, the others nothing but the stop.
        let first = clients.call(refused, "first").await;
        assert!(matches!(first, Ok(StatusCode::TOO_MANY_REQUESTS)));
        for way in [Reqwest, Tower, Closure] {
            let Err(Failure::Stopped(stop)) = clients.call(way, "other").await else {
                panic!("{way:?} after {refused:?}");
            };
            assert_eq!(stop.reason(), StopReason::Deadline);
            assert!(stop.wait().unwrap() > Duration::from_secs(55));
            let evidence = stop.evidence().unwrap().to_string();
            assert_eq!(evidence, "retry-after: 60", "{way:?} after {refused:?}");
        }
        assert_eq!(api.answered(), 1);
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn there_is_one_order_of_waiting() {
    let orders = [
        [Closure, Reqwest, Tower],
        [Tower, Closure, Reqwest],
        [Reqwest, Tower, Closure],
    ];
    let runs = orders.map(|order| async move {
        // Each window has room for one call.
        let api = Api::start((0..9).map(|_| Answer::Last { reset_s: 1 })).await;
        let clients = Clients::new(Breather::default(), &api);
        clients.call(order[1], "before").await.unwrap();
        let [mut one, mut two, mut three] =
            order.map(|way| Box::pin(clients.call(way, way.name())));
        for call in [&mut one, &mut two, &mut three] {
            let is_pending = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
            assert!(is_pending);
        }
        // Whoever is polled first has nothing of it.
        let results = tokio::join!(three, two, one);
        assert!(results.0.is_ok() && results.1.is_ok() && results.2.is_ok());
        let arrived: Vec<_> = api.arrivals().into_iter().map(|(path, _)| path).collect();
        assert_eq!(arrived[0], "before");
        assert_eq!(arrived[1..], order.map(Way::name));
    });
    let [one, two, three] = runs;
    tokio::join!(one, two, three);
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
    authority: String,
    middleware: ClientWithMiddleware,
    service: Retry<BoxErrors<Client<HttpConnector, String>>>,
    plain: reqwest::Client,
}

#[derive(Debug)]
enum Failure {
    Stopped(Stop),
    Other,
}

impl Clients {
    fn new(breather: Breather, api: &Api) -> Self {
        let plain = reqwest::Client::builder().no_proxy().build().unwrap();
        let hyper = Client::builder(TokioExecutor::new()).build_http();
        Self {
            middleware: ClientBuilder::new(plain.clone())
                .with(RetryMiddleware::new(breather.clone()))
                .build(),
            service: RetryLayer::new(breather.clone()).box_errors().layer(hyper),
            plain,
            breather,
            authority: api.authority.clone(),
        }
    }

    fn is_held(&self) -> bool {
        let snapshot = self.breather.snapshot(&self.authority);
        snapshot.is_some_and(|snapshot| snapshot.opens().is_some())
    }

    async fn call(&self, way: Way, path: &str) -> Result<StatusCode, Failure> {
        let url = format!("http://{}/{path}", self.authority);
        match way {
            Reqwest => match self.middleware.get(url).send().await {
                Ok(response) => Ok(response.status()),
                Err(reqwest_middleware::Error::Middleware(error)) => {
                    Err(Failure::stopped(error.downcast_ref()))
                }
                Err(_) => Err(Failure::Other),
            },
            Tower => {
                let request = http::Request::get(url).body(String::new()).unwrap();
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
                    .scope(format!("http://{}", self.authority))
                    .classify(|result| match result {
                        Ok((StatusCode::OK, _)) => Outcome::success(),
                        Ok((StatusCode::TOO_MANY_REQUESTS, _)) => Outcome::throttled("status 429"),
                        _ => Outcome::permanent("the API is gone"),
                    })
                    .hint(|result, received| match result {
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
        stopped.map_or(Self::Other, |stopped| Self::Stopped(*stopped.stop()))
    }
}

/// An API that answers by a script, and 200 with quota left from then on.
#[derive(Clone)]
struct Api {
    authority: String,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    answers: VecDeque<Answer>,
    arrivals: Vec<(String, Instant)>,
}

enum Answer {
    /// Nothing remains, and this call was one too many.
    Refusal { reset_s: u64 },
    /// It was the last call of its window.
    Last { reset_s: u64 },
}

impl Api {
    async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let log = Log {
            answers: answers.into_iter().collect(),
            arrivals: Vec::new(),
        };
        let api = Self {
            authority: listener.local_addr().unwrap().to_string(),
            log: Arc::new(Mutex::new(log)),
        };
        let router = Router::new()
            .route("/{path}", get(answer))
            .with_state(api.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        api
    }

    fn arrivals(&self) -> Vec<(String, Instant)> {
        self.log.lock().unwrap().arrivals.clone()
    }

    fn answered(&self) -> usize {
        self.log.lock().unwrap().arrivals.len()
    }
}

async fn answer(State(api): State<Api>, Path(path): Path<String>) -> (StatusCode, HeaderMap) {
    let mut log = api.log.lock().unwrap();
    log.arrivals.push((path, Instant::now()));
    let mut headers = HeaderMap::new();
    let (status, remaining, reset_s) = match log.answers.pop_front() {
        Some(Answer::Refusal { reset_s }) => {
            headers.insert("retry-after", reset_s.into());
            (StatusCode::TOO_MANY_REQUESTS, 0, reset_s)
        }
        Some(Answer::Last { reset_s }) => (StatusCode::OK, 0, reset_s),
        None => (StatusCode::OK, 99, 60),
    };
    headers.insert("x-ratelimit-remaining", remaining.into());
    headers.insert("x-ratelimit-reset", reset_s.into());
    (status, headers)
}

/// Polls `call`, which goes on, until `is_so`.
async fn poll_until<F: Future>(call: &mut Pin<&mut F>, is_so: impl Fn() -> bool) {
    poll_fn(|cx| {
        assert!(call.as_mut().poll(cx).is_pending());
        if is_so() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
