use indicatif::{ProgressBar, ProgressStyle};

/// Shows on stderr how far a way has come, if that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn start(name: &'static str, rows: usize) -> Self {
        let bar = ProgressBar::new(rows as u64).with_style(style(
            "{prefix:34} {wide_bar:.cyan} {pos}/{len} rows, {msg} refused, {elapsed}",
        ));
        bar.set_prefix(name);
        bar.set_message("0");
        Self { bar }
    }

    pub(crate) fn update(&mut self, rows: usize, refused: u64) {
        self.bar.set_message(refused.to_string());
        self.bar.set_position(rows as u64);
    }

    pub(crate) fn finish(mut self, rows: usize, refused: u64) {
        self.update(rows, refused);
        // A finished bar would be drawn as full, although rows may be lost.
        self.bar.abandon();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is valid")
}
