//! Resolvers that find no host, for chapters and tests about failed connections.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::dns::{Name, Resolve, Resolving};

/// A resolver that finds no host and counts its lookups.
///
/// Any reqwest client that uses it makes one lookup for each attempt.
#[derive(Clone, Debug, Default)]
pub struct NoHosts(Arc<AtomicU32>);

impl NoHosts {
    /// Builds a client that uses this resolver.
    ///
    /// # Panics
    ///
    /// Panics if reqwest cannot build the client.
    pub fn client(&self, builder: reqwest::ClientBuilder) -> reqwest::Client {
        let builder = builder.no_proxy().dns_resolver(Arc::new(self.clone()));
        builder.build().expect("reqwest can build the client")
    }

    /// Returns the number of lookups.
    pub fn lookups(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Resolve for NoHosts {
    fn resolve(&self, _: Name) -> Resolving {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err("there is no such host".into()) })
    }
}

/// Builds a client whose requests all time out after a second.
///
/// Its resolver never responds.
///
/// # Panics
///
/// Panics if reqwest cannot build the client.
pub fn client_that_times_out() -> reqwest::Client {
    never_found(reqwest::Client::builder().timeout(Duration::from_secs(1)))
}

/// Builds a client from `builder`, with a resolver that never responds.
///
/// # Panics
///
/// Panics if reqwest cannot build the client.
pub fn never_found(builder: reqwest::ClientBuilder) -> reqwest::Client {
    let builder = builder.no_proxy().dns_resolver(Arc::new(Nowhere));
    builder.build().expect("reqwest can build the client")
}

struct Nowhere;

impl Resolve for Nowhere {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(pending())
    }
}
