use std::time::Duration;

use breather_sim::Run;

use crate::bins::Bins;
use crate::units::{decimal, plural, thousands};

/// The activity of one client, from the start of its load to its end.
///
/// # Example
///
/// ```
/// use breather_sim::{Load, Server, run};
/// use breather_storm::{Chart, Track};
///
/// let run = run(&Server::default(), &Load::spike(100), 1);
/// let track = Track::of_run("breather", &run);
/// let chart = Chart::new("100 calls at once.", run.makespan()).with_track(track);
/// assert!(chart.description().contains("breather: 100 calls"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Track {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) bins: Bins,
    pub(crate) end_s: f64,
    pub(crate) is_cut_off: bool,
    pub(crate) first_reset_from_s: f64,
    /// The times of completed calls in ascending order, out of `calls`.
    pub(crate) completions: Vec<Duration>,
    pub(crate) calls: usize,
}

impl Track {
    /// Creates a track of a client whose last call ended at `end`.
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

    /// Creates a track of a run, with its sends, completions and a summary.
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

    /// Sets a short summary of the calls.
    pub fn with_summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }

    /// Shows when calls were completed, in ascending order, out of `calls`.
    pub fn with_completions(mut self, completions: &[Duration], calls: usize) -> Self {
        self.completions = completions.to_vec();
        self.calls = calls.max(completions.len());
        self
    }

    /// Returns whether a send failed.
    pub(crate) fn has_failures(&self) -> bool {
        self.bins.each().iter().any(|bin| bin.failed > 0)
    }

    /// Marks the client as cut off, which means that it did not end by itself.
    pub const fn cut_off(mut self) -> Self {
        self.is_cut_off = true;
        self
    }
}
