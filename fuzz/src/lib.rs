//! Shared parts of the targets: the names of headers, and responses that are written as text.

use std::sync::LazyLock;

use breather::{
    Dialect,
    driver::{Instant, Moment, UnixTime},
    hint::{HeaderFamily, TimeFormat},
};

/// When the head of a response was received.
pub const AT: Instant = Instant::from_nanos(5_000_000_000);

/// A dialect with a header in every form of the public API.
pub const ACME: Dialect = Dialect::new(
    "acme",
    &[
        HeaderFamily::new("acme")
            .with_limit("acme-limit")
            .with_remaining("acme-remaining")
            .with_used("acme-used")
            .with_reset("acme-reset", TimeFormat::Any)
            .with_reset("acme-reset-millis", TimeFormat::Millis)
            .with_length_in("acme-length", TimeFormat::Units)
            .with_name_in("acme-name"),
        HeaderFamily::new("acme-bucket")
            .with_used_of_limit("acme-bucket")
            .with_length_in("acme-bucket-length", TimeFormat::Seconds),
        HeaderFamily::new("acme-delays")
            .with_delay("acme-any", TimeFormat::Any)
            .with_delay("acme-seconds", TimeFormat::Seconds)
            .with_delay("acme-millis", TimeFormat::Millis)
            .with_delay("acme-epoch-seconds", TimeFormat::EpochSeconds)
            .with_delay("acme-epoch-millis", TimeFormat::EpochMillis)
            .with_delay("acme-date", TimeFormat::Date)
            .with_delay("acme-units", TimeFormat::Units),
    ],
);

/// The texts that may be the name of a known header, from the reader's table and from the dialect
/// above.
pub static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let table = include_str!("../../crates/breather/src/hint/common.rs");
    let here = include_str!("lib.rs");
    let texts = [table, here].into_iter().flat_map(texts);
    let is_name = |text: &&str| {
        let mut bytes = text.bytes();
        !text.is_empty()
            && bytes.all(|byte| byte.is_ascii_lowercase() || b"-_0123456789".contains(&byte))
    };
    texts.filter(is_name).chain(["date", "age"]).collect()
});

/// Returns the texts between quotes.
fn texts(source: &'static str) -> impl Iterator<Item = &'static str> {
    source
        .lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2))
}

/// A response as a target reads it. Some of its lines are settings for the reader.
///
/// ```text
/// clock 1800000000
/// dialects github acme
/// Retry-After: 7
/// ```
///
/// If a line begins with a byte above 127, its first two bytes choose the name of a known header.
#[derive(Debug, Default)]
pub struct Response {
    /// Our own clock. A line sets it in seconds, or with `micros` in microseconds.
    pub clock: Option<UnixTime>,
    pub dialects: Vec<Dialect>,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Response {
    pub fn parse(data: &[u8]) -> Self {
        let mut response = Self::default();
        for line in data.split(|&byte| byte == b'\n') {
            response.line(line);
        }
        response
    }

    fn line(&mut self, line: &[u8]) {
        if let Some(clock) = setting(line, "clock ") {
            self.clock = clock.trim().parse().ok().map(UnixTime::from_secs);
        } else if let Some(clock) = setting(line, "micros ") {
            self.clock = clock.trim().parse().ok().map(UnixTime::from_micros);
        } else if let Some(names) = setting(line, "dialects ") {
            let named = |name: &str| match name {
                "acme" => Some(ACME),
                _ => Dialect::named(name),
            };
            self.dialects = names.split(' ').filter_map(named).collect();
        } else if let [first @ 128..=255, second, value @ ..] = line {
            let choice = usize::from(first & 127) << 8 | usize::from(*second);
            let name = NAMES[choice % NAMES.len()];
            self.header(name.to_owned(), value);
        } else if let Some(colon) = line.iter().position(|&byte| byte == b':') {
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            self.header(name, &line[colon + 1..]);
        }
    }

    /// Adds a header. A vertical tab stands for the end of a line, which a value should not contain
    /// but may.
    fn header(&mut self, name: String, value: &[u8]) {
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let bytes = value
            .iter()
            .map(|&byte| if byte == 11 { b'\n' } else { byte });
        self.headers.push((name, bytes.collect()));
    }

    pub fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    pub fn moment(&self) -> Moment<'_> {
        moment(self.clock.as_ref()).with_dialects(&self.dialects)
    }
}

/// Returns the moment of receipt, with our own clock if there is one.
pub fn moment(clock: Option<&UnixTime>) -> Moment<'_> {
    match clock {
        Some(clock) => Moment::new(AT).with_wall_clock(clock),
        None => Moment::new(AT),
    }
}

fn setting<'a>(line: &'a [u8], name: &str) -> Option<&'a str> {
    str::from_utf8(line.strip_prefix(name.as_bytes())?).ok()
}
