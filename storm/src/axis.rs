use crate::units::thousands;

/// A linear scale with ticks at round numbers.
#[derive(Debug)]
pub(crate) struct Axis {
    start: f64,
    end: f64,
    length: f64,
    /// The distance between ticks, which is 1, 2 or 5 times a power of ten.
    step: f64,
    /// The number of decimals that the step needs.
    decimals: usize,
}

impl Axis {
    /// Places 0 at 0 and `end` at `length`, with at most `most_ticks` ticks above 0.
    pub(crate) fn new(end: f64, length: f64, most_ticks: u32) -> Self {
        Self::between(0.0, end, length, most_ticks)
    }

    /// Places `start` at 0 and `end` at `length`, with at most `most_ticks` ticks above `start`.
    ///
    /// `start` must not be negative.
    pub(crate) fn between(start: f64, end: f64, length: f64, most_ticks: u32) -> Self {
        // This avoids a division by zero.
        let end = if end > start { end } else { start + 1.0 };
        let (step, decimals) = round_step((end - start) / f64::from(most_ticks));
        Self {
            start,
            end,
            length,
            step,
            decimals,
        }
    }

    /// Creates an axis for whole numbers, which ends at the first tick that is not below `most`.
    pub(crate) fn of_counts(most: u64, length: f64, most_ticks: u32) -> Self {
        // With at least one count for each tick, the smallest step is 1.
        let most = most.max(most_ticks.into()) as f64;
        let axis = Self::new(most, length, most_ticks);
        Self {
            end: (most / axis.step).ceil() * axis.step,
            ..axis
        }
    }

    pub(crate) fn position(&self, value: f64) -> f64 {
        (value - self.start) / (self.end - self.start) * self.length
    }

    /// Returns the value at a distance.
    pub(crate) fn value_of(&self, distance: f64) -> f64 {
        distance / self.length * (self.end - self.start)
    }

    pub(crate) fn length(&self) -> f64 {
        self.length
    }

    /// Returns the ticks, from the first to the last on the axis.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = f64> {
        // The tolerance covers divisions that end close to a whole number.
        let first = (self.start / self.step - 1e-9).ceil() as u32;
        let last = (self.end / self.step + 1e-9).floor() as u32;
        (first..=last).map(|number| f64::from(number) * self.step)
    }

    pub(crate) fn label(&self, tick: f64) -> String {
        if self.decimals == 0 {
            thousands(tick.round() as u64)
        } else {
            format!("{tick:.*}", self.decimals)
        }
    }
}

/// Returns the least of 1, 2 and 5 times a power of ten that is not below `least`, and its
/// decimals.
fn round_step(least: f64) -> (f64, usize) {
    let exponent = least.log10().floor() as i32;
    let (factor, exponent) = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * 10_f64.powi(exponent) >= least)
        .map_or((1.0, exponent + 1), |factor| (factor, exponent));
    let decimals = exponent.min(0).unsigned_abs() as usize;
    (factor * 10_f64.powi(exponent), decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_placed_in_proportion() {
        let axis = Axis::new(50.0, 800.0, 12);
        assert_eq!(axis.position(0.0), 0.0);
        assert_eq!(axis.position(12.5), 200.0);
        assert_eq!(axis.position(50.0), 800.0);
        assert_eq!(axis.value_of(200.0), 12.5);
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(
            labels(&Axis::new(18.7, 800.0, 12)).join(" "),
            "0 2 4 6 8 10 12 14 16 18"
        );
        assert_eq!(
            labels(&Axis::new(59.0, 800.0, 6)).join(" "),
            "0 10 20 30 40 50"
        );
        assert_eq!(
            labels(&Axis::new(0.35, 800.0, 4)).join(" "),
            "0.0 0.1 0.2 0.3"
        );
        assert_eq!(
            labels(&Axis::new(86_400.0, 800.0, 5)).join(" "),
            "0 20,000 40,000 60,000 80,000"
        );
        for end in [0.1, 0.3, 1.0, 7.0, 11.4, 60.0, 99.9, 1e6] {
            let count = labels(&Axis::new(end, 800.0, 12)).len();
            assert!((6..=13).contains(&count), "{end}: {count}");
        }
    }

    #[test]
    fn axis_may_begin_anywhere() {
        let axis = Axis::between(59.9, 61.5, 800.0, 12);
        assert_eq!(axis.position(59.9), 0.0);
        assert_eq!(axis.position(61.5), 800.0);
        assert_eq!(
            labels(&axis).join(" "),
            "60.0 60.2 60.4 60.6 60.8 61.0 61.2 61.4"
        );
        assert_eq!(
            labels(&Axis::between(60.0, 60.0, 800.0, 2)),
            ["60.0", "60.5", "61.0"]
        );
    }

    #[test]
    fn counts_end_at_a_whole_tick() {
        assert_eq!(
            labels(&Axis::of_counts(183, 100.0, 4)),
            ["0", "50", "100", "150", "200"]
        );
        assert_eq!(
            labels(&Axis::of_counts(200, 100.0, 4)),
            ["0", "50", "100", "150", "200"]
        );
        assert_eq!(
            labels(&Axis::of_counts(1, 100.0, 4)),
            ["0", "1", "2", "3", "4"]
        );
        assert_eq!(
            labels(&Axis::of_counts(3_999, 100.0, 4)),
            ["0", "1,000", "2,000", "3,000", "4,000"]
        );
    }

    #[test]
    fn empty_range_has_an_axis() {
        assert_eq!(Axis::new(0.0, 100.0, 4).position(0.0), 0.0);
        assert_eq!(labels(&Axis::of_counts(0, 100.0, 4)).len(), 5);
    }

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks().map(|tick| axis.label(tick)).collect()
    }
}
