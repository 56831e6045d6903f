//! Calls a limited API through a tower stack over hyper's client.
//!
//! Run it with `cargo run --example tower_client`.

use std::{num::NonZeroU32, time::Duration};

use anyhow::{anyhow, ensure};
use axum::http::{Request, StatusCode};
use breather::{Breather, Policy, ReportSlot};
use breather_examples::analytics::{Options, Server};
use breather_tower::RetryLayer;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The server accepts 20 calls in 2 s, and 5 in flight.
    let options = Options::default()
        .with_quota(NonZeroU32::new(20).expect("20 is not zero"))
        .with_window(Duration::from_secs(2))
        .with_cap(NonZeroU32::new(5).expect("5 is not zero"))
        .with_service_time(Duration::from_millis(50));
    let server = Server::start(options)?;

    let breather = Breather::new(Policy::new().with_deadline(Duration::from_secs(30)));
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let service = ServiceBuilder::new()
        // hyper's error type cannot say that breather stopped a call, so it is boxed.
        .layer(RetryLayer::new(breather.clone()).box_errors())
        .service(client);

    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (service, slot) = (service.clone(), ReportSlot::new());
        let request = Request::get(server.url())
            .extension(slot.clone())
            .body(String::new())?;
        calls.spawn(async move {
            let result = service.oneshot(request).await;
            (result.map(|response| response.status()), slot.report())
        });
    }
    let mut latest = None;
    while let Some(call) = calls.join_next().await {
        let (result, report) = call?;
        ensure!(
            result.map_err(|error| anyhow!(error))? == StatusCode::OK,
            "a call ended throttled"
        );
        latest = report;
    }
    let stats = server.stats();
    println!(
        "50 calls, {} sends, {} throttled",
        stats.sends,
        stats.throttled()
    );
    println!("the last: {}", latest.unwrap_or_default());
    println!(
        "learned: {:?}",
        breather.snapshot(&server.addr().to_string())
    );
    Ok(())
}
