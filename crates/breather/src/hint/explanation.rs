//! A hint in words.

use core::fmt;

use super::{Hint, Window};
use crate::printable::Printable;

/// A [`Hint`] in words, for a person: see [`Hint::explain`].
///
/// Header values are cut after 64 bytes, and bytes that are not printable are escaped.
///
/// # Example
///
/// ```
/// use breather::{Hint, driver::{Instant, Moment}};
///
/// let headers: [(&str, &[u8]); 2] = [("RateLimit", b"\"burst\";r=0;t=3"), ("Retry-After", b"soon")];
/// let hint = Hint::read(headers, Moment::new(Instant::ORIGIN));
/// let explained = hint.explain().to_string();
/// let lines: Vec<_> = explained.lines().collect();
/// assert_eq!(lines[0], "not before 3s from now");
/// assert_eq!(lines[1], "window burst: 0 requests remaining, resets in 3s");
/// assert_eq!(lines[2], "ignored: retry-after: soon (its value is not in a known form)");
/// assert_eq!(lines[3], r#"read: ratelimit: "burst";r=0;t=3 (windows)"#);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Explanation<'h>(pub(super) &'h Hint<'h>);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = self.0;
        match hint.not_before() {
            Some(at) => {
                let wait = at.duration_since(hint.received());
                writeln!(f, "not before {wait:?} from now")?;
            }
            None => writeln!(f, "no wait is asked for")?,
        }
        match hint.retry() {
            Some(true) => writeln!(f, "it is to be sent again")?,
            Some(false) => writeln!(f, "it is not to be sent again")?,
            None => {}
        }
        for window in hint.windows() {
            explain_window(f, window)?;
        }
        for ignored in hint.ignored() {
            let value = Value(ignored.value());
            let why = ignored.why();
            writeln!(f, "ignored: {}: {value} ({why})", ignored.header())?;
        }
        for reading in hint.readings() {
            let value = Value(reading.value());
            writeln!(f, "read: {}: {value} ({reading})", reading.header())?;
        }
        Ok(())
    }
}

fn explain_window(f: &mut fmt::Formatter<'_>, window: &Window<'_>) -> fmt::Result {
    write!(f, "window {}:", Value(window.name().as_bytes()))?;
    let mut comma = "";
    if let Some(remaining) = window.remaining() {
        write!(f, " {remaining}")?;
        if let Some(limit) = window.limit() {
            write!(f, " of {limit}")?;
        }
        write!(f, " {} remaining", window.unit())?;
        comma = ",";
    } else if let Some(limit) = window.limit() {
        write!(f, " {limit} {}", window.unit())?;
        comma = ",";
    }
    if let Some(length) = window.length() {
        write!(f, "{comma} {length:?} long")?;
        comma = ",";
    }
    if let Some(used) = window.used() {
        write!(f, "{comma} {used} used")?;
        comma = ",";
    }
    if let Some(reset) = window.reset() {
        write!(f, "{comma} resets in {reset:?}")?;
        comma = ",";
    }
    if let Some(key) = window.key() {
        write!(f, "{comma} for {}", Value(key))?;
    }
    writeln!(f)
}

/// A value as received, for a line of a log or a terminal.
struct Value<'a>(&'a [u8]);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(SHOWN)];
        let more = if shown.len() < self.0.len() {
            "…"
        } else {
            ""
        };
        write!(f, "{}{more}", Printable(shown))
    }
}

const SHOWN: usize = 64;
