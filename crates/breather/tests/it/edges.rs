//! Edge cases of the rules for reading headers.

use std::time::Duration;

use breather::{
    Dialect, Hint, Outcome, Policy,
    driver::{Call, CallSpec, Decision, Moment, UnixTime},
    hint::{HeaderFamily, TimeFormat, Unit},
};
use http::{HeaderMap, HeaderValue};

use super::said::{AT, DATE, NOW, pairs, plainly, text};

/// Returns the wait and the printed hint of the lines, if the local clock shows `own`.
fn by(dialects: &[Dialect], own: i64, sent: &str) -> (Option<Duration>, String) {
    let own = UnixTime::from_secs(own);
    let moment = Moment::new(AT).with_wall_clock(&own);
    let hint = Hint::read(pairs(sent), moment.with_dialects(dialects));
    let wait = hint.not_before().map(|at| at.duration_since(AT));
    (wait, text(&hint))
}

fn wait_by(own: i64, sent: &str) -> Option<Duration> {
    by(&[], own, sent).0
}

/// Returns the wait that the lines of a rejection ask for, with the server's `Date` added.
fn wait(sent: &str) -> Option<Duration> {
    wait_by(NOW, &format!("{sent}\nDate: {DATE}"))
}

const fn secs(secs: u64) -> Option<Duration> {
    Some(Duration::from_secs(secs))
}

fn check(rows: &[(&str, &str)]) {
    for (sent, said) in rows {
        assert_eq!(plainly(sent), *said, "{sent}");
    }
}

// Numbers.

#[test]
fn epoch_units_have_adjacent_ranges() {
    const FAR: i64 = 99_999_999_990;
    for (sent, expected) in [
        ("Retry-After: 99999999999", secs(9)),
        ("Retry-After: 100000000000", None),
        ("Retry-After: 99999999999000", secs(9)),
        ("Retry-After: 100000000000000", None),
    ] {
        assert_eq!(wait_by(FAR, sent), expected, "{sent}");
    }
}

#[test]
fn overflowing_value_is_not_truncated() {
    for sent in [
        "Retry-After-Ms: 18446744073710",
        "X-RateLimit-After: 18446744074",
    ] {
        assert_eq!(wait(sent), None, "{sent}");
    }
    let sent = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 18448544073710";
    assert_eq!(by(&[Dialect::github()], NOW, sent).0, None);
}

#[test]
fn delay_is_less_than_1e8_seconds() {
    assert_eq!(wait("RateLimit: \"a\";r=0;t=99999999"), secs(99_999_999));
    assert_eq!(wait("RateLimit: \"a\";r=0;t=100000000"), None);
    // A header whose name says seconds is unambiguous.
    let half = Some(Duration::from_millis(3_024_000_500));
    assert_eq!(wait("Retry-After: 3024000.5"), half);
    assert_eq!(wait("Retry-After: 3024001, 3024002"), secs(3_024_002));
}

#[test]
fn date_can_be_months_ahead() {
    for sent in [
        "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2027-03-15T08:00:00Z",
        "Retry-After: Mon, 15 Mar 2027 08:00:00 GMT",
    ] {
        assert_eq!(wait(sent), secs(59 * 86_400), "{sent}");
    }
}

#[test]
fn last_second_of_9999_is_read() {
    let sent = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 9999-12-31T23:59:59Z";
    assert_eq!(wait_by(253_402_300_000, sent), secs(799));
}

#[test]
fn date_with_named_time_zone_is_unreadable() {
    for reset in [
        "2027-01-15T08:00:10Z[Europe/Berlin]",
        "2027-01-15T09:00:10+01:00[Europe/Berlin]",
    ] {
        let sent = format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {reset}");
        assert_eq!(wait(&sent), None, "{reset}");
    }
}

#[test]
fn fractions_of_an_epoch_are_rounded_up() {
    let sent = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1800000003000.0001";
    assert_eq!(wait(sent), Some(Duration::from_micros(3_000_001)));
}

#[test]
fn microseconds_have_two_names() {
    for unit in ["\u{b5}s", "us"] {
        let sent = format!("X-RateLimit-Remaining-Tokens: 0\nX-RateLimit-Reset-Tokens: 9{unit}");
        assert_eq!(wait(&sent), Some(Duration::from_micros(9)), "{unit}");
    }
}

#[test]
fn past_and_ambiguous_values_of_joined_delays_are_skipped() {
    for sent in [
        "Retry-After: 5, 1799999999",
        "Retry-After: 1799999999, 5",
        "Retry-After: 5, 999999999",
    ] {
        assert_eq!(wait(sent), secs(5), "{sent}");
    }
    let passed = "Retry-After: 1799999999, 1799999998";
    assert_eq!(plainly(passed), "ignored retry-after: Past\n");
}

// Dates.

#[test]
fn disagreeing_dates_are_ignored() {
    let date = |second: u32| format!("\nDate: Fri, 15 Jan 2027 08:00:{second:02} GMT");
    for (dates, expected) in [
        (vec![0, 5], secs(6)),
        (vec![0, 5, 8], secs(6)),
        (vec![0, 5, 0], secs(6)),
        (vec![0, 0], secs(10)),
    ] {
        let dates: String = dates.into_iter().map(date).collect();
        let sent = format!("Retry-After: Fri, 15 Jan 2027 08:00:10 GMT{dates}");
        assert_eq!(wait_by(NOW + 4, &sent), expected, "{sent}");
    }
    let unreadable = "Retry-After: Fri, 15 Jan 2027 08:00:10 GMT\nDate: soon";
    assert_eq!(wait_by(NOW + 4, unreadable), secs(6));
}

// Verdicts.

#[test]
fn verdict_not_to_retry_wins() {
    for sent in [
        "X-Should-Retry: false\nStripe-Should-Retry: true",
        "X-Should-Retry: true\nStripe-Should-Retry: false",
        "X-Should-Retry: True\nX-Should-Retry: False",
        "X-Should-Retry: true\nGrpc-Retry-Pushback-Ms: -1",
        "Grpc-Retry-Pushback-Ms: 100\nGrpc-Retry-Pushback-Ms: 10",
    ] {
        assert!(plainly(sent).contains("retry false\n"), "{sent}");
    }
}

#[test]
fn unreadable_exact_delay_does_not_affect_others() {
    let said = plainly("Retry-After-Ms: soon\nRetry-After: 5");
    assert_eq!(said, "wait 5s\nignored retry-after-ms: Unreadable\n");
}

#[test]
fn waits_grow_after_silent_rejections() {
    let third = |seed| {
        let mut call = Call::new(Policy::new(), CallSpec::new(), seed, AT);
        let (mut now, mut delay) = (AT, Duration::ZERO);
        for _ in 0..3 {
            call.on_sent(now);
            let throttled = Outcome::throttled("status 429");
            let Decision::Retry(wait) = call.on_outcome(now, throttled, &Hint::new(now), None)
            else {
                panic!("the call ended before its throttle limit");
            };
            (now, delay) = (wait.until(), wait.delay());
        }
        delay
    };
    let longest = (1..200).map(third).max();
    assert!(
        longest > Some(Policy::new().backoff().ceiling(1)),
        "{longest:?}"
    );
}

// More lines than a hint keeps.

/// Different headers about five windows, one of which is spent.
const LINES: [&str; 24] = [
    "X-RateLimit-Remaining: 0",
    "X-RateLimit-Reset: 7",
    "X-RateLimit-Limit: 7",
    "X-RateLimit-Max: 7",
    "X-RateLimit-Used: 7",
    "X-RateLimit-Reset-After: 7",
    "X-RateLimit-Next: 7",
    "X-RateLimit-Interval-Seconds: 7",
    "X-RateLimit-Interval-Milliseconds: 7000",
    "X-Rate-Limit-Limit: 7",
    "X-Rate-Limit: 7",
    "X-Rate-Limit-Remaining: 7",
    "X-Rate-Limit-Reset: 7",
    "X-Rate-Limit-Window: 7",
    "RateLimit-Limit: 7",
    "RateLimit-Remaining: 7",
    "RateLimit-Reset: 7",
    "Inin-RateLimit-Allowed: 7",
    "Inin-RateLimit-Count: 7",
    "X-RateLimit-Limit-Day: 7",
    "X-RateLimit-Remaining-Day: 7",
    "RateLimit-Observed: 7",
    "X-RateLimit-Bucket: 7",
    "X-Rate-Limit-Group: 7",
];

#[test]
fn all_lines_up_to_the_limit_are_read() {
    let said = plainly(&LINES.join("\n"));
    assert!(said.contains("wait 7s\n"), "{said}");
    assert!(!said.contains("TooMany"), "{said}");
}

#[test]
fn spent_window_beyond_the_limit_counts() {
    let healthy = LINES[2..].join("\n").replace("Used: 7", "Used: 0");
    for line in [
        "RateLimit: \"a\";r=0;t=5",
        "RateLimit: remaining=0, reset=5",
        "Zendesk-RateLimit-Tickets-Index: total=9;remaining=0;resets=5",
        "X-Post-Rate-Limit-Remaining: 0\nX-Post-Rate-Limit-Reset: 5",
        "X-Post-Rate-Limit-Reset: 5\nX-Post-Rate-Limit-Remaining: 0",
        "X-Sib-RateLimit-Remaining: 0\nX-Sib-RateLimit-Reset: 5\nX-Sib-RateLimit-Limit: 3",
    ] {
        let more = "X-RateLimit-Limit-Hour: 7\nX-RateLimit-Remaining-Hour: 7";
        for sent in [
            format!("{line}\n{healthy}\n{more}"),
            format!("{healthy}\n{line}\n{more}"),
            format!("{healthy}\n{more}\n{line}"),
        ] {
            let said = plainly(&sent);
            assert!(said.contains("wait 5s\n"), "{sent}\n\n{said}");
            assert!(said.contains(": TooMany\n"), "{sent}\n\n{said}");
        }
    }
}

#[test]
fn delay_and_verdict_are_read_among_many_window_lines() {
    let many = format!("{}\nRateLimit: \"a\";r=5", LINES.join("\n"));
    let said = plainly(&format!("{many}\nX-Should-Retry: false\nRetry-After: 5"));
    assert!(said.contains("wait 5s\nretry false\n"), "{said}");
    let said = plainly(&format!("X-Should-Retry: false\nRetry-After: 5\n{many}"));
    assert!(said.contains("wait 5s\nretry false\n"), "{said}");
}

// Lines that agree or disagree.

#[test]
fn header_in_two_spellings_counts_once() {
    for resets in [
        "X-RateLimit-Reset: 5\nx-ratelimit-reset: 50",
        "x-ratelimit-reset: 5\nX-RateLimit-Reset: 50",
    ] {
        let sent = format!("X-RateLimit-Remaining: 0\n{resets}");
        assert_eq!(wait(&sent), secs(50));
        assert!(plainly(&sent).ends_with("ignored x-ratelimit-reset: Ambiguous\n"));
    }
}

#[test]
fn first_readable_header_for_a_number_counts() {
    check(&[
        (
            "X-RateLimit-Limit: 5\nX-RateLimit-Limit: 6\nX-RateLimit-Max: 7",
            "x-ratelimit: limit 7\n\
             ignored x-ratelimit-limit: Ambiguous\nignored x-ratelimit-limit: Ambiguous\n",
        ),
        (
            "X-RateLimit-Limit: many\nX-RateLimit-Max: 7",
            "x-ratelimit: limit 7\nignored x-ratelimit-limit: Unreadable\n",
        ),
        (
            "X-RateLimit-Limit: 5\nX-RateLimit-Max: 7",
            "x-ratelimit: limit 5\nignored x-ratelimit-max: Outranked\n",
        ),
        (
            "X-RateLimit-Max: 7\nX-RateLimit-Limit: 5",
            "x-ratelimit: limit 5\nignored x-ratelimit-max: Outranked\n",
        ),
        (
            "X-RateLimit-Max: 7\nX-RateLimit-Limit: 7",
            "x-ratelimit: limit 7\n",
        ),
    ]);
}

#[test]
fn other_headers_complete_a_partial_dictionary() {
    check(&[
        (
            "RateLimit-Limit: 100\nRateLimit: remaining=0, reset=5",
            "ratelimit: limit 100 remaining 0 reset 5s\nwait 5s\n",
        ),
        (
            "RateLimit-Remaining: 0\nRateLimit-Reset: 9\nRateLimit: limit=10",
            "ratelimit: limit 10 remaining 0 reset 9s\nwait 9s\n",
        ),
        (
            "RateLimit-Remaining: 0\nRateLimit-Reset: 9\nRateLimit: limit=10, reset=1800000060",
            "ratelimit: limit 10 remaining 0 reset 9s\nwait 9s\n",
        ),
        (
            "RateLimit-Limit: many\nRateLimit: limit=9, remaining=1",
            "ratelimit: limit 9 remaining 1\nignored ratelimit-limit: Unreadable\n",
        ),
    ]);
}

#[test]
fn joined_counts_are_read_if_they_agree() {
    assert_eq!(
        wait("X-RateLimit-Remaining: 0, 7\nX-RateLimit-Reset: 9"),
        None
    );
    let said = plainly("X-RateLimit-Remaining: 7, 0");
    assert_eq!(said, "ignored x-ratelimit-remaining: Unreadable\n");
}

// Windows.

#[test]
fn one_remaining_quota_prevents_guesses_for_other_windows() {
    check(&[
        (
            "X-RateLimit-Remaining: 7\nX-App-Limit-24hour-Reset: 86400",
            "x-ratelimit: remaining 7\napp-24hour: reset 86400s length 86400s\n",
        ),
        // The remaining quota of one family doesn't apply to another.
        (
            "X-RateLimit-Limit: 9\nRateLimit-Remaining: 0\nX-Rate-Limit-Reset: 5",
            "ratelimit: remaining 0\nx-ratelimit: limit 9\nx-rate-limit: reset 5s\n",
        ),
        // Inconsistent numbers are read as they are.
        (
            "X-RateLimit-Limit: 10\nX-RateLimit-Remaining: 70\nX-RateLimit-Used: 3",
            "x-ratelimit: limit 10 remaining 70 used 3\n",
        ),
    ]);
}

#[test]
fn empty_name_zero_length_and_zero_limit_are_ignored() {
    check(&[
        (
            "X-RateLimit-Remaining: 3\nX-RateLimit-Interval-Seconds: 0",
            "x-ratelimit: remaining 3\nignored x-ratelimit-interval-seconds: Sentinel\n",
        ),
        (
            "X-RateLimit-Remaining: 3\nX-RateLimit-Resource:",
            "x-ratelimit: remaining 3\nignored x-ratelimit-resource: Unreadable\n",
        ),
        (
            "X-RateLimit-Limit: 0\nX-RateLimit-Remaining: many",
            "ignored x-ratelimit-limit: Ambiguous\nignored x-ratelimit-remaining: Unreadable\n",
        ),
    ]);
}

#[test]
fn lists_of_limits_give_windows_by_length() {
    check(&[
        (
            "RateLimit-Limit: 10, 10;w=1, 10;w=60",
            "ratelimit: limit 10 length 1s\nratelimit: limit 10 length 60s\n",
        ),
        (
            "X-RateLimit-Limit-Tokens: 10, 20;w=60",
            "tokens: limit 10 unit tokens\ntokens: limit 20 length 60s unit tokens\n",
        ),
    ]);
    let nine =
        "RateLimit-Limit: 10, 11;w=1, 12;w=2, 13;w=3, 14;w=4, 15;w=5, 16;w=6, 17;w=7, 18;w=8";
    let (eight, _) = nine.rsplit_once(',').unwrap();
    for (sent, is_partial) in [(nine, true), (eight, false)] {
        let hint = Hint::read(pairs(sent), Moment::new(AT));
        assert_eq!(hint.windows().count(), 8);
        let reading = hint.readings().next().unwrap();
        assert_eq!(reading.is_partial(), is_partial, "{sent}");
    }
}

#[test]
fn headers_of_several_windows_are_read_whole_or_not_at_all() {
    check(&[
        (
            "Sforce-Limit-Info: api-usage=5/5; api-bursts=many/9",
            "ignored sforce-limit-info: Unreadable\n",
        ),
        (
            "Auth0-Client-Quota-Limit: b=per_hour;q=9;r=0;t=4,b=per_day;q=9;r=few",
            "ignored auth0-client-quota-limit: Unreadable\n",
        ),
        (
            "X-Ms-RateLimit-Remaining-Resource: a;0,b;few",
            "ignored x-ms-ratelimit-remaining-resource: Unreadable\n",
        ),
        (
            "Zendesk-RateLimit-Tickets-Index: total=100; remaining",
            "ignored zendesk-ratelimit-tickets-index: Unreadable\n",
        ),
        // A line without a window is unreadable.
        (
            "Zendesk-RateLimit-Tickets-Index: foo=1",
            "ignored zendesk-ratelimit-tickets-index: Unreadable\n",
        ),
        (
            "RateLimit-Policy: 5",
            "ignored ratelimit-policy: Unreadable\n",
        ),
        (
            "RateLimit-Policy: \"a\";q=0;w=60",
            "ignored ratelimit-policy: Unreadable\n",
        ),
    ]);
}

#[test]
fn headers_of_several_windows_have_variants() {
    check(&[
        (
            "Auth0-Client-Quota-Limit: b=per_second;q=10;r=9;t=1,b=per_minute;q=100;r=99;t=41,b=per_week;q=7;r=6",
            "per_second: limit 10 remaining 9 reset 1s length 1s\n\
             per_minute: limit 100 remaining 99 reset 41s length 60s\n\
             per_week: limit 7 remaining 6\n",
        ),
        (
            "Zendesk-RateLimit-Tickets-Index: limit=100; remaining=0; reset=41",
            "tickets-index: limit 100 remaining 0 reset 41s\nwait 41s\n",
        ),
        (
            "Sforce-Limit-Info: api-usage=18/5000, api-bursts=1/9",
            "api-usage: limit 5000 remaining 4982 used 18\napi-bursts: limit 9 remaining 8 used 1\n",
        ),
    ]);
}

#[test]
fn unit_comes_from_parameter_or_name_and_last_parameter_counts() {
    check(&[
        (
            "RateLimit: \"Input-Tokens\";r=1, \"BYTES\";r=2, \"tokens-ish\";r=3",
            "Input-Tokens: remaining 1 unit tokens\n\
             BYTES: remaining 2 unit content-bytes\n\
             tokens-ish: remaining 3\n",
        ),
        (
            "RateLimit: \"a\";r=1;qu=\"content-bytes\", \"tokens\";r=2;qu=\"requests\"",
            "a: remaining 1 unit content-bytes\ntokens: remaining 2\n",
        ),
        (
            "RateLimit: \"a\";r=5;t=9;r=0;t=3",
            "a: remaining 0 reset 3s\nwait 3s\n",
        ),
    ]);
}

// Dialects.

#[test]
fn header_of_dialect_wins_over_common_headers() {
    const MINE: &[Dialect] = &[Dialect::new(
        "mine",
        &[HeaderFamily::new("mine")
            .with_remaining("x-ratelimit-remaining")
            .with_reset("x-ratelimit-reset", TimeFormat::Millis)
            .with_limit("x-ratelimit-max")],
    )];
    for sent in [
        "X-RateLimit-Limit: 5\nX-RateLimit-Max: 9\nX-RateLimit-Remaining: 1",
        "X-RateLimit-Max: 9\nX-RateLimit-Limit: 5\nX-RateLimit-Remaining: 1",
    ] {
        let (_, said) = by(MINE, NOW, sent);
        let expected = "mine: limit 9 remaining 1\nignored x-ratelimit-limit: Outranked\n";
        assert_eq!(said, expected, "{sent}");
    }
    for sent in [
        "Retry-After: 60\nX-RateLimit-Retry-After: 59",
        "X-RateLimit-Retry-After: 59\nRetry-After: 60",
    ] {
        assert_eq!(
            by(&[Dialect::mailerlite()], NOW, sent).0,
            secs(59),
            "{sent}"
        );
        assert_eq!(wait_by(NOW, sent), secs(60), "{sent}");
    }
}

#[test]
fn first_dialect_that_names_a_header_counts() {
    const ONE: Dialect = Dialect::new(
        "one",
        &[
            HeaderFamily::new("one").with_delay("delay-of-one", TimeFormat::Seconds),
            HeaderFamily::new("calls of one").with_reset("x-ratelimit-reset", TimeFormat::Seconds),
        ],
    );
    const TWO: Dialect = Dialect::new(
        "two",
        &[
            HeaderFamily::new("two").with_delay("delay-of-two", TimeFormat::Seconds),
            HeaderFamily::new("calls of two").with_limit("x-ratelimit-limit"),
        ],
    );
    let delays = "Delay-Of-One: 1\nDelay-Of-Two: 2";
    assert_eq!(by(&[ONE, TWO], NOW, delays).0, secs(1));
    assert_eq!(by(&[TWO, ONE], NOW, delays).0, secs(2));
    // Both dialects name a header of this header's family.
    let remaining = "X-RateLimit-Remaining: 3";
    assert_eq!(
        by(&[ONE, TWO], NOW, remaining).1,
        "calls of one: remaining 3\n"
    );
    assert_eq!(
        by(&[TWO, ONE], NOW, remaining).1,
        "calls of two: remaining 3\n"
    );
    let spent = "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 17";
    let (reddit, github) = (Dialect::reddit(), Dialect::github());
    assert_eq!(by(&[reddit, github], NOW, spent).0, secs(17));
    assert_eq!(by(&[github, reddit], NOW, spent).0, None);
}

#[test]
fn header_named_only_by_a_dialect_is_read() {
    const LONGEST: &str = "x-long-rate-limit-of-an-api-of-our-own-whose-name-fills-63-byte";
    const ACME: &[Dialect] = &[Dialect::new(
        "acme",
        &[
            HeaderFamily::new("acme")
                .with_remaining("calls-of-acme-left")
                .with_reset("calls-of-acme-renewed", TimeFormat::Millis),
            HeaderFamily::new("longest").with_remaining(LONGEST),
        ],
    )];
    let mut headers = HeaderMap::new();
    headers.insert("calls-of-acme-left", HeaderValue::from_static("0"));
    headers.insert("calls-of-acme-renewed", HeaderValue::from_static("1500"));
    let moment = Moment::new(AT).with_dialects(ACME);
    let renewed = AT + Duration::from_millis(1_500);
    assert_eq!(
        Hint::from_headers(&headers, moment).not_before(),
        Some(renewed)
    );
    let sent = "Calls-Of-Acme-Left: 0\nCalls-Of-Acme-Renewed: 1500";
    assert_eq!(Hint::read(pairs(sent), moment).not_before(), Some(renewed));
    assert_eq!(LONGEST.len(), 63);
    let said = by(ACME, NOW, &format!("{LONGEST}: 3")).1;
    assert_eq!(said, "longest: remaining 3\n");
}

#[test]
fn dialect_family_keeps_unit_and_reports_unclear_quota() {
    const MINE: &[Dialect] = &[Dialect::new(
        "mine",
        &[
            HeaderFamily::new("points")
                .with_unit(Unit::Points)
                .with_remaining("mine-left")
                .with_name_in("mine-name"),
            HeaderFamily::new("bucket")
                .with_used_of_limit("mine-calls")
                .with_reset("mine-reset", TimeFormat::Seconds),
        ],
    )];
    let said = by(MINE, NOW, "Mine-Left: 3\nMine-Name: bulk").1;
    assert_eq!(said, "bulk: remaining 3 unit points\n");
    assert_eq!(by(MINE, NOW, "Mine-Calls: many\nMine-Reset: 60").0, None);
    assert_eq!(by(MINE, NOW, "Mine-Calls: 5/5\nMine-Reset: 60").0, secs(60));
}
