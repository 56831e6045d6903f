//! Tests two tokens of one organisation, whose calls share a handle.
//!
//! The calls name the token, the organisation, or both as their scopes.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use breather_examples::analytics::{InProcess, Options, Server};
use breather_reqwest::{
    RetryMiddleware,
    breather::{Breather, CallOptions, Scopes},
};
use http::Extensions;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use reqwest::{Client, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use tokio::{task::JoinSet, time::sleep};

#[tokio::test(start_paused = true)]
async fn organisation_first_keeps_within_both_quotas() {
    for seed in 0..RUNS {
        let sends = in_virtual_time(organisation_first, seed).await;
        assert!(sends <= FEW, "{sends} sends, seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn token_first_keeps_within_both_quotas() {
    for seed in 0..RUNS {
        let sends = in_virtual_time(token_first, seed).await;
        assert!(sends <= FEW, "{sends} sends, seed {seed}");
    }
}

/// Shows that the scopes of the tests above matter.
#[tokio::test(start_paused = true)]
async fn token_alone_exceeds_organisation_quota() {
    for seed in 0..RUNS {
        let sends = in_virtual_time(Scopes::from, seed).await;
        assert!(sends > FEW, "{sends} sends, seed {seed}");
    }
}

#[tokio::test]
async fn all_calls_succeed_over_sockets() {
    let over_sockets = async |scopes| {
        let server = Server::start(options()).unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        let client = ClientBuilder::new(client).with(RetryMiddleware::default());
        succeed(&client.build(), &server.url(), scopes).await;
        let stats = server.stats();
        assert_eq!(stats.sends - stats.throttled(), 200);
    };
    tokio::join!(over_sockets(organisation_first), over_sockets(token_first));
}

fn organisation_first(token: &'static str) -> Scopes {
    ["organisation", token].into()
}

fn token_first(token: &'static str) -> Scopes {
    [token, "organisation"].into()
}

/// Returns the sends of 200 successful calls, over a network that delays each message.
async fn in_virtual_time(scopes: fn(&'static str) -> Scopes, seed: u64) -> u64 {
    let api = InProcess::new(&options());
    let retry = RetryMiddleware::new(Breather::default()).with_seed(seed);
    let client = ClientBuilder::new(Client::new())
        .with(retry)
        .with(Network::new(seed))
        .with(api.clone());
    succeed(&client.build(), &InProcess::url(), scopes).await;
    let stats = api.stats();
    println!("seed {seed}: {stats:?}");
    assert_eq!(stats.sends - stats.throttled(), 200);
    stats.sends
}

/// Makes 100 calls for each of two tokens at once.
async fn succeed(client: &ClientWithMiddleware, url: &str, scopes: fn(&'static str) -> Scopes) {
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let token = ["a", "b"][number % 2];
        let call = client
            .get(url)
            .bearer_auth(token)
            .with_extension(CallOptions::new().with_scope(scopes(token)));
        calls.spawn(async move { (token, call.send().await) });
    }
    let mut successes = [("a", 0), ("b", 0)];
    for (token, response) in calls.join_all().await {
        assert_eq!(response.unwrap().status(), 200);
        let mut counts = successes.iter_mut();
        counts.find(|(name, _)| *name == token).unwrap().1 += 1;
    }
    assert_eq!(successes, [("a", 100), ("b", 100)]);
}

/// Delays each request and each response by up to 5 ms.
#[derive(Clone)]
struct Network(Arc<Mutex<Xoshiro256PlusPlus>>);

impl Network {
    fn new(seed: u64) -> Self {
        let random = Xoshiro256PlusPlus::seed_from_u64(seed);
        Self(Arc::new(Mutex::new(random)))
    }

    async fn delay(&self) {
        let micros = self.0.lock().unwrap().random_range(0..5_000);
        sleep(Duration::from_micros(micros)).await;
    }
}

#[async_trait::async_trait]
impl Middleware for Network {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        self.delay().await;
        let response = next.run(request, extensions).await;
        self.delay().await;
        response
    }
}

/// Returns limits with which 200 calls take at least three windows.
fn options() -> Options {
    Options::default()
        .with_quota(NonZeroU32::new(60).unwrap())
        .with_org_quota(NonZeroU32::new(80).unwrap())
        .with_window(Duration::from_secs(1))
        .with_service_time(Duration::from_millis(5))
}

const RUNS: u64 = 8;

/// If the organisation's pacer never learns its window, naming the token first takes 236.
const FEW: u64 = 225;
