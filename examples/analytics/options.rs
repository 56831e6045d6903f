use std::{num::NonZeroU32, time::Duration};

use breather_examples::analytics::{self, Faults};
use clap::{Parser, builder::RangedU64ValueParser};

/// Fetches many conversations from a rate-limited API in four ways, and compares the results.
///
/// The API is a server inside this program, on a loopback socket. Each way gets a fresh server. It
/// accepts a quota of calls in each window and a cap of calls in flight, and immediately rejects
/// all others with 429.
#[derive(Debug, Parser)]
#[command(name = "analytics", allow_negative_numbers = true)]
pub(crate) struct Options {
    /// Conversations to fetch
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = up_to(1_000_000))]
    pub(crate) rows: u32,

    /// Callers that share the conversations, each making one call at a time
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = up_to(2_000))]
    pub(crate) callers: u32,

    /// Calls that the server accepts in each window for each token
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = up_to(1_000_000))]
    quota: u32,

    /// Calls that the server accepts in each window for all tokens together [default: unlimited]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    org_quota: Option<u32>,

    /// Length of the server's windows
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = up_to(3_600_000))]
    window_ms: u32,

    /// Calls that the server allows in flight
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = up_to(1_000_000))]
    cap: u32,

    /// Median time that the server takes to answer an accepted call
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = up_to(60_000))]
    service_ms: u32,

    /// Jobs that the server runs at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = up_to(1000))]
    jobs: u32,

    /// Time that the server takes for a job
    #[arg(long, value_name = "MS", default_value_t = 3000, value_parser = up_to(3_600_000))]
    job_ms: u32,

    /// Answer every Nth request with 500 [default: never]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    errors_every: Option<u32>,

    /// Close the connection instead of sending every Nth response [default: never]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    drops_every: Option<u32>,

    /// Close the connection in the middle of every Nth response [default: never]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    cuts_every: Option<u32>,

    /// Take ten times as long for every Nth request [default: never]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    slow_every: Option<u32>,

    /// Fail every Nth conversation of the queries [default: never]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    items_every: Option<u32>,

    /// Seed of the conversations and of the server's service times
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Time limit of each way, which cuts the naive way short and makes any other fail
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = up_to(86_400))]
    pub(crate) limit_s: u32,

    /// Print one JSON object instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

impl Options {
    pub(crate) fn server(&self) -> analytics::Options {
        let options = analytics::Options::default()
            .with_conversations(self.rows)
            .with_quota(positive(self.quota))
            .with_window(milliseconds(self.window_ms))
            .with_cap(positive(self.cap))
            .with_service_time(milliseconds(self.service_ms))
            .with_jobs(positive(self.jobs))
            .with_job_time(milliseconds(self.job_ms))
            .with_faults(self.faults())
            .with_seed(self.seed);
        match self.org_quota {
            Some(quota) => options.with_org_quota(positive(quota)),
            None => options,
        }
    }

    fn faults(&self) -> Faults {
        let mut faults = Faults::none();
        if let Some(every) = self.errors_every {
            faults = faults.with_errors_every(positive(every));
        }
        if let Some(every) = self.drops_every {
            faults = faults.with_drops_every(positive(every));
        }
        if let Some(every) = self.cuts_every {
            faults = faults.with_cuts_every(positive(every));
        }
        if let Some(every) = self.slow_every {
            faults = faults.with_slow_every(positive(every));
        }
        if let Some(every) = self.items_every {
            faults = faults.with_items_every(positive(every));
        }
        faults
    }
}

fn positive(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).expect("the parser rejects values below 1")
}

fn milliseconds(value: u32) -> Duration {
    Duration::from_millis(value.into())
}

fn up_to(max: u64) -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=max)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn invalid_values_are_rejected() {
        for option in [
            "--rows",
            "--callers",
            "--quota",
            "--window-ms",
            "--drops-every",
        ] {
            for value in ["0", "-1", "NaN", "99999999999999999999", ""] {
                let error = Options::try_parse_from(["analytics", option, value]).unwrap_err();
                assert_eq!(error.exit_code(), 2, "{option} {value}");
            }
        }
    }
}
