//! The command-line options.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use breather::Policy;
use clap::Parser;
use http::HeaderName;
use jiff::SignedDuration;

/// Forwards calls to a rate-limited API, and queues and retries them so that callers see no 429
///
/// Write times with their units, for example "90s" or "1m 30s".
#[derive(Debug, Parser)]
#[command(name = "gateway", allow_negative_numbers = true)]
pub(crate) struct Options {
    /// URL of the API: http or https, a host, and a path if the whole API is below one
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,

    /// Address to listen on (port 0 picks a free port)
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    pub(crate) listen: SocketAddr,

    /// Longest time until the head of a response, including waits [default: from the policy, or
    /// unlimited]
    #[arg(long, value_name = "TIME", value_parser = time)]
    deadline: Option<Duration>,

    /// Longest time for the upstream to respond to one attempt [default: from the policy, or
    /// unlimited]
    #[arg(long, value_name = "TIME", value_parser = time)]
    attempt_timeout: Option<Duration>,

    /// Calls that may be queued, both in total and for each token (further calls get 503)
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) queue: u32,

    /// Retries of a call after transient failures, not counting rejections [default: from the
    /// policy, or 3]
    #[arg(long, value_name = "N")]
    retries: Option<u32>,

    /// TOML file with a breather policy, described in docs/configuration.md (options override it)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Bytes of a request's body to keep for a retry (a longer body is sent once)
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024, value_parser = clap::value_parser!(u32).range(..=64 * 1024 * 1024))]
    pub(crate) replay_limit: u32,

    /// Header that identifies the caller's quota (its value is never shown)
    #[arg(long, value_name = "NAME", default_value = "authorization")]
    pub(crate) token_header: HeaderName,

    /// Time for calls in flight to finish when the gateway stops
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub(crate) grace: Duration,
}

impl Options {
    /// Returns the file's policy with the options applied to it.
    pub(crate) fn policy(&self) -> anyhow::Result<Policy> {
        let mut policy = match &self.policy {
            Some(path) => {
                let file = path.display();
                let text = fs::read_to_string(path)
                    .with_context(|| format!("cannot read the policy {file}"))?;
                toml::from_str(&text).with_context(|| format!("{file} is no policy"))?
            }
            None => Policy::new(),
        };
        if let Some(deadline) = self.deadline {
            policy = policy.with_deadline(deadline);
        }
        if let Some(timeout) = self.attempt_timeout {
            policy = policy.with_attempt_timeout(timeout);
        }
        if let Some(retries) = self.retries {
            policy = policy.with_max_retries(retries);
        }
        Ok(policy)
    }
}

/// Parses the format of the policy file, so that users need only one.
fn time(text: &str) -> Result<Duration, String> {
    let signed: SignedDuration = text
        .parse()
        .map_err(|_| "expected a time with its unit, as 90s or 1m 30s".to_owned())?;
    match Duration::try_from(signed) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("expected more than nothing".to_owned()),
    }
}
