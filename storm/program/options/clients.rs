//! The clients and their policies.

use std::time::Duration;

use breather::{Backoff, Pacing, Policy};
use clap::{Args, ValueEnum};

use crate::client::{Client, Settings};
use crate::number::{OrNone, any, or_none, rate, seconds, up_to};

#[derive(Args, Debug)]
pub(crate) struct Clients {
    /// Most retries of a call by breather after failures
    #[arg(long, value_name = "N", default_value_t = Policy::new().max_retries(), value_parser = any)]
    max_retries: u32,

    /// Most retries of a call by breather after rejections
    #[arg(long, value_name = "N", default_value_t = Policy::new().max_throttles(), value_parser = any)]
    max_throttles: u32,

    /// Longest delay before breather's first retry; it doubles before each further one
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = up_to(3_600_000))]
    backoff_ms: u32,

    /// Longest delay before any retry, after doubling [default: 20, or that of --backoff-ms if
    /// longer]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    backoff_cap: Option<Duration>,

    /// How breather draws delays up to the longest [default: full]
    #[arg(long, value_name = "KIND", value_enum)]
    jitter: Option<Jitter>,

    /// Time after which breather gives up a call [default: none]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    deadline: Option<Duration>,

    /// Longest wait that the server may ask of breather; a longer one ends the call
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    max_retry_after: Duration,

    /// Most calls of each process that breather queues; further calls are given up
    #[arg(long, value_name = "N", default_value_t = max_queued(), value_parser = any)]
    max_queued: u32,

    /// Rate of the static limiter [default: that of the server's quota]
    #[arg(long, value_name = "PER SECOND", value_parser = rate)]
    rate: Option<f64>,

    /// Most retries of a call by the AWS client; its three attempts are two retries
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = any)]
    aws_retries: u32,

    /// Tokens that pay for the AWS client's retries, or `none` for free retries
    #[arg(long, value_name = "N", default_value = "500", value_parser = or_none)]
    aws_quota: OrNone,

    /// Clients, separated by commas [default: all of them]
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        value_enum,
        default_values_t = Client::value_variants(),
        hide_default_value = true,
    )]
    clients: Vec<Client>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Jitter {
    /// Evenly from zero to the longest
    Full,
    /// Evenly from half of the longest to the longest
    Equal,
    /// Evenly up to three times the previous delay
    Decorrelated,
    /// The longest itself
    None,
}

impl Clients {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.rate.is_some() && !self.clients.contains(&Client::Static) {
            return Err("--rate expects static to be among the --clients".to_owned());
        }
        Ok(())
    }

    pub(crate) fn all(&self) -> &[Client] {
        &self.clients
    }

    /// Returns the settings of the clients, for a server whose quota allows `rate` sends a second.
    pub(crate) fn settings(&self, rate: f64) -> Settings {
        Settings {
            rate: self.rate.unwrap_or(rate),
            aws_retries: self.aws_retries,
            aws_quota: self.aws_quota.0,
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        let backoff = Backoff::exponential(Duration::from_millis(self.backoff_ms.into()));
        let backoff = match self.backoff_cap {
            Some(cap) => backoff.with_cap(cap),
            None => backoff,
        };
        let mut policy = Policy::new()
            .with_max_retries(self.max_retries)
            .with_max_throttles(self.max_throttles)
            .with_backoff(backoff)
            .with_max_retry_after(self.max_retry_after);
        if let Some(jitter) = self.jitter {
            policy = policy.with_jitter(match jitter {
                Jitter::Full => breather::Jitter::full(),
                Jitter::Equal => breather::Jitter::equal(),
                Jitter::Decorrelated => breather::Jitter::decorrelated(),
                Jitter::None => breather::Jitter::none(),
            });
        }
        match self.deadline {
            Some(deadline) => policy.with_deadline(deadline),
            None => policy,
        }
    }

    pub(crate) fn pacing(&self) -> Pacing {
        Pacing::new().with_max_queued(self.max_queued as usize)
    }
}

/// Returns the default of breather.
fn max_queued() -> u32 {
    u32::try_from(Pacing::new().max_queued()).unwrap_or(u32::MAX)
}
