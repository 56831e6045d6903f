//! The clients that can be compared.

use clap::ValueEnum;

use crate::options::Options;

/// A client by its name on the command line. To add one, add a variant and what it stands for.
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

impl Client {
    pub(crate) fn client(self, options: &Options) -> breather_sim::Client {
        match self {
            Self::Loop => breather_sim::Client::Loop,
            Self::LoopCapped => breather_sim::Client::LoopCapped,
            Self::RetryAfter => breather_sim::Client::RetryAfter,
            Self::RetryAfterJitter => breather_sim::Client::RetryAfterJittered,
            Self::FullJitter => breather_sim::Client::FullJitter,
            Self::AwsAdaptive => options.aws_adaptive(),
            Self::Static => {
                let rate = options.rate();
                // As many as come in a second, which is what governor's quotas default to.
                let burst = rate.round().max(1.0) as u32;
                breather_sim::Client::StaticLimiter { rate, burst }
            }
            Self::Unpaced => breather_sim::Client::Unpaced,
            Self::Breather => breather_sim::Client::Breather,
        }
    }
}
