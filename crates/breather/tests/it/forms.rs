//! Values in all forms, in every header that can hold them.

use std::time::Duration;

use breather::{
    Hint,
    driver::Moment,
    hint::{IgnoreReason, Window},
};

use super::said::{AT, DATE, pairs, text};

/// Returns the wait in seconds that the lines ask for.
fn wait(sent: &str) -> Option<f64> {
    let hint = Hint::read(pairs(sent), Moment::new(AT));
    Some(hint.not_before()?.duration_since(AT).as_secs_f64())
}

/// The header that is read for a value, and what has to stand beside it.
const DELAYS: [&str; 5] = [
    "Retry-After: ",
    "X-Retry-In: ",
    "X-RateLimit-After: ",
    "Retry-After-Ms: ",
    "X-RateLimit-Retry-After: ",
];
const RESETS: [&str; 4] = [
    "RateLimit-Remaining: 0\nRateLimit-Reset: ",
    "X-RateLimit-Remaining: 0\nX-RateLimit-Reset-After: ",
    "X-RateLimit-Remaining-Tokens: 0\nX-RateLimit-Reset-Tokens: ",
    "Anthropic-RateLimit-Requests-Remaining: 0\nAnthropic-RateLimit-Requests-Reset: ",
];

#[test]
fn every_header_that_states_a_time_reads_all_forms() {
    for header in DELAYS.iter().chain(&RESETS) {
        for (value, expected) in [
            ("2m11.5s", 131.5),
            ("131500ms", 131.5),
            ("2 minutes 11.5 seconds", 131.5),
            ("PT2M11.5S", 131.5),
            ("\"PT2M11.5S\"", 131.5),
            ("00:02:11.5", 131.5),
            ("1d", 86_400.0),
            ("Fri, 15 Jan 2027 08:02:11 GMT", 131.0),
            ("Fri, 15 Jan 2027 09:02:11 +0100", 131.0),
            ("Friday, 15 January 2027 08:02:11 GMT", 131.0),
            ("Fri Jan 15 08:02:11 UTC 2027", 131.0),
            ("2027-01-15T08:02:11.500Z", 131.5),
            ("2027-01-15T09:02:11+01:00", 131.0),
            ("2027-01-15 08:02:11+00:00", 131.0),
            ("2027-01-15 08:02:11 UTC", 131.0),
            ("'2027-01-15t08:02:11z'", 131.0),
            ("20270115T080211Z", 131.0),
            ("Fri Jan 15 2027 09:02:11 GMT+0100 (CET)", 131.0),
        ] {
            let sent = format!("{header}{value}\nDate: {DATE}");
            assert_eq!(wait(&sent), Some(expected), "{sent}");
        }
    }
}

#[test]
fn numbers_are_read_by_the_unit_of_the_name_or_else_by_magnitude() {
    for (sent, expected) in [
        ("Retry-After: 131.5", 131.5),
        ("Retry-After: \"131\"", 131.0),
        ("Retry-After-Ms: '131500'", 131.5),
        ("Retry-After: 1800000131", 131.0),
        ("Retry-After: 1800000131500", 131.5),
        ("Retry-After: 1800000131500000", 131.5),
        ("Retry-After: 1800000131500000000", 131.5),
        (
            "X-RateLimit-Remaining: \"0\"\nX-RateLimit-Reset: \"1800000131500000\"",
            131.5,
        ),
    ] {
        let sent = format!("{sent}\nDate: {DATE}");
        assert_eq!(wait(&sent), Some(expected), "{sent}");
    }
}

#[test]
fn values_with_two_meanings_are_ambiguous() {
    for value in [
        "2027-01-15T08:02:11",
        "2027-01-15 08:02:11",
        "2027-01-15",
        "17:00:00",
        "200000000",
        "999999999s",
        "PT99999999H",
        "200000000000000",
    ] {
        let sent = format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {value}\nDate: {DATE}");
        let hint = Hint::read(pairs(&sent), Moment::new(AT));
        let ignored: Vec<_> = hint.ignored().map(|it| it.why()).collect();
        assert_eq!(ignored, [IgnoreReason::Ambiguous], "{value}");
        assert_eq!(hint.not_before(), None, "{value}");
    }
}

#[test]
fn other_values_are_unreadable() {
    for value in [
        "soon", "7 apples", "1 month", "P1M", "1h ago", "00:60:00", "7:30", "\"", "\"\"",
    ] {
        for header in DELAYS.iter().chain(&RESETS) {
            let sent = format!("{header}{value}\nDate: {DATE}");
            assert_eq!(wait(&sent), None, "{sent}");
        }
    }
}

fn windows(sent: &str) -> Vec<(Option<u64>, Option<u64>, Option<Duration>)> {
    let hint = Hint::read(pairs(sent), Moment::new(AT));
    let figures = |window: &Window<'_>| (window.limit(), window.remaining(), window.length());
    hint.windows().map(figures).collect()
}

#[test]
fn limit_may_state_its_period() {
    let seconds = Duration::from_secs;
    for (value, limit, length) in [
        ("600/15m", 600, seconds(900)),
        ("100/minute", 100, seconds(60)),
        ("100 / Minute", 100, seconds(60)),
        ("10r/s", 10, seconds(1)),
        ("5000/h", 5_000, seconds(3_600)),
        ("100 requests per minute", 100, seconds(60)),
        ("\"20 req/10s\"", 20, seconds(10)),
        ("1000/day", 1_000, seconds(86_400)),
        ("60/PT1M", 60, seconds(60)),
    ] {
        for names in [
            ["X-RateLimit-Limit", "X-RateLimit-Remaining"],
            ["RateLimit-Limit", "RateLimit-Remaining"],
        ] {
            let [of_limit, of_remaining] = names;
            let sent = format!("{of_limit}: {value}\n{of_remaining}: 598");
            assert_eq!(
                windows(&sent),
                [(Some(limit), Some(598), Some(length))],
                "{sent}"
            );
        }
    }
    for (value, why) in [
        ("100/60", IgnoreReason::Ambiguous),
        ("100/apples", IgnoreReason::Unreadable),
        ("10k/minute", IgnoreReason::Unreadable),
        ("100MB/s", IgnoreReason::Unreadable),
        ("100/.5s", IgnoreReason::Unreadable),
        ("100/:00:10", IgnoreReason::Unreadable),
        ("100/0s", IgnoreReason::Unreadable),
        ("ten/minute", IgnoreReason::Unreadable),
        ("/minute", IgnoreReason::Unreadable),
        (
            "100/a very long name of a unit that is none",
            IgnoreReason::Unreadable,
        ),
    ] {
        let sent = format!("X-RateLimit-Limit: {value}");
        let hint = Hint::read(pairs(&sent), Moment::new(AT));
        let ignored: Vec<_> = hint.ignored().map(|it| it.why()).collect();
        assert_eq!(ignored, [why], "{value}");
    }
}

/// A slash in a comment is not that of a rate.
#[test]
fn list_with_a_comment_is_a_list() {
    let sent = "RateLimit-Limit: 100, 100;w=60;comment=\"fixed/window\"";
    let minute = Some(Duration::from_secs(60));
    assert_eq!(windows(sent), [(Some(100), None, minute)]);
}

#[test]
fn headers_may_list_a_figure_for_each_window() {
    assert_eq!(
        windows("X-RateLimit-Limit: 200,2000\nX-RateLimit-Usage: 200,731"),
        [(Some(200), Some(0), None), (Some(2_000), Some(1_269), None)]
    );
    assert_eq!(
        windows("RateLimit-Limit: 5, 100, 1000\nRateLimit-Remaining: 4, 0, 970"),
        [
            (Some(5), Some(4), None),
            (Some(100), Some(0), None),
            (Some(1_000), Some(970), None)
        ]
    );
    // Proxies join lines that are the same.
    assert_eq!(
        wait("X-RateLimit-Limit: 100, 100\nX-RateLimit-Remaining: 0, 0\nX-RateLimit-Reset: 30, 30"),
        Some(30.0)
    );
    // They may be numbers with commas for thousands, or of other windows.
    for sent in [
        "X-RateLimit-Limit: 2,000\nX-RateLimit-Usage: 1,731",
        "X-RateLimit-Limit: 200,2000\nX-RateLimit-Usage: 1,2,3",
        "X-RateLimit-Limit: 200,2000",
        "X-RateLimit-Limit: 1,20,300,4000,50000\nX-RateLimit-Usage: 1,2,3,4,5",
    ] {
        assert_eq!(windows(sent), [], "{sent}");
    }
}

#[test]
fn policy_with_several_names_is_that_of_the_last() {
    let sent =
        "RateLimit: \"api\";r=0;t=55\nRateLimit-Policy: \"fixed window\";\"api\";q=500;w=300";
    assert_eq!(
        windows(sent),
        [(Some(500), Some(0), Some(Duration::from_secs(300)))]
    );
    assert_eq!(wait(sent), Some(55.0));
    for policy in [
        "\"fixed\";\"api;q=500",
        "\"fixed\";\"api\"",
        "\"fixed\";\"api\";q=",
        "\"a\";\"b\";Q=5",
    ] {
        let sent = format!("RateLimit-Policy: {policy}");
        assert_eq!(
            text(&Hint::read(pairs(&sent), Moment::new(AT))),
            "ignored ratelimit-policy: Unreadable\n",
            "{policy}"
        );
    }
}

#[test]
fn later_of_two_delays_counts_unless_one_is_rounded() {
    for (sent, expected) in [
        ("Retry-After: 9\nX-Retry-After: 31", 31.0),
        ("Retry-After: 31\nRetry-After-Ms: 9000", 31.0),
        ("Retry-After: 9\nRetry-After-Ms: 31000", 31.0),
        // Rounded up, down, and to the nearest.
        ("Retry-After: 2\nRetry-After-Ms: 1200", 1.2),
        ("Retry-After: 1\nRetry-After-Ms: 1900", 1.9),
        ("Retry-After: 1\nX-Retry-In: 1.4s", 1.4),
    ] {
        assert_eq!(wait(sent), Some(expected), "{sent}");
    }
}
