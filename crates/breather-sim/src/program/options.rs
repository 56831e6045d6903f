//! What is to be played.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use breather::{Pacing, Policy};
use breather_sim::chart::{plural, thousands};
use breather_sim::{Limiter, Load, Server};
use clap::{Args, Parser, ValueEnum};

use crate::client::Client;
use crate::number::{OrNone, any, or_none, places, rate, seconds, up_to};

/// Simulates callers of a rate-limited API, in virtual time.
#[derive(Debug, Parser)]
#[command(name = "breather-sim", bin_name = "breather-sim")]
pub(crate) enum Program {
    /// Lets several clients call the same server, one after the other, and shows how each of them fared.
    ///
    /// Each client meets a fresh server, whose accepted calls take the same times again. The ideal is the schedule
    /// of someone who knows quota, cap and service times in advance.
    #[command(verbatim_doc_comment, allow_negative_numbers = true)]
    Storm(Options),
}

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// What limits the calls besides the cap
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Kind::Fixed, help_heading = SERVER)]
    server: Kind,

    /// Calls that the server accepts in each window
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = up_to(1_000_000_000), help_heading = SERVER)]
    quota: u32,

    /// Length of a window, from 0.001 to 86400
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds, help_heading = SERVER)]
    window: Duration,

    /// Size of the token bucket, or of the leaky bucket's queue [default: the quota]
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000_000), help_heading = SERVER)]
    burst: Option<u32>,

    /// Calls that the server allows to be in flight, or `none` for any number
    #[arg(long, value_name = "N", default_value = "50", value_parser = places, help_heading = SERVER)]
    cap: OrNone,

    /// Median time of a call that is accepted
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = up_to(3_600_000), help_heading = SERVER)]
    service_ms: u32,

    /// Time of a call that is refused, all of it in the network
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = up_to(3_600_000), help_heading = SERVER)]
    refusal_ms: u32,

    /// What the server says of its limits
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = Headers::All, help_heading = SERVER)]
    headers: Headers,

    /// `Retry-After` of refusals for the cap, in seconds, or `none`
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = or_none, help_heading = SERVER)]
    cap_retry_after: OrNone,

    /// When calls start
    #[arg(long, value_name = "SHAPE", value_enum, default_value_t = Shape::Spike, help_heading = LOAD)]
    load: Shape,

    /// Calls in all
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = up_to(10_000_000), help_heading = LOAD)]
    calls: u32,

    /// Time within which the calls of a ramp, or of an open load, start [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = LOAD)]
    over: Option<Duration>,

    /// Callers of a sequential load, each of which makes one call after the other [default: 100]
    #[arg(long, value_name = "N", value_parser = up_to(10_000_000), help_heading = LOAD)]
    callers: Option<u32>,

    /// Processes that share the server and don't know of one another
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = up_to(100_000), help_heading = LOAD)]
    processes: u32,

    /// Failures of a call that breather follows by another attempt
    #[arg(long, value_name = "N", default_value_t = Policy::new().retries(), value_parser = any, help_heading = CLIENTS)]
    retries: u32,

    /// Refusals of a call that breather follows by another attempt
    #[arg(long, value_name = "N", default_value_t = Policy::new().refusals(), value_parser = any, help_heading = CLIENTS)]
    refusals: u32,

    /// Time after which breather gives up a call [default: none]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = CLIENTS)]
    deadline: Option<Duration>,

    /// Calls of each process that breather lets wait; one more is given up
    #[arg(long, value_name = "N", default_value_t = waiters(), value_parser = any, help_heading = CLIENTS)]
    waiters: u32,

    /// Rate of the static limiter [default: that of the server's quota]
    #[arg(long, value_name = "PER SECOND", value_parser = rate, help_heading = CLIENTS)]
    rate: Option<f64>,

    /// Retries of a call by the AWS client: what it calls three attempts are two
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = any, help_heading = CLIENTS)]
    aws_retries: u32,

    /// Tokens that the AWS client pays its retries with, or `none` for free ones
    #[arg(long, value_name = "N", default_value = "500", value_parser = or_none, help_heading = CLIENTS)]
    aws_quota: OrNone,

    /// Clients, separated by commas [default: all of them]
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        value_enum,
        default_values_t = Client::value_variants(),
        hide_default_value = true,
        help_heading = CLIENTS,
    )]
    pub(crate) clients: Vec<Client>,

    /// Seeds, from 1 on: what is shown are medians
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = up_to(10_000))]
    seeds: u32,

    /// Print one JSON object instead of the table
    #[arg(long)]
    pub(crate) json: bool,

    /// File for a chart of the first seed: sends, refusals and completions over time
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Kind {
    /// Windows that follow one another
    Fixed,
    /// Any time as long as a window, by a list of calls
    SlidingLog,
    /// Any time about as long as a window, by the counts of two windows
    SlidingCounter,
    /// Tokens that come evenly
    TokenBucket,
    /// A queue that is served evenly
    LeakyBucket,
    /// Nothing but the cap
    CapOnly,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Headers {
    /// Limit, remaining and reset in every answer, and `Retry-After` in refusals
    All,
    /// `Retry-After` in refusals
    RetryAfter,
    /// Nothing but the status
    None,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Shape {
    /// All at once
    Spike,
    /// Ever more often
    Ramp,
    /// Evenly, whether those before are over or not
    Open,
    /// One after the other, by each caller
    Sequential,
}

impl Options {
    /// What is wrong with the options as a whole.
    pub(crate) fn check(&self) -> Result<(), String> {
        let has_bucket = matches!(self.server, Kind::TokenBucket | Kind::LeakyBucket);
        if self.burst.is_some() && !has_bucket {
            return Err("--burst expects --server token-bucket or leaky-bucket".to_owned());
        }
        if self.over.is_some() && !matches!(self.load, Shape::Ramp | Shape::Open) {
            return Err("--over expects --load ramp or open".to_owned());
        }
        if self.callers.is_some() && self.load != Shape::Sequential {
            return Err("--callers expects --load sequential".to_owned());
        }
        if self.load == Shape::Sequential && self.calls % self.callers() != 0 {
            let callers = self.callers();
            return Err(format!(
                "--calls expects a multiple of --callers, which is {callers}"
            ));
        }
        if self.server == Kind::CapOnly && self.cap == OrNone(None) {
            return Err("--server cap-only expects a --cap".to_owned());
        }
        if self.rate.is_some() && !self.clients.contains(&Client::Static) {
            return Err("--rate expects static to be among the --clients".to_owned());
        }
        Ok(())
    }

    pub(crate) fn server(&self) -> Server {
        let (quota, window) = (u64::from(self.quota), self.window);
        let burst = self.burst.map_or(quota, u64::from);
        let server = match self.server {
            Kind::Fixed => Server::default().limited_by(Limiter::fixed_window(quota, window)),
            Kind::SlidingLog => Server::default().limited_by(Limiter::sliding_log(quota, window)),
            Kind::SlidingCounter => {
                Server::default().limited_by(Limiter::sliding_counter(quota, window))
            }
            Kind::TokenBucket => {
                Server::default().limited_by(Limiter::token_bucket(quota, window, burst))
            }
            Kind::LeakyBucket => {
                Server::default().limited_by(Limiter::leaky_bucket(quota, window, burst))
            }
            Kind::CapOnly => Server::unlimited(),
        };
        server
            .with_cap(self.cap.0)
            .with_service(Duration::from_millis(self.service_ms.into()))
            .with_refusal(Duration::from_millis(self.refusal_ms.into()))
            .with_cap_retry_after(self.cap_retry_after.0.map(u64::from))
            .with_headers(match self.headers {
                Headers::All => breather_sim::Headers::All,
                Headers::RetryAfter => breather_sim::Headers::RetryAfter,
                Headers::None => breather_sim::Headers::None,
            })
    }

    pub(crate) fn load(&self) -> Load {
        let calls = self.calls as usize;
        let callers = self.callers() as usize;
        let policy = Policy::new()
            .with_retries(self.retries)
            .with_refusals(self.refusals);
        let policy = match self.deadline {
            Some(deadline) => policy.with_deadline(deadline),
            None => policy,
        };
        let load = match self.load {
            Shape::Spike => Load::spike(calls),
            Shape::Ramp => Load::ramp(calls, self.over()),
            Shape::Open => Load::open(calls as f64 / self.over().as_secs_f64(), self.over()),
            Shape::Sequential => Load::sequential(callers, calls / callers),
        };
        load.with_processes(self.processes as usize)
            .with_policy(policy)
            .with_pacing(Pacing::new().with_waiters(self.waiters as usize))
    }

    pub(crate) fn seeds(&self) -> RangeInclusive<u64> {
        1..=self.seeds.into()
    }

    /// Of the static limiter, in sends a second.
    pub(crate) fn rate(&self) -> f64 {
        let of_quota = || f64::from(self.quota) / self.window.as_secs_f64();
        self.rate.unwrap_or_else(of_quota)
    }

    /// The AWS SDKs' client.
    pub(crate) fn aws_adaptive(&self) -> breather_sim::Client {
        breather_sim::Client::AwsAdaptive {
            retries: self.aws_retries,
            quota: self.aws_quota.0,
        }
    }

    /// From one reset to the next, if there are some.
    pub(crate) fn resets(&self) -> Option<Duration> {
        (self.server == Kind::Fixed).then_some(self.window)
    }

    /// The server's limits, in short.
    pub(crate) fn server_name(&self) -> String {
        let quota = format!(
            "{} in {} s",
            thousands(self.quota.into()),
            self.window.as_secs_f64()
        );
        let burst = thousands(self.burst.unwrap_or(self.quota).into());
        let limiter = match self.server {
            Kind::Fixed => format!("fixed window, {quota}"),
            Kind::SlidingLog => format!("sliding log, {quota}"),
            Kind::SlidingCounter => format!("sliding counter, {quota}"),
            Kind::TokenBucket => format!("token bucket of {burst}, {quota}"),
            Kind::LeakyBucket => format!("leaky bucket with a queue of {burst}, {quota}"),
            Kind::CapOnly => "no quota".to_owned(),
        };
        match self.cap.0 {
            Some(cap) => format!("{limiter}, {} in flight", thousands(cap.into())),
            None => format!("{limiter}, any number in flight"),
        }
    }

    /// The load and the server, in words.
    pub(crate) fn description(&self) -> String {
        let over = self.over().as_secs_f64();
        let start = match self.load {
            Shape::Spike => "all started at once".to_owned(),
            Shape::Ramp => format!("started ever more often within {over} s"),
            Shape::Open => format!("started evenly within {over} s"),
            Shape::Sequential => {
                format!(
                    "one after the other by {}",
                    plural(self.callers(), "caller")
                )
            }
        };
        let processes = match self.processes {
            1 => String::new(),
            processes => format!(" by {processes} processes"),
        };
        let headers = match self.headers {
            Headers::All => "tells all",
            Headers::RetryAfter => "sends Retry-After alone",
            Headers::None => "says nothing but the status",
        };
        format!(
            "{}{processes}, {start}. The API: {}; it {headers}.",
            plural(self.calls, "call"),
            self.server_name(),
        )
    }

    fn over(&self) -> Duration {
        self.over.unwrap_or(Duration::from_secs(60))
    }

    fn callers(&self) -> u32 {
        self.callers.unwrap_or(100)
    }
}

/// By default.
fn waiters() -> u32 {
    u32::try_from(Pacing::new().waiters()).unwrap_or(u32::MAX)
}

const SERVER: &str = "Server";
const LOAD: &str = "Load";
const CLIENTS: &str = "Clients";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_is_well_formed() {
        Program::command().debug_assert();
    }

    #[test]
    fn defaults_are_the_servers_own() {
        let options = parse(&[]).unwrap();
        assert_eq!(options.check(), Ok(()));
        assert_eq!(options.clients, Client::value_variants());
        assert_eq!(
            format!("{:?}", options.server()),
            format!("{:?}", Server::default())
        );
        assert_eq!(options.load().calls(), 1_000);
        assert_eq!(options.rate(), 5.0);
        assert_eq!(options.seeds(), 1..=5);
    }

    #[test]
    fn every_server_and_load_can_be_had() {
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
    fn senseless_values_are_refused_with_what_was_expected() {
        for option in [
            "--quota",
            "--window",
            "--burst",
            "--cap",
            "--service-ms",
            "--refusal-ms",
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
            "--retries",
            "--refusals",
            "--cap-retry-after",
            "--waiters",
            "--aws-retries",
            "--aws-quota",
        ] {
            for value in [
                "-1",
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
    fn options_that_do_not_go_together_are_refused() {
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
        ] {
            let error = parse(args).unwrap().check().unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn clients_are_separated_by_commas() {
        let options = parse(&["--clients", "breather,loop-capped"]).unwrap();
        assert_eq!(options.clients, [Client::Breather, Client::LoopCapped]);
        let error = parse(&["--clients", "loop,nonsense"]).unwrap_err();
        assert!(error.to_string().contains("possible values: loop,"));
    }

    fn parse(args: &[&str]) -> Result<Options, clap::Error> {
        let Program::Storm(options) =
            Program::try_parse_from([&["breather-sim", "storm"], args].concat())?;
        Ok(options)
    }
}
