use svg::node::element::{Group, Rectangle};

use crate::{mark::Mark, paint::Paint, shape};

/// A sample of a colour or a line, as small as a letter, with its meaning.
#[derive(Debug)]
pub(crate) struct Sign {
    picture: Group,
    words: String,
}

impl Sign {
    pub(crate) fn block(paint: Paint, words: impl Into<String>) -> Self {
        let block = Rectangle::new()
            .set("y", -HEIGHT)
            .set("width", WIDTH)
            .set("height", HEIGHT + BELOW);
        Self::new(Group::new().add(paint.fill(block)), words)
    }

    pub(crate) fn rising(paint: Paint, words: impl Into<String>) -> Self {
        let line = shape::line((0.0, BELOW), (WIDTH, -HEIGHT), paint);
        Self::new(Group::new().add(line.set("stroke-width", 1.5)), words)
    }

    pub(crate) fn level(line: impl FnOnce((f64, f64), (f64, f64)) -> Group, words: &str) -> Self {
        let y = -HEIGHT / 2.0 + BELOW / 2.0;
        Self::new(line((0.0, y), (WIDTH, y)), words)
    }

    pub(crate) fn mark(mark: Mark, words: impl Into<String>) -> Self {
        let top = match mark {
            // The triangle takes the rest of the height.
            Mark::Ideal => -4.0,
            Mark::End | Mark::Reset => -HEIGHT,
        };
        Self::new(mark.group(WIDTH / 2.0, top, BELOW), words)
    }

    fn new(picture: Group, words: impl Into<String>) -> Self {
        let words = words.into();
        Self { picture, words }
    }
}

/// Returns signs side by side, each except the last as wide as its column.
///
/// The origin is the left end of the baseline of the words.
pub(crate) fn row(signs: Vec<Sign>, columns: &[f64]) -> Group {
    let mut group = Group::new();
    let mut left = 0.0;
    for (index, Sign { picture, words }) in signs.into_iter().enumerate() {
        let words = shape::text(&words, WIDTH + 8.0, 0.0, Paint::Ink);
        let item = Group::new().add(picture).add(words);
        group = group.add(shape::moved(item, left, 0.0));
        left += columns.get(index).copied().unwrap_or_default();
    }
    group
}

/// From one row to the next.
pub(crate) const ROW: f64 = 24.0;

/// How far a sign extends above and below the baseline of the words.
const HEIGHT: f64 = 11.0;
const BELOW: f64 = 2.0;

const WIDTH: f64 = 16.0;
