//! The progress of a run.

use std::io::{Write, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows progress on stderr if a run takes long, as a bar on a terminal and as lines elsewhere.
pub(crate) struct Progress {
    bar: ProgressBar,
    all: u64,
    done: u64,
    name: String,
    start: Instant,
    latest: Instant,
    is_shown: bool,
}

impl Progress {
    pub(crate) fn start(clients: usize, seeds: usize, calls: usize) -> Self {
        let all = (clients * seeds) as u64 * calls as u64;
        let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(
            "{prefix:26} {wide_bar:.cyan} {pos}/{len} calls, about {eta} left",
        );
        let start = Instant::now();
        Self {
            bar: bar.with_style(style.expect("the template is valid")),
            all,
            done: 0,
            name: String::new(),
            start,
            latest: start,
            is_shown: false,
        }
    }

    /// Starts a client's next run.
    pub(crate) fn on_run(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.bar.set_prefix(self.name.clone());
    }

    /// Counts a call that ended.
    pub(crate) fn on_call(&mut self) {
        self.done += 1;
        // Reading the clock for each of millions of calls would be too slow.
        if self.done % 256 == 0 {
            self.show();
        }
    }

    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn show(&mut self) {
        if !self.is_shown {
            if self.start.elapsed() < SHORT {
                return;
            }
            self.is_shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if !self.bar.is_hidden() {
            self.bar.set_position(self.done);
        } else if self.latest.elapsed() >= LINES_APART {
            self.latest = Instant::now();
            let Self {
                name, done, all, ..
            } = self;
            // A failure to show progress is no reason to stop.
            let _ = writeln!(stderr(), "{name}: {done}/{all} calls");
        }
    }
}

/// Runs shorter than this need no progress.
const SHORT: Duration = Duration::from_secs(1);

/// Often enough to show progress, and seldom enough for a log.
const LINES_APART: Duration = Duration::from_secs(5);
