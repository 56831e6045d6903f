//! Checks the reader's promises about its hint for any headers of a response.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use breather::{Hint, driver::Moment, hint::IgnoreReason};
use breather_fuzz::{AT, Response};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let response = Response::parse(data);
    let hint = Hint::read(response.lines(), response.moment());
    waits(&hint);
    explanation(&hint);
    accounts(&hint, &response);
    spellings(&hint, &response);
});

/// Checks that no wait ends before the receipt, and that each wait has a header as its source.
fn waits(hint: &Hint<'_>) {
    assert_eq!(hint.received(), AT);
    assert!(hint.windows().count() <= MAX_WINDOWS);
    if let Some(not_before) = hint.not_before() {
        assert!(not_before >= AT);
    }
    let evidence = hint.evidence();
    assert_eq!(evidence.is_some(), hint.not_before().is_some());
    if let Some(evidence) = evidence {
        assert!(evidence.value().len() <= 64);
        assert!(
            hint.readings()
                .any(|reading| reading.header().starts_with(evidence.header()))
        );
    }
}

/// Checks that the explanation is short and stays on one line, whatever a server wrote.
fn explanation(hint: &Hint<'_>) {
    let explained = hint.explain().to_string();
    assert!(!explained.contains(|it: char| it.is_control() && it != '\n'));
    let lines: Vec<_> = explained.lines().collect();
    let notes = hint.readings().count() + hint.ignored().count();
    let verdict = usize::from(hint.retry().is_some());
    assert_eq!(lines.len(), 1 + verdict + hint.windows().count() + notes);
    assert!(
        lines.iter().all(|line| line.len() <= MAX_LINE),
        "{explained}"
    );
}

/// Checks that each known header is explained once, even if it is repeated, and no other header is.
fn accounts(hint: &Hint<'_>, response: &Response) {
    let mut given = BTreeSet::new();
    for (name, value) in response.lines() {
        let name = name.to_ascii_lowercase();
        if is_known(&name, response.moment()) {
            given.insert((name, value));
        }
    }
    let mut told = BTreeMap::new();
    let readings = hint.readings().map(|it| (it.header(), it.value()));
    let ignored = hint.ignored().map(|it| (it.header(), it.value()));
    for (name, value) in readings.chain(ignored) {
        *told.entry((name.to_ascii_lowercase(), value)).or_insert(0) += 1;
    }
    assert!(told.values().all(|&times| times == 1));
    assert!(told.keys().all(|header| given.contains(header)));
    if given.len() <= MAX_HEADERS {
        assert_eq!(told.len(), given.len());
    } else {
        // One of the headers that were left out is listed.
        assert!(told.len() <= MAX_HEADERS + 1);
        assert!(
            hint.ignored()
                .any(|it| matches!(it.why(), IgnoreReason::TooMany | IgnoreReason::Cached))
        );
    }
}

/// Returns whether a header of that name is known, by reading it alone.
fn is_known(name: &str, moment: Moment<'_>) -> bool {
    let hint = Hint::read([(name, &b""[..])], moment);
    hint.readings().count() + hint.ignored().count() > 0
}

/// Checks that names are case-insensitive.
fn spellings(hint: &Hint<'_>, response: &Response) {
    for spell in [upper, mixed] {
        let names: Vec<_> = response.lines().map(|(name, _)| spell(name)).collect();
        let lines = names.iter().map(String::as_str);
        let lines = lines.zip(response.lines().map(|(_, value)| value));
        let other = Hint::read(lines, response.moment());
        assert_eq!(other.not_before(), hint.not_before());
        assert_eq!(other.retry_after(), hint.retry_after());
        assert_eq!(other.retry(), hint.retry());
        // Names that are not listed stay as they were received.
        let lower = |hint: &Hint<'_>| {
            let evidence = hint.evidence().map(|it| it.to_string());
            let explained = hint.explain().to_string();
            [evidence.unwrap_or_default(), explained].map(|it| it.to_ascii_lowercase())
        };
        assert_eq!(lower(&other), lower(hint));
    }
}

fn upper(name: &str) -> String {
    name.to_ascii_uppercase()
}

fn mixed(name: &str) -> String {
    let letters = name.char_indices().map(|(at, letter)| match at % 3 {
        0 => letter.to_ascii_uppercase(),
        1 => letter.to_ascii_lowercase(),
        _ => letter,
    });
    letters.collect()
}

const MAX_WINDOWS: usize = 8;
const MAX_HEADERS: usize = 24;

/// A value is cut after 64 bytes, each of which takes at most four. A window may have two values.
const MAX_LINE: usize = 800;
