//! Responses whose bodies are read within their attempt.

use std::future::Future;

use breather_hyper::breather::ErrorKind;
use breather_hyper::{BoxError, Buffering};
use reqwest::{Body, Response, ResponseBuilderExt as _};
use reqwest_middleware::Error;

use crate::answer::{Answer, Ended, Failure};

/// Reads the response of `attempt` within the attempt, up to `limit` bytes of its body.
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
        // Only a response builder can set a response's URL.
        let told = http::Response::builder().url(url).body(());
        let told = told.expect("a response with only a URL is valid");
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
    // The head arrived, so the error is the body's, and bodies fail only with reqwest's errors.
    let error = error
        .downcast::<reqwest::Error>()
        .expect("bodies fail only with reqwest's errors");
    let kind = match error.is_timeout() {
        true => ErrorKind::Timeout,
        false => ErrorKind::Interrupted,
    };
    let error = Error::Reqwest(*error);
    Failure { error, kind }
}
