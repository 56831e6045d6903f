//! A server of a few answers, in place of a network: for the chapters' examples, and for tests like theirs.

use std::{
    future::{Future, pending},
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::Extensions;
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest_middleware::{Middleware, Next};
use tokio::time::Instant;
use tower::{BoxError, Service};

/// Gives its answers one after the other, and the last of them from then on. Clones share them.
///
/// At the end of a reqwest-middleware chain or of a tower stack. With tokio's paused time, waits of minutes pass at once.
///
/// # Example
///
/// ```
/// use breather_examples::script::Script;
/// use breather_reqwest::RetryMiddleware;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> reqwest_middleware::Result<()> {
/// let server = Script::new(["429 retry-after: 7", "200"]);
/// let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
///     .with(RetryMiddleware::default())
///     .with(server.clone())
///     .build();
///
/// let response = client.get("http://api.example.com/rows").send().await?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(server.sends().len(), 2);
/// assert!(server.sends()[1].as_secs() >= 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Script(Arc<State>);

#[derive(Debug)]
struct State {
    answers: Vec<&'static str>,
    /// For how long from the first request on all are throttled.
    closed: Duration,
    sends: Mutex<Vec<Instant>>,
}

impl Script {
    /// Answers so: a status, and after it perhaps a header, as in `429 retry-after: 7`; `reset` for a connection that breaks; or
    /// `nothing`, ever.
    ///
    /// # Panics
    ///
    /// A request that meets an answer of another kind, or none.
    pub fn new(answers: impl IntoIterator<Item = &'static str>) -> Self {
        Self(Arc::new(State {
            answers: answers.into_iter().collect(),
            closed: Duration::ZERO,
            sends: Mutex::default(),
        }))
    }

    /// Throttles all requests with 429 and `Retry-After` until `closed` has passed since the first of them, and accepts all from then
    /// on: a quota that somebody else has spent.
    pub fn closed_for(closed: Duration) -> Self {
        Self(Arc::new(State {
            answers: vec!["200"],
            closed,
            sends: Mutex::default(),
        }))
    }

    /// When each request came, counted from the first.
    pub fn sends(&self) -> Vec<Duration> {
        let sends = self.0.sends.lock().expect("nothing panics here");
        sends.iter().map(|&send| send - sends[0]).collect()
    }

    async fn answer(self) -> io::Result<http::Response<String>> {
        let (answer, closed) = {
            let mut sends = self.0.sends.lock().expect("nothing panics here");
            sends.push(Instant::now());
            let closed = self.0.closed.saturating_sub(sends[0].elapsed());
            let last = self.0.answers.len().saturating_sub(1);
            (self.0.answers[last.min(sends.len() - 1)], closed)
        };
        if !closed.is_zero() {
            let seconds = closed.as_millis().div_ceil(1_000);
            let response = http::Response::builder().status(429);
            let response = response.header("retry-after", seconds.to_string());
            return Ok(response.body(String::new()).expect("a number is a header"));
        }
        match answer {
            "nothing" => pending().await,
            "reset" => Err(io::ErrorKind::ConnectionReset.into()),
            _ => {
                let (status, header) = answer.split_once(' ').unwrap_or((answer, ""));
                let mut response = http::Response::builder().status(status);
                if let Some((name, value)) = header.split_once(": ") {
                    response = response.header(name, value);
                }
                Ok(response.body(String::new()).expect("a status and a header"))
            }
        }
    }
}

#[async_trait::async_trait]
impl Middleware for Script {
    async fn handle(
        &self,
        request: reqwest::Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let answer = self.clone().answer().await;
        let answer = answer.map_err(reqwest_middleware::Error::middleware)?;
        let (head, body) = answer.into_parts();
        // As reqwest's own responses do, it knows the URL that answered.
        let mut response =
            reqwest::ResponseBuilderExt::url(http::Response::builder(), request.url().clone())
                .body(body)
                .expect("a URL is an extension");
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        Ok(response.into())
    }
}

impl<B> Service<http::Request<B>> for Script {
    type Response = http::Response<String>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<B>) -> Self::Future {
        let answer = self.clone().answer();
        Box::pin(async { Ok(answer.await?) })
    }
}

/// A resolver that finds no host, and counts how often it is asked: by whatever reqwest client, once for an attempt.
#[derive(Clone, Debug, Default)]
pub struct NoHosts(Arc<AtomicU32>);

impl NoHosts {
    /// A client that asks it.
    ///
    /// # Panics
    ///
    /// Should reqwest not start.
    pub fn client(&self, builder: reqwest::ClientBuilder) -> reqwest::Client {
        let builder = builder.no_proxy().dns_resolver(Arc::new(self.clone()));
        builder.build().expect("nothing to be set up fails")
    }

    /// How often it was asked.
    pub fn lookups(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Resolve for NoHosts {
    fn resolve(&self, _: Name) -> Resolving {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err("there is no such host".into()) })
    }
}

/// A client whose requests all end with a time-out after a second, since no host is ever found.
///
/// # Panics
///
/// Should reqwest not start.
pub fn client_that_times_out() -> reqwest::Client {
    never_found(reqwest::Client::builder().timeout(Duration::from_secs(1)))
}

/// The client of `builder`, for which no host is ever found.
///
/// # Panics
///
/// Should reqwest not start.
pub fn never_found(builder: reqwest::ClientBuilder) -> reqwest::Client {
    let builder = builder.no_proxy().dns_resolver(Arc::new(Nowhere));
    builder.build().expect("nothing to be set up fails")
}

struct Nowhere;

impl Resolve for Nowhere {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(pending())
    }
}
