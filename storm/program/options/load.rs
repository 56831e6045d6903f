//! The calls and their callers.

use std::time::Duration;

use breather_storm::{plural, thousands};
use clap::{Args, ValueEnum};

use crate::giving_up::GivingUp;
use crate::number::{seconds, up_to};

#[derive(Args, Debug)]
pub(crate) struct Load {
    /// When calls start
    #[arg(long, value_name = "SHAPE", value_enum, default_value_t = Shape::Spike)]
    load: Shape,

    /// Calls in all
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = up_to(10_000_000))]
    calls: u32,

    /// Time within which the calls of a ramp or an open load start [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    over: Option<Duration>,

    /// Callers of a sequential load, who each make one call after another [default: 100]
    #[arg(long, value_name = "N", value_parser = up_to(10_000_000))]
    callers: Option<u32>,

    /// Processes that share the server without knowing of each other
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = up_to(100_000))]
    processes: u32,

    /// Share of the callers that drop their call, and the seconds within which they do, for example
    /// `0.3:10`
    #[arg(long, value_name = "SHARE:SECONDS", value_parser = GivingUp::parse)]
    giving_up: Option<GivingUp>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Shape {
    /// All at once
    Spike,
    /// At an increasing rate
    Ramp,
    /// Evenly, regardless of earlier calls
    Open,
    /// One after another, by each caller
    Sequential,
}

impl Load {
    pub(crate) fn check(&self) -> Result<(), String> {
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
        Ok(())
    }

    pub(crate) fn load(&self) -> breather_sim::Load {
        let calls = self.calls as usize;
        let callers = self.callers() as usize;
        let load = match self.load {
            Shape::Spike => breather_sim::Load::spike(calls),
            Shape::Ramp => breather_sim::Load::ramp(calls, self.over()),
            Shape::Open => {
                let rate = calls as f64 / self.over().as_secs_f64();
                breather_sim::Load::open(rate, self.over())
            }
            Shape::Sequential => breather_sim::Load::sequential(callers, calls / callers),
        };
        let GivingUp { share, within } = self.giving_up.unwrap_or_default();
        load.with_processes(self.processes as usize)
            .with_giving_up(share, within)
    }

    /// Returns a short description.
    pub(crate) fn words(&self) -> String {
        let over = self.over().as_secs_f64();
        let start = match self.load {
            Shape::Spike => "all started at once".to_owned(),
            Shape::Ramp => format!("started ever more often within {over} s"),
            Shape::Open => format!("started evenly within {over} s"),
            Shape::Sequential => {
                let callers = plural(self.callers(), "caller");
                format!("one after the other by {callers}")
            }
        };
        let processes = match self.processes {
            1 => String::new(),
            processes => format!(" by {} processes", thousands(processes.into())),
        };
        let giving_up = self.giving_up.map_or_else(String::new, |it| {
            let (share, within) = (it.share * 100.0, it.within.as_secs_f64());
            format!(", {share:.0} % given up within {within} s")
        });
        format!(
            "{}{processes}, {start}{giving_up}",
            plural(self.calls, "call")
        )
    }

    fn over(&self) -> Duration {
        self.over.unwrap_or(Duration::from_secs(60))
    }

    fn callers(&self) -> u32 {
        self.callers.unwrap_or(100)
    }
}
