use std::time::Duration;

use anyhow::anyhow;
use axum::http;
use breather_reqwest::RetryMiddleware;
use breather_tower::{BoxErrors, Retry, RetryLayer};
use clap::ValueEnum;
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client as HyperClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use reqwest::StatusCode;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use tokio::time::sleep;
use tower::{Layer, ServiceExt};

/// The clients to compare.
///
/// To add a client, add a variant, its name and its session.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Client {
    Loop,
    LoopCapped,
    ReqwestRetry,
    BreatherReqwest,
    BreatherTower,
}

impl Client {
    /// Returns the name of the client in the report.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Loop => "2^n + U(0,1)".into(),
            Self::LoopCapped => format!("min(2^n + U(0,1), {CEILING_S})"),
            Self::ReqwestRetry => format!("reqwest-retry ({RETRIES} retries)"),
            Self::BreatherReqwest => "breather-reqwest".into(),
            Self::BreatherTower => "breather-tower".into(),
        }
    }

    /// Returns whether the callers of this client share a pacer.
    pub(crate) fn is_paced(self) -> bool {
        matches!(self, Self::BreatherReqwest | Self::BreatherTower)
    }

    /// Creates the client that all callers of a run share.
    pub(crate) fn session(self, seed: u64) -> reqwest::Result<Session> {
        // The callers must reach the server directly, so a proxy from the environment is ignored.
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(match self {
            Self::Loop => Session::Loop {
                http,
                ceiling_s: f64::INFINITY,
                seed,
            },
            Self::LoopCapped => Session::Loop {
                http,
                ceiling_s: CEILING_S,
                seed,
            },
            Self::ReqwestRetry => {
                let backoff = ExponentialBackoff::builder().build_with_max_retries(RETRIES);
                let retry = RetryTransientMiddleware::new_with_policy(backoff);
                Session::Middleware(ClientBuilder::new(http).with(retry).build())
            }
            Self::BreatherReqwest => {
                let retry = RetryMiddleware::default();
                Session::Middleware(ClientBuilder::new(http).with(retry).build())
            }
            Self::BreatherTower => {
                let client = HyperClient::builder(TokioExecutor::new()).build_http();
                Session::Service(Box::new(RetryLayer::default().box_errors().layer(client)))
            }
        })
    }
}

/// A client that is ready to make calls.
#[derive(Clone, Debug)]
pub(crate) enum Session {
    Loop {
        http: reqwest::Client,
        ceiling_s: f64,
        seed: u64,
    },
    Middleware(ClientWithMiddleware),
    Service(Box<Retry<BoxErrors<HyperClient<HttpConnector, String>>>>),
}

impl Session {
    /// Makes the call with this number and its retries, and reads the whole response.
    pub(crate) async fn call(&self, url: &str, number: u32) -> anyhow::Result<StatusCode> {
        let response = match self {
            Self::Loop {
                http,
                ceiling_s,
                seed,
            } => {
                // The server uses the seed itself.
                let seed = seed.wrapping_add(1 + u64::from(number));
                let random = Xoshiro256PlusPlus::seed_from_u64(seed);
                call_in_a_loop(http, url, *ceiling_s, random).await?
            }
            Self::Middleware(client) => client.get(url).send().await?,
            Self::Service(service) => {
                let request = http::Request::get(url).body(String::new())?;
                let result = service.clone().oneshot(request).await;
                let response = result.map_err(|error| anyhow!(error))?;
                let status = response.status();
                response.into_body().collect().await?;
                return Ok(status);
            }
        };
        let status = response.status();
        response.bytes().await?;
        Ok(status)
    }
}

/// Retries in the loop that most people write first.
async fn call_in_a_loop(
    http: &reqwest::Client,
    url: &str,
    ceiling_s: f64,
    mut random: Xoshiro256PlusPlus,
) -> reqwest::Result<reqwest::Response> {
    let mut attempt = 0;
    loop {
        let response = http.get(url).send().await?;
        if response.status() != StatusCode::TOO_MANY_REQUESTS {
            return Ok(response);
        }
        // A connection can be reused only after the whole response was read.
        response.bytes().await?;

        let delay_s = 2_f64.powi(attempt) + random.random::<f64>();
        sleep(Duration::from_secs_f64(delay_s.min(ceiling_s))).await;
        attempt += 1;
    }
}

/// The longest delay of the capped loop, in seconds.
///
/// The loop applies it after the jitter, as such loops usually do. From the fifth retry on, all
/// delays are therefore the same.
const CEILING_S: f64 = 10.0;

/// The maximum number of retries of `reqwest-retry`.
///
/// With 3 retries, the number in its documentation, half the calls of the default load end
/// throttled.
const RETRIES: u32 = 10;
