//! Tests for an upstream with TLS.

use std::{env, fs, net::SocketAddr, process, sync::Arc};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use reqwest::StatusCode;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::{program::Program, upstream::ok};

#[tokio::test]
async fn untrusted_certificate_returns_502() {
    let (ours, others) = (Certificate::new(), Certificate::new());
    let (addr, serving) = ours.serve().await;
    let upstream = format!("https://localhost:{}", addr.port());
    let directory = env::temp_dir();
    for (certificate, status) in [(&ours, StatusCode::OK), (&others, StatusCode::BAD_GATEWAY)] {
        let file = directory.join(format!("gateway-{status}-{}.pem", process::id()));
        fs::write(&file, &certificate.pem).unwrap();
        let gateway = Program::trusting(&file, &upstream);
        let response = gateway.get("one").send().await.unwrap();
        assert_eq!(response.status(), status);
        if status != StatusCode::OK {
            let body = response.text().await.unwrap();
            assert!(body.contains(r#""error":"tls""#), "{body}");
        }
        fs::remove_file(file).unwrap();
    }
    serving.abort();
}

struct Certificate {
    pem: String,
    config: Arc<ServerConfig>,
}

impl Certificate {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::from(key))
            .unwrap();
        Self {
            pem: made.cert.pem(),
            config: Arc::new(config),
        }
    }

    async fn serve(&self) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        let serving = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(socket) = acceptor.accept(socket).await else {
                        return;
                    };
                    let service = service_fn(|_| async { Ok::<_, std::convert::Infallible>(ok()) });
                    let io = TokioIo::new(socket);
                    let _ = http1::Builder::new().serve_connection(io, service).await;
                });
            }
        });
        (addr, serving)
    }
}
