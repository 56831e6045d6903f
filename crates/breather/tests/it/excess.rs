//! Responses with more lines, windows or values than a hint keeps.
//!
//! The longest delay, spent windows and a verdict not to retry count in any position.

use std::collections::BTreeMap;
use std::time::Duration;

use breather::{
    Dialect, Hint,
    driver::{Moment, UnixTime},
    hint::{HeaderFamily, IgnoreReason, TimeFormat, Unit, Window},
};
use proptest::prelude::*;
use proptest::sample::select;

use super::said::{AT, NOW, text};

type Lines = Vec<(String, String)>;

const OWN: UnixTime = UnixTime::from_secs(NOW);

fn read(lines: &[(String, String)]) -> Hint<'_> {
    let pairs = lines
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    Hint::read(pairs, Moment::new(AT).with_wall_clock(&OWN))
}

fn wait(lines: &[(String, String)]) -> Option<Duration> {
    Some(read(lines).not_before()?.duration_since(AT))
}

fn is_told_too_many(lines: &[(String, String)]) -> bool {
    let hint = read(lines);
    let mut ignored = hint.ignored();
    ignored.any(|it| it.why() == IgnoreReason::TooMany)
}

fn line(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

const fn secs(secs: u64) -> Option<Duration> {
    Some(Duration::from_secs(secs))
}

/// Returns copies of `lines` with `one` inserted at several places, from the first to the last.
fn with_one_anywhere(lines: &Lines, one: &[(String, String)]) -> impl Iterator<Item = Lines> {
    let step = (lines.len() / 25).max(1);
    let tickets = (0..lines.len()).step_by(step).chain([lines.len()]);
    tickets.map(|at| {
        let mut lines = lines.clone();
        lines.splice(at..at, one.iter().cloned());
        lines
    })
}

const COUNTS: [u64; 8] = [6, 7, 8, 9, 20, 25, 40, 200];

// Delays.

#[test]
fn longest_of_many_delays_counts_in_any_position() {
    for name in ["retry-after", "x-ratelimit-after", "x-retry-after"] {
        for count in COUNTS {
            let others: Lines = (1..count).map(|it| line(name, it % 250)).collect();
            for lines in with_one_anywhere(&others, &[line(name, 290)]) {
                assert_eq!(wait(&lines), secs(290), "{count} lines of {name}");
                assert_eq!(is_told_too_many(&lines), count > 24, "{count} lines");
            }
        }
    }
}

#[test]
fn all_lines_up_to_the_bound_are_listed() {
    for count in 1..=24 {
        let lines: Lines = (1..=count).map(|it| line("retry-after", it)).collect();
        assert_eq!(read(&lines).readings().count(), count);
        assert_eq!(read(&lines).ignored().count(), 0);
    }
}

#[test]
fn garbage_displaces_no_valid_delay() {
    for count in COUNTS {
        let garbage = |it: u64| match it % 6 {
            0 => format!("soon {it}"),
            1 => format!("-{it}"),
            2 => format!("1,{:03}", it % 1_000),
            3 => format!("{}", 200_000_000 + it),
            4 => format!("Fri, 15 Jan 2027 07:{:02}:{:02} GMT", it / 60 % 60, it % 60),
            _ => format!("{it}x"),
        };
        let others: Lines = (1..count)
            .map(|it| line("retry-after", garbage(it)))
            .collect();
        for lines in with_one_anywhere(&others, &[line("retry-after", 7)]) {
            assert_eq!(wait(&lines), secs(7), "{count} lines");
        }
        assert_eq!(wait(&others), None, "{count} lines");
    }
}

#[test]
fn longest_delay_of_many_headers_is_kept() {
    // All of these headers are equally exact.
    let names = [
        "retry-after",
        "x-retry-after",
        "retryafter",
        "x-ratelimit-retry-after",
        "x-ratelimit-after",
    ];
    for count in COUNTS {
        for longest in names {
            let others = (1..count).map(|it| line(names[it as usize % 5], it % 250));
            let others: Lines = others.collect();
            for lines in with_one_anywhere(&others, &[line(longest, 290)]) {
                assert_eq!(wait(&lines), secs(290), "{longest} of {count}");
            }
        }
    }
}

#[test]
fn exact_delay_wins_over_many_rounded_ones() {
    for count in COUNTS {
        let others: Lines = (1..count).map(|it| line("retry-after", it)).collect();
        let exact = [
            line("retry-after-ms", 299_500),
            line("x-ms-retry-after-ms", 299_400),
            line("x-retry-after", 300),
        ];
        for lines in with_one_anywhere(&others, &exact) {
            assert_eq!(wait(&lines), Some(Duration::from_millis(299_500)));
        }
        let garbage = [line("retry-after-ms", "soon"), line("x-retry-in", "290s")];
        for lines in with_one_anywhere(&others, &garbage) {
            assert_eq!(wait(&lines), secs(290.max(count - 1)));
        }
    }
}

#[test]
fn late_date_line_applies_to_all_delays() {
    // The local clock is an hour behind.
    let own = UnixTime::from_secs(NOW - 3_600);
    for count in COUNTS {
        for (longest, expected) in [
            ("Fri, 15 Jan 2027 08:04:50 GMT", 290),
            ("1800000290", 290),
            ("290", 290),
        ] {
            let lines = (1..count).map(|it| {
                let ahead = it % 200;
                let value = match it % 3 {
                    0 => format!(
                        "Fri, 15 Jan 2027 08:{:02}:{:02} GMT",
                        ahead / 60,
                        ahead % 60
                    ),
                    1 => format!("{}", 1_800_000_000 + ahead),
                    _ => format!("{ahead}"),
                };
                line("retry-after", value)
            });
            for mut lines in with_one_anywhere(&lines.collect(), &[line("retry-after", longest)]) {
                lines.push(line("date", "Fri, 15 Jan 2027 08:00:00 GMT"));
                let pairs = lines
                    .iter()
                    .map(|(name, value)| (&**name, value.as_bytes()));
                let hint = Hint::read(pairs, Moment::new(AT).with_wall_clock(&own));
                let wait = hint.not_before().unwrap().duration_since(AT);
                assert_eq!(Some(wait), secs(expected), "{longest} of {count}");
            }
        }
    }
}

#[test]
fn implausible_epoch_hides_no_plausible_one() {
    for count in COUNTS {
        let far = |it: u64| line("retry-after", 4_000_000_000 + it);
        for lines in with_one_anywhere(
            &(1..count).map(far).collect(),
            &[line("retry-after", 1_800_000_290)],
        ) {
            assert!(wait(&lines) >= secs(290), "{count}: {:?}", wait(&lines));
        }
        // A few implausible epochs don't count.
        let mut others: Lines = (1..count).map(|it| line("retry-after", it % 250)).collect();
        others.push(far(1));
        for lines in with_one_anywhere(&others, &[line("retry-after", 1_800_000_290)]) {
            assert_eq!(wait(&lines), secs(290), "{count}");
        }
    }
}

#[test]
fn joined_delays_count_like_separate_lines() {
    for count in COUNTS {
        let values = (1..count).map(|it| (it % 200).to_string());
        let values: Vec<_> = values.chain(["290".to_owned()]).collect();
        assert_eq!(wait(&[line("retry-after", values.join(", "))]), secs(290));
        let values: Vec<_> = values.into_iter().rev().collect();
        assert_eq!(wait(&[line("retry-after", values.join(", "))]), secs(290));
    }
}

// Verdicts.

#[test]
fn verdict_not_to_retry_counts_in_any_position() {
    for count in COUNTS {
        for name in ["x-should-retry", "stripe-should-retry"] {
            let others = (1..count).map(|it| match it % 3 {
                0 => line("x-should-retry", "true, ".repeat(it as usize) + "true"),
                1 => line("stripe-should-retry", format!("maybe {it}")),
                _ => line("retry-after", it % 250),
            });
            for lines in with_one_anywhere(&others.collect(), &[line(name, "false")]) {
                let hint = read(&lines);
                assert_eq!(hint.retry(), Some(false), "{count}: {name}");
                assert!(hint.not_before().is_some(), "{count}: {name}");
            }
        }
    }
}

#[test]
fn pushback_that_stops_counts_in_any_position() {
    for count in COUNTS {
        let others: Lines = (1..count).map(|it| line("retry-after", it)).collect();
        for end in [
            vec![line("grpc-retry-pushback-ms", -1)],
            vec![
                line("grpc-retry-pushback-ms", 10),
                line("grpc-retry-pushback-ms", 20),
            ],
        ] {
            for lines in with_one_anywhere(&others, &end) {
                assert_eq!(read(&lines).retry(), Some(false), "{count}");
                assert!(wait(&lines).is_some(), "{count}");
            }
        }
        for lines in with_one_anywhere(&others, &[line("grpc-retry-pushback-ms", 9)]) {
            assert_eq!(wait(&lines), Some(Duration::from_millis(9)), "{count}");
            assert_eq!(read(&lines).retry(), None, "{count}");
        }
    }
}

// Windows.

#[test]
fn spent_window_counts_in_any_position_of_a_list() {
    for count in COUNTS {
        for spent in 0..count {
            let item = |it: u64| match it {
                _ if it == spent => format!("\"w{it}\";r=0;t=290"),
                _ if it % 3 == 0 => format!("\"w{it}\";r=0;t={}", it % 250),
                _ => format!("\"w{it}\";r={it};t={}", 300 + it),
            };
            let items: Vec<_> = (0..count).map(item).collect();
            let joined = [line("ratelimit", items.join(", "))];
            assert_eq!(wait(&joined), secs(290), "{spent} of {count}");
            let is_partial = read(&joined).readings().next().unwrap().is_partial();
            assert_eq!(is_partial, count > 8, "{count}");
            let apart: Lines = items.iter().map(|it| line("ratelimit", it)).collect();
            assert_eq!(wait(&apart), secs(290), "{spent} of {count}");
            assert_eq!(is_told_too_many(&apart), count > 8, "{count}");
        }
    }
}

/// The headers for the remaining quota and the reset of a window, for each family.
const FAMILIES: [(&str, &str); 15] = [
    ("ratelimit-remaining", "ratelimit-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
    ("x-app-limit-24hour-remaining", "x-app-limit-24hour-reset"),
    ("x-user-limit-24hour-remaining", "x-user-limit-24hour-reset"),
    (
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    (
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    (
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
    (
        "x-ratelimit-requests-remaining",
        "x-ratelimit-requests-reset",
    ),
    (
        "x-ratelimit-complexity-remaining",
        "x-ratelimit-complexity-reset",
    ),
    (
        "x-ratelimit-endpoint-requests-remaining",
        "x-ratelimit-endpoint-requests-reset",
    ),
    ("x-ratelimit-userremaining", "x-ratelimit-userreset"),
    ("x-post-rate-limit-remaining", "x-post-rate-limit-reset"),
    ("x-sib-ratelimit-remaining", "x-sib-ratelimit-reset"),
];

/// Returns the lines of all families in several orders.
fn orders(windows: &[(u64, u64)]) -> [Lines; 4] {
    let told = || FAMILIES.iter().zip(windows);
    let remaining = || told().map(|((name, _), (left, _))| line(name, left));
    let resets = || told().map(|((_, name), (_, reset))| line(name, reset));
    let pairs = remaining().zip(resets());
    let backwards = || pairs.clone().collect::<Vec<_>>().into_iter().rev();
    [
        pairs.clone().flat_map(|(one, two)| [one, two]).collect(),
        backwards().flat_map(|(one, two)| [two, one]).collect(),
        remaining().chain(resets()).collect(),
        resets().chain(remaining()).collect(),
    ]
}

#[test]
fn spent_window_counts_in_any_family() {
    for count in [7, 8, 9, 12, 13, 15] {
        for spent in 0..count {
            // Some of the other windows are also spent, but reset sooner.
            for others in [5, 0] {
                let window = |it| match it {
                    _ if it == spent => (0, 290),
                    _ => (others * it as u64, 200 + it as u64),
                };
                let windows: Vec<_> = (0..count).map(window).collect();
                for lines in orders(&windows) {
                    let hint = read(&lines);
                    assert_eq!(wait(&lines), secs(290), "{}", text(&hint));
                    assert_eq!(is_told_too_many(&lines), count > 8, "{}", text(&hint));
                    assert!(hint.evidence().unwrap().to_string().ends_with(": 290"));
                }
            }
        }
    }
}

#[test]
fn spent_window_counts_beside_too_many_limits() {
    let limits: String = (2..20).map(|it| format!(", {it};w={it}")).collect();
    for spent in [
        line("ratelimit", "\"z\";r=0;t=290"),
        line("ratelimit", "remaining=0, reset=290"),
        line("zendesk-ratelimit-tickets-index", "remaining=0;resets=290"),
    ] {
        for limit in ["ratelimit-limit", "x-ratelimit-limit"] {
            let limit = line(limit, format!("1{limits}"));
            for lines in [[spent.clone(), limit.clone()], [limit, spent.clone()]] {
                assert_eq!(wait(&lines), secs(290), "{}", text(&read(&lines)));
            }
        }
    }
    let usages: String = (1..20).map(|it| format!("u{it}={it}/100; ")).collect();
    let usages = line("sforce-limit-info", usages + "last=100/100");
    let hint = read(core::slice::from_ref(&usages)).clone();
    assert!(hint.windows().any(|it| it.remaining() == Some(0)));
}

#[test]
fn line_of_dropped_window_is_listed() {
    let healthy = (1..=8).map(|it| line("ratelimit", format!("\"n{it}\";r={it};t=3")));
    let mut lines: Lines = healthy.collect();
    lines.push(line("ratelimit", "\"z\";r=0;t=290"));
    let hint = read(&lines);
    let ignored: Vec<_> = hint.ignored().map(|it| (it.value(), it.why())).collect();
    assert_eq!(ignored, [(&b"\"n8\";r=8;t=3"[..], IgnoreReason::TooMany)]);
    // If one of several windows of a line was dropped, the line is read in part.
    let lines = [
        line(
            "ratelimit",
            (1..=8)
                .map(|it| format!("\"n{it}\";r={it}"))
                .collect::<Vec<_>>()
                .join(","),
        ),
        line("ratelimit", "\"z\";r=0;t=290"),
    ];
    let hint = read(&lines);
    let partial: Vec<_> = hint.readings().map(|it| it.is_partial()).collect();
    assert_eq!(partial, [true, false]);
    assert_eq!(hint.ignored().count(), 0);
}

#[test]
fn window_with_quota_left_stays_among_unknown_ones() {
    // One window has quota left, so the rejection has another reason.
    let unknown = FAMILIES[1..12].iter().map(|(_, reset)| line(reset, 60));
    for lines in with_one_anywhere(&unknown.collect(), &[line("ratelimit-remaining", 3)]) {
        assert_eq!(wait(&lines), None, "{}", text(&read(&lines)));
    }
    // If no window reports its remaining quota, the call waits for the first reset.
    let unknown = FAMILIES.iter().enumerate();
    let unknown = unknown.map(|(at, (_, reset))| line(reset, 60 - at));
    assert_eq!(wait(&unknown.collect::<Lines>()), secs(46));
}

#[test]
fn spent_window_counts_among_many_lines_of_all_kinds() {
    for count in COUNTS {
        let others = (0..count).map(|it| match it % 9 {
            0 => line("ratelimit", format!("\"n{it}\";r=1;t=9")),
            1 => line("ratelimit-policy", format!("\"n{it}\";q=1;w=9")),
            2 => line("x-ratelimit-scope", it),
            3 => line("ratelimit", format!("limit={}", it + 1)),
            4 => line("sforce-limit-info", format!("u{it}=1/9")),
            5 => line("x-ms-ratelimit-remaining-resource", format!("r{it};7")),
            6 => line("x-ratelimit-limit", it + 1),
            7 => line("x-ratelimit-bucket", it),
            _ => line("auth0-client-quota-limit", format!("b=u{it};q=9;r=1;t=9")),
        });
        let others: Lines = others.collect();
        for spent in [
            vec![line("ratelimit", "\"z\";r=0;t=290")],
            vec![line("auth0-client-quota-limit", "b=z;q=9;r=0;t=290")],
            vec![
                line("x-rate-limit-reset", 290),
                line("x-rate-limit-remaining", 0),
            ],
            vec![
                line("x-sib-ratelimit-remaining", 0),
                line("x-sib-ratelimit-reset", 290),
            ],
        ] {
            for lines in with_one_anywhere(&others, &spent) {
                assert_eq!(wait(&lines), secs(290), "{count}: {}", text(&read(&lines)));
            }
        }
    }
}

#[test]
fn dictionary_and_fields_of_one_window_stay_together() {
    let others: Lines = (0..40)
        .map(|it| line("ratelimit", format!("\"n{it}\";r=1;t=9")))
        .collect();
    for spent in [
        [
            line("ratelimit-remaining", 0),
            line("ratelimit", "reset=290"),
        ],
        [
            line("ratelimit", "remaining=0"),
            line("ratelimit-reset", 290),
        ],
        [
            line("ratelimit", "remaining=0"),
            line("ratelimit", "reset=290"),
        ],
    ] {
        for lines in with_one_anywhere(&others, &spent) {
            assert_eq!(wait(&lines), secs(290), "{}", text(&read(&lines)));
        }
    }
}

#[test]
fn latest_of_many_resets_of_one_window_counts() {
    for count in COUNTS {
        let mut others: Lines = (1..count)
            .map(|it| line("x-ratelimit-reset", it % 250))
            .collect();
        others.push(line("x-ratelimit-reset", "soon"));
        others.push(line("x-ratelimit-remaining", 0));
        for latest in [
            "290",
            "1800000290",
            "2027-01-15T08:04:50Z",
            "4m50s",
            "7, 290",
        ] {
            for lines in with_one_anywhere(&others, &[line("x-ratelimit-reset", latest)]) {
                assert_eq!(wait(&lines), secs(290), "{latest} of {count}");
            }
        }
        // If two lines disagree on the remaining quota, the window does not count as spent.
        let remaining = (0..count).map(|it| line("x-ratelimit-remaining", it));
        let lines: Lines = remaining.chain([line("x-ratelimit-reset", 290)]).collect();
        assert_eq!(wait(&lines), None, "{count}");
    }
}

#[test]
fn strictest_windows_added_by_hand_are_kept() {
    for count in [7, 8, 9, 20, 200_u64] {
        for spent in 0..count {
            let mut hint = Hint::new(AT);
            for at in 0..count {
                let window = Window::new("").with_reset(Duration::from_secs(at % 250));
                hint = hint.with_window(match at {
                    _ if at == spent => Window::new("z")
                        .with_unit(Unit::Tokens)
                        .with_remaining(0)
                        .with_reset(Duration::from_secs(290)),
                    _ if at % 2 == 0 => window.with_remaining(0),
                    _ => window.with_remaining(at),
                });
            }
            let wait = hint.not_before().unwrap().duration_since(AT);
            assert_eq!(Some(wait), secs(290), "{spent} of {count}");
            assert_eq!(hint.windows().count() as u64, count.min(8));
        }
    }
}

#[test]
fn first_of_equal_windows_are_kept() {
    let items: Vec<_> = (1..=9).map(|it| format!("\"n{it}\";r=5;t=3")).collect();
    let joined = [line("ratelimit", items.join(","))];
    let apart: Lines = items.iter().map(|it| line("ratelimit", it)).collect();
    for lines in [&joined[..], &apart] {
        let hint = read(lines);
        let names: Vec<_> = hint.windows().map(Window::name).collect();
        assert_eq!(names, ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"]);
    }
    let mut hint = Hint::new(AT);
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        hint = hint.with_window(Window::new(name).with_remaining(5));
    }
    let names: Vec<_> = hint.windows().map(Window::name).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e", "f", "g", "h"]);
    // A stricter window replaces the last one.
    let hint = hint.with_window(Window::new("z").with_remaining(0));
    let names: Vec<_> = hint.windows().map(Window::name).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e", "f", "g", "z"]);
}

#[test]
fn request_windows_and_late_resets_are_kept_first() {
    let hour = Duration::from_secs(3_600);
    let of_tokens = |it: u64| {
        let window = Window::new("tokens").with_unit(Unit::Tokens);
        window.with_remaining(it)
    };
    let requests = Window::new("requests").with_remaining(50);
    let mut hint = Hint::new(AT).with_window(requests);
    for it in 1..20 {
        hint = hint.with_window(of_tokens(it));
    }
    assert!(hint.windows().any(|window| *window == requests));
    let mut hint = Hint::new(AT);
    for it in (1..20).rev() {
        hint = hint.with_window(requests.with_reset(hour / it));
    }
    let mut resets: Vec<_> = hint.windows().filter_map(Window::reset).collect();
    resets.sort();
    assert_eq!(
        resets,
        (1..=8).rev().map(|it| hour / it).collect::<Vec<_>>()
    );
}

#[test]
fn unclear_windows_do_not_displace_a_needed_one() {
    let unclear = FAMILIES[..14]
        .iter()
        .flat_map(|(remaining, reset)| [line(remaining, "few"), line(reset, 9)]);
    for unclear in [
        unclear.clone().take(16).collect::<Lines>(),
        unclear.collect(),
    ] {
        for lines in with_one_anywhere(&unclear, &[line(FAMILIES[14].1, 290)]) {
            assert_eq!(wait(&lines), secs(290), "{}", text(&read(&lines)));
        }
    }
}

#[test]
fn eight_strictest_windows_are_kept_whole() {
    let families = [
        "anthropic-ratelimit-requests",
        "anthropic-ratelimit-tokens",
        "anthropic-ratelimit-input-tokens",
        "anthropic-ratelimit-output-tokens",
        "x-ratelimit-requests",
        "x-ratelimit-complexity",
        "x-ratelimit-endpoint-requests",
        "x-post-rate-limit",
        "x-sib-ratelimit",
        "x-rate-limit",
    ];
    for (orders, expected) in [(0, 8), (1, 7), (4, 6)] {
        let mut lines = Lines::new();
        for (at, family) in families.iter().enumerate() {
            lines.push(line(&format!("{family}-limit"), 9));
            lines.push(line(&format!("{family}-remaining"), 0));
            lines.push(line(&format!("{family}-reset"), 100 + at));
        }
        let delays = [
            "retryafter",
            "x-retry-after",
            "retry-after",
            "x-ratelimit-after",
        ];
        lines.extend(delays[..orders].iter().map(|name| line(name, 7)));
        let hint = read(&lines);
        let windows: Vec<_> = hint.windows().collect();
        assert_eq!(windows.len(), expected, "{}", text(&hint));
        for window in windows {
            assert_eq!((window.limit(), window.remaining()), (Some(9), Some(0)));
            assert!(window.reset() > Duration::from_secs(109 - expected as u64).into());
        }
    }
}

#[test]
fn lines_of_one_field_keep_their_order() {
    let items = (1..=40).map(|it| format!("\"n{it:02}\";r=0;t={}", it * 7 % 41));
    let lines: Lines = items.map(|it| line("ratelimit", it)).collect();
    let hint = read(&lines);
    let names: Vec<_> = hint.windows().map(Window::name).collect();
    assert_eq!(names.len(), 8);
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn policy_of_a_kept_window_is_read() {
    let others = (0..30).map(|it| line("ratelimit", format!("\"n{it}\";r=5;t=3")));
    let mut lines: Lines = others.collect();
    lines.push(line("ratelimit-policy", "\"z\";q=9;w=60"));
    lines.push(line("ratelimit", "\"z\";r=0;t=290"));
    let hint = read(&lines);
    let spent = hint.windows().find(|window| window.name() == "z").unwrap();
    assert_eq!((spent.limit(), spent.length()), (Some(9), secs(60)));
}

#[test]
fn policy_of_a_dropped_window_is_not_applied_to_its_successor() {
    let healthy: Vec<_> = (1..=8).map(|it| format!("\"n{it}\";r={it};t=3")).collect();
    let lines = [
        line("ratelimit", healthy.join(",")),
        line("ratelimit", "remaining=0, reset=290"),
        line("ratelimit-policy", "\"ratelimit\";q=5;w=60"),
    ];
    let hint = read(&lines);
    let spent = hint.windows().find(|window| window.remaining() == Some(0));
    assert_eq!(spent.unwrap().limit(), None, "{}", text(&hint));
}

#[test]
fn only_headers_of_dropped_windows_are_listed() {
    // The first window of the line stays, and the others are dropped.
    let limits: String = (2..=9).map(|it| format!(", {it};w={it}")).collect();
    let lines = [
        line("x-ratelimit-limit", format!("1{limits}")),
        line("x-ratelimit-remaining", 1),
        line("ratelimit", "\"z\";r=0;t=290"),
    ];
    let hint = read(&lines);
    assert_eq!(hint.ignored().count(), 0, "{}", text(&hint));
    let limit = hint
        .readings()
        .find(|it| it.header() == "x-ratelimit-limit");
    assert!(limit.unwrap().is_partial());

    // The dropped window was the only one that the list added.
    let healthy: Vec<_> = (1..=6).map(|it| format!("\"n{it}\";r={it};t=3")).collect();
    let lines = [
        line("x-ratelimit-limit", "9, 2;w=2"),
        line("x-ratelimit-remaining", 9),
        line("ratelimit", healthy.join(",")),
        line("ratelimit", "\"z\";r=0;t=290"),
    ];
    let hint = read(&lines);
    assert_eq!(hint.ignored().count(), 0, "{}", text(&hint));
    let limit = hint
        .readings()
        .find(|it| it.header() == "x-ratelimit-limit");
    assert!(limit.unwrap().is_partial());

    // The family's window is dropped, and the line of named windows stays.
    let healthy: Vec<_> = (1..=7).map(|it| format!("\"n{it}\";r={it};t=3")).collect();
    let lines = [
        line("ratelimit-remaining", 50),
        line("ratelimit", healthy.join(",")),
        line("ratelimit", "\"z\";r=0;t=290"),
    ];
    let hint = read(&lines);
    let ignored: Vec<_> = hint.ignored().map(|it| it.header()).collect();
    assert_eq!(ignored, ["ratelimit-remaining"]);
    assert_eq!(hint.readings().count(), 2);

    // A dictionary completes the family's window after all places are taken.
    let healthy: Vec<_> = (1..=8).map(|it| format!("\"n{it}\";r={it};t=3")).collect();
    let lines = [
        line("ratelimit-reset", 290),
        line("ratelimit", healthy.join(",")),
        line("ratelimit", "remaining=0"),
    ];
    let hint = read(&lines);
    assert_eq!(wait(&lines), secs(290));
    let evidence = hint.evidence().unwrap();
    assert!(hint.readings().any(|it| it.header() == evidence.header()));
}

#[test]
fn agreeing_resets_are_both_read() {
    let lines = [
        line("x-ratelimit-remaining", 0),
        line("x-ratelimit-reset", "5"),
        line("x-ratelimit-reset", "5.0"),
    ];
    let hint = read(&lines);
    assert_eq!(wait(&lines), secs(5));
    assert_eq!((hint.readings().count(), hint.ignored().count()), (3, 0));
}

#[test]
fn longest_delay_is_kept_beside_many_other_headers() {
    let others = [
        "retry-after-ms",
        "x-ms-retry-after-ms",
        "x-amz-retry-after",
        "requestlimit-default-retryafter",
        "requestlimit-write-retryafter",
        "x-retry-in",
        "retry-after",
        "x-retry-after",
    ];
    let mut lines: Lines = others.iter().map(|name| line(name, "?")).collect();
    lines.extend((0..30).map(|it| line("retryafter", it)));
    for end in [vec![], vec![9, 8]] {
        let mut lines = lines.clone();
        lines.extend(end.iter().map(|it| line("grpc-retry-pushback-ms", it)));
        for lines in with_one_anywhere(&lines, &[line("x-ratelimit-after", 290)]) {
            assert_eq!(wait(&lines), secs(290), "{}", text(&read(&lines)));
            let is_stop = !end.is_empty();
            assert_eq!(read(&lines).retry(), is_stop.then_some(false));
        }
    }
}

// Dialects.

#[test]
fn dialect_reads_its_headers_among_many_lines() {
    const ACME: &[Dialect] = &[Dialect::new(
        "acme",
        &[
            HeaderFamily::new("acme").with_remaining("acme-left"),
            HeaderFamily::new("x-rate-limit")
                .with_limit("acme-limit")
                .with_reset("x-rate-limit-reset", TimeFormat::Millis),
            HeaderFamily::new("acme-wait").with_delay("acme-wait", TimeFormat::Millis),
        ],
    )];
    let wait = |lines: &Lines| {
        let pairs = lines
            .iter()
            .map(|(name, value)| (&**name, value.as_bytes()));
        let moment = Moment::new(AT).with_wall_clock(&OWN).with_dialects(ACME);
        Some(Hint::read(pairs, moment).not_before()?.duration_since(AT))
    };
    let others: Lines = (0..40)
        .map(|it| line("ratelimit", format!("\"n{it}\";r=0;t=9")))
        .collect();
    // The remaining quota in a common header belongs with the reset in a dialect's header.
    let spent = [
        line("x-rate-limit-reset", 290_000),
        line("X-Rate-Limit-Remaining", 0),
    ];
    for lines in with_one_anywhere(&others, &spent) {
        assert_eq!(wait(&lines), secs(290));
    }
    let mut others = others;
    others.extend((0..40).map(|it| line("retry-after", it)));
    for lines in with_one_anywhere(&others, &[line("Acme-Wait", 290_000)]) {
        assert_eq!(wait(&lines), secs(290));
    }
}

#[test]
fn longest_delay_of_a_dialect_is_kept_beside_its_others() {
    // As exact as the first readable one.
    const ACME: &[Dialect] = &[Dialect::new(
        "acme",
        &[HeaderFamily::new("acme")
            .with_delay("acme-a", TimeFormat::Seconds)
            .with_delay("acme-b", TimeFormat::Seconds)
            .with_delay("acme-c", TimeFormat::Seconds)
            .with_delay("acme-d", TimeFormat::Seconds)
            .with_delay("acme-millis", TimeFormat::Millis)
            .with_delay("acme-e", TimeFormat::Seconds)
            .with_delay("acme-f", TimeFormat::Seconds)
            .with_delay("acme-g", TimeFormat::Seconds)],
    )];
    let names = ["a", "b", "c", "d", "millis", "e", "f"];
    let mut others: Lines = names
        .iter()
        .map(|it| line(&format!("acme-{it}"), 7))
        .collect();
    for count in [0, 40] {
        others.extend((0..count).map(|it| line("retry-after", 300 + it)));
        for lines in with_one_anywhere(&others, &[line("acme-g", 290)]) {
            let pairs = lines
                .iter()
                .map(|(name, value)| (&**name, value.as_bytes()));
            let moment = Moment::new(AT).with_dialects(ACME);
            let wait = Hint::read(pairs, moment).not_before();
            assert_eq!(wait, Some(AT + Duration::from_secs(290)), "{count}");
        }
    }
}

// All orders of all lines.

/// Generates a value of `Retry-After` and the wait that it asks for.
fn delay() -> impl Strategy<Value = (String, Option<u64>)> {
    let ahead = || prop_oneof![0..300_u64, 0..90_000_u64];
    prop_oneof![
        4 => ahead().prop_map(|it| (it.to_string(), Some(it))),
        2 => ahead().prop_map(|it| ((1_800_000_000 + it).to_string(), Some(it))),
        2 => (0..60_u64, 0..60_u64).prop_map(|(minute, second)| {
            let date = format!("Fri, 15 Jan 2027 08:{minute:02}:{second:02} GMT");
            (date, Some(minute * 60 + second))
        }),
        1 => (ahead(), ahead()).prop_map(|(one, two)| {
            (format!("{one}, {}", 1_800_000_000 + two), Some(one.max(two)))
        }),
        1 => (0..60_u64).prop_map(|it| (format!("Fri, 15 Jan 2027 07:59:{it:02} GMT"), None)),
        1 => "[a-z]{1,9}".prop_map(|it| (it, None)),
        1 => (1..90_u64).prop_map(|it| (format!("-{it}"), None)),
        1 => (0..90_u64).prop_map(|it| (format!("{}", 200_000_000 + it), None)),
    ]
}

/// Generates a line with a delay, its exactness, and the delay in milliseconds.
fn delay_line() -> impl Strategy<Value = (String, String, u8, Option<u64>)> {
    let by_seconds = select(&["retry-after", "x-retry-after", "retryafter"][..]);
    let by_millis = select(&["retry-after-ms", "x-ms-retry-after-ms"][..]);
    prop_oneof![
        20 => (by_seconds, delay()).prop_map(|(name, (value, delay))| {
            (name.to_owned(), value, 3, delay.map(|it| it * 1_000))
        }),
        1 => (0..90_000_u64).prop_map(|it| {
            ("x-retry-in".to_owned(), format!("{it}ms"), 2, Some(it))
        }),
        1 => (by_millis, 0..90_000_u64, any::<bool>()).prop_map(|(name, it, is_garbage)| {
            let (value, delay) = if is_garbage { ("?".to_owned(), None) } else { (it.to_string(), Some(it)) };
            (name.to_owned(), value, 1, delay)
        }),
    ]
}

/// Generates the remaining quota and the reset of a family's window or a named window.
fn window() -> impl Strategy<Value = (Option<u64>, Option<u64>)> {
    let remaining = prop_oneof![2 => Just(0), 3 => 1..90_u64];
    (
        proptest::option::weighted(0.9, remaining),
        proptest::option::weighted(0.9, 0..90_000_u64),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn longest_delay_is_always_obeyed(
        lines in prop::collection::vec(delay_line(), 1..60),
        date in any::<prop::sample::Index>(),
        skew in -9_000..9_000_i64,
    ) {
        let delays = lines.iter().filter_map(|(_, _, grade, delay)| Some((*grade, (*delay)?)));
        let latest = delays.clone().map(|(_, delay)| delay).max();
        // A rounding to whole seconds is less than a second.
        let same = delays.filter(|(_, delay)| latest.is_some_and(|latest| latest - delay < 1_000));
        let longest = same.min_by_key(|&(grade, delay)| (grade, u64::MAX - delay)).map(|(_, delay)| delay);
        let mut sent: Lines = lines.iter().map(|(name, value, ..)| line(name, value)).collect();
        sent.insert(date.index(sent.len() + 1), line("date", "Fri, 15 Jan 2027 08:00:00 GMT"));
        let own = UnixTime::from_secs(NOW + skew);
        let pairs = sent.iter().map(|(name, value)| (&**name, value.as_bytes()));
        let hint = Hint::read(pairs, Moment::new(AT).with_wall_clock(&own));
        let expected = longest.map(|delay| AT + Duration::from_millis(delay));
        prop_assert_eq!(hint.not_before(), expected);
        prop_assert_eq!(hint.evidence().is_some(), expected.is_some());
    }

    #[test]
    fn spent_window_is_always_obeyed(
        windows in prop::collection::vec(window(), FAMILIES.len()),
        named in prop::collection::btree_map("[a-z]{3}", (0..4_u64, 0..90_000_u64), 0..30),
        is_joined: bool,
        is_shuffled in Just(()).prop_perturb(|(), mut random| random.random::<u64>()),
    ) {
        let mut lines = Lines::new();
        for ((remaining, reset), (left, at)) in FAMILIES.iter().zip(&windows) {
            lines.extend(left.map(|it| line(remaining, it)));
            lines.extend(at.map(|it| line(reset, it)));
        }
        let items: Vec<_> = named.iter().map(|(name, (left, at))| format!("\"{name}\";r={left};t={at}")).collect();
        if is_joined && !items.is_empty() {
            lines.push(line("ratelimit", items.join(",")));
        } else {
            lines.extend(items.iter().map(|it| line("ratelimit", it)));
        }
        shuffle(&mut lines, is_shuffled);
        let named = named.values().map(|&(left, at)| (Some(left), Some(at)));
        let all: Vec<_> = windows.into_iter().chain(named).collect();
        let spent = all.iter().filter(|(left, _)| *left == Some(0)).filter_map(|(_, at)| *at);
        let expected = if all.iter().any(|(left, _)| left.is_some()) {
            spent.max()
        } else {
            all.iter().filter_map(|(_, at)| *at).min()
        };
        prop_assert_eq!(wait(&lines), expected.map(Duration::from_secs), "{}", text(&read(&lines)));
    }

    /// If lines of one header are lists or dictionaries, they form one field, and their order
    /// counts.
    #[test]
    fn order_of_many_lines_does_not_matter(
        delays in prop::collection::vec(delay_line(), 0..30),
        windows in prop::collection::vec((window(), window()), FAMILIES.len()),
        seed: u64,
    ) {
        let mut lines: Lines = delays.iter().map(|(name, value, ..)| line(name, value)).collect();
        for ((remaining, reset), (one, other)) in FAMILIES.iter().zip(&windows) {
            for (left, at) in [one, other] {
                lines.extend(left.map(|it| line(remaining, it)));
                lines.extend(at.map(|it| line(reset, it)));
            }
        }
        let mut shuffled = lines.clone();
        shuffle(&mut shuffled, seed);
        prop_assert_eq!(sorted(&shuffled), sorted(&lines));
    }
}

fn sorted(lines: &[(String, String)]) -> BTreeMap<String, u32> {
    let hint = read(lines);
    let mut all = BTreeMap::new();
    let readings = hint
        .readings()
        .map(|it| format!("{}: {:?} {it}", it.header(), it.value()));
    let ignored = hint
        .ignored()
        .map(|it| format!("{}: {:?} {}", it.header(), it.value(), it.why()));
    let said = text(&hint);
    for it in said
        .lines()
        .map(str::to_owned)
        .chain(readings)
        .chain(ignored)
    {
        *all.entry(it).or_insert(0) += 1;
    }
    all
}

fn shuffle(lines: &mut Lines, mut seed: u64) {
    for at in (1..lines.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        lines.swap(at, (seed >> 33) as usize % (at + 1));
    }
}

#[test]
fn explanation_of_many_lines_is_short() {
    let lines: Lines = (0..5_000).map(|it| line("retry-after", it)).collect();
    let hint = read(&lines);
    assert_eq!(hint.not_before(), Some(AT + Duration::from_secs(4_999)));
    let explained = hint.explain().to_string();
    assert!(explained.lines().count() <= 1 + 25, "{explained}");
    assert!(explained.contains("there are more of its kind than are kept"));
}

/// Names that are not listed are without end, and displace no listed header.
#[test]
fn unlisted_headers_displace_no_listed_one() {
    let others: Lines = (0..500)
        .map(|it| line(&format!("x-a{it:03}-ratelimit-left"), 5))
        .collect();
    for lines in with_one_anywhere(&others, &[line("retry-after", 30)]) {
        assert_eq!(wait(&lines), secs(30));
    }
    let columns = [
        line("x-ratelimit-limit", "200,2000"),
        line("x-ratelimit-usage", "200,731"),
    ];
    let mut lines = others.clone();
    lines.extend(columns.clone());
    let spent = |lines: &Lines| read(lines).windows().any(|it| it.remaining() == Some(0));
    assert!(spent(&lines));
    let first: Lines = columns.into_iter().chain(others).collect();
    assert!(spent(&first));
}

/// An implausible epoch among joined values hides others as one alone does.
#[test]
fn epoch_that_was_dropped_counts_as_the_farthest_guess() {
    let mut lines: Lines = (0..24).map(|it| line("retry-after", it)).collect();
    for value in ["1800000040", "4000000000", "40000000011,000"] {
        lines.push(line("retry-after", value));
    }
    let own = UnixTime::from_secs(NOW);
    let pairs = lines
        .iter()
        .map(|(name, value)| (&**name, value.as_bytes()));
    let hint = Hint::read(pairs, Moment::new(AT).with_wall_clock(&own));
    let wait = hint.not_before().unwrap().duration_since(AT);
    assert!(wait >= Duration::from_secs(40), "{wait:?}");
}
