//! Several tokens of one organisation, whose calls share a handle and name both as their scopes.

use std::{num::NonZeroU32, time::Duration};

use breather_examples::analytics::{Options, Server};
use breather_reqwest::{
    RetryMiddleware,
    breather::{Breather, CallOptions},
};
use reqwest::Client;
use reqwest_middleware::ClientBuilder;
use tokio::task::JoinSet;

#[tokio::test]
async fn two_tokens_stay_within_the_organisations_quota() {
    let server = Server::start(
        Options::default()
            .with_quota(NonZeroU32::new(60).unwrap())
            .with_org_quota(NonZeroU32::new(80).unwrap())
            .with_window(Duration::from_secs(1))
            .with_service_time(Duration::from_millis(5)),
    )
    .unwrap();
    let client = ClientBuilder::new(Client::builder().no_proxy().build().unwrap())
        .with(RetryMiddleware::new(Breather::default()))
        .build();
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let token = ["a", "b"][number % 2];
        let scopes = CallOptions::new().with_scopes([token, "organisation"]);
        let call = client
            .get(server.url())
            .bearer_auth(token)
            .with_extension(scopes);
        calls.spawn(call.send());
    }
    while let Some(response) = calls.join_next().await {
        assert!(response.unwrap().unwrap().status().is_success());
    }
    let stats = server.stats();
    assert_eq!(stats.sends - stats.refused(), 200);
    assert!(stats.sends <= 220, "{stats:?}");
}
