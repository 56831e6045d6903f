use std::time::Duration;

use breather_sim::Run;

use crate::bins::Bins;
use crate::units::{decimal, plural, thousands};

/// What one client did, from the start of its load to its end.
#[derive(Clone, Debug)]
#[must_use]
pub struct Track {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) bins: Bins,
    pub(crate) end_s: f64,
    pub(crate) is_cut_off: bool,
    pub(crate) first_reset_from_s: f64,
    /// When each call was done that was, in ascending order, of how many.
    pub(crate) completions: Vec<Duration>,
    pub(crate) calls: usize,
}

impl Track {
    /// The sends of a client of this name, whose last call ended at `end`.
    pub fn new(name: impl Into<String>, bins: Bins, end: Duration) -> Self {
        Self {
            name: name.into(),
            summary: String::new(),
            end_s: end.as_secs_f64(),
            is_cut_off: false,
            first_reset_from_s: bins.start().as_secs_f64(),
            bins,
            completions: Vec::new(),
            calls: 0,
        }
    }

    /// All of a run: its sends, its completions, and what became of the calls.
    pub fn of_run(name: impl Into<String>, run: &Run) -> Self {
        let calls = run.reports().len();
        let failed = match calls - run.ok() {
            0 => String::new(),
            failed => format!(" ({} failed)", thousands(failed as u64)),
        };
        let throttled = run.throttled_quota() + run.throttled_cap();
        let summary = format!(
            "{}{failed}, {}, {} throttled, {} s",
            plural(calls as u64, "call"),
            plural(run.sends() as u64, "send"),
            thousands(throttled as u64),
            decimal(run.makespan().as_secs_f64()),
        );
        Self::new(name, Bins::of_run(run), run.makespan())
            .with_summary(summary)
            .with_completions(run.completions(), calls)
    }

    /// Sets what became of the calls, in short.
    pub fn with_summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }

    /// Shows when calls were done, in ascending order, of so many.
    pub fn with_completions(mut self, completions: &[Duration], calls: usize) -> Self {
        self.completions = completions.to_vec();
        self.calls = calls.max(completions.len());
        self
    }

    /// Whether a send came to nothing.
    pub(crate) fn has_failures(&self) -> bool {
        self.bins.each().iter().any(|bin| bin.failed > 0)
    }

    /// Says that the end is no end of its own.
    pub const fn cut_off(mut self) -> Self {
        self.is_cut_off = true;
        self
    }
}
