//! Responses that are read whole within their attempt.

use std::future::Future;

use breather_hyper::breather::ErrorKind;
use breather_hyper::{BoxError, Buffering};
use reqwest::{Body, Response, ResponseBuilderExt as _};
use reqwest_middleware::Error;

use crate::answer::{Answer, Ended, Failure};

/// Reads the response of `attempt` whole, up to `limit` bytes of it.
pub(crate) async fn buffered<F>(attempt: F, limit: usize) -> Ended
where
    F: Future<Output = Result<Response, Error>>,
{
    let mut url = None;
    let attempt = async {
        let response = attempt.await?;
        url = Some(response.url().clone());
        Ok::<_, Error>(http::Response::<Body>::from(response))
    };
    let response = Buffering::new(attempt, limit).await.map_err(failure)?;
    let (mut head, body) = response.into_parts();
    let whole = body.bytes().cloned();
    if let Some(url) = url {
        // The only way to tell a response its URL leads through a builder.
        let told = http::Response::builder().url(url).body(());
        let told = told.expect("it has nothing but a URL");
        head.extensions.extend(told.into_parts().0.extensions);
    }
    let response = http::Response::from_parts(head, Body::wrap(body));
    Ok(Answer {
        response: response.into(),
        body: whole,
    })
}

fn failure(error: BoxError) -> Failure {
    let error = match error.downcast::<Error>() {
        Ok(error) => return Failure::from(*error),
        Err(error) => error,
    };
    // The head was there, so that it is of the body, whose errors are reqwest's own.
    let error = error
        .downcast::<reqwest::Error>()
        .expect("it has no others");
    let kind = match error.is_timeout() {
        true => ErrorKind::Timeout,
        false => ErrorKind::Interrupted,
    };
    let error = Error::Reqwest(*error);
    Failure { error, kind }
}
