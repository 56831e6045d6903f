use std::time::Duration;

use svg::node::element::{Group, Path, path::Data};

use crate::bins::{Bin, Bins};
use crate::{paint::Paint, scales::Scales, shape};

/// The sends of one client as stacked bars without gaps, one for each bin.
///
/// The layers of a bar are the accepted and the throttled requests.
#[derive(Debug)]
pub(crate) struct Bars(Bins);

impl Bars {
    /// Creates the bars. Their width must be a multiple of the width of the bins.
    pub(crate) fn new(bins: &Bins, bin_width: Duration) -> Self {
        Self(bins.widened(bin_width))
    }

    /// Returns the most sends of a bar.
    pub(crate) fn most_sends(&self) -> u64 {
        self.0.most_sends()
    }

    pub(crate) fn group(&self, scales: &Scales) -> Group {
        let bins = self.0.each().iter();
        let stacks: Vec<_> = bins.map(|bin| stack(bin, scales)).collect();
        let mut group = Group::new();
        for (layer, paint) in LAYERS.into_iter().enumerate() {
            let bottoms_and_tops: Vec<_> = stacks
                .iter()
                .map(|stack| (stack[layer], stack[layer + 1]))
                .collect();
            let data = outline(&bottoms_and_tops, |index| self.left(index, scales));
            group = group.add(paint.fill(Path::new().set("d", data)));
        }
        group
    }

    /// Returns where the bar of a bin begins.
    fn left(&self, index: usize, scales: &Scales) -> f64 {
        let since_first_s = index as f64 * self.0.width().as_secs_f64();
        scales
            .time
            .position(self.0.start().as_secs_f64() + since_first_s)
    }
}

/// Returns the vertical bounds of the layers of a bar, from the lowest layer to the highest.
fn stack(bin: &Bin, scales: &Scales) -> [f64; 5] {
    let counts = [
        bin.accepted,
        bin.throttled_by_cap,
        bin.throttled_by_quota,
        bin.failed,
    ];
    let mut edges = [scales.sends.length(); 5];
    for (layer, count) in counts.into_iter().enumerate() {
        // A single rejection among hundreds of sends must stay visible.
        let least = if count == 0 { 0.0 } else { LEAST_HEIGHT };
        let height = scales.sends.position(count as f64).max(least);
        edges[layer + 1] = edges[layer] - height;
    }
    edges
}

/// Returns the outline of one layer.
///
/// The outline goes around each run of bins that have some of the layer, along the tops and back
/// along the bottoms.
fn outline(bottoms_and_tops: &[(f64, f64)], left: impl Fn(usize) -> f64) -> Data {
    let x = |index| shape::rounded(left(index));
    let y = shape::rounded;
    let is_empty = |&(bottom, top): &(f64, f64)| bottom == top;
    let mut data = Data::new();
    let mut first = 0;
    for run in bottoms_and_tops.chunk_by(|one, next| is_empty(one) == is_empty(next)) {
        let after = first + run.len();
        if !is_empty(&run[0]) {
            data = data.move_to((x(first), y(run[0].0)));
            for (right, &(_, top)) in (first + 1..).zip(run) {
                data = data.vertical_line_to(y(top)).horizontal_line_to(x(right));
            }
            for (left, &(bottom, _)) in (first..after).zip(run).rev() {
                data = data.vertical_line_to(y(bottom)).horizontal_line_to(x(left));
            }
            data = data.close();
        }
        first = after;
    }
    data
}

/// From the lowest to the highest.
const LAYERS: [Paint; 4] = [
    Paint::Accepted,
    Paint::ThrottledByCap,
    Paint::ThrottledByQuota,
    Paint::Failed,
];

/// In pixels.
const LEAST_HEIGHT: f64 = 1.0;

#[cfg(test)]
mod tests {
    use svg::node::Value;

    use crate::axis::Axis;

    use super::*;

    #[test]
    fn layers_are_stacked() {
        let bin = Bin {
            accepted: 50,
            throttled_by_quota: 150,
            ..Bin::default()
        };
        let scales = scales(200);
        assert_eq!(stack(&bin, &scales), [104.0, 78.0, 78.0, 0.0, 0.0]);
    }

    #[test]
    fn single_rejection_among_thousands_is_visible() {
        let bin = Bin {
            throttled_by_cap: 1,
            ..Bin::default()
        };
        let [_, bottom, top, ..] = stack(&bin, &scales(10_000));
        assert_eq!(bottom - top, LEAST_HEIGHT);
    }

    #[test]
    fn outlines_enclose_the_layers() {
        let layer = [(9.0, 9.0), (9.0, 4.0), (8.0, 5.0), (9.0, 9.0), (9.0, 1.0)];
        let data = outline(&layer, |index| 10.0 * index as f64);
        assert_eq!(
            Value::from(data).to_string(),
            "M10,9 V4 H20 V5 H30 V8 H20 V9 H10 z M40,9 V1 H50 V9 H40 z"
        );
    }

    fn scales(most: u64) -> Scales {
        let second = Duration::from_secs(1);
        let scales = Scales::new(Some(second), second, &[]);
        Scales {
            sends: Axis::of_counts(most, scales.sends.length(), 4),
            ..scales
        }
    }
}
