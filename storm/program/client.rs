//! The clients that can be compared.

use clap::ValueEnum;

/// A client by its name on the command line. To add one, add a variant and its
/// [`breather_sim::Client`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Client {
    Loop,
    LoopCapped,
    RetryAfter,
    RetryAfterJitter,
    FullJitter,
    AwsAdaptive,
    Static,
    Unpaced,
    Breather,
}

/// The settings of some clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// The rate of the static limiter, in sends a second.
    pub(crate) rate: f64,
    pub(crate) aws_retries: u32,
    pub(crate) aws_quota: Option<u32>,
}

impl Client {
    pub(crate) fn client(self, settings: &Settings) -> breather_sim::Client {
        match self {
            Self::Loop => breather_sim::Client::Loop,
            Self::LoopCapped => breather_sim::Client::LoopCapped,
            Self::RetryAfter => breather_sim::Client::RetryAfter,
            Self::RetryAfterJitter => breather_sim::Client::RetryAfterJittered,
            Self::FullJitter => breather_sim::Client::FullJitter,
            Self::AwsAdaptive => breather_sim::Client::AwsAdaptive {
                retries: settings.aws_retries,
                quota: settings.aws_quota,
            },
            Self::Static => {
                let rate = settings.rate;
                // The number that comes in a second, which is also the default of governor's
                // quotas.
                let burst = rate.round().max(1.0) as u32;
                breather_sim::Client::StaticLimiter { rate, burst }
            }
            Self::Unpaced => breather_sim::Client::Unpaced,
            Self::Breather => breather_sim::Client::Breather,
        }
    }
}
