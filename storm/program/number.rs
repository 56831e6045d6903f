//! Parsers for numbers on the command line.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// A number or none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct OrNone(pub(crate) Option<u32>);

/// Parses a whole number from 1 to `most`.
pub(crate) fn up_to(most: u32) -> impl Fn(&str) -> Result<u32, String> + Clone {
    between(1, most)
}

/// Parses a number of calls.
pub(crate) fn count(text: &str) -> Result<u32, String> {
    up_to(1_000_000_000)(text)
}

/// Parses a whole number from 0 on.
pub(crate) fn any(text: &str) -> Result<u32, String> {
    between(0, u32::MAX)(text)
}

fn between<N>(least: N, most: N) -> impl Fn(&str) -> Result<N, String> + Clone
where
    N: Copy + Display + FromStr + PartialOrd,
{
    move |text| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

/// Parses seconds, which may be negative.
pub(crate) fn offset(text: &str) -> Result<i32, String> {
    between(-DAY, DAY)(text).map_err(|error| format!("{error}, in seconds"))
}

/// Parses milliseconds, from 0 on.
pub(crate) fn millis(text: &str) -> Result<Duration, String> {
    let millis = between(0, 3_600_000)(text)?;
    Ok(Duration::from_millis(millis))
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

/// Parses a time of the run.
pub(crate) fn instant(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=DAY_S).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("expected seconds, from 0 to {DAY_S}")),
    }
}

pub(crate) fn share(most: f64) -> impl Fn(&str) -> Result<f64, String> + Clone {
    move |text| match text.parse() {
        Ok(share) if (0.0..=most).contains(&share) => Ok(share),
        _ => Err(format!("expected a share, from 0 to {most}")),
    }
}

/// Parses a factor.
pub(crate) fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (1.0..=1_000.0).contains(&factor) => Ok(factor),
        _ => Err("expected a factor, from 1 to 1000".to_owned()),
    }
}

pub(crate) fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=1e6).contains(&rate) => Ok(rate),
        _ => Err("expected sends a second, from 0.001 to 1000000".to_owned()),
    }
}

const DAY: i32 = 86_400;
const DAY_S: f64 = 86_400.0;
const MILLION: u32 = 1_000_000;
