use std::{num::NonZeroU32, time::Duration};

use breather_examples::analytics::{self, Faults};
use clap::{Parser, builder::RangedU64ValueParser};

/// Fetches the details of many conversations from a rate-limited API in four ways, and shows how each of them fared.
///
/// The API is a server inside this program, on a loopback socket, and a fresh one for each way. It accepts a quota of
/// calls in each window, as long as no more than its cap are in flight, and throttles all others at once with 429.
#[derive(Debug, Parser)]
#[command(name = "analytics", allow_negative_numbers = true)]
pub(crate) struct Options {
    /// Conversations to fetch
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = up_to(1_000_000))]
    pub(crate) rows: u32,

    /// Callers that share them out, where each asks for one at a time
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = up_to(2_000))]
    pub(crate) callers: u32,

    /// Calls that the server accepts in each window
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = up_to(1_000_000))]
    quota: u32,

    /// Calls of all tokens that it accepts in each window [default: no such limit]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    org_quota: Option<u32>,

    /// Length of its windows
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = up_to(3_600_000))]
    window_ms: u32,

    /// Calls that it allows to be in flight
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = up_to(1_000_000))]
    cap: u32,

    /// Median time that it takes to answer a call that it accepts
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = up_to(60_000))]
    service_ms: u32,

    /// Jobs that it runs at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = up_to(1000))]
    jobs: u32,

    /// Time that it takes for a job
    #[arg(long, value_name = "MS", default_value_t = 3000, value_parser = up_to(3_600_000))]
    job_ms: u32,

    /// Have every so manieth request answered with 500 [default: none]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    errors_every: Option<u32>,

    /// Have the connection closed in place of every so manieth answer [default: none]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    drops_every: Option<u32>,

    /// Have the connection closed in the middle of every so manieth answer [default: none]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    cuts_every: Option<u32>,

    /// Have every so manieth request take ten times as long [default: none]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    slow_every: Option<u32>,

    /// Have every so manieth conversation of the queries fail [default: none]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    items_every: Option<u32>,

    /// Seed of the conversations and of the server's service times
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Time that each way gets; the naive one may be cut short, and any other fails by it
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
    NonZeroU32::new(value).expect("the parser accepts nothing below 1")
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
    fn the_command_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn senseless_values_are_refused() {
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
