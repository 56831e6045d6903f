//! All syntaxes of the IETF drafts for `RateLimit` fields. Servers use every one of them.

use breather::{Hint, driver::Moment};

use super::said::{AT, lines, pairs, plainly, said};

/// Checks pairs of header lines and expected hints.
fn check(rows: &[(&str, &str)]) {
    for (sent, expected) in rows {
        assert_eq!(plainly(sent), lines(expected), "{sent}");
    }
}

#[test]
fn drafts_to_03_have_policies_in_limit() {
    check(&[
        (
            "
            RateLimit-Limit: 10
            RateLimit-Remaining: 0
            RateLimit-Reset: 7
            ",
            "
            ratelimit: limit 10 remaining 0 reset 7s
            wait 7s
            ",
        ),
        // The first number is the limit that is closest to being spent. The same number with a
        // length gives its window.
        (
            "
            RateLimit-Limit: 10, 10;w=1, 50;w=60, 5000;w=86400
            RateLimit-Remaining: 4
            RateLimit-Reset: 1
            ",
            "
            ratelimit: limit 10 remaining 4 reset 1s length 1s
            ratelimit: limit 50 length 60s
            ratelimit: limit 5000 length 86400s
            ",
        ),
        (
            "
            RateLimit-Limit: 100, 100;w=60;burst=1000;comment=\"a window, that slides\"
            RateLimit-Remaining: 0
            RateLimit-Reset: 31
            ",
            "
            ratelimit: limit 100 remaining 0 reset 31s length 60s
            wait 31s
            ",
        ),
        // A policy without a length, or with a length of 0, adds nothing.
        (
            "RateLimit-Limit: 10, 10, 20;w=0, 30;w=soon",
            "ratelimit: limit 10",
        ),
    ]);
}

#[test]
fn drafts_04_to_06_have_a_policy_field() {
    check(&[
        (
            "
            RateLimit-Limit: 100
            RateLimit-Remaining: 0
            RateLimit-Reset: 9
            RateLimit-Policy: 100;w=60;burst=1000;comment=\"it slides\", 5000;w=3600
            ",
            "
            ratelimit: limit 100 remaining 0 reset 9s length 60s
            ratelimit: limit 5000 length 3600s
            wait 9s
            ",
        ),
        // The policies may come before their limits.
        (
            "
            RateLimit-Policy: 10;w=1, 50;w=60
            RateLimit-Policy: 1000;w=3600, 5000;w=86400
            RateLimit-Remaining: 3
            RateLimit-Limit: 50
            ",
            "
            ratelimit: limit 50 remaining 3 length 60s
            ratelimit: limit 10 length 1s
            ratelimit: limit 1000 length 3600s
            ratelimit: limit 5000 length 86400s
            ",
        ),
        (
            "RateLimit-Policy: 1000;w=3600,5000;w=86400",
            "
            ratelimit: limit 1000 length 3600s
            ratelimit: limit 5000 length 86400s
            ",
        ),
    ]);
}

#[test]
fn draft_07_is_a_dictionary() {
    check(&[
        (
            "
            RateLimit: limit=100, remaining=0, reset=5
            RateLimit-Policy: 100;w=60
            ",
            "
            ratelimit: limit 100 remaining 0 reset 5s length 60s
            wait 5s
            ",
        ),
        (
            "RateLimit: remaining=50, reset=5, limit=100",
            "ratelimit: limit 100 remaining 50 reset 5s",
        ),
        // A policy member and unknown members are skipped.
        (
            "RateLimit: limit=10, remaining=0, reset=4,policy=(10;w=1 50;w=60 1000;w=3600), cost=2",
            "
            ratelimit: limit 10 remaining 0 reset 4s
            wait 4s
            ",
        ),
        // If a member is repeated, the last one counts, like in every dictionary.
        (
            "RateLimit: remaining=7, remaining=8",
            "ratelimit: remaining 8",
        ),
        // Members are integers. If one is not, the whole field is unreadable.
        (
            "RateLimit: limit=100, remaining=many, reset=1.5",
            "ignored ratelimit: Unreadable",
        ),
        (
            "RateLimit: remaining=\"7\"",
            "ignored ratelimit: Unreadable",
        ),
        ("RateLimit: remaining=-1", "ignored ratelimit: Unreadable"),
        ("RateLimit: cost=2", "ignored ratelimit: Unreadable"),
        // Several lines form one dictionary, in which the last member counts.
        (
            "
            RateLimit: remaining=0, reset=5
            RateLimit: remaining=0, reset=50
            ",
            "
            ratelimit: remaining 0 reset 50s
            wait 50s
            ",
        ),
    ]);
}

/// A server may send the fields of two drafts.
#[test]
fn dictionary_wins_over_older_fields() {
    let fields = "
        RateLimit-Limit: 10
        RateLimit-Remaining: 1
        RateLimit-Reset: 60
        ";
    let expected = "
        ratelimit: limit 100 remaining 0 reset 5s
        wait 5s
        ignored ratelimit-limit: Outranked
        ignored ratelimit-remaining: Outranked
        ignored ratelimit-reset: Outranked
        ";
    let dictionary = "RateLimit: limit=100, remaining=0, reset=5";
    for sent in [
        format!("{dictionary}\n{fields}"),
        format!("{fields}\n{dictionary}"),
    ] {
        assert_eq!(plainly(&sent), lines(expected), "{sent}");
    }
}

#[test]
fn ietf_dialect_reads_every_syntax() {
    for sent in [
        "RateLimit-Limit: 10, 10;w=1, 50;w=60\nRateLimit-Remaining: 0\nRateLimit-Reset: 7",
        "RateLimit-Limit: 100\nRateLimit-Remaining: 0\nRateLimit-Reset: 9\nRateLimit-Policy: 100;w=60",
        "RateLimit: limit=100, remaining=0, reset=5\nRateLimit-Policy: 100;w=60\nRateLimit-Reset: 9",
        "RateLimit: \"burst\";r=50;t=30\nRateLimit-Policy: \"burst\";q=100;w=60",
    ] {
        assert_eq!(said(Some("ietf"), sent), plainly(sent), "{sent}");
    }
}

#[test]
fn drafts_from_08_have_named_windows() {
    check(&[
        (
            "RateLimit: \"default\";r=1;t=7",
            "default: remaining 1 reset 7s",
        ),
        (
            "RateLimit: \"daily\";r=1;t=36400",
            "daily: remaining 1 reset 36400s",
        ),
        (
            "RateLimit: \"dayLimit\";r=100;t=36000",
            "dayLimit: remaining 100 reset 36000s",
        ),
        (
            "RateLimit: \"dynamic\";r=0;t=20",
            "
            dynamic: remaining 0 reset 20s
            wait 20s
            ",
        ),
        // The reset is optional.
        ("RateLimit: \"default\";r=999", "default: remaining 999"),
        // Unknown parameters are for people.
        (
            "RateLimit: \"fixed\";r=99;t=50;cost=3;note=\"r=0\"",
            "fixed: remaining 99 reset 50s",
        ),
        // A name is any text and may contain separators.
        (
            "RateLimit: \"per;user,r=0\";r=5;t=6, \"say \\\"when\\\"\";r=7",
            "
            per;user,r=0: remaining 5 reset 6s
            say \\\"when\\\": remaining 7
            ",
        ),
        (
            "
            RateLimit: \"burst\";r=50;t=30
            RateLimit-Policy: \"burst\";q=100;w=60,\"daily\";q=1000;w=86400
            ",
            "
            burst: limit 100 remaining 50 reset 30s length 60s
            daily: limit 1000 length 86400s
            ",
        ),
        (
            "RateLimit-Policy: \"default\";q=100;w=10",
            "default: limit 100 length 10s",
        ),
        // A length is a positive number of whole seconds.
        (
            "RateLimit-Policy: \"default\";q=100;w=0",
            "default: limit 100",
        ),
        ("RateLimit-Policy: \"default\";q=100", "default: limit 100"),
    ]);
}

#[test]
fn windows_can_have_partition_keys() {
    check(&[
        (
            "RateLimit: \"default\";r=300000000;t=60;pk=:QXBwLTk5OQ==:",
            "default: remaining 300000000 reset 60s key QXBwLTk5OQ==",
        ),
        (
            "
            RateLimit: \"peruser\";r=3;pk=:YWRh:
            RateLimit: \"peruser\";r=0;t=9;pk=:Ym9i:
            RateLimit-Policy: \"peruser\";q=100;w=60;pk=:Ym9i:
            ",
            "
            peruser: remaining 3 key YWRh
            peruser: limit 100 remaining 0 reset 9s length 60s key Ym9i
            wait 9s
            ",
        ),
        // A policy without a partition applies to all windows with its name.
        (
            "
            RateLimit-Policy: \"peruser\";q=100;w=60
            RateLimit: \"peruser\";r=3;pk=:YWRh:, \"peruser\";r=4;pk=:Ym9i:
            ",
            "
            peruser: limit 100 remaining 3 length 60s key YWRh
            peruser: limit 100 remaining 4 length 60s key Ym9i
            ",
        ),
        (
            "RateLimit-Policy: \"peruser\";q=100;w=60;pk=:cHsdsRa894==:",
            "peruser: limit 100 length 60s key cHsdsRa894==",
        ),
        // A partition is a byte sequence. Text is ignored.
        (
            "RateLimit: \"default\";r=5;pk=\"bob\"",
            "default: remaining 5",
        ),
    ]);
}

#[test]
fn quota_can_have_other_units_than_requests() {
    for (unit, expected) in [
        ("\"requests\"", ""),
        // The spelling in the draft's table of units.
        ("\"request\"", ""),
        ("\"content-bytes\"", " unit content-bytes"),
        // The spelling in draft 08.
        ("\"bytes\"", " unit content-bytes"),
        ("\"concurrent-requests\"", " unit concurrent-requests"),
        ("\"tokens\"", " unit tokens"),
        ("\"penguins\"", " unit other"),
        ("content-bytes", " unit content-bytes"),
        ("7", " unit other"),
    ] {
        let policy = format!("RateLimit-Policy: \"peruser\";q=65535;qu={unit};w=10;pk=:YWRh:");
        let expected = format!("peruser: limit 65535 length 10s{expected} key YWRh\n");
        assert_eq!(plainly(&policy), expected, "{unit}");
    }
    // A call also waits if the quota of bytes is spent.
    let spent = "
        RateLimit: \"traffic\";r=0;t=6
        RateLimit-Policy: \"traffic\";q=1000000;qu=\"content-bytes\";w=60
        ";
    let expected = "
        traffic: limit 1000000 remaining 0 reset 6s length 60s unit content-bytes
        wait 6s
        ";
    assert_eq!(plainly(spent), lines(expected));
}

/// The draft's examples have names without quotes, although its text requires strings.
#[test]
fn unquoted_name_is_read() {
    check(&[
        (
            "RateLimit: quota;r=0;t=1",
            "quota: remaining 0 reset 1s\nwait 1s",
        ),
        (
            "RateLimit-Policy: quota;q=100;w=1",
            "quota: limit 100 length 1s",
        ),
        (
            "
            RateLimit-Policy: quota;q=100;w=1
            RateLimit: \"quota\";r=7;t=1
            ",
            "quota: limit 100 remaining 7 reset 1s length 1s",
        ),
    ]);
}

#[test]
fn lines_of_a_field_form_one_list() {
    let apart = "
        RateLimit-Policy: \"burst\";q=100;w=60
        RateLimit: \"burst\";r=0;t=13
        RateLimit-Policy: \"daily\";q=1000;w=86400
        RateLimit: \"daily\";r=997;t=40000
        ";
    let together = "
        RateLimit: \"burst\";r=0;t=13, \"daily\";r=997;t=40000
        RateLimit-Policy: \"burst\";q=100;w=60,\t\"daily\";q=1000;w=86400
        ";
    let expected = "
        burst: limit 100 remaining 0 reset 13s length 60s
        daily: limit 1000 remaining 997 reset 40000s length 86400s
        wait 13s
        ";
    check(&[(apart, expected), (together, expected)]);
}

#[test]
fn last_reset_of_spent_windows_is_the_wait() {
    check(&[(
        "RateLimit: \"second\";r=0;t=1, \"minute\";r=0;t=40, \"day\";r=5;t=86000",
        "
        second: remaining 0 reset 1s
        minute: remaining 0 reset 40s
        day: remaining 5 reset 86000s
        wait 40s
        ",
    )]);
}

#[test]
fn retry_after_wins_over_windows() {
    for windows in [
        "RateLimit: \"dynamic\";r=15;t=40",
        "RateLimit: \"dynamic\";r=0;t=40",
        "RateLimit: \"dynamic\";r=0;t=1",
        "RateLimit: limit=100, remaining=0, reset=40",
        "RateLimit-Remaining: 0\nRateLimit-Reset: 40",
    ] {
        for sent in [
            format!("Retry-After: 20\n{windows}"),
            format!("{windows}\nRetry-After: 20"),
        ] {
            let said = plainly(&sent);
            assert!(said.ends_with("wait 20s\n"), "{sent}: {said}");
        }
    }
}

#[test]
fn malformed_field_is_ignored() {
    for value in [
        "",
        ",",
        "\"default\"",
        "\"default\";t=7",
        // From the draft's own example. The remaining quota is required.
        "quota;t=1",
        "\"default\";r",
        "\"default\";r=soon;t=7",
        "\"default\";r=-1;t=7",
        "\"default\";r=1.5;t=7",
        "\"default\";r=\"1\";t=7",
        "\"default\";r=0;t=7,",
        "\"default\";r=0;t=7 \"other\";r=1",
        "\"default;r=0;t=7",
        "\"default\";r=0;t=7.5",
        "\"default\";r=0;t=-7",
        "\"default\";R=0;t=7",
        "\"default\"; r = 0",
        "\"default\";r=0;pk=:=:",
        "\"default\";r=1000000000000000",
        "12;r=0;t=7",
        "(\"default\");r=0;t=7",
        ":ZGVmYXVsdA==:;r=0;t=7",
        "\"d\u{e9}fault\";r=0;t=7",
        "limit=100 remaining=0",
        "limit:100",
        "remaining=0;",
    ] {
        let said = plainly(&format!("RateLimit: {value}"));
        assert_eq!(said, "ignored ratelimit: Unreadable\n", "{value}");
    }
    for value in [
        "",
        "\"default\"",
        "\"default\";w=60",
        "\"default\";q=many;w=60",
        "\"default\";q=-100;w=60",
        "\"default\";q=100;w=60,",
        "-100;w=60",
        "1.5;w=60",
        "100;w=60 200;w=60",
        "limit=100;w=60 x",
    ] {
        let said = plainly(&format!("RateLimit-Policy: {value}"));
        assert_eq!(said, "ignored ratelimit-policy: Unreadable\n", "{value}");
    }
    for value in [
        "10, ten",
        "ten, 10",
        "10, 10;w=1 50",
        "10,",
        "10;;w=1",
        "10, -1;w=1",
    ] {
        let said = plainly(&format!("RateLimit-Limit: {value}"));
        assert_eq!(said, "ignored ratelimit-limit: Unreadable\n", "{value}");
    }
}

#[test]
fn malformed_item_does_not_affect_its_list() {
    check(&[(
        "RateLimit: \"nameless\";t=3, \"burst\";r=0;t=13, 7",
        "
        burst: remaining 0 reset 13s
        wait 13s
        ",
    )]);
}

#[test]
fn malformed_line_does_not_affect_others() {
    check(&[(
        "
        RateLimit: \"burst\";r=0;t=13,
        RateLimit: \"daily\";r=5;t=40000
        RateLimit-Policy: \"daily\";q=1000;w=86400
        ",
        "
        daily: limit 1000 remaining 5 reset 40000s length 86400s
        ignored ratelimit: Unreadable
        ",
    )]);
}

#[test]
fn windows_beyond_the_limit_are_dropped() {
    let windows: Vec<_> = (0..9).map(|at| format!("\"w{at}\";r={at};t=9")).collect();
    let said = plainly(&format!("RateLimit: {}", windows.join(", ")));
    assert!(said.contains("w7: remaining 7 reset 9s\n"), "{said}");
    assert!(!said.contains("w8"), "{said}");
    // The line is read, and the reading says that it is partial.
    assert!(!said.contains("ignored"), "{said}");
    let sent = format!("RateLimit: {}", windows.join(", "));
    let hint = Hint::read(pairs(&sent), Moment::new(AT));
    assert!(hint.readings().next().unwrap().is_partial());
    let eight = windows[1..].join(", ");
    let more = format!("RateLimit: {eight}\nRateLimit: \"last\";r=9;t=9");
    assert!(plainly(&more).ends_with("ignored ratelimit: TooMany\n"));
}
