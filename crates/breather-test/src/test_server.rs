//! A server that returns the answers of a script over a socket.

use std::io;
use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tower_service::Service as _;

use crate::script::Script;

/// A server on 127.0.0.1 that returns the answers of a [`Script`] over HTTP/1.1.
///
/// If the script has an error instead of a response, the server closes the connection. Drop the
/// server to stop it.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use breather_test::{Script, TestServer};
///
/// let script = Script::new(["429 retry-after: 1"]);
/// let server = TestServer::start(&script).await?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// // … send requests to it.
/// assert!(script.requests().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TestServer {
    addr: SocketAddr,
    accepting: AbortHandle,
}

impl TestServer {
    /// Starts the server on a free port.
    ///
    /// # Errors
    ///
    /// Fails if the system has no socket left.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub async fn start(script: &Script) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, script.clone()));
        Ok(Self {
            addr,
            accepting: accepting.abort_handle(),
        })
    }

    /// Returns the URL of the server, with a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, script: Script) {
    // The connections end when this task ends.
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let script = script.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut script = script.clone();
            async move {
                script.ready()?;
                // A boxed error does not compile here, with any lifetime.
                script.call(request).await.map_err(io::Error::other)
            }
        });
        connections.spawn(async move {
            // An error comes from the script or from a client that disconnected.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}
