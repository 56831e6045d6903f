//! Headers that are not listed, and whose names say what they state.

use std::time::Duration;

use breather::{Hint, driver::Moment, hint::IgnoreReason};

use super::said::{AT, lines, pairs, plainly, text};

fn check(cases: &[(&str, &str)]) {
    for (sent, expected) in cases {
        assert_eq!(plainly(sent), lines(expected), "{sent}");
    }
}

#[test]
fn delays_are_read_whoever_prefixes_them() {
    check(&[
        (
            "
            x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after: 9
            x-ms-ratelimit-microsoft.costmanagement-entity-retry-after: 31
            ",
            "wait 31s",
        ),
        ("Acme-Retry-After: 7", "wait 7s"),
        ("acme_retry_after_ms: 1500", "wait 1.5s"),
        ("X-Acme-RetryAfter-Seconds: 7", "wait 7s"),
        ("X-Acme-Retry-In: 00:00:07", "wait 7s"),
        ("X-Acme-Retry-Delay: 2027-01-15T08:00:07Z", "wait 7s"),
    ]);
}

#[test]
fn figures_are_read_whatever_they_are_called() {
    check(&[
        (
            "
            X-Rate-Limit-Requests-Left: 0
            X-Rate-Limit-Requests-Quota: 150
            X-Rate-Limit-Time-Reset-Ms: 12500
            X-Rate-Limit-Time-Window-Ms: 30000
            ",
            "
            x-rate-limit: limit 150 remaining 0 reset 12.5s length 30s
            wait 12.5s
            ",
        ),
        (
            "
            x-ratelimit-limit: 10
            x-ratelimit-left: 0
            x-ratelimit-renews: 7
            ",
            "
            x-ratelimit: limit 10 remaining 0 reset 7s
            wait 7s
            ",
        ),
        (
            "
            X-Quota-Max: 500
            X-Quota-Used: 500
            X-Quota-Reset-Seconds: 7
            ",
            "
            requests: limit 500 remaining 0 used 500 reset 7s
            wait 7s
            ",
        ),
        (
            "
            X-RateLimit-Requests-Allowed: 20
            X-RateLimit-Requests-Consumed: 20
            X-RateLimit-Seconds-Until-Reset: 7
            ",
            "
            x-ratelimit: limit 20 remaining 0 used 20 reset 7s
            wait 7s
            ",
        ),
        (
            "
            throttle-limit: 20
            throttle-available: 0
            throttle-reset-at: 1800000007
            ",
            "
            requests: limit 20 remaining 0 reset 7s
            wait 7s
            ",
        ),
    ]);
}

#[test]
fn units_and_periods_make_windows_of_their_own() {
    check(&[
        (
            "
            x-ratelimit-remaining-tokens-minute: 0
            x-ratelimit-reset-tokens-minute: 41.25
            x-ratelimit-remaining-requests-day: 99
            x-ratelimit-limit-requests-day: 100
            x-ratelimit-reset-requests-day: 3600
            ",
            "
            requests-day: limit 100 remaining 99 reset 3600s length 86400s
            tokens-minute: remaining 0 reset 41.25s length 60s unit tokens
            wait 41.25s
            ",
        ),
        (
            "
            x-ratelimit-input-tokens-remaining: 5
            x-ratelimit-output-tokens-remaining: 6
            x-ratelimit-remaining-1h: 7
            ",
            "
            input-tokens: remaining 5 unit input-tokens
            output-tokens: remaining 6 unit output-tokens
            requests-hour: remaining 7 length 3600s
            ",
        ),
    ]);
}

#[test]
fn other_words_say_whose_window_it_is() {
    check(&[
        (
            "
            x-esi-error-limit-remain: 0
            x-esi-error-limit-reset: 38
            ",
            "
            esi: remaining 0 reset 38s unit other
            wait 38s
            ",
        ),
        (
            "
            acme-user-ratelimit-remaining: 3
            acme-user-ratelimit-reset: 50
            acme-org-ratelimit-remaining: 0
            acme-org-ratelimit-reset: 20
            ",
            "
            acme-org: remaining 0 reset 20s
            acme-user: remaining 3 reset 50s
            wait 20s
            ",
        ),
    ]);
}

/// Other words may stand on both sides of the figure.
#[test]
fn words_around_the_figure_are_of_the_same_window() {
    let sent = "
        x-acme-ratelimit-remaining-search: 0
        x-acme-ratelimit-reset-search: 30
        x-other-ratelimit-remaining-search: 5
        x-other-ratelimit-reset-search: 90
        ";
    let hint = Hint::read(pairs(sent), Moment::new(AT));
    let figures: Vec<_> = hint
        .windows()
        .map(|it| (it.remaining(), it.reset()))
        .collect();
    let seconds = |it| Some(Duration::from_secs(it));
    assert_eq!(figures, [(Some(0), seconds(30)), (Some(5), seconds(90))]);
    assert_eq!(hint.not_before(), Some(AT + Duration::from_secs(30)));
}

#[test]
fn order_and_case_of_names_change_nothing() {
    let sent = [
        "x-acme-ratelimit-requests-left: 0",
        "x-acme-ratelimit-requests-max: 9",
        "x-acme-ratelimit-reset: 7",
    ];
    let expected = "acme: limit 9 remaining 0 reset 7s\nwait 7s\n";
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        assert_eq!(
            plainly(&order.map(|at: usize| sent[at]).join("\n")),
            expected
        );
    }
    let upper = sent.join("\n").to_uppercase();
    let hint = Hint::read(pairs(&upper), Moment::new(AT));
    assert_eq!(text(&hint), expected.replace("acme", "ACME"));
    let evidence = hint.evidence().unwrap();
    assert_eq!(evidence.to_string(), "X-ACME-RATELIMIT-RESET: 7");
}

/// Of two resets of one header, the later counts, in whatever case its name is.
#[test]
fn header_that_appears_twice_in_different_case_is_one() {
    for (one, other) in [("7", "9"), ("9", "7")] {
        let sent = format!(
            "acme-ratelimit-left: 0\nacme-ratelimit-reset: {one}\nAcme-RateLimit-Reset: {other}"
        );
        let hint = Hint::read(pairs(&sent), Moment::new(AT));
        let expected = "acme: remaining 0 reset 9s\nwait 9s\nignored X: Ambiguous\n";
        let said = text(&hint).to_lowercase();
        assert_eq!(
            said,
            expected.replace('X', "acme-ratelimit-reset").to_lowercase(),
            "{sent}"
        );
    }
}

#[test]
fn names_for_limits_that_are_not_understood_are_listed() {
    for name in [
        "x-ratelimit-flavor",
        "acme-rate-limit-used-remaining",
        "ratelimit-scope-of-acme",
        "x-throttled",
        // The unit of time is none that is read, or a number would be a time.
        "acme-retry-after-minutes",
        "acme-retry-after-minute",
        "acme-retry-after-us",
        "x-acme-ratelimit-window-minutes",
        "x-acme-ratelimit-reset-hours",
        "x-ratelimit-available-in",
        "x-ratelimit-next-available",
        "x-ratelimit-remaining-seconds",
        "x-ratelimit-time-left",
    ] {
        let sent = format!("{name}: 5");
        let hint = Hint::read(pairs(&sent), Moment::new(AT));
        let ignored: Vec<_> = hint.ignored().map(|it| (it.header(), it.why())).collect();
        assert_eq!(ignored, [(name, IgnoreReason::UnknownName)]);
        assert_eq!(hint.windows().count(), 0);
    }
}

#[test]
fn names_for_other_things_are_not_read() {
    let long = format!("x-{}-ratelimit-remaining", "a".repeat(100));
    for name in [
        "x-request-id",
        "x-total-count",
        "x-items-remaining",
        "x-page-limit",
        "x-per-page-limit",
        "content-security-policy",
        "x-retry-count",
        "retry-attempt",
        "x-heart-rate",
        "x-limit",
        "x-upload-limit",
        "x-rate-plan",
        "x-country",
        "accept-query",
        "x-quotation",
        &long,
    ] {
        let sent = format!("{name}: 0\nx-ratelimit-reset: 7");
        let hint = Hint::read(pairs(&sent), Moment::new(AT));
        assert_eq!(text(&hint), "x-ratelimit: reset 7s\nwait 7s\n", "{name}");
    }
}

/// The header's name is cut in evidence, and not in readings.
#[test]
fn long_names_are_cut_in_evidence() {
    let name = "x-ms-ratelimit-microsoft.costmanagement-clienttype-of-tenant-retry-after";
    let sent = format!("{name}: 7");
    let hint = Hint::read(pairs(&sent), Moment::new(AT));
    assert_eq!(hint.readings().next().unwrap().header(), name);
    assert_eq!(hint.evidence().unwrap().header(), &name[..64]);
}
