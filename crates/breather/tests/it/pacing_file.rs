//! Pacings in configuration files, and the errors for invalid ones.

use std::time::Duration;

use breather::{Pace, Pacing};
use proptest::prelude::*;

use crate::configuration::blocks;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_field_is_read() {
    let new = Pacing::new();
    for (toml, expected) in [
        ("", new),
        ("max_queued = 0", new.with_max_queued(0)),
        ("pace = 'even'", new.with_pace(Pace::Even)),
        (
            "limit = { number = 5, per = '1s' }",
            new.with_limit(5, SECOND),
        ),
        (
            "[initial_limit]\nper = '1m'\nnumber = 300",
            new.with_initial_limit(300, 60 * SECOND),
        ),
        ("max_in_flight = 4", new.with_max_in_flight(4)),
        ("silent_hold = '1m'", new.with_silent_hold(60 * SECOND)),
        ("limit = 'none'\nmax_in_flight = 'none'", new),
    ] {
        let read: Pacing = toml::from_str(toml).expect(toml);
        assert_eq!(read, expected, "{toml}");
    }
}

#[test]
fn invalid_values_name_field_value_and_expectation() {
    const COUNT: &str = r#"a whole number from 1 to 4294967295, or "none""#;
    const TABLE: &str = r#"a table of number and per, or "none""#;
    const TIME: &str = r#"text with units of h, m, s, ms, us or ns, as "1m 30s""#;
    const NUMBER: &str = "a whole number of at least 1";
    const FIELDS: &str = "max_queued, pace, limit, initial_limit, max_in_flight, silent_hold";
    for (json, message, expected) in [
        (
            r#"{"max_queued": -1}"#,
            "max_queued: -1 is negative",
            "a whole number",
        ),
        (
            r#"{"pace": "fast"}"#,
            r#"pace: "fast" is no pace"#,
            r#""burst" or "even""#,
        ),
        (
            r#"{"max_in_flight": 0}"#,
            "max_in_flight: 0 is too little",
            COUNT,
        ),
        (
            r#"{"max_in_flight": 4294967296}"#,
            "max_in_flight: 4294967296 is too much",
            COUNT,
        ),
        (r#"{"limit": 5}"#, "limit: 5 is no limit", TABLE),
        (r#"{"limit": [5]}"#, "limit: a list is no limit", TABLE),
        (r#"{"limit": {"number": 5}}"#, "limit.per: is missing", TIME),
        (
            r#"{"initial_limit": {"per": "1s"}}"#,
            "initial_limit.number: is missing",
            NUMBER,
        ),
        (
            r#"{"limit": {"number": 5, "per": "0s"}}"#,
            r#"limit.per: "0s" is too short"#,
            TIME,
        ),
        (
            r#"{"limit": {"number": 1.5, "per": "1s"}}"#,
            "limit.number: 1.5 is no whole number",
            NUMBER,
        ),
        (
            r#"{"limit": {"number": 1e300, "per": "1s"}}"#,
            "limit.number: 1e300 is too much",
            NUMBER,
        ),
        (
            r#"{"silent_hold": 60}"#,
            "silent_hold: 60 has no unit",
            TIME,
        ),
        (
            r#"{"limits": {}}"#,
            r#"pacing: "limits" is no field"#,
            &format!("one of {FIELDS}"),
        ),
        (
            r#"{"limit": {"count": 5}}"#,
            r#"limit: "count" is no field"#,
            "one of number, per",
        ),
    ] {
        let error = serde_json::from_str::<Pacing>(json).expect_err(json);
        let said = error.to_string();
        let expected = format!("{message}, expected {expected}");
        assert!(said.starts_with(&expected), "{said}, not {expected}");
    }
}

#[test]
fn chapter_shows_the_defaults_and_an_error() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let chapter = std::fs::read_to_string(path).unwrap();
    let blocks = blocks(&chapter);
    let is_pacing = |&at: &usize| blocks[at].0.ends_with("<!-- pacing -->");
    let shown: Vec<_> = (0..blocks.len()).filter(is_pacing).collect();
    let [defaults, wrong] = shown[..] else {
        panic!("expected two files, not {shown:?}")
    };
    let read: Pacing = toml::from_str(blocks[defaults].2).unwrap();
    assert_eq!(read, Pacing::new());
    let written: toml::Table = toml::from_str(&toml::to_string(&read).unwrap()).unwrap();
    let shown: toml::Table = toml::from_str(blocks[defaults].2).unwrap();
    assert_eq!(written, shown, "the chapter shows all fields");
    let error = toml::from_str::<Pacing>(blocks[wrong].2).unwrap_err();
    assert_eq!(error.to_string(), blocks[wrong + 1].2);
}

fn limit() -> impl Strategy<Value = (u64, Duration)> {
    let per = (0..100_000_u64, 1..1_000_000_000_u32);
    let per = per.prop_map(|(seconds, nanos)| Duration::new(seconds, nanos));
    (1..=i64::MAX.unsigned_abs(), per)
}

fn pacing() -> impl Strategy<Value = Pacing> {
    let limits = (proptest::option::of(limit()), proptest::option::of(limit()));
    let rest = (0..=i64::MAX as usize, any::<bool>(), any::<u32>(), limit());
    (limits, rest).prop_map(
        |((limit, initial), (queued, is_even, in_flight, (_, hold)))| {
            let mut pacing = Pacing::new()
                .with_max_queued(queued)
                .with_max_in_flight(in_flight)
                .with_silent_hold(hold);
            if is_even {
                pacing = pacing.with_pace(Pace::Even);
            }
            if let Some((number, per)) = limit {
                pacing = pacing.with_limit(number, per);
            }
            if let Some((number, per)) = initial {
                pacing = pacing.with_initial_limit(number, per);
            }
            pacing
        },
    )
}

proptest! {
    #[test]
    fn every_pacing_survives_round_trip(pacing in pacing()) {
        let toml: Pacing = toml::from_str(&toml::to_string(&pacing).unwrap()).unwrap();
        let json: Pacing = serde_json::from_str(&serde_json::to_string(&pacing).unwrap()).unwrap();
        prop_assert_eq!((toml, json), (pacing, pacing));
    }
}

#[test]
fn more_than_a_file_can_hold_is_written_as_the_most() {
    let huge = Pacing::new()
        .with_max_queued(usize::MAX)
        .with_limit(u64::MAX, SECOND);
    let read: Pacing = toml::from_str(&toml::to_string(&huge).unwrap()).unwrap();
    assert_eq!(read.max_queued(), i64::MAX as usize);
    assert_eq!(read.limit(), Some((i64::MAX.unsigned_abs(), SECOND)));
}
