use std::time::Duration;

use crate::{axis::Axis, track::Track};

/// The scales that all panels share.
#[derive(Debug)]
pub(crate) struct Scales {
    /// In seconds since a client's load started.
    pub(crate) time: Axis,
    /// In requests that arrived in the time of one bin.
    pub(crate) sends: Axis,
    pub(crate) bin_width: Duration,
    /// The time between resets, if there are any.
    pub(crate) window: Option<Duration>,
    pub(crate) ideal_s: f64,
}

impl Scales {
    pub(crate) fn new(window: Option<Duration>, ideal: Duration, tracks: &[Track]) -> Self {
        let ideal_s = ideal.as_secs_f64();
        let ends = tracks.iter().map(|track| track.end_s);
        let time = Axis::new(ends.fold(ideal_s, f64::max), WIDTH, TIME_TICKS);

        let least = Duration::from_secs_f64(time.value_of(BAR_WIDTH));
        let widths = tracks.iter().map(|track| track.bins.width());
        let bin_width = bin_width(widths.max().unwrap_or(least), least, window);

        let most = tracks
            .iter()
            .map(|track| track.bins.widened(bin_width).most_sends());
        Self {
            time,
            sends: Axis::of_counts(most.max().unwrap_or(0), HEIGHT, SENDS_TICKS),
            bin_width,
            window,
            ideal_s,
        }
    }

    /// Returns whether the resets are far enough apart to distinguish them.
    pub(crate) fn shows_resets(&self) -> bool {
        let is_far = |window: Duration| self.time.position(window.as_secs_f64()) >= RESETS_APART;
        self.window.is_some_and(is_far)
    }
}

/// Returns the width of the bins of all tracks.
///
/// It is a multiple of the widest bins. The bins of each track divide it, because their widths
/// differ by doublings. It is at least `least`, and divides the window if that takes at most twice
/// as much. Otherwise a bin may contain requests from both before and after a reset.
fn bin_width(widest: Duration, least: Duration, window: Option<Duration>) -> Duration {
    let count = least.div_duration_f64(widest).ceil().max(1.0) as u32;
    let divides = |&count: &u32| {
        window.is_some_and(|window| window.as_nanos() % (widest * count).as_nanos() == 0)
    };
    widest * (count..=2 * count).find(divides).unwrap_or(count)
}

/// In pixels, like all lengths. This leaves room for the words at the end of the longest run.
const WIDTH: f64 = 762.0;
const HEIGHT: f64 = 104.0;

/// The smallest width of a bar. Thinner bars blur.
const BAR_WIDTH: f64 = 5.0;

const RESETS_APART: f64 = 6.0;

const TIME_TICKS: u32 = 12;
const SENDS_TICKS: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_end_at_resets_if_possible() {
        let ms = Duration::from_millis;
        assert_eq!(bin_width(ms(100), ms(36), Some(ms(10_000))), ms(100));
        assert_eq!(bin_width(ms(100), ms(387), Some(ms(10_000))), ms(400));
        assert_eq!(bin_width(ms(100), ms(610), Some(ms(10_000))), ms(1000));
        assert_eq!(bin_width(ms(200), ms(610), Some(ms(10_000))), ms(1000));
        assert_eq!(bin_width(ms(100), ms(610), Some(ms(700))), ms(700));
        // No multiple up to 1.4 s divides it.
        assert_eq!(bin_width(ms(100), ms(610), Some(ms(730))), ms(700));
    }

    #[test]
    fn crowded_resets_are_not_shown() {
        let scales = |window_ms| {
            let window = Duration::from_millis(window_ms);
            Scales::new(Some(window), Duration::from_secs(60), &[])
        };
        assert!(scales(10_000).shows_resets());
        assert!(!scales(400).shows_resets());
    }
}
