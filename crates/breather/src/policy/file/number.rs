//! Numbers with a fraction, such as factors and shares.

use crate::file::field::Found;
use crate::policy::ratio::Ratio;

/// Returns the number in `found` if it is from `low` to `high`, or else an error.
pub(super) fn within(found: &Found<'_>, low: f64, high: f64) -> Result<f64, &'static str> {
    let number = match *found {
        Found::Whole(number) => number as f64,
        Found::Number(number) => number,
        Found::Text(_) | Found::Other(_) => return Err("is no number"),
    };
    if number.is_nan() {
        Err("is no number")
    } else if number < low {
        Err("is too little")
    } else if number > high {
        Err("is too much")
    } else {
        Ok(number)
    }
}

/// Returns the number with the fewest decimals that reads back as `ratio`.
pub(super) fn shortest(ratio: Ratio) -> f64 {
    let exact = ratio.as_f64();
    let rounded = (0..10).map(|decimals| {
        let scale = 10_f64.powi(decimals);
        (exact * scale).round() / scale
    });
    let mut same = rounded.filter(|&it| Ratio::clamped(it, 0, u16::MAX) == ratio);
    same.next().unwrap_or(exact)
}
