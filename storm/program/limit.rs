//! A quota and the rule that counts it.

use std::time::Duration;

use breather_sim::Limiter;
use breather_storm::thousands;
use clap::ValueEnum;

use crate::number::{count, seconds};

/// One of the server's quotas.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    kind: Kind,
    limiter: Limiter,
    name: String,
}

/// The rule that limits the calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Kind {
    /// Consecutive windows
    Fixed,
    /// Any period as long as a window, with a list of calls
    SlidingLog,
    /// About any period as long as a window, with the counts of two windows
    SlidingCounter,
    /// Tokens that come evenly
    TokenBucket,
    /// A queue that is served evenly
    LeakyBucket,
    /// The cap only
    CapOnly,
}

impl Kind {
    /// Returns whether the rule has a size besides the quota.
    pub(crate) const fn is_bucket(self) -> bool {
        matches!(self, Self::TokenBucket | Self::LeakyBucket)
    }
}

impl Limit {
    /// Creates a limit, or `None` if the kind has no quota.
    pub(crate) fn new(
        kind: Kind,
        quota: u32,
        window: Duration,
        burst: Option<u32>,
    ) -> Option<Self> {
        let burst = u64::from(burst.unwrap_or(quota));
        let quota = u64::from(quota);
        let (limiter, name) = match kind {
            Kind::Fixed => (
                Limiter::fixed_window(quota, window),
                "fixed window".to_owned(),
            ),
            Kind::SlidingLog => (
                Limiter::sliding_log(quota, window),
                "sliding log".to_owned(),
            ),
            Kind::SlidingCounter => (
                Limiter::sliding_counter(quota, window),
                "sliding counter".to_owned(),
            ),
            Kind::TokenBucket => (
                Limiter::token_bucket(quota, window, burst),
                format!("token bucket of {}", thousands(burst)),
            ),
            Kind::LeakyBucket => (
                Limiter::leaky_bucket(quota, window, burst),
                format!("leaky bucket with a queue of {}", thousands(burst)),
            ),
            Kind::CapOnly => return None,
        };
        let name = format!("{name}, {} in {} s", thousands(quota), window.as_secs_f64());
        Some(Self {
            kind,
            limiter,
            name,
        })
    }

    /// Parses kind, quota, seconds and, if given, the size of a bucket, separated by colons.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parse = || {
            let mut parts = text.split(':');
            let kind = Kind::from_str(parts.next()?, false).ok()?;
            let quota = count(parts.next()?).ok()?;
            let window = seconds(parts.next()?).ok()?;
            let burst = parts.next().map(count).transpose().ok()?;
            let is_over = parts.next().is_none() && (burst.is_none() || kind.is_bucket());
            Self::new(kind, quota, window, burst).filter(|_| is_over)
        };
        parse().ok_or_else(|| EXPECTED.to_owned())
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) const fn limiter(&self) -> Limiter {
        self.limiter
    }

    /// Returns a short name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

const EXPECTED: &str = "expected a kind of --server that has a quota, the quota, seconds, and \
                        perhaps the size of a bucket, as fixed:3000:3600 or token-bucket:100:1:10";
