use std::{
    convert::Infallible,
    error::Error,
    io,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    http::{Request, Response},
};
use http::Extensions;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use reqwest::ResponseBuilderExt as _;
use reqwest_middleware::{Middleware, Next};
use tower::{Service, util::Oneshot};

use super::{
    Conversation, DETAILS, Options, PATH, Stats, Timeline,
    api::Api,
    broken::{Broken, Unsent},
};

/// Answers like [`Server`](super::Server), but without a socket.
///
/// Use it in tests. Under tokio's paused time, windows and jobs take no real time, and all runs are
/// the same. You can use it as a tower service, or as the last middleware of a reqwest-middleware
/// chain. Clones share their limits and counts.
///
/// # Example
///
/// ```
/// use breather_examples::analytics::{InProcess, Options};
/// use reqwest_middleware::ClientBuilder;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> reqwest_middleware::Result<()> {
/// let api = InProcess::new(&Options::default());
/// let client = ClientBuilder::new(reqwest::Client::new()).with(api.clone()).build();
/// let response = client.get(InProcess::url()).send().await?;
/// assert_eq!(response.headers()["x-rate-limit-remaining"], "299");
/// assert_eq!(api.stats().sends, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct InProcess {
    api: Api,
    router: Router,
}

impl InProcess {
    /// Creates an API with these limits. It ignores the port.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let api = Api::new(options);
        let router = api.router();
        Self { api, router }
    }

    /// Returns the URL of the summary.
    #[must_use]
    pub fn url() -> String {
        format!("{ORIGIN}{PATH}")
    }

    /// Returns the URL prefix of all endpoints.
    #[must_use]
    pub fn details_url() -> String {
        format!("{ORIGIN}{DETAILS}")
    }

    /// Returns all conversations of the API.
    #[must_use]
    pub fn conversations(&self) -> &[Conversation] {
        self.api.conversations().all()
    }

    /// Returns the counts so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.api.stats()
    }

    /// Returns the verdicts on all requests so far, by arrival time.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.api.gate().timeline()
    }

    async fn answer(self, request: Request<Body>) -> io::Result<Response<Body>> {
        let answer: Result<_, Infallible> = Oneshot::new(self.router, request).await;
        let Ok(response) = answer;
        match response.extensions().get() {
            Some(Unsent) => Err(io::ErrorKind::ConnectionReset.into()),
            None => Ok(response),
        }
    }
}

impl<B> Service<Request<B>> for InProcess
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response<Body>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(self.clone().answer(request.map(Body::new)))
    }
}

#[async_trait::async_trait]
impl Middleware for InProcess {
    async fn handle(
        &self,
        request: reqwest::Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let url = request.url().clone();
        let request: Request<reqwest::Body> = request.try_into()?;
        let Ok(response) = self.clone().answer(request.map(Body::new)).await else {
            return Err(reqwest_error().await.into());
        };
        let (mut head, body) = response.into_parts();
        // Only a builder can set the URL of a reqwest response.
        let told = Response::builder().url(url).body(());
        let told = told.expect("a response with only a URL and an empty body is valid");
        head.extensions.extend(told.into_parts().0.extensions);
        let body = reqwest::Body::wrap(Synced(Mutex::new(body)));
        Ok(Response::from_parts(head, body).into())
    }
}

/// Makes a reqwest error from a broken body, because reqwest has no public constructor.
async fn reqwest_error() -> reqwest::Error {
    let body = reqwest::Body::wrap(Synced(Mutex::new(Broken::unsent())));
    body.collect().await.expect_err("the body breaks off")
}

/// Makes a body `Sync`, which reqwest requires. The lock is never contended.
#[derive(Debug)]
struct Synced(Mutex<Body>);

impl HttpBody for Synced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let body = self.0.get_mut().expect("bodies do not panic");
        Pin::new(body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().expect("bodies do not panic").is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().expect("bodies do not panic").size_hint()
    }
}

/// The origin of the URLs.
const ORIGIN: &str = "http://api.example.com";
