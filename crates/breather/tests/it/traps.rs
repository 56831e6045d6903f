//! Server headers that are easily misread.

use std::time::Duration;

use breather::{
    AttemptResult, ClassifyHttp, DefaultClassifier, Dialect, EndReason, Hint, Outcome, OutcomeKind,
    Policy, WaitReason,
    driver::{Call, CallSpec, Decision, Instant, Moment, UnixTime},
    hint::{HeaderFamily, IgnoreReason, TimeFormat},
};
use http::{Method, StatusCode};

use super::said::{AT, DATE, NOW, lines, pairs, plainly};

/// Returns the wait that the lines of a rejection ask for, with the server's `Date` added.
fn wait(sent: &str) -> Option<Duration> {
    wait_by(NOW, &format!("{sent}\nDate: {DATE}"))
}

/// Returns the wait that the lines ask for if the local clock shows `own`.
fn wait_by(own: i64, sent: &str) -> Option<Duration> {
    let own = UnixTime::from_secs(own);
    let hint = Hint::read(pairs(sent), Moment::new(AT).with_wall_clock(&own));
    Some(hint.not_before()?.duration_since(AT))
}

fn hint(sent: &str) -> Hint<'_> {
    Hint::read(pairs(sent), Moment::new(AT))
}

/// Returns the decision of a call about a response with this status and these lines.
fn decided(status: u16, sent: &str) -> Decision {
    let hint = hint(sent);
    let outcome = classified(status, &hint);
    decide(outcome, &hint)
}

fn decide(outcome: Outcome, hint: &Hint<'_>) -> Decision {
    let mut call = Call::new(Policy::new(), CallSpec::new().with_paced(true), 1, AT);
    call.on_sent(AT);
    call.on_outcome(AT, outcome, hint, None)
}

fn classified(status: u16, hint: &Hint<'_>) -> Outcome {
    let status = StatusCode::from_u16(status).unwrap();
    DefaultClassifier.classify(&AttemptResult::new(&Method::GET, Ok(status), hint))
}

/// Returns how long and why a call waits.
fn waits(decision: Decision) -> (Duration, WaitReason) {
    match decision {
        Decision::Retry(wait) => (wait.delay(), wait.reason()),
        Decision::End(end) => panic!("{end}"),
    }
}

fn kind(status: u16, sent: &str) -> OutcomeKind {
    classified(status, &hint(sent)).kind()
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

// 1. Skewed clocks.

#[test]
fn wrong_clock_on_either_side_changes_no_wait() {
    for said in [
        "Retry-After: Fri, 15 Jan 2027 08:00:10 GMT",
        "Retry-After: 1800000010",
        "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1800000010",
        "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1800000010000",
        "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2027-01-15T08:00:10Z",
    ] {
        for skew in [
            -86_400 * 365,
            -3_600,
            -11,
            -1,
            0,
            1,
            9,
            10,
            11,
            3_600,
            86_400,
        ] {
            let sent = format!("{said}\nDate: {DATE}");
            assert_eq!(
                wait_by(NOW + skew, &sent),
                Some(secs(10)),
                "{said}, {skew} s"
            );
        }
    }
}

/// `Date` and resets are cut to whole seconds. A response can be sent nine tenths of a second after
/// its `Date`, and the wait must still reach the reset.
#[test]
fn date_cut_to_seconds_shortens_no_wait() {
    let reset = UnixTime::from_secs(NOW + 10);
    for tenth in 0..10 {
        let sent_at = UnixTime::from_micros(NOW * 1_000_000 + tenth * 100_000);
        let wait = wait("Retry-After: Fri, 15 Jan 2027 08:00:10 GMT").unwrap();
        assert!(
            wait >= reset.duration_since(sent_at).unwrap(),
            "{tenth} tenths"
        );
    }
}

#[test]
fn aged_cached_response_is_ignored() {
    for age in ["1", "300", "0.5", "0, 7"] {
        let sent = format!("Age: {age}\nRetry-After: 10\nRateLimit: \"minute\";r=0;t=10");
        let ignored = "ignored retry-after: Cached\nignored ratelimit: Cached\n";
        assert_eq!(plainly(&sent), ignored, "{age:?}");
    }
    // An unreadable age is ignored.
    for age in ["0", "0, 0", "soon", ""] {
        let sent = format!("Age: {age}\nRetry-After: 10");
        assert_eq!(wait(&sent), Some(secs(10)), "{age:?}");
    }
}

// 2. Resets that have passed.

#[test]
fn past_reset_is_ignored() {
    for said in [
        "Retry-After: Fri, 15 Jan 2027 07:59:59 GMT",
        "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT",
        "Retry-After: 1799999999",
        "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1799999999",
        "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1799999999999",
        "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2027-01-15T07:59:59Z",
    ] {
        assert_eq!(wait(said), None, "{said}");
        let sent = format!("{said}\nDate: {DATE}");
        let (_, origin) = waits(decided(429, &sent));
        assert_eq!(origin, WaitReason::Backoff, "{said}");
    }
    // If another header has a valid wait, it counts.
    let other = "Retry-After: 1799999999\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 7";
    assert_eq!(wait(other), Some(secs(7)));
}

// 3. Huge numbers, and values that are not numbers.

#[test]
fn huge_and_non_numeric_values_are_ignored() {
    for value in [
        "100000000",
        "999999999",
        "9999999999",
        "99999999999",
        "100000000000",
        "99999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073710",
        "99999999999999999999999999999999999",
        "0x10",
        "inf",
        "Infinity",
        "nan",
        "NaN",
        "1e3",
        "1e999",
        "-1",
        "-0",
        "+1",
        "\u{b2}",
        "\u{661}",
        "1_000",
        "1,000.5,x",
    ] {
        assert_eq!(wait(&format!("Retry-After: {value}")), None, "{value}");
        let reset = format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {value}");
        assert_eq!(wait(&reset), None, "{value}");
        let draft = format!("RateLimit-Remaining: 0\nRateLimit-Reset: {value}");
        assert_eq!(wait(&draft), None, "{value}");
    }
    for header in ["Retry-After-Ms", "X-Ms-Retry-After-Ms", "X-Amz-Retry-After"] {
        for value in [
            "99999999999999999999999999999999999",
            "1000000000000001",
            "-1",
            "1e3",
        ] {
            assert_eq!(
                wait(&format!("{header}: {value}")),
                None,
                "{header}: {value}"
            );
        }
    }
    let count = "X-RateLimit-Limit: 99999999999999999999999999999999999\nX-RateLimit-Remaining: 1";
    assert!(plainly(count).contains("remaining 1"));
}

// 4. Fractions.

#[test]
fn fractions_are_read_exactly() {
    for (said, nanos) in [
        ("Retry-After: 2.0", 2_000_000_000),
        ("Retry-After: 0.35", 350_000_000),
        ("Retry-After: 0.000000001", 1),
        // Fractions of a nanosecond are rounded up.
        ("Retry-After: 0.0000000001", 1),
        ("Retry-After: 1800000000.25", 250_000_000),
        ("Retry-After-Ms: 1.5", 1_500_000),
        (
            "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1800000003.123",
            3_123_000_000,
        ),
        (
            "X-RateLimit-Remaining: 0\nX-RateLimit-Reset-After: 1.205",
            1_205_000_000,
        ),
        (
            "X-RateLimit-Remaining: 0.9\nX-RateLimit-Reset: 3",
            3_000_000_000,
        ),
    ] {
        assert_eq!(wait(said), Some(Duration::from_nanos(nanos)), "{said}");
    }
}

// 5. Zero.

#[test]
fn zero_delay_falls_back_to_backoff() {
    for sent in ["Retry-After: 0", "Retry-After: 0.0", "Retry-After-Ms: 0"] {
        assert_eq!(wait(sent), Some(Duration::ZERO), "{sent}");
        for status in [413, 429, 503] {
            // All calls returning immediately would be a burst, so each waits for its backoff.
            let (delay, origin) = waits(decided(status, sent));
            assert_eq!(origin, WaitReason::Backoff, "{status}, {sent}");
            assert!(delay > Duration::ZERO, "{status}, {sent}");
        }
    }
}

// 6. Repeated headers, and commas.

#[test]
fn longest_of_several_delays_counts() {
    for (sent, expected) in [
        ("Retry-After: 2, 3", Some(3)),
        ("Retry-After: 3, 2", Some(3)),
        ("Retry-After: 120, 120", Some(120)),
        ("Retry-After: 2,3 ,4", Some(4)),
        ("Retry-After: 2\nRetry-After: 3", Some(3)),
        ("Retry-After: 3\nRetry-After: 2", Some(3)),
        ("Retry-After: 120\nRetry-After: 120", Some(120)),
        // An unreadable line doesn't affect the others.
        ("Retry-After: soon\nRetry-After: 3", Some(3)),
        // In one line, the end of an unreadable part is unknown.
        ("Retry-After: 2, soon", None),
        ("Retry-After: 2,", None),
        ("Retry-After: ,2", None),
        // Past or meaningless values are skipped.
        ("Retry-After: 2, -1", Some(2)),
        // The comma may separate thousands or list items.
        ("Retry-After: 1,000", None),
        ("Retry-After: 12,000,000", None),
        ("Retry-After: 1000,2000", Some(2_000)),
        ("Retry-After: 120,120", Some(120)),
        // Proxies also join other headers.
        ("Retry-After-Ms: 5000, 9000", Some(9)),
        ("X-Retry-In: 5s, 9s", Some(9)),
        ("X-RateLimit-After: 5, 9", Some(9)),
        // The longest delay wins, and the most exact one of those that round to it.
        ("Retry-After-Ms: 5000\nX-Ms-Retry-After-Ms: 9000", Some(9)),
        ("X-Retry-After: 9\nRetry-After: 5", Some(9)),
        ("Retry-After: 9\nRetry-After-Ms: 5000", Some(9)),
        ("Retry-After: 5\nRetry-After-Ms: 9000", Some(9)),
        (
            "Retry-After: 9\nX-Retry-In: 8s\nRetry-After-Ms: soon",
            Some(9),
        ),
    ] {
        assert_eq!(wait(sent), expected.map(secs), "{sent}");
    }
}

#[test]
fn comma_in_a_date_separates_nothing() {
    for date in [
        "Fri, 15 Jan 2027 08:00:30 GMT",
        "Friday, 15-Jan-27 08:00:30 GMT",
    ] {
        assert_eq!(
            wait(&format!("Retry-After: {date}")),
            Some(secs(30)),
            "{date}"
        );
        let twice = format!("Retry-After: {date}\nRetry-After: 31");
        assert_eq!(wait(&twice), Some(secs(31)), "{date}");
        for joined in [
            format!("{date}, 31"),
            format!("31, {date}"),
            format!("{date}, Fri, 15 Jan 2027 08:00:31 GMT"),
            format!("Fri, 15 Jan 2027 08:00:31 GMT,{date}"),
        ] {
            let sent = format!("Retry-After: {joined}");
            assert_eq!(wait(&sent), Some(secs(31)), "{joined}");
        }
    }
}

#[test]
fn later_of_two_resets_counts() {
    let once = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 5";
    assert_eq!(
        wait(&format!("{once}\nX-RateLimit-Reset: 5")),
        Some(secs(5))
    );
    assert_eq!(
        wait(&format!("{once}\nX-RateLimit-Reset: 50")),
        Some(secs(50))
    );
    assert_eq!(
        wait(&format!("X-RateLimit-Reset: 50\n{once}")),
        Some(secs(50))
    );
    assert_eq!(
        wait(&format!("{once}\nX-RateLimit-Reset: soon")),
        Some(secs(5))
    );
    for reset in [
        "5, 5",
        "5,5,5",
        "5, 3",
        "3, 5",
        "Fri, 15 Jan 2027 08:00:05 GMT, Fri, 15 Jan 2027 08:00:05 GMT",
        "Fri, 15 Jan 2027 08:00:05 GMT, 3",
    ] {
        let sent = format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {reset}");
        assert_eq!(wait(&sent), Some(secs(5)), "{reset}");
    }
    for reset in ["5, soon", "5,", "5,000"] {
        let sent = format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {reset}");
        assert_eq!(wait(&sent), None, "{reset}");
    }
    // If two lines disagree on the remaining quota, the window doesn't count as spent.
    let disputed = format!("{once}\nX-RateLimit-Remaining: 7");
    assert_eq!(wait(&disputed), None);
}

#[test]
fn list_split_over_lines_is_read_whole() {
    let split = "RateLimit: \"a\";r=5;t=3\nRateLimit: \"b\";r=0;t=9\nRateLimit: \"c\";r=0;t=4";
    assert_eq!(wait(split), Some(secs(9)));
}

// 7. Headers that disagree.

#[test]
fn rejection_with_quota_left_ignores_reset() {
    for left in [1, 14, 50, 595] {
        let quota = format!("X-RateLimit-Remaining: {left}\nX-RateLimit-Reset: 3000");
        assert_eq!(wait(&quota), None, "{left} left");
        let (delay, origin) = waits(decided(429, &quota));
        assert_eq!(origin, WaitReason::Backoff, "{left} left");
        assert!(delay < secs(3_000), "{left} left");
        // A penalty is separate from the quota.
        assert_eq!(wait(&format!("{quota}\nRetry-After: 60")), Some(secs(60)));
    }
}

#[test]
fn retry_after_wins_over_reset() {
    for (delay, reset) in [(7, 30), (30, 7), (0, 30)] {
        let sent = format!("Retry-After: {delay}\nRateLimit: \"minute\";r=0;t={reset}");
        assert_eq!(wait(&sent), Some(secs(delay)), "{sent}");
    }
}

#[test]
fn success_with_spent_window_is_success() {
    let spent = "RateLimit: \"default\";r=0;t=50";
    assert_eq!(kind(200, spent), OutcomeKind::Success);
    assert_eq!(kind(404, spent), OutcomeKind::Permanent);
}

#[test]
fn inconsistent_numbers_are_read_as_they_are() {
    for (sent, expected) in [
        (
            "X-RateLimit-Limit: 10\nX-RateLimit-Remaining: 70",
            "x-ratelimit: limit 10 remaining 70",
        ),
        // The stated remaining quota wins over the computed one.
        (
            "X-RateLimit-Limit: 10\nX-RateLimit-Remaining: 7\nX-RateLimit-Used: 9",
            "x-ratelimit: limit 10 remaining 7 used 9",
        ),
        (
            "X-RateLimit-Limit: 10\nX-RateLimit-Used: 90",
            "x-ratelimit: limit 10 remaining 0 used 90",
        ),
    ] {
        assert_eq!(plainly(sent), lines(expected), "{sent}");
    }
}

#[test]
fn minus_one_is_a_sentinel_and_not_zero() {
    let sent = "
        X-RateLimit-Limit: -1
        X-RateLimit-Remaining: -1
        X-RateLimit-Reset: -1
        Retry-After: -1
        ";
    let expected = "
        ignored retry-after: Sentinel
        ignored x-ratelimit-limit: Sentinel
        ignored x-ratelimit-remaining: Sentinel
        ignored x-ratelimit-reset: Sentinel
        ";
    assert_eq!(plainly(sent), lines(expected));
    assert_eq!(
        kind(403, "X-RateLimit-Remaining: -1"),
        OutcomeKind::Permanent
    );
}

// 8. Several windows.

#[test]
fn last_reset_of_spent_windows_counts() {
    for (sent, expected) in [
        ("\"minute\";r=0;t=40, \"day\";r=900;t=80000", Some(40)),
        ("\"day\";r=900;t=80000, \"minute\";r=0;t=40", Some(40)),
        ("\"second\";r=0;t=1, \"minute\";r=0;t=40", Some(40)),
        ("\"minute\";r=0;t=40, \"second\";r=0;t=1", Some(40)),
        ("\"second\";r=1;t=1, \"minute\";r=2;t=40", None),
        ("\"minute\";r=0, \"day\";r=900;t=80000", None),
    ] {
        assert_eq!(
            wait(&format!("RateLimit: {sent}")),
            expected.map(secs),
            "{sent}"
        );
    }
    let kinds = "
        x-ratelimit-remaining-requests: 0
        x-ratelimit-reset-requests: 2s
        x-ratelimit-remaining-tokens: 80000
        x-ratelimit-reset-tokens: 6m0s
        ";
    assert_eq!(wait(kinds), Some(secs(2)));
}

// 9. Rejections with a status other than 429.

#[test]
fn rejections_have_many_statuses() {
    let spent = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 5";
    for (status, sent, expected) in [
        (429, "", OutcomeKind::Throttled),
        (403, spent, OutcomeKind::Throttled),
        (403, "Retry-After: 5", OutcomeKind::Throttled),
        (
            403,
            "Sforce-Limit-Info: api-usage=5000/5000",
            OutcomeKind::Throttled,
        ),
        (403, "", OutcomeKind::Permanent),
        (403, "X-RateLimit-Remaining: 4000", OutcomeKind::Permanent),
        (
            403,
            "Sforce-Limit-Info: api-usage=18/5000",
            OutcomeKind::Permanent,
        ),
        (503, "Retry-After: 5", OutcomeKind::Throttled),
        (503, "Retry-After: soon", OutcomeKind::Transient),
        (503, "", OutcomeKind::Transient),
        (413, "Retry-After: 5", OutcomeKind::Throttled),
        (413, "", OutcomeKind::Permanent),
        (200, "Retry-After: 5", OutcomeKind::Success),
    ] {
        assert_eq!(kind(status, sent), expected, "{status}, {sent}");
    }
}

/// A classifier that reads the body decides. The headers are still obeyed.
#[test]
fn rejection_in_body_of_success_obeys_headers() {
    let by_body = |ending: &AttemptResult<'_>| match ending.result {
        Ok(StatusCode::OK) => Outcome::throttled("status 200, and throttled in the body"),
        _ => DefaultClassifier.classify(ending),
    };
    let hint = hint("X-Shopify-Shop-Api-Call-Limit: 40/40\nRetry-After: 2.0");
    let ending = AttemptResult::new(&Method::POST, Ok(StatusCode::OK), &hint);
    let decision = decide(by_body.classify(&ending), &hint);
    assert_eq!(waits(decision), (secs(2), WaitReason::Hint));
}

// 10. Quotas of days.

#[test]
fn quota_of_days_ends_call_with_retry_time() {
    for (sent, delay) in [
        ("Retry-After: 277403", 277_403),
        ("Retry-After: 3600", 3_600),
        ("RateLimit: \"daily\";r=0;t=86000", 86_000),
        ("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 86000", 86_000),
    ] {
        let Decision::End(end) = decided(429, sent) else {
            panic!("the call waits for {sent}");
        };
        assert_eq!(end.reason(), EndReason::RetryAfterTooLong, "{sent}");
        assert_eq!(end.retry_at(), Some(AT + secs(delay)), "{sent}");
        assert!(end.evidence().is_some(), "{sent}");
    }
    let (delay, _) = waits(decided(429, "Retry-After: 300"));
    assert_eq!(delay, secs(300));
}

/// If a delay's unit is a guess and the delay is months long, another unit is more likely.
#[test]
fn months_with_guessed_unit_are_ignored() {
    let month = 35 * 24 * 60 * 60;
    let reset = |reset: i64| {
        let sent = format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {reset}");
        wait(&sent)
    };
    assert_eq!(reset(month), Some(secs(month as u64)));
    assert_eq!(reset(month + 1), None);
    assert_eq!(reset(NOW + month), Some(secs(month as u64)));
    assert_eq!(reset(NOW + month + 1), None);
}

// 11. Rejections without headers.

#[test]
fn rejection_without_headers_backs_off_longer_each_time() {
    for sent in [
        "",
        "Content-Type: application/json",
        "X-RateLimit-Limit: 60",
    ] {
        let hint = hint(sent);
        assert_eq!(hint.not_before(), None, "{sent}");
        let mut call = Call::new(Policy::new(), CallSpec::new(), 1, AT);
        let mut now: Instant = AT;
        for rejection in 0..3 {
            call.on_sent(now);
            let decision = call.on_outcome(now, classified(429, &hint), &hint, None);
            let (delay, origin) = waits(decision);
            assert_eq!(origin, WaitReason::Backoff, "{sent}");
            assert!(
                delay <= Policy::new().backoff().ceiling(rejection),
                "{sent}"
            );
            now = now + delay;
        }
        assert!(now > AT, "{sent}");
    }
}

// 12. Empty and decorated values.

#[test]
fn empty_and_decorated_values_are_not_numbers() {
    for value in [
        "",
        " ",
        "\t",
        "null",
        "none",
        "undefined",
        "\"\"",
        "'",
        "\"7",
        "'7\"",
        "7 x",
        "7 apples",
        "[7]",
        "{}",
        "true",
        ";7",
        "7;",
        "7.",
        ".7",
        "7.5.0",
    ] {
        for header in ["Retry-After", "X-RateLimit-Retry-After", "Retry-After-Ms"] {
            let sent = format!("{header}: {value}");
            let ignored = format!("ignored {}: Unreadable\n", header.to_lowercase());
            assert_eq!(plainly(&sent), ignored, "{value:?}");
        }
        let window = format!("X-RateLimit-Remaining: {value}\nX-RateLimit-Reset: 7");
        assert!(!plainly(&window).contains("remaining 0"), "{value:?}");
        let reset = format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {value}");
        assert_eq!(wait(&reset), None, "{value:?}");
    }
}

// 13. Dates.

#[test]
fn dates_are_read_in_every_form_and_zone() {
    for date in [
        "Fri, 15 Jan 2027 08:02:00 GMT",
        "Friday, 15-Jan-27 08:02:00 GMT",
        "Fri Jan 15 08:02:00 2027",
        // Found in responses: another zone name, only an offset, and a day of one digit.
        "Fri, 15 Jan 2027 08:02:00 UTC",
        "Fri, 15 Jan 2027 08:02:00 -0000",
        "Fri, 15 Jan 2027 08:02:00 +0000",
        "Fri, 15 Jan 2027 03:02:00 -0500",
        "15 Jan 2027 08:02:00 GMT",
        "Fri, 15 Jan 2027 08:01:60 GMT",
    ] {
        assert_eq!(
            wait(&format!("Retry-After: {date}")),
            Some(secs(120)),
            "{date}"
        );
    }
    for date in [
        // Ambiguous zone names, and no zone.
        "Fri, 15 Jan 2027 08:02:00 PST",
        "Fri, 15 Jan 2027 08:02:00 CET",
        "Fri, 15 Jan 2027 08:02:00",
        // Days and times that don't exist.
        "Thu, 15 Jan 2027 08:02:00 GMT",
        "Fri, 32 Jan 2027 08:02:00 GMT",
        "Mon, 29 Feb 2027 08:02:00 GMT",
        "Fri, 15 Jan 2027 24:02:00 GMT",
        "Fri, 15 Jan 2027 08:60:00 GMT",
        "Fri, 15 Jan 2027 08:02:61 GMT",
    ] {
        let sent = format!("Retry-After: {date}");
        assert_eq!(
            plainly(&sent),
            "ignored retry-after: Unreadable\n",
            "{date}"
        );
    }
}

#[test]
fn two_digit_year_is_a_nearby_year() {
    for (date, own, delay) in [
        ("Friday, 15-Jan-27 08:00:10 GMT", NOW, Some(secs(10))),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_770, Some(secs(7))),
        ("Sunday, 06-Nov-94 08:49:37 GMT", NOW, None),
        (
            "Saturday, 01-Jan-00 00:00:07 GMT",
            946_684_800,
            Some(secs(7)),
        ),
    ] {
        assert_eq!(
            wait_by(own, &format!("Retry-After: {date}")),
            delay,
            "{date}"
        );
    }
}

#[test]
fn leap_second_ends_with_the_next_second() {
    for (date, delay) in [
        ("Fri, 15 Jan 2027 08:00:59 GMT", 59),
        ("Fri, 15 Jan 2027 08:00:60 GMT", 60),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60),
    ] {
        assert_eq!(
            wait(&format!("Retry-After: {date}")),
            Some(secs(delay)),
            "{date}"
        );
    }
    let reset = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2027-01-15T08:00:60Z";
    assert_eq!(wait(reset), Some(secs(60)));
}

// 14. Gateways that respond in place of the server.

/// A network in front of an API throttles by its own limit. Its response has none of the API's
/// windows, so none counts as spent.
#[test]
fn gateway_rejection_marks_no_window_spent() {
    let front = "
        Content-Type: text/html; charset=UTF-8
        Server: cloudflare
        CF-RAY: 8f2b1c0d9e8f7a6b-FRA
        ";
    assert_eq!(plainly(front), "");
    assert_eq!(waits(decided(429, front)).1, WaitReason::Backoff);
    let delayed = format!("{front}\nRetry-After: 37");
    assert_eq!(plainly(&delayed), "wait 37s\n");
    assert_eq!(waits(decided(429, &delayed)), (secs(37), WaitReason::Hint));
}

// More lines and windows than a hint keeps.

#[test]
fn unreadable_lines_take_no_room_from_a_window() {
    let mut sent = String::new();
    for window in [
        "second", "minute", "hour", "day", "month", "year", "requests", "tokens",
    ] {
        sent += &format!("X-RateLimit-Remaining-{window}: few\n");
    }
    sent += "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 7";
    assert_eq!(wait(&sent), Some(secs(7)));
}

#[test]
fn many_lines_about_windows_leave_room_for_a_delay() {
    let mut sent = String::new();
    for limit in 1..40 {
        sent += &format!("RateLimit-Limit: {limit}\n");
    }
    let hint = hint(&sent);
    assert!(hint.ignored().count() > 0 && hint.readings().count() == 0);
    sent += "X-Should-Retry: true\nRetry-After: 60";
    assert_eq!(wait(&sent), Some(secs(60)));
}

// Ambiguous values.

#[test]
fn window_with_unclear_remaining_quota_causes_no_wait() {
    for remaining in ["unlimited", "-1", "14\nX-RateLimit-Remaining: 13", "1.4.0"] {
        let sent = format!(
            "X-RateLimit-Limit: 5000\nX-RateLimit-Remaining: {remaining}\nX-RateLimit-Reset: 86400"
        );
        assert_eq!(wait(&sent), None, "{remaining}");
    }
    let agreeing = "X-RateLimit-Remaining: 0, 0\nX-RateLimit-Reset: 9";
    assert_eq!(wait(agreeing), Some(secs(9)));
    // The remaining quota is also unclear if the used count or the limit can't be read.
    for (used, limit) in [
        ("soon", "300"),
        ("10", "soon"),
        ("-1", "300"),
        ("10", "1,000"),
    ] {
        let sent = format!(
            "X-RateLimit-Used: {used}\nX-RateLimit-Limit: {limit}\nX-RateLimit-Reset: 86400"
        );
        assert_eq!(wait(&sent), None, "{used} of {limit}");
    }
    // A used count without a limit is ignored, so the reset of a rejection counts.
    let alone = "X-RateLimit-Used: 10\nX-RateLimit-Reset: 9";
    assert_eq!(wait(alone), Some(secs(9)));
}

#[test]
fn zero_limit_with_remaining_quota_causes_no_wait() {
    for sent in [
        "X-RateLimit-Limit: 0\nX-RateLimit-Remaining: 7\nX-RateLimit-Reset: 86400",
        "RateLimit: limit=0, remaining=7, reset=500",
        "Zendesk-RateLimit-Tickets-Index: total=0; remaining=7; resets=500",
    ] {
        assert_eq!(wait(sent), None, "{sent}");
    }
}

#[test]
fn fractional_use_counts_as_a_whole_call() {
    for sent in [
        "X-RateLimit-Used: 9.5\nX-RateLimit-Limit: 10\nX-RateLimit-Reset: 7",
        "X-RateLimit-Remaining: 0.5\nX-RateLimit-Reset: 7",
    ] {
        assert_eq!(wait(sent), Some(secs(7)), "{sent}");
    }
    let shop = plainly("X-Shopify-Shop-Api-Call-Limit: 39.2/40");
    assert!(shop.contains("remaining 0"), "{shop}");
}

#[test]
fn order_of_conflicting_lines_does_not_matter() {
    let both = |one: &str, other: &str| {
        let said = plainly(&format!("{one}\n{other}"));
        assert_eq!(plainly(&format!("{other}\n{one}")), said);
        said
    };
    let length = "X-RateLimit-Interval-Milliseconds: 2500";
    let said = both(
        length,
        "X-RateLimit-Interval-Seconds: 3\nX-RateLimit-Limit: 9",
    );
    assert!(said.contains("length 2.5s"), "{said}");
    let said = both(
        "X-RateLimit-Limit: 7;w=60",
        "X-RateLimit-Interval-Seconds: 10",
    );
    assert!(said.contains("limit 7 length 60s"), "{said}");
    let said = both(
        "X-RateLimit-Reset: 7",
        "X-RateLimit-Reset-After: 6.5\nX-RateLimit-Remaining: 0",
    );
    assert!(said.contains("wait 6.5s"), "{said}");
    both("X-Should-Retry: true", "X-Should-Retry: false");
    assert_eq!(hint("X-Should-Retry: true, false").retry(), Some(false));
    assert_eq!(hint("X-Should-Retry: true, maybe").retry(), None);
}

/// No known server has this many windows.
#[test]
fn spent_windows_are_kept_among_too_many() {
    let healthy: String = (0..9)
        .map(|at| format!("RateLimit: \"n{at}\";r=5;t=3\n"))
        .collect();
    let spent = "RateLimit: \"z\";r=0;t=30\n";
    assert_eq!(wait(&format!("{healthy}{spent}")), Some(secs(30)));
    assert_eq!(wait(&format!("{spent}{healthy}")), Some(secs(30)));
    let mut sent = String::new();
    for window in ["second", "minute", "hour", "day", "month", "year"] {
        sent += &format!("X-RateLimit-Limit-{window}: 5\nX-RateLimit-Remaining-{window}: 4\n");
    }
    sent += "RateLimit-Limit: 5\nX-Rate-Limit-Limit: 5\n";
    let last = "X-Sib-RateLimit-Remaining: 0\nX-Sib-RateLimit-Reset: 60";
    assert_eq!(wait(&format!("{sent}{last}")), Some(secs(60)));

    // Headers of a window that was dropped don't apply to the window in its place.
    let fewer: String = ["second", "minute", "hour", "day", "month", "year"]
        .map(|window| format!("X-RateLimit-Remaining-{window}: 4\n"))
        .concat();
    let named = "RateLimit: \"z\";r=0;t=60";
    for (spent, said) in [(last, "x-sib-ratelimit"), (named, "z")] {
        let daily = "X-RateLimit-Daily-Remaining: 4";
        let sent = format!("RateLimit-Remaining: 5\n{fewer}{daily}\n{spent}\nRateLimit: limit=9");
        let all = plainly(&sent);
        assert!(
            all.contains(&format!("{said}: remaining 0 reset 60s\n")),
            "{all}"
        );
        for header in ["ratelimit-remaining", "ratelimit"] {
            let ignored = format!("ignored {header}: TooMany\n");
            assert!(all.contains(&ignored), "{all}");
        }
    }
}

#[test]
fn first_reset_counts_without_remaining_quota() {
    let sent = "X-App-Limit-24hour-Reset: 86400\nX-Rate-Limit-Reset: 60";
    assert_eq!(wait(sent), Some(secs(60)));
}

#[test]
fn thousands_separators_are_not_a_list() {
    for limit in ["1,000", "100, 200", "10,000,000"] {
        let sent = format!("X-RateLimit-Limit: {limit}\nX-RateLimit-Remaining: 3");
        let said = plainly(&sent);
        assert!(
            said.contains("ignored x-ratelimit-limit: Unreadable"),
            "{said}"
        );
    }
    assert!(plainly("X-RateLimit-Limit: 100, 100").contains("limit 100"));
}

#[test]
fn time_of_day_and_unknown_units_are_not_durations() {
    for reset in ["17:00:00", "5 apples", "1 month", "1h ago", "1000000h"] {
        let sent = format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {reset}");
        assert_eq!(wait(&sent), None, "{reset}");
    }
    for delay in ["5 apples", "1 month", "1h ago", "17:00", "17:00:00 PM"] {
        assert_eq!(wait(&format!("X-Retry-In: {delay}")), None, "{delay}");
    }
}

#[test]
fn windows_named_tokens_or_bytes_do_not_count_requests() {
    for (sent, unit) in [
        ("RateLimit: \"tokens\";r=0;t=60", "tokens"),
        ("RateLimit: \"input-tokens\";r=0;t=60", "tokens"),
        (
            "RateLimit: \"bytes\";r=4;t=60\nRateLimit-Policy: \"bytes\";q=9;w=60",
            "content-bytes",
        ),
        ("RateLimit-Remaining: 3\nRateLimit-Name: tokens", "tokens"),
    ] {
        let said = plainly(sent);
        assert!(said.contains(&format!("unit {unit}")), "{said}");
    }
    // A policy applies only to windows of its own field.
    let other =
        plainly("Anthropic-RateLimit-Tokens-Remaining: 5\nRateLimit-Policy: \"tokens\";q=5;w=1");
    assert!(
        other.contains("tokens: remaining 5 unit tokens\n"),
        "{other}"
    );
}

#[test]
fn epoch_in_place_of_seconds_is_ignored() {
    for sent in [
        "RateLimit: limit=10, remaining=0, reset=1800000060",
        "RateLimit: \"a\";r=0;t=1800000060",
        "Auth0-Client-Quota-Limit: b=per_hour;q=100;r=0;t=1800000060",
        "X-RateLimit-Remaining: 0\nX-RateLimit-Reset-After: 1800000060",
        "X-RateLimit-After: 1800000060",
        "Retry-After-Ms: 1800000060000",
    ] {
        assert_eq!(wait(sent), None, "{sent}");
        let hint = hint(sent);
        let is_said = hint.ignored().any(|it| it.why() == IgnoreReason::Ambiguous)
            || hint.readings().any(|it| it.is_partial());
        assert!(is_said, "{sent}");
    }
    // Milliseconds since 1970 in a header that should have seconds, according to the dialect.
    const GITHUB: &[Dialect] = &[Dialect::github()];
    let moment = Moment::new(AT).with_dialects(GITHUB);
    let sent = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1800000060000";
    assert_eq!(Hint::read(pairs(sent), moment).not_before(), None);
}

#[test]
fn pushback_that_stops_wins_over_delays() {
    for pushback in ["-1", "soon", "99999999999999999999"] {
        let sent = format!("Retry-After-Ms: 5\nGrpc-Retry-Pushback-Ms: {pushback}\nRetry-After: 5");
        assert_eq!(hint(&sent).retry(), Some(false), "{pushback}");
    }
}

#[test]
fn dialect_for_one_header_keeps_its_window_whole() {
    const RESET: &[Dialect] = &[Dialect::new(
        "mine",
        &[HeaderFamily::new("mine").with_reset("x-ratelimit-reset", TimeFormat::Millis)],
    )];
    let sent = "X-RateLimit-Limit: 5\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1500";
    let hint = Hint::read(pairs(sent), Moment::new(AT).with_dialects(RESET));
    let windows: Vec<_> = hint.windows().collect();
    assert_eq!(windows.len(), 1, "{windows:?}");
    assert_eq!((windows[0].name(), windows[0].limit()), ("mine", Some(5)));
    assert_eq!(hint.not_before(), Some(AT + Duration::from_millis(1_500)));
}

/// A 409 or a 422 may follow the execution, so a request that is not idempotent is not repeated.
#[test]
fn delay_of_any_4xx_is_obeyed_by_idempotent_requests() {
    for status in [404, 409, 418, 420, 422, 430, 449, 499, 509] {
        let (delay, reason) = waits(decided(status, "Retry-After: 7"));
        assert_eq!(reason, WaitReason::Hint, "{status}");
        assert!(delay >= secs(7), "{status}: {delay:?}");
    }
    for (status, repeats) in [(409, false), (422, false), (418, true), (429, true)] {
        let hint = hint("Retry-After: 7");
        let spec = CallSpec::new().with_paced(true).with_idempotent(false);
        let mut call = Call::new(Policy::new(), spec, 1, AT);
        call.on_sent(AT);
        let decision = call.on_outcome(AT, classified(status, &hint), &hint, None);
        assert_eq!(matches!(decision, Decision::Retry(_)), repeats, "{status}");
    }
    assert_eq!(
        kind(404, "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 7"),
        OutcomeKind::Permanent
    );
}
