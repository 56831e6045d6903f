//! The layers that the same cases are run with.

use breather_tower::breather::Breather;
use breather_tower::{BufferedBody, BufferedLayer, ReplayBody, RetryLayer};
use http::{Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, Service, ServiceBuilder};

use crate::stream::{End, read};

/// Which options are on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Plain,
    /// Request bodies are recorded, and responses are read whole.
    Whole,
}

impl Way {
    pub(crate) fn retry(self, breather: Breather) -> Retrying {
        let retry = RetryLayer::new(breather);
        Retrying { way: self, retry }
    }
}

/// A layer with these options, for services of strings.
#[derive(Clone, Debug)]
pub(crate) struct Retrying {
    way: Way,
    retry: RetryLayer,
}

impl<S> Layer<S> for Retrying
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Service = BoxCloneSyncService<Request<String>, Response<String>, BoxError>;

    fn layer(&self, inner: S) -> Self::Service {
        let retry = self.retry.clone();
        match self.way {
            Way::Plain => BoxCloneSyncService::new(retry.layer(inner)),
            Way::Whole => ServiceBuilder::new()
                .layer(BoxCloneSyncService::layer())
                .map_response(|response: Response<BufferedBody<String>>| {
                    response.map(|body| utf8(body.bytes().expect("it is short")))
                })
                .layer(retry.replay(64))
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

fn utf8(data: &[u8]) -> String {
    String::from_utf8(data.to_vec()).unwrap()
}

/// Runs each of these cases with each of the layers.
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
