//! The labels and axes around a plot.

use svg::node::element::{Group, TSpan, Text};

use crate::{axis::Axis, paint::Paint, shape};

/// Returns the heading above the plot, with the name and the result.
pub(crate) fn heading(name: &str, summary: &str) -> Text {
    let summary = TSpan::new(summary)
        .set("dx", 12)
        .set("font-size", 13)
        .set("font-weight", 400);
    shape::text(name, 0.0, -16.0, Paint::Ink)
        .set("font-size", 15)
        .set("font-weight", 600)
        .add(summary)
}

/// Returns the axis to the left, with lines across the plot.
pub(crate) fn count_axis(axis: &Axis, right: f64, words: &str) -> Group {
    let mut group = Group::new();
    for tick in axis.ticks() {
        let y = axis.length() - axis.position(tick);
        let label = shape::label(&axis.label(tick), -8.0, y + 4.0).set("text-anchor", "end");
        group = group
            .add(shape::line((0.0, y), (right, y), Paint::Grid))
            .add(label);
    }
    group.add(shape::upward_label(words, -48.0, axis.length() / 2.0))
}

/// Returns the time axis, at the height `down`.
pub(crate) fn time_axis(axis: &Axis, down: f64) -> Group {
    let line = shape::line((0.0, down), (axis.length(), down), Paint::Faint);
    let mut group = Group::new().add(line);
    for tick in axis.ticks() {
        let x = axis.position(tick);
        let label = shape::label(&axis.label(tick), x, down + 18.0).set("text-anchor", "middle");
        group = group
            .add(shape::line((x, down), (x, down + 4.0), Paint::Faint))
            .add(label);
    }
    group
}
