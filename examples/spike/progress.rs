use std::{
    io::{Write, stderr},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Shows the progress of a client on stderr.
///
/// It draws a bar on a terminal and prints lines elsewhere.
pub(crate) struct Progress {
    name: String,
    calls: u32,
    start: Instant,
    latest_line: Instant,
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn start(name: &str, calls: u32) -> Self {
        let bar = ProgressBar::new(calls.into()).with_style(style(
            "{prefix:26} {wide_bar:.cyan} {pos}/{len} calls, {msg} throttled, about {eta} left",
        ));
        bar.set_prefix(name.to_owned());
        bar.set_message("0");
        let now = Instant::now();
        let progress = Self {
            name: name.to_owned(),
            calls,
            start: now,
            latest_line: now,
            bar,
        };
        if progress.is_lines() {
            progress.line("started");
        }
        progress
    }

    /// Shows the number of ended calls and of rejections by the server.
    pub(crate) fn update(&mut self, done: usize, throttled: u64) {
        if self.is_lines() {
            if self.latest_line.elapsed() >= LINES_APART {
                self.latest_line = Instant::now();
                self.counts(done, throttled);
            }
        } else {
            self.bar.set_message(throttled.to_string());
            self.bar.set_position(done as u64);
        }
    }

    pub(crate) fn finish(self, done: usize, throttled: u64) {
        if self.is_lines() {
            self.counts(done, throttled);
        } else {
            self.bar.set_position(done as u64);
            self.bar.set_message(throttled.to_string());
            self.bar.set_style(style(
                "{prefix:26} {pos}/{len} calls, {msg} throttled, took {elapsed}",
            ));
            // A finished bar is drawn as full, but some calls may have been given up.
            self.bar.abandon();
        }
    }

    fn counts(&self, done: usize, throttled: u64) {
        let Self { calls, start, .. } = self;
        let elapsed = start.elapsed().as_secs_f64();
        self.line(&format!(
            "{done}/{calls} calls, {throttled} throttled after {elapsed:.1} s"
        ));
    }

    fn line(&self, text: &str) {
        // The run continues even if its progress cannot be shown.
        let _ = writeln!(stderr(), "{}: {text}", self.name);
    }

    fn is_lines(&self) -> bool {
        self.bar.is_hidden()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are valid")
}

/// The time between two lines, short enough to show progress and long enough for a log.
const LINES_APART: Duration = Duration::from_secs(5);
