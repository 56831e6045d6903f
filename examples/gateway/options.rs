//! What the gateway is told when it starts.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use breather::Policy;
use clap::Parser;
use http::HeaderName;
use jiff::SignedDuration;

/// Stands between callers and an API that throttles whoever asks too often, and has the callers wait instead.
///
/// Times are written with their units, as in "90s" or "1m 30s".
#[derive(Debug, Parser)]
#[command(name = "gateway", allow_negative_numbers = true)]
pub(crate) struct Options {
    /// Where calls go: http or https, a host, and a path if all of the API is below one
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,

    /// Address to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    pub(crate) listen: SocketAddr,

    /// Time that a call may take until the head of its answer, waits included [default: as the policy has it, which is any]
    #[arg(long, value_name = "TIME", value_parser = time)]
    deadline: Option<Duration>,

    /// Time that the upstream may take to answer once [default: as the policy has it, which is any]
    #[arg(long, value_name = "TIME", value_parser = time)]
    attempt_timeout: Option<Duration>,

    /// Calls that may wait, in all and for each token; one more is answered with 503
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) queue: u32,

    /// How often a call is repeated after failures that may pass [default: as the policy has it, which is 3]
    #[arg(long, value_name = "N")]
    retries: Option<u32>,

    /// TOML file with a policy of breather's, as docs/configuration.md has it; options count before it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Bytes of a request's body that are kept to send it again; what is longer is sent once
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024, value_parser = clap::value_parser!(u32).range(..=64 * 1024 * 1024))]
    pub(crate) replay_limit: u32,

    /// Header that tells one quota from another; its value is never shown
    #[arg(long, value_name = "NAME", default_value = "authorization")]
    pub(crate) token_header: HeaderName,

    /// Time that calls under way are given when the gateway is to end
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub(crate) grace: Duration,
}

impl Options {
    /// What the file says, and the options over it.
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

/// In the format of the policy's file, so that nobody has to know two.
fn time(text: &str) -> Result<Duration, String> {
    let signed: SignedDuration = text
        .parse()
        .map_err(|_| "expected a time with its unit, as 90s or 1m 30s".to_owned())?;
    match Duration::try_from(signed) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("expected more than nothing".to_owned()),
    }
}
