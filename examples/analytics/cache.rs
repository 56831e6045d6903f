use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use axum::body::Bytes;
use breather_examples::analytics::{Options, Server};
use breather_reqwest::RetryMiddleware;
use http::{
    Extensions, HeaderMap, HeaderValue, Method, StatusCode,
    header::{AGE, AUTHORIZATION, CACHE_CONTROL},
};
use moka::{Expiry, future::Cache};
use reqwest::{Request, Response, Url};
use reqwest_middleware::{ClientBuilder, Error, Middleware, Next, Result};
use tokio::task::JoinSet;

use crate::client::Client;

/// Caches responses to identical queries, and sends identical queries in flight once.
///
/// Put it before the retries. A cache hit then passes no pacer, and a miss is retried like any
/// other call. Queries are identical if they have the same method, URL, token and body. The cache
/// handles only `GET`s, and `POST`s to paths that end in `/query`.
///
/// - It keeps only whole responses with 200, for `ttl` or their `max-age`, whichever is shorter.
/// - The lifetime starts when the response arrives, even if its call waited, minus its `Age`.
/// - It doesn't keep responses with `no-store` or `no-cache`.
/// - Queries that share a send also share its rejection or error. The next query is sent again.
#[derive(Debug)]
pub(crate) struct CacheMiddleware {
    answers: Cache<Key, Answer>,
    ttl: Duration,
}

impl CacheMiddleware {
    pub(crate) fn new(ttl: Duration) -> Self {
        let answers = Cache::builder()
            .max_capacity(MOST_BYTES)
            .weigher(|key: &Key, answer: &Answer| {
                let bytes = key.body.len() + answer.body.len() + OVERHEAD;
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .expire_after(Freshness)
            .build();
        Self { answers, ttl }
    }
}

#[async_trait::async_trait]
impl Middleware for CacheMiddleware {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let Some(key) = Key::of(&request) else {
            return next.run(request, extensions).await;
        };
        let ask = async {
            let response = next.run(request, extensions).await;
            let answer = Answer::read(response.map_err(Unkept::Error)?, self.ttl);
            let answer = answer.await.map_err(Unkept::Error)?;
            if answer.fresh_for.is_zero() {
                Err(Unkept::Answer(answer))
            } else {
                Ok(answer)
            }
        };
        match self.answers.try_get_with(key, ask).await {
            Ok(answer) => Ok(answer.response()),
            Err(unkept) => match Arc::try_unwrap(unkept) {
                Ok(Unkept::Answer(answer)) => Ok(answer.response()),
                Ok(Unkept::Error(error)) => Err(error),
                Err(unkept) => match &*unkept {
                    Unkept::Answer(answer) => Ok(answer.response()),
                    Unkept::Error(_) => Err(Error::middleware(Shared(unkept))),
                },
            },
        }
    }
}

/// The parts of a request that identical queries share.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Key {
    method: Method,
    url: Url,
    /// Keeps the rows of one token from the bearer of another.
    token: Option<HeaderValue>,
    body: Bytes,
}

impl Key {
    /// Returns the key, or `None` if the request is not a query or its body is a stream.
    fn of(request: &Request) -> Option<Self> {
        let is_query = match *request.method() {
            Method::GET => true,
            Method::POST => request.url().path().ends_with("/query"),
            _ => false,
        };
        let body = match request.body() {
            None => &[][..],
            Some(body) => body.as_bytes()?,
        };
        is_query.then(|| Self {
            method: request.method().clone(),
            url: request.url().clone(),
            token: request.headers().get(AUTHORIZATION).cloned(),
            body: Bytes::copy_from_slice(body),
        })
    }
}

/// A whole response, and how long it may be reused.
#[derive(Clone, Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    age: Duration,
    came: Instant,
    /// Counted from `came`.
    fresh_for: Duration,
}

impl Answer {
    async fn read(response: Response, ttl: Duration) -> Result<Self> {
        let came = Instant::now();
        let (status, headers) = (response.status(), response.headers().clone());
        let age = headers
            .get(AGE)
            .and_then(|age| age.to_str().ok()?.parse().ok());
        let age = Duration::from_secs(age.unwrap_or(0));
        let lifetime = match status {
            StatusCode::OK => lifetime(&headers, ttl),
            _ => Duration::ZERO,
        };
        Ok(Self {
            status,
            headers,
            body: response.bytes().await?,
            age,
            came,
            fresh_for: lifetime.saturating_sub(age),
        })
    }

    /// Returns the response with its current age, unless that is less than a second.
    fn response(&self) -> Response {
        let mut response = http::Response::new(self.body.clone());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        let age = (self.age + self.came.elapsed()).as_secs();
        if age > 0 {
            response.headers_mut().insert(AGE, age.into());
        }
        response.into()
    }
}

/// Returns how long a response is fresh, counted from when the server made it.
fn lifetime(headers: &HeaderMap, ttl: Duration) -> Duration {
    let values = headers.get_all(CACHE_CONTROL).into_iter();
    let directives = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase());
    let mut lifetime = ttl;
    for directive in directives {
        if directive == "no-store" || directive == "no-cache" {
            return Duration::ZERO;
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            // RFC 9111 section 4.2.1 encourages treating an unreadable lifetime as stale.
            let seconds = seconds.trim_matches('"').parse().unwrap_or(0);
            lifetime = lifetime.min(Duration::from_secs(seconds));
        }
    }
    lifetime
}

/// A result for the queries that shared a send. The cache doesn't keep it.
#[derive(Debug)]
enum Unkept {
    Answer(Answer),
    Error(Error),
}

/// An error that several calls share.
#[derive(Debug)]
struct Shared(Arc<Unkept>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the identical query in flight failed")
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Unkept::Answer(_) => None,
            Unkept::Error(error) => Some(error),
        }
    }
}

struct Freshness;

impl Expiry<Key, Answer> for Freshness {
    fn expire_after_create(&self, _: &Key, answer: &Answer, _: Instant) -> Option<Duration> {
        // Reading the body took part of the lifetime.
        Some(answer.fresh_for.saturating_sub(answer.came.elapsed()))
    }

    fn expire_after_update(
        &self,
        key: &Key,
        answer: &Answer,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, answer, now)
    }
}

/// Lets 200 callers ask for the same five conversations, and reports how many calls were sent.
///
/// # Errors
///
/// Returns an error if the server did not receive exactly five sends.
pub(crate) async fn demonstrate() -> anyhow::Result<String> {
    let server = Server::start(Options::default())?;
    let http = ClientBuilder::new(reqwest::Client::builder().no_proxy().build()?)
        .with(CacheMiddleware::new(Duration::from_secs(60)))
        .with(RetryMiddleware::default())
        .build();
    let client = Client::new(http, server.details_url());
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let id = server.conversations()[number % 5].conversation_id.clone();
        let client = client.clone();
        calls.spawn(async move { client.conversation(&id).await });
    }
    while let Some(row) = calls.join_next().await {
        row??;
    }
    let sends = server.stats().sends;
    ensure!(sends == 5, "{sends} sends");
    Ok(format!(
        "{} calls for 5 different queries, behind a cache: {sends} sends.",
        client.calls()
    ))
}

/// The most memory for all responses together.
const MOST_BYTES: u64 = 64 << 20;

/// The approximate size of an entry besides its bodies.
const OVERHEAD: usize = 1024;

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{
            Mutex,
            atomic::{AtomicU32, Ordering},
        },
    };

    use breather_reqwest::breather::{Backoff, Breather, Policy};
    use futures_util::future::join_all;
    use reqwest_middleware::{ClientWithMiddleware, RequestBuilder};
    use tokio::time::sleep;

    use super::*;

    /// A status, or 0 for an error, and a header.
    type Scripted = (u16, &'static str, &'static str);

    /// Returns scripted responses in place of a server, each after 20 ms, and then 200.
    #[derive(Clone, Default)]
    struct Script {
        answers: Arc<Mutex<VecDeque<Scripted>>>,
        sends: Arc<AtomicU32>,
    }

    #[async_trait::async_trait]
    impl Middleware for Script {
        async fn handle(&self, _: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
            let number = self.sends.fetch_add(1, Ordering::Relaxed) + 1;
            sleep(Duration::from_millis(20)).await;
            let answer = self.answers.lock().unwrap().pop_front();
            let (status, name, value) = answer.unwrap_or((200, "x-some", "thing"));
            if status == 0 {
                return Err(Error::middleware(std::io::Error::other("no connection")));
            }
            let response = http::Response::builder().status(status).header(name, value);
            Ok(response.body(number.to_string()).unwrap().into())
        }
    }

    fn client(ttl: Duration, answers: &[Scripted]) -> (ClientWithMiddleware, Script) {
        let script = Script::default();
        script.answers.lock().unwrap().extend(answers);
        let backoff = Backoff::constant(Duration::from_millis(1));
        let breather = Breather::new(Policy::new().with_backoff(backoff).with_max_retries(1));
        let client = ClientBuilder::new(reqwest::Client::new())
            .with(CacheMiddleware::new(ttl))
            .with(RetryMiddleware::new(breather))
            .with(script.clone())
            .build();
        (client, script)
    }

    async fn ask(request: RequestBuilder) -> (u16, String) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.text().await.unwrap())
    }

    fn sends(script: &Script) -> u32 {
        script.sends.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn identical_queries_are_sent_once() {
        let (client, script) = client(LONG, &[]);
        let query = || ask(client.post(URL).body("a"));
        let answers = join_all((0..50).map(|_| query())).await;
        assert!(answers.iter().all(|answer| *answer == (200, "1".into())));
        assert_eq!(query().await.1, "1");
        assert_eq!(sends(&script), 1);
    }

    #[tokio::test]
    async fn body_token_method_and_url_distinguish_queries() {
        let (client, script) = client(LONG, &[]);
        for _ in 0..2 {
            ask(client.post(URL).body("a")).await;
            ask(client.post(URL).body("b")).await;
            ask(client.post(URL).body("a").bearer_auth("1")).await;
            ask(client.get(URL)).await;
            ask(client.get(format!("{URL}?a"))).await;
        }
        assert_eq!(sends(&script), 5);
        // The cache forwards requests that are not queries.
        ask(client.put(URL)).await;
        ask(client.put(URL)).await;
        ask(client.post("http://x/jobs")).await;
        ask(client.post("http://x/jobs")).await;
        assert_eq!(sends(&script), 9);
    }

    #[tokio::test]
    async fn only_final_success_after_rejection_is_cached() {
        let (client, script) = client(LONG, &[(503, "x-some", "thing")]);
        assert_eq!(ask(client.get(URL)).await, (200, "2".into()));
        assert_eq!(ask(client.get(URL)).await, (200, "2".into()));
        assert_eq!(sends(&script), 2);
    }

    #[tokio::test]
    async fn rejection_is_shared_in_flight_but_not_cached() {
        // Longer than the policy accepts, so that the call ends with this response.
        let rejection = (429, "retry-after", "100000");
        let (client, _) = client(LONG, &[rejection, (404, "x", "y"), (404, "x", "y")]);
        // Another host has another scope, so that the hold does not stop the next call.
        for answer in join_all((0..3).map(|_| ask(client.get("http://a/1")))).await {
            assert_eq!(answer, (429, "1".into()));
        }
        assert_eq!(ask(client.get("http://b/1")).await.0, 404);
        assert_eq!(ask(client.get("http://b/1")).await.0, 404);
        assert_eq!(ask(client.get("http://b/1")).await.0, 200);
    }

    #[tokio::test]
    async fn error_is_shared_in_flight_but_not_cached() {
        let (client, script) = client(LONG, &[(0, "", "")]);
        let results = join_all((0..2).map(|_| client.get(URL).send())).await;
        for result in results {
            let error = anyhow::Error::from(result.unwrap_err());
            assert!(format!("{error:#}").contains("no connection"), "{error:#}");
        }
        assert_eq!(ask(client.get(URL)).await.0, 200);
        assert_eq!(sends(&script), 2);
    }

    #[tokio::test]
    async fn expired_response_is_requested_again() {
        let (client, _) = client(Duration::from_millis(50), &[]);
        assert_eq!(ask(client.get(URL)).await.1, "1");
        while ask(client.get(URL)).await.1 == "1" {
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[test]
    fn lifetime_starts_when_response_arrives() {
        let answer = Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            age: Duration::ZERO,
            came: Instant::now().checked_sub(Duration::from_secs(1)).unwrap(),
            fresh_for: LONG,
        };
        let request = Request::new(Method::GET, URL.parse().unwrap());
        let key = Key::of(&request).unwrap();
        let left = Freshness.expire_after_create(&key, &answer, Instant::now());
        assert!(left.unwrap() <= LONG - Duration::from_secs(1));
    }

    #[tokio::test]
    async fn age_and_cache_control_shorten_lifetime() {
        for (header, is_kept) in [
            (("age", "0"), true),
            (("age", "1799"), true),
            (("age", "3600"), false),
            (("age", "99999"), false),
            (("cache-control", "no-store"), false),
            (("cache-control", "private, max-age=60"), true),
            (("cache-control", "public, max-age=0"), false),
            (("cache-control", "max-age=soon"), false),
        ] {
            let (client, script) = client(LONG, &[(200, header.0, header.1)]);
            ask(client.get(URL)).await;
            let again = client.get(URL).send().await.unwrap();
            assert_eq!(sends(&script) == 1, is_kept, "{header:?}");
            if is_kept && header.0 == "age" && header.1 != "0" {
                let age = again.headers()["age"].to_str().unwrap();
                assert!(age.parse::<u32>().unwrap() >= header.1.parse().unwrap());
            }
        }
    }

    // In virtual time, so that the first call gives up before its response arrives.
    #[tokio::test(start_paused = true)]
    async fn other_callers_get_response_when_first_gives_up() {
        let (client, script) = client(LONG, &[]);
        let first = tokio::spawn(ask(client.get(URL)));
        while sends(&script) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        let second = tokio::spawn(ask(client.get(URL)));
        sleep(Duration::from_millis(5)).await;
        first.abort();
        assert_eq!(second.await.unwrap(), (200, "2".into()));
    }

    const URL: &str = "http://x/query";
    const LONG: Duration = Duration::from_secs(3600);
}
