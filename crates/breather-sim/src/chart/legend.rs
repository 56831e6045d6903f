use std::time::Duration;

use svg::node::element::{Group, Rectangle};

use super::units::decimal;
use super::{mark::Mark, paint::Paint, scales::Scales, shape};

/// What the colours and the lines mean.
#[derive(Debug)]
pub(super) struct Legend<'s> {
    scales: &'s Scales,
    has_completions: bool,
    has_failures: bool,
}

impl<'s> Legend<'s> {
    pub(super) fn new(scales: &'s Scales, has_completions: bool, has_failures: bool) -> Self {
        Self {
            scales,
            has_completions,
            has_failures,
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
        // The row of the bars may be full, and a reset's words are the longest.
        let columns = if self.has_failures {
            marks.push((block(Paint::Failed), "failed".to_owned()));
            NARROW_COLUMNS
        } else {
            [COLUMN; 3]
        };
        if let Some(window) = self.scales.window {
            marks.push((mark(Mark::Reset, -SIGN), self.resets(window)));
        }
        Group::new()
            .add(row(bars, [COLUMN; 3]))
            .add(shape::moved(row(marks, columns), 0.0, 24.0))
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

/// One beside the other, all but the last as wide as their column.
fn row(items: Vec<(Group, String)>, columns: [f64; 3]) -> Group {
    let mut group = Group::new();
    let mut left = 0.0;
    for (index, (sign, words)) in items.into_iter().enumerate() {
        let words = shape::text(&words, SIGN_WIDTH + 8.0, 0.0, Paint::Ink);
        let item = Group::new().add(sign).add(words);
        group = group.add(shape::moved(item, left, 0.0));
        left += columns.get(index).copied().unwrap_or_default();
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

/// For the end of the run, the ideal finish and what failed.
const NARROW_COLUMNS: [f64; 3] = [145.0, 185.0, 110.0];
