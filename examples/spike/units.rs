use std::time::Duration;

pub(crate) fn seconds(duration: Duration) -> f64 {
    round(duration.as_secs_f64())
}

/// Rounds to thousandths, because more digits would be noise.
pub(crate) fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
