//! Lines, texts and other shapes with their common attributes.

use svg::node::element::{Group, Line, Path, Text, path::Data};

use crate::paint::Paint;

pub(crate) fn title(words: &str, x: f64, y: f64) -> Text {
    text(words, x, y, Paint::Ink)
        .set("font-size", 20)
        .set("font-weight", 600)
}

pub(crate) fn text(words: &str, x: f64, y: f64, paint: Paint) -> Text {
    let text = Text::new(words)
        .set("x", rounded(x))
        .set("y", rounded(y))
        .set("font-size", 13);
    paint.fill(text)
}

/// Returns a text at an axis.
pub(crate) fn label(words: &str, x: f64, y: f64) -> Text {
    text(words, x, y, Paint::Faint).set("font-size", 11)
}

/// Returns a label that reads upwards and is centred here.
pub(crate) fn upward_label(words: &str, x: f64, y: f64) -> Text {
    label(words, x, y)
        .set("text-anchor", "middle")
        .set("transform", format!("rotate(-90 {x} {y})"))
}

pub(crate) fn line(from: (f64, f64), to: (f64, f64), paint: Paint) -> Line {
    let line = Line::new()
        .set("x1", rounded(from.0))
        .set("y1", rounded(from.1))
        .set("x2", rounded(to.0))
        .set("y2", rounded(to.1));
    paint.stroke(line)
}

/// Returns a small triangle that stands on its tip.
pub(crate) fn triangle(tip: (f64, f64), paint: Paint) -> Path {
    let data = Data::new()
        .move_to((rounded(tip.0), rounded(tip.1)))
        .line_by((-5.0, -8.0))
        .horizontal_line_by(10.0)
        .close();
    paint.fill(Path::new().set("d", data))
}

pub(crate) fn moved(group: Group, x: f64, y: f64) -> Group {
    group.set("transform", format!("translate({x} {y})"))
}

/// Rounds to hundredths of a pixel. More digits would only make the file larger.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
