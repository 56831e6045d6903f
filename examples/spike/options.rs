use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use breather_examples::analytics;
use breather_sim::Ideal;
use clap::{Parser, ValueEnum, builder::RangedU64ValueParser};

use crate::client::Client;

/// Compares HTTP clients that retry against a rate-limited API.
///
/// The API is a server inside this program, on a loopback socket. It accepts a quota of calls in
/// each window, up to its cap in flight, and rejects all other calls immediately with 429.
///
/// The clients run one after the other. Each one gets a new server with the same response times.
#[derive(Debug, Parser)]
#[command(name = "spike", verbatim_doc_comment, allow_negative_numbers = true)]
pub(crate) struct Options {
    /// Callers, which all start at once and make one call at a time each
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = up_to(10_000))]
    pub(crate) callers: u32,

    /// Total calls, shared among the callers
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = up_to(1_000_000))]
    pub(crate) calls: u32,

    /// Calls that the server accepts in each window
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = up_to(1_000_000))]
    quota: u32,

    /// Length of the server's windows, from 0.1 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = window)]
    window: Duration,

    /// Calls that the server allows in flight
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = up_to(1_000_000))]
    cap: u32,

    /// Median response time of a call that the server accepts, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = up_to(60_000))]
    service_ms: u32,

    /// Clients to run, separated by commas [default: all of them]
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        value_enum,
        default_values_t = Client::value_variants(),
        hide_default_value = true,
    )]
    pub(crate) clients: Vec<Client>,

    /// Seed of the server's response times and of the delays in the hand-written loops
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Print one JSON object instead of the table
    #[arg(long)]
    pub(crate) json: bool,

    /// File for the chart of the sends over time [default: spike.svg in cargo's target directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// Port of the server on 127.0.0.1, or 0 for any free port
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,

    /// Time limit for each client, from 0.1 to 86400. Calls that have not ended by then are given
    /// up [default: all clients together take under two minutes, or if the ideal takes over 40 s,
    /// each gets a little over twice the ideal]
    #[arg(long = "limit-s", value_name = "SECONDS", value_parser = limit)]
    pub(crate) limit: Option<Duration>,
}

impl Options {
    pub(crate) fn server(&self) -> analytics::Options {
        analytics::Options::default()
            .with_quota(positive(self.quota))
            .with_window(self.window)
            .with_cap(positive(self.cap))
            .with_service_time(Duration::from_millis(self.service_ms.into()))
            .with_seed(self.seed)
            .with_port(self.port)
    }

    /// Returns the ideal schedule, which knows all limits and response times in advance.
    ///
    /// It makes at most one call at a time for each caller.
    pub(crate) fn ideal(&self) -> Ideal {
        let times = self.server().service_times().take(self.calls as usize);
        let places = self.cap.min(self.callers) as usize;
        Ideal::new(self.quota.into(), self.window, places, times)
    }
}

fn positive(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).expect("the parser accepts 1 and above")
}

fn up_to(max: u64) -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=max)
}

fn window(text: &str) -> Result<Duration, String> {
    seconds(text, 3600.0)
}

fn limit(text: &str) -> Result<Duration, String> {
    seconds(text, 86_400.0)
}

fn seconds(text: &str, max: f64) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=max).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        Ok(_) => Err(format!("{text} is not in 0.1..={max}")),
        Err(_) => Err(format!("`{text}` is not a number of seconds")),
    }
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
    fn defaults_run_every_client() {
        let options = parse(&[]).unwrap();
        assert_eq!(options.clients, Client::value_variants());
        assert_eq!(options.server(), analytics::Options::default());
    }

    #[test]
    fn clients_are_separated_by_commas() {
        let options = parse(&["--clients", "reqwest-retry,loop"]).unwrap();
        assert_eq!(options.clients, [Client::ReqwestRetry, Client::Loop]);
        let error = parse(&["--clients", "loop,nonsense"]).unwrap_err();
        assert!(error.to_string().contains("possible values: loop,"));
    }

    #[test]
    fn invalid_values_are_rejected() {
        for option in [
            "--callers",
            "--calls",
            "--quota",
            "--window",
            "--cap",
            "--service-ms",
            "--limit-s",
        ] {
            for value in ["0", "-1", "NaN", "inf", "1e300", "99999999999999999999", ""] {
                let error = parse(&[option, value]).unwrap_err();
                assert_eq!(error.exit_code(), 2, "{option} {value}");
            }
        }
    }

    #[test]
    fn seconds_may_have_fractions() {
        let options = parse(&["--window", "2.5"]).unwrap();
        assert_eq!(options.window, Duration::from_millis(2500));
    }

    #[test]
    fn svg_option_names_the_chart_file() {
        assert_eq!(parse(&[]).unwrap().svg, None);
        let options = parse(&["--svg", "a chart.svg"]).unwrap();
        assert_eq!(options.svg, Some("a chart.svg".into()));
        for args in [&["--svg"][..], &["--svg", ""]] {
            assert_eq!(parse(args).unwrap_err().exit_code(), 2, "{args:?}");
        }
    }

    fn parse(args: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from([&["spike"], args].concat())
    }
}
