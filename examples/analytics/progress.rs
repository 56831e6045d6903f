use std::{
    io::{Write, stderr},
    time::Instant,
};

use indicatif::{ProgressBar, ProgressStyle};

/// Shows the progress of a way on stderr.
///
/// On a terminal it draws a bar. Elsewhere it prints one line at the end.
#[derive(Debug)]
pub(crate) struct Progress {
    name: &'static str,
    start: Instant,
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn start(name: &'static str, rows: usize) -> Self {
        let bar = ProgressBar::new(rows as u64).with_style(style(
            "{prefix:34} {wide_bar:.cyan} {pos}/{len} rows, {msg} throttled, {elapsed}",
        ));
        bar.set_prefix(name);
        bar.set_message("0");
        Self {
            name,
            start: Instant::now(),
            bar,
        }
    }

    pub(crate) fn update(&mut self, rows: usize, throttled: u64) {
        self.bar.set_message(throttled.to_string());
        self.bar.set_position(rows as u64);
    }

    pub(crate) fn finish(mut self, rows: usize, throttled: u64) {
        self.update(rows, throttled);
        if self.bar.is_hidden() {
            let seconds = self.start.elapsed().as_secs_f64();
            let name = self.name;
            // A failure to write progress must not fail the run.
            let _ = writeln!(
                stderr(),
                "{name}: {rows} rows, {throttled} throttled, {seconds:.1} s"
            );
        }
        // Finishing the bar would draw it as full, although rows may be missing.
        self.bar.abandon();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the progress template is valid")
}
