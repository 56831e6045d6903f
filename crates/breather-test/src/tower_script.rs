//! A script as a tower service.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use tower_service::Service;

use crate::received::Received;
use crate::script::Script;

/// A boxed error, like those of tower's layers.
///
/// # Example
///
/// Downcast it to get the I/O error of a script:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), breather_test::BoxError> {
/// use breather_test::{BoxError, Script};
/// use std::io;
/// use tower::ServiceExt;
///
/// let request = http::Request::get("https://api.example.com/rows").body(String::new())?;
/// let error: BoxError = Script::new(["reset"]).oneshot(request).await.unwrap_err();
/// let error = error.downcast::<io::Error>()?;
/// assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
/// # Ok(())
/// # }
/// ```
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The future that resolves to a [`Script`]'s answer.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), breather_test::BoxError> {
/// use breather_test::{Script, ScriptFuture};
/// use tower::{Service, ServiceExt};
///
/// let mut server = Script::new(["503"]);
/// let request = http::Request::get("https://api.example.com/rows").body(String::new())?;
/// let ready = ServiceExt::<http::Request<String>>::ready(&mut server).await?;
/// let answer: ScriptFuture = ready.call(request);
/// // The script records the request before you poll the future.
/// assert_eq!(server.requests().len(), 1);
/// assert_eq!(answer.await?.status(), 503);
/// # Ok(())
/// # }
/// ```
pub type ScriptFuture =
    Pin<Box<dyn Future<Output = Result<Response<String>, BoxError>> + Send + 'static>>;

impl<B> Service<Request<B>> for Script
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<String>;
    type Error = BoxError;
    type Future = ScriptFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(self.ready().map_err(Into::into))
    }

    fn call(&mut self, request: Request<B>) -> ScriptFuture {
        self.take_readiness();
        let (mut head, body) = request.into_parts();
        let mut received =
            Received::new(&head.method, head.uri, &head.headers, &mut head.extensions);
        let script = self.clone();
        // Read a body that is already there now, so the record has it even if the future is never
        // polled.
        let mut reading = Box::pin(body.collect());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let read = match reading.as_mut().poll(&mut cx) {
            Poll::Ready(read) => Ok(read),
            Poll::Pending => Err(reading),
        };
        match read {
            Ok(read) => {
                let read = match read {
                    Ok(body) => body.to_bytes(),
                    Err(error) => {
                        let error = error.into();
                        return Box::pin(async { Err(error) });
                    }
                };
                received.body = read;
                let answer = script.receive(received);
                answer.begin();
                Box::pin(async { Ok(answer.give().await?) })
            }
            Err(reading) => Box::pin(async move {
                received.body = reading.await.map_err(Into::into)?.to_bytes();
                let answer = script.receive(received);
                Ok(answer.give().await?)
            }),
        }
    }
}
