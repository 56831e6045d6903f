//! What a response says, as text that a test can be compared with.

use std::fmt::Write;

use breather::{
    Dialect, Hint,
    driver::{Instant, Moment, UnixTime},
    hint::{IgnoreReason, Unit},
};

/// 2027-01-15T08:00:00Z: what the server's clock shows.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const DATE: &str = "Fri, 15 Jan 2027 08:00:00 GMT";

/// When the response was received.
pub(crate) const AT: Instant = Instant::from_nanos(5_000_000_000);

/// Our own clock, which is an hour ahead of the server's: whoever reads by it although there is a `Date` is found out.
const OWN: UnixTime = UnixTime::from_secs(NOW + 3_600);

/// What is said by header lines that are written as on the wire, beside the server's `Date`: the windows, the wait,
/// whether to retry, and what was ignored. One line each, in this order.
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
        let name: http::HeaderName = name.parse().expect("a header's name");
        (name, http::HeaderValue::from_bytes(value).expect("a value"))
    });
    let map: http::HeaderMap = pairs.collect();
    assert_eq!(text(&Hint::from_headers(&map, moment)), said, "{map:?}");
    said
}

/// As [`said`], without a dialect.
pub(crate) fn plainly(lines: &str) -> String {
    said(None, lines)
}

/// The names and values of header lines that are written as on the wire.
pub(crate) fn pairs(lines: &str) -> impl Iterator<Item = (&str, &[u8])> {
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| {
        let (name, value) = line.split_once(':').expect("a header line");
        (name.trim(), value.trim().as_bytes())
    })
}

/// A hint, line by line.
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

/// The lines of a table's cell, without their indentation.
pub(crate) fn lines(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}
