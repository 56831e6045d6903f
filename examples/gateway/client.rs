//! The connections to the upstream.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Context as _;
use breather_tower::ReplayBody;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};
use tower::Service;

use crate::{turn::Turn, upload::Upload, upstream::Upstream};

/// Sends attempts to the upstream and updates each call's [`Turn`].
#[derive(Clone, Debug)]
pub(crate) struct Client(legacy::Client<HttpsConnector<HttpConnector>, Body>);

/// A caller's body, recorded while it is sent.
pub(crate) type Body = ReplayBody<Upload>;

impl Client {
    pub(crate) fn new(upstream: &Upstream) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECTING));
        // The TLS connector checks the scheme.
        tcp.enforce_http(false);
        let tls = ClientConfig::builder();
        let tls = if upstream.is_tls() {
            tls.with_native_roots().context(
                "no certificates to trust: install the system's (Debian's package is ca-certificates), or name a \
                 file of them in SSL_CERT_FILE",
            )?
        } else {
            tls.with_root_certificates(RootCertStore::empty())
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .http1_preserve_header_case(true)
            .http1_max_buf_size(BUFFER)
            .build(connector);
        Ok(Self(client))
    }
}

impl Service<Request<Body>> for Client {
    type Response = Response<Incoming>;
    type Error = legacy::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let in_flight = request.extensions().get().map(Turn::begin);
        let answer = self.0.request(request);
        Box::pin(async move {
            let answer = answer.await;
            if let Some(in_flight) = in_flight {
                in_flight.end();
            }
            answer
        })
    }
}

/// Much shorter than curl's default, and short enough that a caller can wait for it.
const CONNECTING: Duration = Duration::from_secs(10);

/// Shorter than most servers keep idle connections.
///
/// If the server closed the connection first, it could do so while a request is on its way.
const IDLE: Duration = Duration::from_secs(4);

const MOST_IDLE: usize = 1_024;

/// Limits the head of a message and each read of a body.
pub(crate) const BUFFER: usize = 64 * 1024;
