//! Durations as text.

use core::time::Duration;

use jiff::fmt::friendly::{Designator, SpanParser, SpanPrinter};
use serde_core::ser::{Serialize, Serializer};

use super::field::{Found, Value};

/// Writes `us` for microseconds, which can be typed.
static PRINTER: SpanPrinter = SpanPrinter::new().designator(Designator::HumanTime);

impl Value for Duration {
    const EXPECTED: &'static str = r#"text with units of h, m, s, ms, us or ns, as "1m 30s""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match *found {
            Found::Text(text) => read(text),
            Found::Whole(_) | Found::Number(_) => Err("has no unit"),
            Found::Other(_) => Err("is no duration"),
        }
    }
}

fn read(text: &str) -> Result<Duration, &'static str> {
    if let Ok(duration) = SpanParser::new().parse_unsigned_duration(text) {
        return Ok(duration);
    }
    let is_number = text.parse::<f64>().is_ok();
    // Text is a negative duration if it parses without its sign.
    let negative = text.strip_prefix('-').or_else(|| text.strip_suffix(" ago"));
    if negative.is_some_and(|rest| SpanParser::new().parse_unsigned_duration(rest).is_ok()) {
        Err("is negative")
    } else if is_number {
        Err("has no unit")
    } else {
        Err("is no duration")
    }
}

/// An upper limit, or `None` for unlimited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound(pub(crate) Option<Duration>);

impl Value for Bound {
    const EXPECTED: &'static str =
        r#"text with units of h, m, s, ms, us or ns, as "1m 30s", or "none""#;

    fn read(found: &Found<'_>) -> Result<Self, &'static str> {
        match found {
            Found::Text("none") => Ok(Self(None)),
            _ => Duration::read(found).map(|duration| Self(Some(duration))),
        }
    }
}

pub(crate) struct WrittenDuration(pub(crate) Duration);

impl Serialize for WrittenDuration {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(self.0))
    }
}

pub(crate) struct WrittenBound(pub(crate) Option<Duration>);

impl Serialize for WrittenBound {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(duration) => WrittenDuration(duration).serialize(to),
            None => to.serialize_str("none"),
        }
    }
}

pub(crate) fn text(duration: Duration) -> String {
    PRINTER.unsigned_duration_to_string(&duration)
}
