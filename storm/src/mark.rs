use svg::Node;
use svg::node::element::Group;

use crate::{paint::Paint, shape};

/// The vertical lines that mark a point in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    /// The end of a run.
    End,
    /// The end of the ideal.
    Ideal,
    /// A reset of the server's window.
    Reset,
}

impl Mark {
    pub(crate) fn group(self, x: f64, top: f64, bottom: f64) -> Group {
        let line = |paint| shape::line((x, top), (x, bottom), paint);
        let group = Group::new();
        match self {
            Self::End => group.add(line(Paint::Ink).set("stroke-width", 2)),
            // The triangle is above the line, so it stays visible if the end of a run covers the
            // line.
            Self::Ideal => group
                .add(dashed(line(Paint::Ideal), "6 3").set("stroke-width", 1.5))
                .add(shape::triangle((x, top), Paint::Ideal)),
            Self::Reset => group.add(dashed(line(Paint::Reset), "2 3")),
        }
    }
}

pub(crate) fn dashed<N: Node>(mut line: N, dashes: &str) -> N {
    line.assign("stroke-dasharray", dashes);
    line
}
