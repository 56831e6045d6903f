//! Numbers as people give them.

use std::time::Duration;

/// A number, or none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct OrNone(pub(crate) Option<u32>);

/// A whole number from 1 on.
pub(crate) fn up_to(most: u32) -> impl Fn(&str) -> Result<u32, String> + Clone {
    between(1, most)
}

/// A whole number, perhaps 0.
pub(crate) fn any(text: &str) -> Result<u32, String> {
    between(0, u32::MAX)(text)
}

fn between(least: u32, most: u32) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

pub(crate) fn or_none(text: &str) -> Result<OrNone, String> {
    match text.parse() {
        Ok(number) if number <= MILLION => Ok(OrNone(Some(number))),
        _ if text == "none" => Ok(OrNone(None)),
        _ => Err(format!(
            "expected a whole number up to {MILLION}, or `none`"
        )),
    }
}

pub(crate) fn places(text: &str) -> Result<OrNone, String> {
    match or_none(text)? {
        OrNone(Some(0)) => Err("expected at least 1, or `none`".to_owned()),
        places => Ok(places),
    }
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=DAY_S).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("expected seconds, from 0.001 to {DAY_S}")),
    }
}

pub(crate) fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=1e6).contains(&rate) => Ok(rate),
        _ => Err("expected sends a second, from 0.001 to 1000000".to_owned()),
    }
}

const DAY_S: f64 = 86_400.0;
const MILLION: u32 = 1_000_000;
