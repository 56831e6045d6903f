//! Services inside the layer that follow redirects, or make several requests for one call.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use breather_tower::breather::{
    Backoff, Breather, EndReason, ErrorKind, Executed, Outcome, Policy, Redirects, ReportSlot,
};
use breather_tower::{AnsweredBy, BoxError, HttpError as _, RetryLayer};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _};
use tower_http::follow_redirect::FollowRedirectLayer;

const MS: Duration = Duration::from_millis(1);

/// The response to a request.
type Pages = Vec<(&'static str, Result<Response<String>, io::ErrorKind>)>;

/// Responds to each request by its method and URI, without a network, and counts requests.
#[derive(Clone, Default)]
struct Web {
    pages: Arc<Mutex<Pages>>,
    received: Arc<Mutex<Vec<String>>>,
}

impl Web {
    fn page(self, what: &'static str, status: u16, headers: &[(&'static str, &str)]) -> Self {
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        self.pages.lock().unwrap().push((what, Ok(response)));
        self
    }

    fn error(self, what: &'static str, kind: io::ErrorKind) -> Self {
        self.pages.lock().unwrap().push((what, Err(kind)));
        self
    }

    fn count(&self, what: &str) -> usize {
        let received = self.received.lock().unwrap();
        received.iter().filter(|it| **it == what).count()
    }
}

impl Service<Request<String>> for Web {
    type Response = Response<String>;
    type Error = BoxError;
    type Future = Ready<Result<Response<String>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let what = format!("{} {}", request.method(), request.uri());
        let pages = self.pages.lock().unwrap();
        let page = pages.iter().find(|(key, _)| *key == what);
        let page = page.map_or(Ok(Response::default()), |(_, page)| page.clone());
        self.received.lock().unwrap().push(what);
        ready(page.map_err(|kind| io::Error::from(kind).into()))
    }
}

fn quick() -> Breather {
    let backoff = Backoff::exponential(MS);
    Breather::new(Policy::new().with_backoff(backoff).with_max_throttles(5))
}

fn request(method: Method, uri: &str) -> Request<String> {
    let body = if method == Method::GET { "" } else { "one" };
    let request = Request::builder().method(method).uri(uri);
    request.body(body.to_owned()).unwrap()
}

async fn send<S>(service: S, mut request: Request<String>) -> (Result<u16, BoxError>, EndReason)
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError>,
{
    let slot = ReportSlot::new();
    request.extensions_mut().insert(slot.clone());
    let result = service.oneshot(request).await;
    let report = slot.report().unwrap();
    (
        result.map(|response| response.status().as_u16()),
        report.end().unwrap().reason(),
    )
}

const BUY: &str = "http://shop.example.com/buy";
const BOUGHT: &str = "POST http://shop.example.com/buy";
const DONE: &str = "GET http://shop.example.com/done";

/// Returns webs in which a purchase leads to a response or error that breather would retry.
fn webs() -> Vec<Web> {
    let shop = |location: &str| Web::default().page(BOUGHT, 303, &[("location", location)]);
    let own = |status, headers: &[(&'static str, &str)]| shop("/done").page(DONE, status, headers);
    let other = || shop("http://other.example.com/done");
    const OTHER: &str = "GET http://other.example.com/done";
    vec![
        own(429, &[]),
        own(429, &[("retry-after", "1")]),
        own(425, &[]),
        own(
            403,
            &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")],
        ),
        own(413, &[("retry-after", "1")]),
        own(503, &[]),
        other().page(OTHER, 429, &[("retry-after", "1")]),
        other().error(OTHER, io::ErrorKind::ConnectionRefused),
        other().error(OTHER, io::ErrorKind::AddrNotAvailable),
        other().error(OTHER, io::ErrorKind::ConnectionReset),
    ]
}

#[tokio::test(start_paused = true)]
async fn redirected_post_is_sent_once() {
    for web in webs() {
        let service = ServiceBuilder::new()
            .layer(RetryLayer::new(quick()))
            .layer(FollowRedirectLayer::new())
            .service(web.clone());
        let (result, reason) = send(service, request(Method::POST, BUY)).await;
        let received = web.received.lock().unwrap().join(", ");
        assert_eq!(web.count(BOUGHT), 1, "{received}: {result:?}");
        assert_eq!(reason, EndReason::NotIdempotent, "{received}");
    }
}

/// Returns a service that follows redirects by itself, and reports it if `tells` is true.
fn by_hand(
    web: &Web,
    tells: bool,
) -> impl Service<Request<String>, Response = Response<String>, Error = BoxError, Future: Send>
+ Clone
+ use<> {
    let web = web.clone();
    tower::service_fn(move |request: Request<String>| {
        let web = web.clone();
        async move {
            let mut response = web.clone().oneshot(request).await?;
            if response.status() == 303 {
                let location = response.headers()["location"].to_str()?.to_owned();
                let next = match location.strip_prefix('/') {
                    Some(path) => format!("http://shop.example.com/{path}"),
                    None => location,
                };
                response = web
                    .oneshot(Request::get(&next).body(String::new())?)
                    .await?;
                if tells {
                    response.extensions_mut().insert(AnsweredBy(next.parse()?));
                }
            }
            Ok(response)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn answered_by_extension_prevents_post_retry() {
    for web in webs() {
        let service = RetryLayer::new(quick()).layer(by_hand(&web, true));
        let (result, _) = send(service, request(Method::POST, BUY)).await;
        assert_eq!(web.count(BOUGHT), 1, "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn hidden_redirects_prevent_post_retry() {
    for web in webs() {
        let retry = RetryLayer::new(quick()).with_redirects(Redirects::Hidden);
        let service = retry.layer(by_hand(&web, false));
        let (result, _) = send(service, request(Method::POST, BUY)).await;
        assert_eq!(web.count(BOUGHT), 1, "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn throttled_post_without_redirect_is_retried() {
    for redirects in [Redirects::Visible, Redirects::Never] {
        let web = Web::default().page(BOUGHT, 429, &[]);
        let service = ServiceBuilder::new()
            .layer(RetryLayer::new(quick()).with_redirects(redirects))
            .layer(FollowRedirectLayer::new())
            .service(web.clone());
        let (result, reason) = send(service, request(Method::POST, BUY)).await;
        assert_eq!((result.unwrap(), reason), (429, EndReason::MaxThrottles));
        assert_eq!(web.count(BOUGHT), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn idempotent_call_is_retried_after_redirect() {
    let rows = "GET http://shop.example.com/rows";
    let web = Web::default()
        .page(rows, 302, &[("location", "/done")])
        .page(DONE, 503, &[]);
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(quick()))
        .layer(FollowRedirectLayer::new())
        .service(web.clone());
    let get = request(Method::GET, "http://shop.example.com/rows");
    assert_eq!(send(service, get).await.0.unwrap(), 503);
    assert_eq!(web.count(rows), 4);
}

#[tokio::test(start_paused = true)]
async fn response_from_other_server_does_not_hold_scope() {
    let rows = "GET http://shop.example.com/rows";
    let location = "http://other.example.com/done";
    let year = [("retry-after", "31536000")];
    let web = Web::default()
        .page(rows, 302, &[("location", location)])
        .page("GET http://other.example.com/done", 429, &year);
    let breather = quick();
    let slot = ReportSlot::new();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(breather.clone()))
        .layer(FollowRedirectLayer::new())
        .service(web);
    let mut moved = request(Method::GET, "http://shop.example.com/rows");
    moved.extensions_mut().insert(slot.clone());
    let response = service.clone().oneshot(moved).await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(slot.report().unwrap().answered_elsewhere(), 1);
    let here = request(Method::GET, "http://shop.example.com/here");
    assert_eq!(service.oneshot(here).await.unwrap().status(), 200);
    let snapshot = breather.snapshot("http://shop.example.com").unwrap();
    assert_eq!(snapshot.held_until(), None);
    assert_eq!(
        breather.snapshots().len(),
        1,
        "the other server has no scope"
    );
}

#[tokio::test(start_paused = true)]
async fn http_response_does_not_hold_https_scope() {
    let web = Web::default().page("GET http://h/", 429, &[("retry-after", "31536000")]);
    let service = RetryLayer::new(quick()).layer(web);
    let get = |uri| service.clone().oneshot(request(Method::GET, uri));
    assert_eq!(get("http://h/").await.unwrap().status(), 429);
    assert!(get("http://h/").await.is_err(), "the HTTP scope is held");
    assert_eq!(get("https://h/").await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn host_header_is_not_a_scope() {
    let web = Web::default().page("GET /rows", 429, &[("retry-after", "31536000")]);
    let breather = quick();
    let service = RetryLayer::new(breather.clone()).layer(web);
    for host in ["victim.example.com", "made-up.example.com"] {
        let mut passed_on = request(Method::GET, "/rows");
        passed_on
            .headers_mut()
            .insert("host", host.parse().unwrap());
        assert_eq!(
            service.clone().oneshot(passed_on).await.unwrap().status(),
            429
        );
    }
    assert_eq!(breather.snapshots(), []);
}

#[tokio::test]
async fn post_redirected_to_dead_host_is_sent_once() {
    // The socket owns its port but does not listen, so no other process can.
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let location = format!("http://{}/done", silent.local_addr().unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/buy", listener.local_addr().unwrap());
    let sold = Arc::new(Mutex::new(0));
    let count = Arc::clone(&sold);
    let router = axum::Router::new().fallback(move || {
        *count.lock().unwrap() += 1;
        let moved = axum::response::Redirect::to(&location);
        async move { moved }
    });
    tokio::spawn(async { axum::serve(listener, router).await });
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(quick()).box_errors())
        .layer(FollowRedirectLayer::new())
        .service(client);
    let post = Request::post(uri).body(Full::from("one")).unwrap();
    assert!(service.oneshot(post).await.is_err());
    assert_eq!(*sold.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn executed_yes_prevents_retry_of_throttled_call() {
    let sent = Arc::new(Mutex::new(0));
    let count = Arc::clone(&sent);
    let login_and_fetch = tower::service_fn(move |_: &'static str| {
        *count.lock().unwrap() += 1;
        ready(Err::<(), _>(BoxError::from(
            "the second request was throttled",
        )))
    });
    let retry = RetryLayer::new(quick()).with_classifier(|_: &Result<(), BoxError>| {
        Outcome::throttled("status 429").with_executed(Executed::Yes)
    });
    assert!(retry.layer(login_and_fetch).oneshot("rows").await.is_err());
    assert_eq!(*sent.lock().unwrap(), 1);
}

/// Returns an error that says the connection closed before the request was sent.
async fn unprocessed() -> BoxError {
    let (near, far) = tokio::io::duplex(1024);
    let near = hyper_util::rt::TokioIo::new(near);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(near).await.unwrap();
    let mut connection = Box::pin(connection);
    assert!(futures_util::poll!(&mut connection).is_pending());
    drop(far);
    let response = sender.send_request(Request::new(Full::<bytes::Bytes>::default()));
    let (response, _) = tokio::join!(response, connection);
    response.unwrap_err().into()
}

#[tokio::test(start_paused = true)]
async fn unprocessed_redirect_does_not_retry_post() {
    for (redirects, sales) in [(Redirects::Visible, 1), (Redirects::Never, 4)] {
        let sold = Arc::new(Mutex::new(0));
        let count = Arc::clone(&sold);
        let web = tower::service_fn(move |request: Request<String>| {
            let is_sale = request.method() == Method::POST;
            *count.lock().unwrap() += usize::from(is_sale);
            Box::pin(async move {
                if is_sale {
                    let moved = Response::builder().status(303).header("location", "/done");
                    return Ok(moved.body(String::new()).unwrap());
                }
                let error = unprocessed().await;
                assert_eq!(error.kind(), ErrorKind::Unprocessed);
                Err(error)
            }) as Pin<Box<dyn Future<Output = Result<_, BoxError>> + Send>>
        });
        let service = ServiceBuilder::new()
            .layer(RetryLayer::new(quick()).with_redirects(redirects))
            .layer(FollowRedirectLayer::new())
            .service(web);
        assert!(send(service, request(Method::POST, BUY)).await.0.is_err());
        assert_eq!(*sold.lock().unwrap(), sales, "{redirects:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn uri_completed_inside_layer_is_not_a_redirect() {
    let web = Web::default().page(
        "POST http://shop.example.com/rows",
        429,
        &[("retry-after", "2")],
    );
    let breather = quick();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(breather.clone()).with_scope("shop"))
        .map_request(|mut request: Request<String>| {
            let uri = format!("http://shop.example.com{}", request.uri());
            *request.uri_mut() = uri.parse().unwrap();
            request
        })
        .layer(FollowRedirectLayer::new())
        .service(web.clone());
    let (result, reason) = send(service, request(Method::POST, "/rows")).await;
    assert_eq!((result.unwrap(), reason), (429, EndReason::MaxThrottles));
    assert_eq!(web.count("POST http://shop.example.com/rows"), 6);
    assert!(breather.snapshot("shop").unwrap().held_until().is_some());
}

#[tokio::test(start_paused = true)]
async fn failed_connections_of_idempotent_calls_use_no_budget() {
    let web = Web::default().error("GET http://h/", io::ErrorKind::ConnectionRefused);
    let service = RetryLayer::new(quick()).layer(web);
    for _ in 0..100 {
        let (result, reason) = send(service.clone(), request(Method::GET, "http://h/")).await;
        assert!(result.is_err());
        assert_eq!(reason, EndReason::MaxRetries);
    }
}
