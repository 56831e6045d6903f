//! Prints hints as text, for comparison in tests.

use std::fmt::Write;

use breather::{
    Dialect, Hint,
    driver::{Instant, Moment, UnixTime},
    hint::{IgnoreReason, Unit},
};

/// The server's time, 2027-01-15T08:00:00Z.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const DATE: &str = "Fri, 15 Jan 2027 08:00:00 GMT";

/// The instant at which the response was received.
pub(crate) const AT: Instant = Instant::from_nanos(5_000_000_000);

/// Our own clock. It is an hour ahead of the server's, so a test fails if code ignores the `Date`.
const OWN: UnixTime = UnixTime::from_secs(NOW + 3_600);

/// Reads header lines in wire format and the server's `Date`, and prints the hint.
///
/// The output has the windows, the wait, whether to retry, and the ignored lines. Each takes one
/// line, in this order.
pub(crate) fn said(dialect: Option<&str>, lines: &str) -> String {
    let dialects = dialect.map(|name| [Dialect::named(name).expect(name)]);
    let moment = Moment::new(AT).with_wall_clock(&OWN);
    let moment = match &dialects {
        Some(dialects) => moment.with_dialects(dialects),
        None => moment,
    };
    let lines = || pairs(lines).chain([("Date", DATE.as_bytes())]);
    let said = text(&Hint::read(lines(), moment));
    let pairs = lines().map(|(name, value)| {
        let name: http::HeaderName = name.parse().expect("a valid header name");
        (
            name,
            http::HeaderValue::from_bytes(value).expect("a valid header value"),
        )
    });
    let map: http::HeaderMap = pairs.collect();
    assert_eq!(text(&Hint::from_headers(&map, moment)), said, "{map:?}");
    said
}

/// Calls [`said`] without a dialect.
pub(crate) fn plainly(lines: &str) -> String {
    said(None, lines)
}

/// Splits header lines in wire format into names and values.
pub(crate) fn pairs(lines: &str) -> impl Iterator<Item = (&str, &[u8])> {
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| {
        let (name, value) = line.split_once(':').expect("a header line has a colon");
        (name.trim(), value.trim().as_bytes())
    })
}

/// Prints a hint line by line.
pub(crate) fn text(hint: &Hint<'_>) -> String {
    let mut text = String::new();
    for window in hint.windows() {
        write!(text, "{}:", window.name()).unwrap();
        let mut figure = |name, figure: Option<String>| {
            if let Some(figure) = figure {
                write!(text, " {name} {figure}").unwrap();
            }
        };
        figure("limit", window.limit().map(|it| it.to_string()));
        figure("remaining", window.remaining().map(|it| it.to_string()));
        figure("used", window.used().map(|it| it.to_string()));
        figure("reset", window.reset().map(|it| format!("{it:?}")));
        figure("length", window.length().map(|it| format!("{it:?}")));
        let unit = Some(window.unit()).filter(|unit| *unit != Unit::Requests);
        figure("unit", unit.map(|it| it.to_string()));
        let key = window.key().map(|it| it.escape_ascii().to_string());
        figure("key", key);
        text.push('\n');
    }
    if let Some(wait) = hint.not_before() {
        writeln!(text, "wait {:?}", wait.duration_since(hint.received())).unwrap();
    }
    if let Some(retry) = hint.retry() {
        writeln!(text, "retry {retry}").unwrap();
    }
    for ignored in hint.ignored() {
        let why: IgnoreReason = ignored.why();
        writeln!(text, "ignored {}: {why:?}", ignored.header()).unwrap();
    }
    text
}

/// Returns the lines of a table cell without their indentation.
pub(crate) fn lines(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}
