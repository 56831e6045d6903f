//! The layers that each case runs with.

use std::time::Duration;

use breather_tower::breather::{Breather, CallOptions, Policy};
use breather_tower::{BufferedBody, BufferedLayer, ReplayBody, RetryLayer};
use http::{HeaderName, Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, Service, ServiceBuilder};

use crate::stream::{End, read};

/// The options that are on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Plain,
    /// Request bodies are recorded, responses are buffered, requests have keys and options, and
    /// attempts have numbers and a timeout.
    Whole,
}

impl Way {
    pub(crate) fn retry(self, breather: Breather) -> Retrying {
        let policy = breather.policy().with_attempt_timeout(LONG);
        // Each run draws the same delays.
        let retry = RetryLayer::new(breather).with_seed(1);
        Retrying {
            way: self,
            retry,
            policy,
        }
    }
}

/// A layer with these options, for services of strings.
#[derive(Clone, Debug)]
pub(crate) struct Retrying {
    way: Way,
    retry: RetryLayer,
    /// The policy in the options of each request, in `Way::Whole`.
    policy: Policy,
}

impl<S> Layer<S> for Retrying
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Service = BoxCloneSyncService<Request<String>, Response<String>, BoxError>;

    fn layer(&self, inner: S) -> Self::Service {
        let (retry, policy) = (self.retry.clone(), self.policy);
        match self.way {
            Way::Plain => BoxCloneSyncService::new(retry.layer(inner)),
            Way::Whole => ServiceBuilder::new()
                .layer(BoxCloneSyncService::layer())
                .map_response(|response: Response<BufferedBody<String>>| {
                    response.map(|body| utf8(body.bytes().expect("the body fits into the limit")))
                })
                .map_request(move |mut request: Request<String>| {
                    let own = CallOptions::new().with_policy(policy);
                    request.extensions_mut().insert(own);
                    request
                })
                .layer(
                    retry
                        .replay(64)
                        .with_idempotency_keys()
                        .with_attempt_header(HeaderName::from_static("x-attempt")),
                )
                .layer(BufferedLayer::new(64))
                .map_request(|request: Request<ReplayBody<String>>| {
                    request.map(|mut body| {
                        let received = read(&mut body);
                        assert_eq!(received.end, End::Clean);
                        utf8(&received.data)
                    })
                })
                .service(inner),
        }
    }
}

/// An attempt timeout that is longer than any case, so that it never fires.
const LONG: Duration = Duration::from_secs(86_400);

fn utf8(data: &[u8]) -> String {
    String::from_utf8(data.to_vec()).unwrap()
}

/// Runs each case with each of the layers.
macro_rules! each_way {
    ($($case:ident,)*) => {
        mod plain {
            $(#[tokio::test(start_paused = true)]
            async fn $case() {
                super::$case(crate::way::Way::Plain).await;
            })*
        }

        mod whole {
            $(#[tokio::test(start_paused = true)]
            async fn $case() {
                super::$case(crate::way::Way::Whole).await;
            })*
        }
    };
}

pub(crate) use each_way;
