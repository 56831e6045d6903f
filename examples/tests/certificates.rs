//! Servers whose certificates are not valid.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use breather_tower::breather::{Backoff, Breather, ErrorKind, Policy, ReportSlot};
use breather_tower::{HttpError as _, RetryLayer};
use http::Request;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rcgen::CertificateParams;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tower::{Layer as _, ServiceExt as _};

/// Starts a server with a certificate, and counts its connections.
async fn serve(params: CertificateParams) -> (u16, CertificateDer<'static>, Arc<AtomicU32>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = acceptor.accept(socket).await;
        }
    });
    (port, certificate, connections)
}

/// Sends a request to `localhost` with this authority. Returns the kind of the error, the attempts and the connections.
async fn ask(params: CertificateParams, is_trusted: bool) -> (ErrorKind, u32, u32) {
    let (port, certificate, connections) = serve(params).await;
    let mut roots = RootCertStore::empty();
    if is_trusted {
        roots.add(certificate).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_http1()
        .build();
    let client = Client::builder(TokioExecutor::new()).build::<_, String>(connector);
    let backoff = Backoff::exponential(Duration::from_millis(1));
    let breather = Breather::new(Policy::new().with_backoff(backoff));
    let service = RetryLayer::new(breather).box_errors().layer(client);
    let slot = ReportSlot::new();
    let request = Request::get(format!("https://localhost:{port}/")).extension(slot.clone());
    let error = service
        .oneshot(request.body(String::new()).unwrap())
        .await
        .unwrap_err();
    let attempts = slot.report().unwrap().attempts();
    (error.kind(), attempts, connections.load(Ordering::SeqCst))
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

#[tokio::test]
async fn certificate_that_is_not_valid_costs_one_handshake() {
    let mut expired = params("localhost");
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    for (what, params, is_trusted) in [
        ("untrusted", params("localhost"), false),
        ("expired", expired, true),
        ("of another name", params("example.com"), true),
    ] {
        let asked = ask(params, is_trusted).await;
        assert_eq!(asked, (ErrorKind::Certificate, 1, 1), "{what}");
    }
}
