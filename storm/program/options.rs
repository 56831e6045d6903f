//! The options of the program.

mod answers;
mod clients;
mod limits;
mod load;
mod mishaps;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use breather_sim::{Load, Server};
use clap::Parser;

use self::answers::Answers;
use self::clients::Clients;
use self::limits::Limits;
use self::mishaps::Mishaps;
use crate::client::{Client, Settings};
use crate::limit::Kind;
use crate::number::up_to;

/// Compares clients that call the same server in virtual time, one client after another.
///
/// Each client meets a fresh server, which repeats the same service times. The ideal is a schedule
/// that knows quota, cap and service times in advance.
#[derive(Debug, Parser)]
#[command(verbatim_doc_comment, allow_negative_numbers = true)]
pub(crate) struct Options {
    /// Number of seeds, counted from 1; the results are medians
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = up_to(10_000))]
    seeds: u32,

    /// Print one JSON object instead of the table
    #[arg(long)]
    pub(crate) json: bool,

    /// File for a chart of the first seed, with sends, rejections and completions over time
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    #[command(flatten, next_help_heading = "Server")]
    limits: Limits,

    #[command(flatten, next_help_heading = "What the server says")]
    answers: Answers,

    #[command(
        flatten,
        next_help_heading = "What befalls the server, in seconds from the start"
    )]
    mishaps: Mishaps,

    #[command(flatten, next_help_heading = "Load")]
    load: load::Load,

    #[command(flatten, next_help_heading = "Clients")]
    clients: Clients,
}

impl Options {
    /// Checks the options as a whole and returns the first error.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.limits.check()?;
        self.answers.check()?;
        self.mishaps.check(&self.limits)?;
        self.load.check()?;
        self.clients.check()
    }

    pub(crate) fn server(&self) -> Server {
        self.mishaps.of(self.answers.of(self.limits.server()))
    }

    pub(crate) fn load(&self) -> Load {
        let load = self.load.load();
        load.with_policy(self.clients.policy())
            .with_pacing(self.clients.pacing())
    }

    pub(crate) fn clients(&self) -> &[Client] {
        self.clients.all()
    }

    pub(crate) fn seeds(&self) -> RangeInclusive<u64> {
        1..=self.seeds.into()
    }

    /// Returns the settings of the clients.
    pub(crate) fn settings(&self) -> Settings {
        self.clients.settings(self.limits.rate())
    }

    /// Returns the time between resets, if there are any.
    pub(crate) fn resets(&self) -> Option<Duration> {
        (self.limits.kind() == Kind::Fixed).then_some(self.limits.window())
    }

    /// Returns the server's limits and faults, in short.
    pub(crate) fn server_name(&self) -> String {
        [self.limits.words(), self.mishaps.words()]
            .concat()
            .join(", ")
    }

    /// Describes the load and the server in words.
    pub(crate) fn description(&self) -> String {
        let (load, server, answers) = (self.load.words(), self.server_name(), self.answers.words());
        format!("{load}. The API: {server}; it {answers}.")
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, ValueEnum};

    use super::load::Shape;
    use super::*;
    use breather_sim::{Limiter, Outage};

    #[test]
    fn command_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn defaults_match_the_simulated_server() {
        let options = parse(&[]).unwrap();
        assert_eq!(options.check(), Ok(()));
        assert_eq!(options.clients(), Client::value_variants());
        assert_eq!(
            format!("{:?}", options.server()),
            format!("{:?}", Server::default())
        );
        assert_eq!(
            format!("{:?}", options.load()),
            format!("{:?}", Load::spike(1_000))
        );
        assert_eq!(options.settings().rate, 5.0);
        assert_eq!(options.seeds(), 1..=5);
    }

    #[test]
    fn backoff_base_is_not_cut() {
        let ceiling = |args: &[&str]| {
            let options = parse(args).unwrap();
            options.clients.policy().backoff().ceiling(0).as_secs()
        };
        assert_eq!(ceiling(&["--backoff-ms", "60000"]), 60);
        let both = ["--backoff-ms", "60000", "--backoff-cap", "5"];
        assert_eq!(ceiling(&both), 5);
    }

    #[test]
    fn every_server_and_load_can_be_chosen() {
        for kind in Kind::value_variants() {
            for shape in Shape::value_variants() {
                let name = |value: clap::builder::PossibleValue| value.get_name().to_owned();
                let kind = name(kind.to_possible_value().unwrap());
                let shape = name(shape.to_possible_value().unwrap());
                let options = parse(&["--server", &kind, "--load", &shape]).unwrap();
                assert_eq!(options.check(), Ok(()));
                assert_eq!(options.load().calls(), 1_000, "{kind}, {shape}");
            }
        }
    }

    #[test]
    fn invalid_values_are_rejected_with_what_was_expected() {
        for option in [
            "--quota",
            "--window",
            "--burst",
            "--cap",
            "--service-ms",
            "--rejection-ms",
            "--calls",
            "--over",
            "--callers",
            "--processes",
            "--deadline",
            "--rate",
            "--seeds",
            "--server",
            "--load",
            "--headers",
            "--clients",
            "--max-retries",
            "--max-throttles",
            "--cap-retry-after",
            "--max-queued",
            "--aws-retries",
            "--aws-quota",
            "--limiter",
            "--others",
            "--network-jitter-ms",
            "--cap-status",
            "--rounding",
            "--reset-form",
            "--skew",
            "--early",
            "--quota-change",
            "--cap-change",
            "--closed",
            "--outage",
            "--brown-out",
            "--giving-up",
            "--backoff-ms",
            "--backoff-cap",
            "--jitter",
            "--max-retry-after",
        ] {
            for value in [
                "-100000",
                "NaN",
                "inf",
                "1e300",
                "99999999999999999999",
                "",
                "nonsense",
            ] {
                let error = parse(&[option, value]).unwrap_err();
                assert_eq!(error.exit_code(), 2, "{option} {value}");
                let text = error.to_string();
                let says = ["expected", "possible values"];
                assert!(says.iter().any(|it| text.contains(it)), "{text}");
            }
        }
        for option in [
            "--quota",
            "--cap",
            "--calls",
            "--window",
            "--seeds",
            "--processes",
        ] {
            assert_eq!(
                parse(&[option, "0"]).unwrap_err().exit_code(),
                2,
                "{option}"
            );
        }
    }

    #[test]
    fn conflicting_options_are_rejected() {
        for (args, expected) in [
            (&["--burst", "5"][..], "token-bucket"),
            (&["--over", "5"], "ramp or open"),
            (&["--callers", "5"], "sequential"),
            (&["--load", "sequential", "--callers", "7"], "a multiple"),
            (
                &["--server", "cap-only", "--cap", "none"],
                "expects a --cap",
            ),
            (&["--rate", "5", "--clients", "loop"], "static"),
            (&["--reset-at-next"], "token bucket"),
            (
                &["--count-at-response", "--server", "leaky-bucket"],
                "no leaky bucket",
            ),
            (&["--skew", "3"], "epoch"),
            (
                &["--reset-form", "epoch", "--headers", "none"],
                "--headers all",
            ),
            (&["--early", "1", "--headers", "none"], "retry-after"),
            (&["--rounding", "down", "--headers", "none"], "retry-after"),
            (
                &["--server", "cap-only", "--others", "0.1"],
                "--others expects",
            ),
            (
                &["--server", "cap-only", "--count-throttled"],
                "with a quota",
            ),
            (
                &["--server", "cap-only", "--quota-change", "9:9"],
                "with a quota",
            ),
            (&["--server", "cap-only", "--closed", "8:9"], "with a quota"),
            (
                &["--others", "0.5", "--quota-change", "90:160"],
                "0.9 at most",
            ),
        ] {
            let error = parse(args).unwrap().check().unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn option_with_several_parts_is_rejected_if_one_is_wrong() {
        for (option, values) in [
            (
                "--limiter",
                &[
                    "fixed",
                    "fixed:300",
                    "fixed:0:60",
                    "fixed:300:0",
                    "fixed:300:60:5",
                    "magic:300:60",
                    "cap-only:300:60",
                    "token-bucket:300:60:0",
                    "token-bucket:300:60:5:5",
                ][..],
            ),
            (
                "--quota-change",
                &["90", "90:0", "90:none", "-1:9", "90:1:1", "x:1"],
            ),
            (
                "--cap-change",
                &["90", "90:0", "90:few", "86401:9", "90:1:1"],
            ),
            (
                "--closed",
                &["60", "60:60", "65:60", "60:65:70", "60:86401"],
            ),
            (
                "--outage",
                &[
                    "60",
                    "70:60",
                    "60:70:429",
                    "60:70:503:none",
                    "60:70:503:2:2",
                ],
            ),
            (
                "--brown-out",
                &["60:70", "70:60:10", "60:70:0.5", "60:70:NaN", "60:70:9:9"],
            ),
            (
                "--giving-up",
                &["0.5", "1.5:10", "-0.5:10", "NaN:10", "0.5:0", "0.5:9:9"],
            ),
        ] {
            for value in values {
                let error = parse(&[option, value]).unwrap_err();
                assert_eq!(error.exit_code(), 2, "{option} {value}");
                assert!(error.to_string().contains("expected "), "{error}");
            }
        }
    }

    #[test]
    fn repeated_options_add_up() {
        let options = parse(&[
            "--quota-change",
            "90:150",
            "--cap-change",
            "90:none",
            "--quota-change",
            "120:600",
            "--limiter",
            "fixed:3000:3600",
            "--limiter",
            "token-bucket:100:1:10",
            "--closed",
            "0:5",
            "--outage",
            "60:70.5:503:2",
            "--outage",
            "10:20",
            "--brown-out",
            "60:120:10",
        ])
        .unwrap();
        assert_eq!(options.check(), Ok(()));
        let seconds = Duration::from_secs_f64;
        let expected = Server::default()
            .with_limiter(Limiter::fixed_window(3_000, seconds(3_600.0)))
            .with_limiter(Limiter::token_bucket(100, seconds(1.0), 10))
            .with_quota_from(seconds(90.0), 150)
            .with_quota_from(seconds(120.0), 600)
            .with_cap_from(seconds(90.0), None)
            .with_closed(seconds(0.0), seconds(5.0))
            .with_outage(seconds(60.0), seconds(70.5), Outage::Unavailable(Some(2)))
            .with_outage(seconds(10.0), seconds(20.0), Outage::Lost)
            .with_brownout(seconds(60.0), seconds(120.0), 10.0);
        assert_eq!(format!("{:?}", options.server()), format!("{expected:?}"));
    }

    #[test]
    fn unusual_settings_are_described() {
        let options = parse(&[
            "--processes",
            "1000",
            "--giving-up",
            "0.3:10",
            "--others",
            "0.5",
            "--count-throttled",
            "--network-jitter-ms",
            "50",
            "--headers",
            "all",
            "--reset-form",
            "epoch",
            "--skew",
            "-3",
            "--early",
            "1",
            "--rounding",
            "down",
            "--cap-status",
            "503",
            "--quota-change",
            "90:200",
            "--cap-change",
            "95:none",
            "--outage",
            "60:70",
            "--brown-out",
            "60:120:10",
        ])
        .unwrap();
        assert_eq!(options.check(), Ok(()));
        assert_eq!(
            options.description(),
            "1,000 calls by 1,000 processes, all started at once, 30 % given up within 10 s. The API: fixed \
             window, 300 in 60 s, 50 in flight, throttled calls cost quota, others use 50 %, up to 50 ms more each \
             way, a quota of 200 from 90 s on, no cap from 95 s on, no connection from 60 to 70 s, 10 times as slow \
             from 60 to 120 s; it tells all, throttles with 503 for the cap, rounds down, resets as epochs, by a clock \
             3 s behind, 1 s too early."
        );
    }

    #[test]
    fn clients_are_separated_by_commas() {
        let options = parse(&["--clients", "breather,loop-capped"]).unwrap();
        assert_eq!(options.clients(), [Client::Breather, Client::LoopCapped]);
        let error = parse(&["--clients", "loop,nonsense"]).unwrap_err();
        assert!(error.to_string().contains("possible values: loop,"));
    }

    fn parse(args: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from([&["breather-storm"], args].concat())
    }
}
