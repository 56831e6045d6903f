use std::time::Duration;

use svg::node::element::{Group, Rectangle};

use super::units::decimal;
use super::{mark::Mark, paint::Paint, scales::Scales, shape};

/// What the colours and the lines mean.
#[derive(Debug)]
pub(super) struct Legend<'s> {
    scales: &'s Scales,
    has_completions: bool,
}

impl<'s> Legend<'s> {
    pub(super) fn new(scales: &'s Scales, has_completions: bool) -> Self {
        Self {
            scales,
            has_completions,
        }
    }

    /// Two rows of signs with their words. The origin is the left end of the line that the first stands on.
    pub(super) fn group(&self) -> Group {
        let mut bars = vec![
            (block(Paint::Accepted), "accepted".to_owned()),
            (
                block(Paint::RefusedByCap),
                "refused: too many in flight".to_owned(),
            ),
            (
                block(Paint::RefusedByQuota),
                "refused: quota spent".to_owned(),
            ),
        ];
        if self.has_completions {
            bars.push((curve(), "calls done (at the top: all)".to_owned()));
        }
        let ideal = format!("ideal finish, {} s", decimal(self.scales.ideal_s));
        let mut marks = vec![
            (mark(Mark::End, -SIGN), "end of the run".to_owned()),
            // Its triangle takes the rest of the height.
            (mark(Mark::Ideal, -4.0), ideal),
        ];
        if let Some(window) = self.scales.window {
            marks.push((mark(Mark::Reset, -SIGN), self.resets(window)));
        }
        Group::new()
            .add(row(bars))
            .add(shape::moved(row(marks), 0.0, 24.0))
    }

    fn resets(&self, window: Duration) -> String {
        let window_s = window.as_secs_f64();
        let text = format!("reset of the quota, every {window_s} s");
        if self.scales.shows_resets() {
            text
        } else {
            format!("{text}: too many to show")
        }
    }
}

fn row(items: Vec<(Group, String)>) -> Group {
    let mut group = Group::new();
    for (index, (sign, words)) in items.into_iter().enumerate() {
        let words = shape::text(&words, SIGN_WIDTH + 8.0, 0.0, Paint::Ink);
        let item = Group::new().add(sign).add(words);
        group = group.add(shape::moved(item, COLUMN * index as f64, 0.0));
    }
    group
}

fn block(paint: Paint) -> Group {
    let block = Rectangle::new()
        .set("y", -SIGN)
        .set("width", SIGN_WIDTH)
        .set("height", SIGN + BELOW);
    Group::new().add(paint.fill(block))
}

fn curve() -> Group {
    let line = shape::line((0.0, BELOW), (SIGN_WIDTH, -SIGN), Paint::Ink);
    Group::new().add(line.set("stroke-width", 1.5))
}

fn mark(mark: Mark, top: f64) -> Group {
    mark.group(SIGN_WIDTH / 2.0, top, BELOW)
}

/// How far a sign goes up and down from the line that the words stand on.
const SIGN: f64 = 11.0;
const BELOW: f64 = 2.0;

const SIGN_WIDTH: f64 = 16.0;
const COLUMN: f64 = 220.0;
