//! How hints are read from header lines.

use std::time::Duration;

use breather::{
    Hint,
    driver::{Instant, Moment, UnixTime},
    hint::IgnoreReason,
};
use proptest::prelude::*;

/// 2027-01-15T08:00:00Z.
const NOW: i64 = 1_800_000_000;
const DATE: &str = "Fri, 15 Jan 2027 08:00:00 GMT";

const AT: Instant = Instant::from_nanos(5_000_000_000);

const CLOCK: UnixTime = UnixTime::from_secs(NOW);

fn moment() -> Moment<'static> {
    Moment::new(AT).with_wall_clock(&CLOCK)
}

fn read<'a>(lines: &'a [(&'a str, &'a str)]) -> Hint<'a> {
    let lines = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
    Hint::read(lines, moment())
}

/// Returns the wait that the lines of a rejection ask for, in seconds.
fn wait(lines: &[(&str, &str)]) -> Option<f64> {
    let hint = read(lines);
    let not_before = hint.not_before()?;
    Some(not_before.duration_since(AT).as_secs_f64())
}

fn ignored(lines: &[(&str, &str)]) -> Vec<(String, IgnoreReason)> {
    let hint = read(lines);
    let ignored = hint.ignored().map(|it| (it.header().to_owned(), it.why()));
    ignored.collect()
}

#[test]
fn retry_after_is_read_in_every_rfc_form() {
    assert_eq!(wait(&[("Retry-After", "120")]), Some(120.0));
    assert_eq!(wait(&[("retry-after", " 120 ")]), Some(120.0));
    assert_eq!(wait(&[("RETRY-AFTER", "0")]), Some(0.0));
    for date in [
        "Fri, 15 Jan 2027 08:02:00 GMT",
        "Friday, 15-Jan-27 08:02:00 GMT",
        "Fri Jan 15 08:02:00 2027",
    ] {
        let lines = [("retry-after", date), ("date", DATE)];
        assert_eq!(wait(&lines), Some(120.0), "{date}");
        assert_eq!(wait(&lines[..1]), Some(120.0), "{date}, by the local clock");
    }
}

#[test]
fn date_and_epoch_are_relative_to_server_clock() {
    // The server's clock is three minutes ahead of the local one.
    let date = ("date", "Fri, 15 Jan 2027 08:03:00 GMT");
    let retry_after = ("retry-after", "Fri, 15 Jan 2027 08:03:10 GMT");
    assert_eq!(wait(&[retry_after, date]), Some(10.0));
    let window = [
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1800000190"),
        date,
    ];
    assert_eq!(wait(&window), Some(10.0));
    // The order of lines does not matter.
    assert_eq!(wait(&[date, retry_after]), Some(10.0));
}

#[test]
fn date_without_a_clock_is_ignored() {
    let headers: [(&str, &[u8]); 1] = [("retry-after", b"Fri, 15 Jan 2027 08:02:00 GMT")];
    let hint = Hint::read(headers, Moment::new(AT));
    assert_eq!(hint.not_before(), None);
    assert_eq!(hint.ignored().next().unwrap().why(), IgnoreReason::NoClock);
}

#[test]
fn magnitude_distinguishes_epoch_from_delta() {
    for (value, expected) in [
        ("30", Some(30.0)),
        ("0.35", Some(0.35)),
        ("3024000", Some(3_024_000.0)),
        ("100000000", None),
        ("999999999", None),
        ("1800000030", Some(30.0)),
        ("1800000030.25", Some(30.25)),
        ("1800000030250", Some(30.25)),
        ("99999999999999999999999999999999999", None),
    ] {
        let reset = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", value),
            ("date", DATE),
        ];
        assert_eq!(wait(&reset), expected, "reset {value}");
        let retry_after = [("retry-after", value), ("date", DATE)];
        assert_eq!(wait(&retry_after), expected, "retry-after {value}");
    }
    assert_eq!(
        ignored(&[("retry-after", "999999999")]),
        [("retry-after".to_owned(), IgnoreReason::Ambiguous)]
    );
}

#[test]
fn past_date_is_ignored() {
    for lines in [
        [
            ("retry-after", "Fri, 15 Jan 2027 07:59:59 GMT"),
            ("date", DATE),
        ],
        [("retry-after", "1799999999"), ("date", DATE)],
    ] {
        assert_eq!(wait(&lines), None);
        assert_eq!(
            ignored(&lines),
            [("retry-after".to_owned(), IgnoreReason::Past)]
        );
    }
}

#[test]
fn unreadable_value_is_ignored() {
    for value in [
        "",
        " ",
        "+1",
        "nan",
        "inf",
        "1e999",
        "²",
        "soon",
        "7x",
        "null",
        "1,two",
        "2, 3,",
        "0x10",
        "Fri, 32 Jan 2027 08:00:00 GMT",
        "Fri, 15 Jan 2027 08:00:00 PST",
    ] {
        assert_eq!(wait(&[("retry-after", value)]), None, "{value:?}");
        assert_eq!(
            ignored(&[("retry-after", value)]),
            [("retry-after".to_owned(), IgnoreReason::Unreadable)],
            "{value:?}"
        );
    }
}

#[test]
fn repeated_header_counts_once_and_later_reset_wins() {
    assert_eq!(
        wait(&[("retry-after", "5"), ("retry-after", "5")]),
        Some(5.0)
    );
    let disagreeing = [
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "5"),
        ("x-ratelimit-reset", "50"),
    ];
    assert_eq!(wait(&disagreeing), Some(50.0));
    let earlier = read(&disagreeing).ignored().next().unwrap();
    assert_eq!(
        (earlier.value(), earlier.why()),
        (&b"5"[..], IgnoreReason::Ambiguous)
    );
    assert_eq!(read(&disagreeing).ignored().count(), 1);
}

#[test]
fn windows_of_each_family_are_read() {
    for (limit, left, reset, name) in [
        (
            "x-rate-limit-limit",
            "x-rate-limit-remaining",
            "x-rate-limit-reset",
            "x-rate-limit",
        ),
        (
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
            "x-ratelimit",
        ),
    ] {
        let lines = [(limit, "300"), (left, "12"), (reset, "41")];
        let hint = read(&lines);
        let window = hint.windows().next().unwrap();
        assert_eq!(window.name(), name);
        assert_eq!(window.limit(), Some(300));
        assert_eq!(window.remaining(), Some(12));
        assert_eq!(window.reset(), Some(Duration::from_secs(41)));
        assert_eq!(hint.windows().count(), 1);
        // Quota remains, so a rejection has another reason and the reset doesn't apply.
        assert_eq!(hint.not_before(), None);
    }
}

#[test]
fn genesys_count_is_used_quota() {
    let lines = [
        ("inin-ratelimit-allowed", "300"),
        ("inin-ratelimit-count", "288"),
        ("inin-ratelimit-reset", "61"),
    ];
    let hint = read(&lines);
    let window = hint.windows().next().unwrap();
    assert_eq!(window.remaining(), Some(12));
    // If more was used than allowed, the remaining quota is 0. A count without a limit is ignored.
    let over = [lines[0], ("inin-ratelimit-count", "301"), lines[2]];
    assert_eq!(wait(&over), Some(61.0));
    let alone = [lines[1]];
    assert_eq!(read(&alone).windows().next().unwrap().remaining(), None);
}

#[test]
fn longest_spent_window_counts() {
    let lines = [
        ("x-rate-limit-remaining", "0"),
        ("x-rate-limit-reset", "3"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "30"),
        ("inin-ratelimit-allowed", "100000"),
        ("inin-ratelimit-count", "5"),
        ("inin-ratelimit-reset", "86000"),
    ];
    assert_eq!(wait(&lines), Some(30.0));
}

#[test]
fn retry_after_takes_precedence_over_resets() {
    let lines = [
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "30"),
        ("retry-after", "7"),
    ];
    assert_eq!(wait(&lines), Some(7.0));
}

#[test]
fn cached_response_is_ignored() {
    let lines = [
        ("age", "3"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "30"),
    ];
    assert_eq!(wait(&lines), None);
    assert!(
        ignored(&lines)
            .iter()
            .all(|(_, why)| *why == IgnoreReason::Cached)
    );
    let fresh = [("age", "0"), lines[1], lines[2]];
    assert_eq!(wait(&fresh), Some(30.0));
    // An unreadable age is ignored.
    assert_eq!(wait(&[("age", "soon"), lines[1], lines[2]]), Some(30.0));
    assert_eq!(wait(&[("age", "3, 0"), lines[1], lines[2]]), None);
    assert_eq!(
        wait(&[("age", "300"), ("age", "0"), lines[1], lines[2]]),
        None
    );
}

#[test]
fn zero_limit_is_ambiguous() {
    let lines = [
        ("x-ratelimit-limit", "0"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "60"),
    ];
    let ambiguous = ["x-ratelimit-limit", "x-ratelimit-remaining"];
    let ambiguous = ambiguous.map(|name| (name.to_owned(), IgnoreReason::Ambiguous));
    assert_eq!(ignored(&lines), ambiguous);
    assert!(read(&lines).windows().all(|it| it.remaining().is_none()));
    // The reset of a rejection is still obeyed.
    assert_eq!(wait(&lines), Some(60.0));
}

#[test]
fn evidence_names_the_header_that_counted() {
    let lines = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")];
    let evidence = read(&lines).evidence().unwrap();
    assert_eq!(evidence.to_string(), "x-ratelimit-reset: 30");
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("retry-after".to_owned()),
        Just("Date".to_owned()),
        Just("age".to_owned()),
        "(x-rate-limit|x-ratelimit|inin-ratelimit)-(limit|remaining|reset|count|allowed)",
        "[a-zA-Z-]{0,24}",
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        "[0-9]{0,40}(\\.[0-9]{0,20})?".prop_map(String::into_bytes),
        "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_panic_or_past_wait(
        lines in prop::collection::vec((name(), value()), 0..12),
        wall in proptest::option::of(any::<i64>()),
    ) {
        let wall = wall.map(UnixTime::from_micros);
        let mut moment = Moment::new(AT);
        if let Some(wall) = &wall {
            moment = moment.with_wall_clock(wall);
        }
        let pairs = lines.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let hint = Hint::read(pairs, moment);
        if let Some(not_before) = hint.not_before() {
            prop_assert!(not_before >= AT);
            prop_assert!(hint.evidence().unwrap().value().len() <= 64);
        }
        for ignored in hint.ignored() {
            let _ = ignored.why().to_string();
        }
    }

    #[test]
    fn whole_seconds_are_exact_to_the_nanosecond(seconds in 0..100_000_000_u64) {
        let value = seconds.to_string();
        let lines = [("retry-after", value.as_str())];
        prop_assert_eq!(read(&lines).not_before(), Some(AT + Duration::from_secs(seconds)));
    }

    #[test]
    fn epoch_gives_same_wait_by_any_clock(
        ahead in 0..100_000_i64, date in 1_000_000_000..90_000_000_000_i64,
    ) {
        let clock = UnixTime::from_secs(date);
        let moment = Moment::new(AT).with_wall_clock(&clock);
        let value = (date + ahead).to_string();
        let hint = Hint::read([("retry-after", value.as_bytes())], moment);
        let expected = AT + Duration::from_secs(ahead as u64);
        prop_assert_eq!(hint.not_before(), Some(expected));
    }
}
