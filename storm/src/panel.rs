use svg::node::element::{Group, Path, Rectangle, Text, path::Data};

use crate::units::{decimal, thousands};
use crate::{bars::Bars, frame, mark::Mark, paint::Paint, scales::Scales, shape, track::Track};

/// The panel of one client, from the start of its load to its end.
#[derive(Debug)]
pub(crate) struct Panel<'t> {
    track: &'t Track,
    bars: Bars,
}

impl<'t> Panel<'t> {
    pub(crate) fn new(track: &'t Track, scales: &Scales) -> Self {
        Self {
            track,
            bars: Bars::new(&track.bins, scales.bin_width),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.track.name
    }

    /// Returns a summary of the calls.
    pub(crate) fn summary(&self) -> &str {
        &self.track.summary
    }

    /// Returns the highest bar, in words.
    pub(crate) fn most_sends(&self, scales: &Scales) -> String {
        format!("{} {}", thousands(self.bars.most_sends()), unit(scales))
    }

    /// Draws the panel. The origin is the upper left corner of the plot.
    pub(crate) fn group(&self, scales: &Scales) -> Group {
        let bottom = scales.sends.length();
        let end = scales.time.position(self.track.end_s);
        let ideal = scales.time.position(scales.ideal_s);
        let mut group = Group::new()
            .add(frame::heading(self.name(), self.summary()))
            .add(background(end, bottom))
            .add(sends_axis(scales))
            .add(frame::time_axis(&scales.time, bottom))
            .add(self.resets(scales))
            .add(self.bars.group(scales));
        if !self.track.completions.is_empty() {
            group = group.add(self.completions(scales));
        }
        group
            .add(Mark::Ideal.group(ideal, 0.0, bottom))
            .add(Mark::End.group(end, 0.0, bottom))
            .add(self.end_label(end))
    }

    /// Draws the share of completed calls, from zero at the foot of the plot to all at its top.
    fn completions(&self, scales: &Scales) -> Path {
        let bottom = scales.sends.length();
        let mut data = Data::new().move_to((0.0, shape::rounded(bottom)));
        let mut drawn = (0.0, bottom);
        for (done, at) in (1..).zip(&self.track.completions) {
            let x = scales.time.position(at.as_secs_f64());
            let y = bottom * (1.0 - f64::from(done) / self.track.calls as f64);
            // Steps too small to see are left out, except the last.
            let is_last = done as usize == self.track.completions.len();
            if x - drawn.0 >= STEP || drawn.1 - y >= STEP || is_last {
                data = data
                    .horizontal_line_to(shape::rounded(x))
                    .vertical_line_to(shape::rounded(y));
                drawn = (x, y);
            }
        }
        let path = Path::new().set("d", data).set("stroke-width", 1.5);
        Paint::Ink.stroke(path)
    }

    /// Draws the resets between the first send and the end.
    fn resets(&self, scales: &Scales) -> Group {
        let mut group = Group::new();
        if !scales.shows_resets() {
            return group;
        }
        let window_s = scales.window.unwrap_or_default().as_secs_f64();
        let mut at_s = self.track.first_reset_from_s + window_s;
        while at_s < self.track.end_s {
            let x = scales.time.position(at_s);
            group = group.add(Mark::Reset.group(x, 0.0, scales.sends.length()));
            at_s += window_s;
        }
        group
    }

    fn end_label(&self, end: f64) -> Text {
        let how = if self.track.is_cut_off {
            "cut off"
        } else {
            "done"
        };
        let words = format!("{how}: {} s", decimal(self.track.end_s));
        shape::text(&words, end + 8.0, 14.0, Paint::Ink).set("font-weight", 600)
    }
}

/// Returns a background as long as the run.
fn background(end: f64, height: f64) -> Rectangle {
    let rectangle = Rectangle::new()
        .set("width", shape::rounded(end))
        .set("height", height);
    Paint::Run.fill(rectangle)
}

fn sends_axis(scales: &Scales) -> Group {
    let words = format!("sends {}", unit(scales));
    frame::count_axis(&scales.sends, scales.time.length(), &words)
}

/// Returns the unit of the height of a bar.
fn unit(scales: &Scales) -> String {
    format!("in {} s", scales.bin_width.as_secs_f64())
}

/// In pixels.
const STEP: f64 = 0.5;
