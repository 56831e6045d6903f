//! Hosts that no resolver finds, for chapters and tests about failed connections.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::dns::{Name, Resolve, Resolving};

/// A resolver that finds no host, and counts how often it is asked: by whatever reqwest client, once for an attempt.
#[derive(Clone, Debug, Default)]
pub struct NoHosts(Arc<AtomicU32>);

impl NoHosts {
    /// A client that asks it.
    ///
    /// # Panics
    ///
    /// Should reqwest not start.
    pub fn client(&self, builder: reqwest::ClientBuilder) -> reqwest::Client {
        let builder = builder.no_proxy().dns_resolver(Arc::new(self.clone()));
        builder.build().expect("nothing to be set up fails")
    }

    /// How often it was asked.
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

/// A client whose requests all end with a time-out after a second, since no host is ever found.
///
/// # Panics
///
/// Should reqwest not start.
pub fn client_that_times_out() -> reqwest::Client {
    never_found(reqwest::Client::builder().timeout(Duration::from_secs(1)))
}

/// The client of `builder`, for which no host is ever found.
///
/// # Panics
///
/// Should reqwest not start.
pub fn never_found(builder: reqwest::ClientBuilder) -> reqwest::Client {
    let builder = builder.no_proxy().dns_resolver(Arc::new(Nowhere));
    builder.build().expect("nothing to be set up fails")
}

struct Nowhere;

impl Resolve for Nowhere {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(pending())
    }
}
