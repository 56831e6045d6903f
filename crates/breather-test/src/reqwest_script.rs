//! A script at the end of a reqwest-middleware chain.

use bytes::Bytes;
use http::Extensions;
use reqwest::{Request, Response, ResponseBuilderExt as _};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::received::Received;
use crate::script::Script;

#[async_trait::async_trait]
impl Middleware for Script {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        _next: Next<'_>,
    ) -> Result<Response> {
        let (method, url) = (request.method(), request.url());
        let uri = url.as_str().parse().map_err(Error::middleware)?;
        let mut received = Received::new(method, uri, request.headers(), extensions);
        if let Some(body) = request.body().and_then(reqwest::Body::as_bytes) {
            received.body = Bytes::copy_from_slice(body);
        }
        let answer = self.receive(received);
        answer.begin();
        let (head, body) = answer.give().await.map_err(Error::middleware)?.into_parts();
        // reqwest's own responses have the URL that they came from.
        let response = http::Response::builder().url(url.clone());
        let mut response = response.body(body).map_err(Error::middleware)?;
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        Ok(response.into())
    }
}
