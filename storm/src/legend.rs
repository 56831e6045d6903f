use std::time::Duration;

use svg::node::element::Group;

use crate::sign::{self, Sign};
use crate::units::decimal;
use crate::{mark::Mark, paint::Paint, scales::Scales, shape};

/// The legend of the colours and lines.
#[derive(Debug)]
pub(crate) struct Legend<'s> {
    scales: &'s Scales,
    has_completions: bool,
    has_failures: bool,
}

impl<'s> Legend<'s> {
    pub(crate) fn new(scales: &'s Scales, has_completions: bool, has_failures: bool) -> Self {
        Self {
            scales,
            has_completions,
            has_failures,
        }
    }

    /// Returns two rows of signs with their words. The origin is the left end of the first
    /// baseline.
    pub(crate) fn group(&self) -> Group {
        let mut bars = vec![
            Sign::block(Paint::Accepted, "accepted"),
            Sign::block(Paint::ThrottledByCap, "throttled: too many in flight"),
            Sign::block(Paint::ThrottledByQuota, "throttled: quota spent"),
        ];
        if self.has_completions {
            bars.push(Sign::rising(Paint::Ink, "calls done (at the top: all)"));
        }
        let ideal = format!("ideal finish, {} s", decimal(self.scales.ideal_s));
        let mut marks = vec![
            Sign::mark(Mark::End, "end of the run"),
            Sign::mark(Mark::Ideal, ideal),
        ];
        // The row of the bars may be full, and the text for a reset is the longest.
        let columns = if self.has_failures {
            marks.push(Sign::block(Paint::Failed, "failed"));
            NARROW_COLUMNS
        } else {
            [COLUMN; 3]
        };
        if let Some(window) = self.scales.window {
            marks.push(Sign::mark(Mark::Reset, self.resets(window)));
        }
        Group::new()
            .add(sign::row(bars, &[COLUMN; 3]))
            .add(shape::moved(sign::row(marks, &columns), 0.0, sign::ROW))
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

const COLUMN: f64 = 220.0;

/// For the end of the run, the ideal finish and the failures.
const NARROW_COLUMNS: [f64; 3] = [145.0, 185.0, 110.0];
