//! Tests of redirects that reqwest follows below the middleware, over sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use breather_reqwest::RetryMiddleware;
use breather_reqwest::breather::{
    Backoff, Breather, CallOptions, EndReason, Event, EventKind, Policy, Redirects, ReportSlot,
};
use http::{Extensions, HeaderMap};
use reqwest::Request;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tokio::net::{TcpListener, TcpSocket};

const MS: Duration = Duration::from_millis(1);

/// The response of a server to one path.
#[derive(Clone, Debug)]
struct Page {
    status: u16,
    headers: Vec<(&'static str, String)>,
}

impl Page {
    fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
        }
    }

    fn with_header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn to(status: u16, location: impl ToString) -> Self {
        Self::status(status).with_header("location", location)
    }
}

/// A server with one page for each method and path. It records the requests.
#[derive(Clone, Default)]
struct Server {
    url: String,
    pages: Arc<Mutex<Vec<(String, Page)>>>,
    received: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            ..Self::default()
        };
        let this = server.clone();
        let handler = move |method: Method, uri: Uri| {
            let response = this.answer(&format!("{method} {}", uri.path()));
            async move { response }
        };
        let router = Router::new().fallback(handler);
        tokio::spawn(async { axum::serve(listener, router).await });
        server
    }

    fn page(&self, what: &str, page: Page) {
        self.pages.lock().unwrap().push((what.to_owned(), page));
    }

    fn answer(&self, what: &str) -> Response {
        self.received.lock().unwrap().push(what.to_owned());
        let pages = self.pages.lock().unwrap();
        let page = pages.iter().find(|(key, _)| key == what);
        let page = page.map_or_else(|| Page::status(404), |(_, page)| page.clone());
        let mut response = StatusCode::from_u16(page.status).unwrap().into_response();
        for (name, value) in page.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }

    fn count(&self, what: &str) -> usize {
        let received = self.received.lock().unwrap();
        received.iter().filter(|it| **it == what).count()
    }
}

/// Returns a client that retries by the policy of `breather`.
fn client(breather: &Breather, redirects: Redirects) -> ClientWithMiddleware {
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let retry = RetryMiddleware::new(breather.clone()).with_redirects(redirects);
    ClientBuilder::new(plain).with(retry).build()
}

/// Returns a breather that retries quickly, up to 3 failures and 5 rejections of a call.
fn quick() -> Breather {
    let backoff = Backoff::exponential(MS);
    Breather::new(Policy::new().with_backoff(backoff).with_max_throttles(5))
}

/// Returns a socket that owns its port but does not listen, and its URL.
fn dead() -> (TcpSocket, String) {
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    (silent, url)
}

/// Returns the cases of a purchase whose client was redirected.
fn after_purchase(elsewhere: &Server, dead: &str) -> Vec<(&'static str, Page, String)> {
    let own = |name, page| (name, page, "/done".to_owned());
    let throttled = || Page::status(429).with_header("retry-after", 1);
    elsewhere.page("GET /done", throttled());
    vec![
        own("429 with Retry-After", throttled()),
        own("429", Page::status(429)),
        own("425", Page::status(425)),
        own(
            "403 with nothing remaining",
            Page::status(403)
                .with_header("x-ratelimit-remaining", 0)
                .with_header("x-ratelimit-reset", 1),
        ),
        own(
            "413 with Retry-After",
            Page::status(413).with_header("retry-after", 1),
        ),
        own("503", Page::status(503)),
        own(
            "429 that asks to be sent again",
            Page::status(429).with_header("x-should-retry", "true"),
        ),
        (
            "429 of another server",
            Page::status(200),
            format!("{}/done", elsewhere.url),
        ),
        ("a dead host", Page::status(200), format!("{dead}/done")),
        (
            "an unknown host",
            Page::status(200),
            "http://nonexistent.invalid/done".to_owned(),
        ),
    ]
}

#[tokio::test]
async fn redirected_post_is_sent_once() {
    let elsewhere = Server::start().await;
    let (_silent, dead) = dead();
    for status in [301, 302, 303] {
        for (name, page, location) in after_purchase(&elsewhere, &dead) {
            let server = Server::start().await;
            server.page("POST /buy", Page::to(status, location));
            server.page("GET /done", page);
            let slot = ReportSlot::new();
            let post = client(&quick(), Redirects::default())
                .post(format!("{}/buy", server.url))
                .body("one")
                .with_extension(slot.clone());
            let result = post.send().await;
            assert!(!result.is_ok_and(|response| response.status().is_success()));
            assert_eq!(server.count("POST /buy"), 1, "{status}, {name}");
            let report = slot.report().unwrap();
            let reason = report.end().unwrap().reason();
            assert_eq!(reason, EndReason::NotIdempotent, "{status}, {name}");
        }
    }
}

#[tokio::test]
async fn post_redirected_with_its_body_is_sent_once() {
    for status in [307, 308] {
        let server = Server::start().await;
        server.page("POST /buy", Page::to(status, "/shop/buy"));
        server.page("POST /shop/buy", Page::status(429));
        let post = client(&quick(), Redirects::default()).post(format!("{}/buy", server.url));
        assert_eq!(post.body("one").send().await.unwrap().status(), 429);
        assert_eq!(
            (server.count("POST /buy"), server.count("POST /shop/buy")),
            (1, 1)
        );
    }
}

#[tokio::test]
async fn throttled_post_without_redirect_is_retried() {
    for redirects in [Redirects::Visible, Redirects::Never] {
        let server = Server::start().await;
        server.page("POST /buy", Page::status(429));
        let post = client(&quick(), redirects).post(format!("{}/buy", server.url));
        assert_eq!(post.send().await.unwrap().status(), 429);
        assert_eq!(server.count("POST /buy"), 6, "{redirects:?}");
    }
}

#[tokio::test]
async fn idempotent_call_is_retried_after_redirect() {
    let server = Server::start().await;
    server.page("GET /rows", Page::to(302, "/page"));
    server.page("POST /buy", Page::to(303, "/page"));
    server.page("GET /page", Page::status(503));
    let client = client(&quick(), Redirects::default());
    let get = client.get(format!("{}/rows", server.url));
    assert_eq!(get.send().await.unwrap().status(), 503);
    assert_eq!(server.count("GET /rows"), 4);
    // The key tells the server that it has sold this already.
    let post = client.post(format!("{}/buy", server.url));
    let post = post.header("idempotency-key", "7c4f");
    assert_eq!(post.send().await.unwrap().status(), 503);
    assert_eq!(server.count("POST /buy"), 4);
    // Here the caller says that the request is idempotent.
    let again = client.post(format!("{}/buy", server.url));
    let again = again.with_extension(CallOptions::new().with_idempotent(true));
    assert_eq!(again.send().await.unwrap().status(), 503);
    assert_eq!(server.count("POST /buy"), 8);
}

#[tokio::test]
async fn redirect_to_same_url_is_not_retried_if_redirects_hidden() {
    let server = Server::start().await;
    server.page("POST /buy", Page::to(303, "/buy"));
    server.page("GET /buy", Page::status(429));
    let post = client(&quick(), Redirects::Hidden).post(format!("{}/buy", server.url));
    assert_eq!(post.send().await.unwrap().status(), 429);
    assert_eq!(server.count("POST /buy"), 1);
}

#[tokio::test]
async fn fragment_is_not_a_redirect() {
    let server = Server::start().await;
    server.page("POST /buy", Page::status(429));
    let url = format!("{}/buy?a=b#part", server.url);
    let post = client(&quick(), Redirects::default()).post(url);
    assert_eq!(post.send().await.unwrap().status(), 429);
    assert_eq!(server.count("POST /buy"), 6);
}

/// Returns a breather, and the number of responses from other servers that its observer saw.
fn watched() -> (Breather, Arc<Mutex<usize>>) {
    let elsewhere = Arc::new(Mutex::new(0));
    let count = Arc::clone(&elsewhere);
    let breather = Breather::builder().with_observer(move |event: &Event<'_>| {
        if matches!(event.kind, EventKind::AnsweredElsewhere) {
            *count.lock().unwrap() += 1;
        }
    });
    (breather.build(), elsewhere)
}

#[tokio::test]
async fn response_from_other_server_is_reported_but_does_not_hold() {
    let (server, other) = (Server::start().await, Server::start().await);
    server.page("GET /moved", Page::to(302, format!("{}/page", other.url)));
    server.page("GET /here", Page::status(200));
    let year = Page::status(429).with_header("retry-after", 31_536_000);
    other.page("GET /page", year);
    let (breather, elsewhere) = watched();
    let client = client(&breather, Redirects::default());
    let slot = ReportSlot::new();
    let moved = client
        .get(format!("{}/moved", server.url))
        .with_extension(slot.clone());
    assert_eq!(moved.send().await.unwrap().status(), 429);
    let report = slot.report().unwrap();
    assert_eq!(report.answered_elsewhere(), 1);
    assert!(
        report.to_string().contains("1 answered elsewhere"),
        "{report}"
    );
    assert_eq!(*elsewhere.lock().unwrap(), 1);
    // The requested server is not held.
    let here = client
        .get(format!("{}/here", server.url))
        .with_extension(slot.clone());
    assert_eq!(here.send().await.unwrap().status(), 200);
    assert_eq!(slot.report().unwrap().answered_elsewhere(), 0);
    assert_eq!(breather.snapshot(&server.url).unwrap().held_until(), None);
}

/// A middleware that responds without a network, like mocks and caches. Its responses have no URL.
struct Mock(Arc<Mutex<Vec<(u16, &'static str)>>>);

#[async_trait::async_trait]
impl Middleware for Mock {
    async fn handle(
        &self,
        _: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let (status, delay) = self.0.lock().unwrap().pop().unwrap_or((200, "0"));
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", delay.parse().unwrap());
        let mut response = http::Response::new("");
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        *response.headers_mut() = headers;
        Ok(response.into())
    }
}

#[tokio::test(start_paused = true)]
async fn response_without_url_counts_for_requested_server() {
    let answers = Arc::new(Mutex::new(vec![(429, "9")]));
    let (breather, elsewhere) = watched();
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(RetryMiddleware::new(breather.clone()))
        .with(Mock(answers))
        .build();
    let start = tokio::time::Instant::now();
    let slot = ReportSlot::new();
    let first = client
        .post("https://api.example.com/rows")
        .with_extension(slot.clone());
    let second = async {
        tokio::time::sleep(MS).await;
        client.get("https://api.example.com/rows").send().await
    };
    let (first, second) = tokio::join!(first.send(), second);
    assert_eq!(
        (first.unwrap().status(), second.unwrap().status()),
        (StatusCode::OK, StatusCode::OK)
    );
    // Both waited for the first response's delay.
    assert!(start.elapsed() >= 9_000 * MS);
    let report = slot.report().unwrap();
    assert_eq!((report.attempts(), report.answered_elsewhere()), (2, 0));
    assert_eq!(*elsewhere.lock().unwrap(), 0);
    assert!(breather.snapshot("https://api.example.com").is_some());
}

#[tokio::test(start_paused = true)]
async fn http_response_does_not_hold_https_scope() {
    let answers = Arc::new(Mutex::new(vec![(200, "0"), (429, "31536000")]));
    let breather = Breather::default();
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(RetryMiddleware::new(breather.clone()))
        .with(Mock(answers))
        .build();
    let forged = client.get("http://api.example.com/").send().await.unwrap();
    assert_eq!(forged.status(), 429);
    let held = client.get("http://api.example.com/").send().await;
    assert!(held.is_err(), "calls to the same origin are held");
    let tls = client.get("https://api.example.com/").send().await.unwrap();
    assert_eq!(tls.status(), 200);
    // The scope's name does not contain credentials.
    let other = client
        .get("https://user:secret@api.example.com/")
        .send()
        .await;
    assert_eq!(other.unwrap().status(), 200);
    let names: Vec<_> = breather
        .snapshots()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["http://api.example.com", "https://api.example.com"]);
}

/// A middleware that sends requests to another host.
struct Elsewhere(&'static str);

#[async_trait::async_trait]
impl Middleware for Elsewhere {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        request.url_mut().set_host(Some(self.0)).unwrap();
        next.run(request, extensions).await
    }
}

#[tokio::test(start_paused = true)]
async fn scope_learns_from_any_host_if_redirects_never() {
    for (redirects, is_held) in [(Redirects::Never, true), (Redirects::Visible, false)] {
        let script = breather_test::Script::new([breather_test::Answer::throttled(600)]);
        let breather = Breather::default();
        let retry = RetryMiddleware::new(breather.clone()).with_redirects(redirects);
        let client = ClientBuilder::new(reqwest::Client::new())
            .with(retry)
            .with(Elsewhere("eu.example.com"))
            .with(script)
            .build();
        let response = client.get("https://api.example.com/").send().await.unwrap();
        assert_eq!(response.status(), 429);
        let snapshot = breather.snapshot("https://api.example.com").unwrap();
        assert_eq!(snapshot.held_until().is_some(), is_held, "{redirects:?}");
    }
}
