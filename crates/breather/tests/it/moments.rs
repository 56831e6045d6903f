//! Properties of arbitrary bytes in all headers, and of all formats of an instant.

use std::time::Duration;

use breather::{
    Hint,
    driver::{Moment, UnixTime},
    hint::IgnoreReason,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::said::{AT, DATE, NOW, pairs, text};

fn read<'a>(lines: &'a [(String, Vec<u8>)], own: &UnixTime) -> Hint<'a> {
    let pairs = lines
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()));
    Hint::read(pairs, Moment::new(AT).with_wall_clock(own))
}

/// Returns the wait that the lines ask for, if only the local clock gives the time.
fn wait_at(own: UnixTime, sent: &str) -> Option<Duration> {
    let hint = Hint::read(pairs(sent), Moment::new(AT).with_wall_clock(&own));
    Some(hint.not_before()?.duration_since(AT))
}

fn wait(sent: &str) -> Option<Duration> {
    wait_at(UnixTime::from_secs(NOW), sent)
}

/// Returns the lines of the printed hint, sorted.
fn sorted(hint: &Hint<'_>) -> Vec<String> {
    let mut lines: Vec<_> = text(hint).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Returns the sorted lines of the printed hint, without ignored headers.
fn obeyed(hint: &Hint<'_>) -> Vec<String> {
    let mut lines = sorted(hint);
    lines.retain(|line| !line.starts_with("ignored "));
    lines
}

// Dates that the test formats itself.

struct Civil {
    year: i64,
    month: usize,
    day: i64,
    weekday: usize,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    /// Converts seconds since 1970 to a Gregorian date.
    fn new(seconds: i64) -> Self {
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let mut year = 1970 + days.div_euclid(366);
        let first_of = |year: i64| {
            let before = year - 1;
            365 * (year - 1970) + (before.div_euclid(4) - 492) - (before.div_euclid(100) - 19)
                + (before.div_euclid(400) - 4)
        };
        while first_of(year + 1) <= days {
            year += 1;
        }
        while first_of(year) > days {
            year -= 1;
        }
        let is_leap = first_of(year + 1) - first_of(year) == 366;
        let mut day = days - first_of(year);
        let mut month = 0;
        loop {
            let length = match month {
                1 if is_leap => 29,
                1 => 28,
                3 | 5 | 8 | 10 => 30,
                _ => 31,
            };
            if day < length {
                break;
            }
            day -= length;
            month += 1;
        }
        Self {
            year,
            month,
            day: day + 1,
            // 1970 began on a Thursday.
            weekday: (days + 3).rem_euclid(7) as usize,
            hour: second / 3_600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }

    fn time(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }

    /// Formats the date in the preferred form of RFC 9110.
    fn fixed(&self) -> String {
        let (weekday, month) = (&WEEKDAYS[self.weekday][..3], MONTHS[self.month]);
        let (day, year, time) = (self.day, self.year, self.time());
        format!("{weekday}, {day:02} {month} {year:04} {time} GMT")
    }

    fn rfc_850(&self) -> String {
        let (weekday, month) = (WEEKDAYS[self.weekday], MONTHS[self.month]);
        let (day, year, time) = (self.day, self.year % 100, self.time());
        format!("{weekday}, {day:02}-{month}-{year:02} {time} GMT")
    }

    fn asctime(&self) -> String {
        let (weekday, month) = (&WEEKDAYS[self.weekday][..3], MONTHS[self.month]);
        let (day, year, time) = (self.day, self.year, self.time());
        format!("{weekday} {month} {day:2} {time} {year:04}")
    }
}

/// Formats a time like `2027-01-15T08:00:00.25+01:00` (RFC 3339), in a zone `zone` minutes ahead.
fn rfc_3339(seconds: i64, fraction: &str, zone: i64) -> String {
    let civil = Civil::new(seconds + zone * 60);
    let (year, month, day, time) = (civil.year, civil.month + 1, civil.day, civil.time());
    let sign = if zone < 0 { '-' } else { '+' };
    let (hours, minutes) = (zone.abs() / 60, zone.abs() % 60);
    format!("{year:04}-{month:02}-{day:02}T{time}{fraction}{sign}{hours:02}:{minutes:02}")
}

/// Formats a time like `Fri, 15 Jan 2027 09:00:00 +0100`.
fn rfc_2822(seconds: i64, zone: i64) -> String {
    let date = Civil::new(seconds + zone * 60).fixed();
    let sign = if zone < 0 { '-' } else { '+' };
    let zone = format!("{sign}{:02}{:02}", zone.abs() / 60, zone.abs() % 60);
    date.replace("GMT", &zone)
}

/// Formats a time like `Fri Jan 15 2027 09:00:00 GMT+0100 (somewhere)`.
fn javascript(seconds: i64, zone: i64) -> String {
    let civil = Civil::new(seconds + zone * 60);
    let (weekday, month) = (&WEEKDAYS[civil.weekday][..3], MONTHS[civil.month]);
    let (day, year, time) = (civil.day, civil.year, civil.time());
    let sign = if zone < 0 { '-' } else { '+' };
    let (hours, minutes) = (zone.abs() / 60, zone.abs() % 60);
    format!(
        "{weekday} {month} {day:02} {year:04} {time} GMT{sign}{hours:02}{minutes:02} (somewhere)"
    )
}

#[test]
fn calendar_of_the_test_is_correct() {
    for (seconds, date) in [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (NOW, DATE),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (253_402_214_400, "Fri, 31 Dec 9999 00:00:00 GMT"),
    ] {
        assert_eq!(Civil::new(seconds).fixed(), date);
    }
}

// All headers.

#[test]
fn every_header_of_the_list_is_read() {
    for name in NAMES {
        for name in [(*name).to_owned(), name.to_uppercase()] {
            let lines = [(name.clone(), b"?".to_vec())];
            let hint = read(&lines, &UnixTime::from_secs(NOW));
            let readings = hint.readings().map(|reading| reading.header());
            let mut found = readings.chain(hint.ignored().map(|ignored| ignored.header()));
            assert_eq!(found.next(), Some(name.to_lowercase().as_str()));
            assert_eq!(found.next(), None);
        }
    }
}

/// The properties below cover only headers in this list.
#[test]
fn list_has_every_header_that_is_read() {
    let table = include_str!("../../src/hint/common.rs");
    for literal in table.split('"').skip(1).step_by(2) {
        let line = [(literal.to_owned(), b"?".to_vec())];
        let hint = read(&line, &UnixTime::from_secs(NOW));
        let is_known = hint
            .ignored()
            .all(|it| it.why() != IgnoreReason::UnknownName);
        if is_known && hint.readings().count() + hint.ignored().count() > 0 {
            assert!(NAMES.contains(&literal), "{literal} is not in the list");
        }
    }
}

/// Generates a name from the list, in random case.
fn name() -> impl Strategy<Value = String> {
    let names = prop_oneof![
        20 => select(NAMES),
        1 => select(&["date", "age"][..]),
    ];
    (names, any::<u64>()).prop_map(|(name, case)| in_case(name, case))
}

fn in_case(name: &str, case: u64) -> String {
    let letters = name.chars().enumerate();
    let letters = letters.map(|(at, letter)| match case >> (at % 64) & 1 {
        0 => letter,
        _ => letter.to_ascii_uppercase(),
    });
    letters.collect()
}

/// Generates a value that is valid in some header.
fn meaning() -> impl Strategy<Value = String> {
    let number = || prop_oneof![0..3_u64, 0..100_000_u64];
    prop_oneof![
        3 => number().prop_map(|number| number.to_string()),
        1 => (NOW - 100..NOW + 10_000).prop_map(|epoch| epoch.to_string()),
        1 => (NOW - 100..NOW + 10_000).prop_map(|epoch| format!("{epoch}250")),
        1 => (NOW - 100..NOW + 10_000).prop_map(|at| Civil::new(at).fixed()),
        1 => (NOW - 100..NOW + 10_000).prop_map(|at| rfc_3339(at, "", 60)),
        1 => number().prop_map(|number| format!("{number}.{number}")),
        1 => number().prop_map(|number| format!("{number}ms")),
        1 => (number(), number()).prop_map(|(used, limit)| format!("{used}/{limit}")),
        1 => (number(), number()).prop_map(|(used, limit)| format!("api-usage={used}/{limit}")),
        1 => (number(), number()).prop_map(|(r, t)| format!("\"window\";r={r};t={t}")),
        1 => (number(), number()).prop_map(|(q, w)| format!("\"window\";q={q};w={w}")),
        1 => (number(), number()).prop_map(|(q, w)| format!("{q};w={w}")),
        1 => (number(), number()).prop_map(|(r, t)| format!("remaining={r}, reset={t}")),
        1 => (number(), number()).prop_map(|(r, t)| format!("total=100;remaining={r};resets={t}")),
        1 => number().prop_map(|left| format!("Resource;{left}")),
        1 => select(&["true", "false", "-1", "", "core", "\"\"", "null"][..]).prop_map(str::to_owned),
    ]
}

/// Generates random bytes, a valid value, or a value with one wrong byte.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let spoilt = (meaning(), any::<u8>(), any::<prop::sample::Index>());
    prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..60),
        4 => meaning().prop_map(String::into_bytes),
        2 => spoilt.prop_map(|(value, byte, at)| {
            let mut value = value.into_bytes();
            if !value.is_empty() {
                let at = at.index(value.len());
                value[at] = byte;
            }
            value
        }),
        1 => "[ 0-9a-zA-Z:;=,./()\"\\\\+-]{0,40}".prop_map(String::into_bytes),
    ]
}

/// Generates lines of different headers, with valid or invalid values.
fn different(most: usize) -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    // Headers of one window seldom meet if they are drawn from the whole list.
    let of_one: Vec<_> = NAMES
        .iter()
        .copied()
        .filter(|name| name.starts_with("ratelimit") || name.starts_with("x-rate-limit"))
        .collect();
    let names = prop_oneof![
        subsequence(NAMES.to_vec(), 1..most),
        subsequence(of_one, 1..most),
    ];
    names.prop_flat_map(|names| {
        let lines: Vec<_> = names
            .into_iter()
            .map(|name| (Just(name.to_owned()), value()))
            .collect();
        lines.prop_shuffle()
    })
}

fn tells_what_remains(name: &str) -> bool {
    ["remaining", "used", "observed", "count"]
        .iter()
        .any(|part| name.contains(part))
        || name.ends_with("api-call-limit")
}

fn is_any_left_out(hint: &Hint<'_>) -> bool {
    hint.ignored()
        .any(|ignored| ignored.why() == IgnoreReason::TooMany)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_panic_and_with_evidence(
        lines in prop::collection::vec((name(), value()), 0..30),
        own in any::<i64>(),
    ) {
        let own = UnixTime::from_micros(own);
        let hint = read(&lines, &own);
        let _ = hint.explain().to_string();
        prop_assert!(hint.windows().count() <= 8);
        let read: Vec<_> = hint.readings().collect();
        if read.is_empty() {
            prop_assert!(obeyed(&hint).is_empty());
        }
        if let Some(not_before) = hint.not_before() {
            prop_assert!(not_before >= AT);
            let evidence = hint.evidence().unwrap();
            let is_behind = |value: &[u8]| value.starts_with(evidence.value());
            let by = read.iter().find(|it| it.header() == evidence.header() && is_behind(it.value()));
            prop_assert!(by.is_some(), "{evidence} was not read");
        }
    }

    #[test]
    fn unreadable_headers_change_nothing(lines in different(8)) {
        // An unreadable remaining quota has an effect, so leave it out.
        let lines: Vec<_> = lines.into_iter().filter(|(name, _)| !tells_what_remains(name)).collect();
        let own = UnixTime::from_secs(NOW);
        let hint = read(&lines, &own);
        prop_assume!(!is_any_left_out(&hint));
        let unreadable = |name: &str| {
            hint.ignored().any(|it| it.header() == name && it.why() == IgnoreReason::Unreadable)
        };
        let mut others = lines.clone();
        others.retain(|(name, _)| !unreadable(name));
        prop_assert_eq!(obeyed(&read(&others, &own)), obeyed(&hint));
    }

    #[test]
    fn case_of_names_does_not_matter(lines in different(8), case in any::<u64>()) {
        let own = UnixTime::from_secs(NOW);
        let mut other = lines.clone();
        for (name, _) in &mut other {
            *name = in_case(name, case);
        }
        prop_assert_eq!(text(&read(&other, &own)), text(&read(&lines, &own)));
    }

    #[test]
    fn order_of_different_headers_does_not_matter(
        (lines, shuffled) in different(8).prop_flat_map(|mut lines| {
            // No server sends a length both in its own header and in a list of limits.
            lines.retain(|(name, _)| !name.contains("interval") && !name.ends_with("window"));
            (Just(lines.clone()), Just(lines).prop_shuffle())
        }),
    ) {
        let own = UnixTime::from_secs(NOW);
        let (hint, other) = (read(&lines, &own), read(&shuffled, &own));
        prop_assume!(!is_any_left_out(&hint));
        prop_assert_eq!(sorted(&other), sorted(&hint));
    }

    #[test]
    fn order_of_retry_after_lines_does_not_matter(
        (values, shuffled) in prop::collection::vec(value(), 1..5).prop_flat_map(|values| {
            (Just(values.clone()), Just(values).prop_shuffle())
        }),
    ) {
        let own = UnixTime::from_secs(NOW);
        let lines = |values: Vec<Vec<u8>>| -> Vec<_> {
            values.into_iter().map(|value| ("retry-after".to_owned(), value)).collect()
        };
        let (lines, shuffled) = (lines(values), lines(shuffled));
        prop_assert_eq!(sorted(&read(&shuffled, &own)), sorted(&read(&lines, &own)));
    }

    #[test]
    fn order_of_window_lines_does_not_matter(
        (lines, shuffled) in prop::collection::btree_map("[a-z]{3}", (0..9_u64, 0..90_u64), 1..5)
            .prop_flat_map(|windows| {
                let mut lines = Vec::new();
                for (name, (left, reset)) in windows {
                    lines.push(("ratelimit".to_owned(), format!("\"{name}\";r={left};t={reset}").into_bytes()));
                    lines.push(("ratelimit-policy".to_owned(), format!("\"{name}\";q=10;w=90").into_bytes()));
                }
                (Just(lines.clone()), Just(lines).prop_shuffle())
            }),
    ) {
        let own = UnixTime::from_secs(NOW);
        prop_assert_eq!(sorted(&read(&shuffled, &own)), sorted(&read(&lines, &own)));
    }
}

// All moments.

/// Generates seconds since 1970, many of them near the end of 32 bits, of the century, or of
/// four-digit years.
fn second() -> impl Strategy<Value = i64> {
    prop_oneof![
        0..4_000_000_000_i64,
        2_147_483_600..2_147_483_700_i64,
        4_294_967_200..4_294_967_400_i64,
        253_402_100_000..253_402_190_000_i64,
        951_700_000..951_900_000_i64,
        -2_000_000_000..0_i64,
    ]
}

/// Generates the minutes that a zone is ahead of Greenwich, within the range of real zones.
fn zone() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), -12 * 60..=14 * 60_i64]
}

fn spent(reset: &str) -> String {
    format!("X-RateLimit-Remaining: 0\nX-RateLimit-Reset: {reset}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn fractional_seconds_are_rounded_up_to_nanoseconds(
        whole in 0..99_999_999_u64, fraction in "[0-9]{1,15}",
    ) {
        let (kept, finer) = fraction.split_at(fraction.len().min(9));
        let nanos: u64 = format!("{kept:0<9}").parse().unwrap();
        let up = u64::from(finer.bytes().any(|digit| digit != b'0'));
        let expected = Duration::from_secs(whole) + Duration::from_nanos(nanos + up);
        prop_assert_eq!(wait(&format!("Retry-After: {whole}.{fraction}")), Some(expected));
    }

    #[test]
    fn milliseconds_are_never_cut(whole in 0..100_000_000_000_u64, fraction in "[0-9]{1,9}") {
        for header in ["retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after", "grpc-retry-pushback-ms"] {
            let value = format!("{header}: {whole}");
            prop_assert_eq!(wait(&value), Some(Duration::from_millis(whole)));
            let nanos: u128 = format!("{fraction:0<9}").parse().unwrap();
            let picos = u128::from(whole) * 1_000_000_000 + nanos;
            let wait = wait(&format!("{header}: {whole}.{fraction}")).unwrap();
            prop_assert_eq!(wait.as_nanos(), picos.div_ceil(1_000));
        }
    }

    #[test]
    fn date_gives_same_second_in_every_form(now in second(), ahead in 0..9_000_i64, zone in zone()) {
        let own = UnixTime::from_secs(now);
        let expected = Some(Duration::from_secs(ahead as u64));
        let civil = Civil::new(now + ahead);
        for date in [civil.fixed(), rfc_2822(now + ahead, zone)] {
            prop_assert_eq!(wait_at(own, &format!("Retry-After: {date}")), expected, "{}", date);
        }
        for date in [
            civil.fixed(),
            rfc_2822(now + ahead, zone),
            rfc_3339(now + ahead, "", zone),
            rfc_3339(now + ahead, "", 0).replace("+00:00", "Z"),
            javascript(now + ahead, zone),
        ] {
            prop_assert_eq!(wait_at(own, &spent(&date)), expected, "{}", date);
        }
        if (1970..10_000).contains(&civil.year) {
            prop_assert_eq!(wait_at(own, &format!("Retry-After: {}", civil.asctime())), expected);
        }
        if (1970..2070).contains(&civil.year) {
            prop_assert_eq!(wait_at(own, &format!("Retry-After: {}", civil.rfc_850())), expected);
        }
    }

    /// Jira writes times as whole minutes.
    #[test]
    fn date_without_seconds_is_start_of_minute(minute in 0..60_000_000_i64, ahead in 0..60_i64) {
        let own = UnixTime::from_secs(minute * 60 - ahead);
        let date = rfc_3339(minute * 60, "", 0).replace(":00+00:00", "Z");
        prop_assert_eq!(date.len(), "2027-01-15T08:05Z".len());
        prop_assert_eq!(wait_at(own, &spent(&date)), Some(Duration::from_secs(ahead as u64)));
    }

    #[test]
    fn instant_is_the_same_in_every_zone(
        now in second(), ahead in 0..9_000_i64, fraction in "(\\.[0-9]{1,9})?", one in zone(), other in zone(),
    ) {
        let own = UnixTime::from_secs(now);
        let wait_in = |zone| wait_at(own, &spent(&rfc_3339(now + ahead, &fraction, zone)));
        prop_assert_eq!(wait_in(one), wait_in(other));
        let wait = wait_in(one).unwrap();
        let nanos: u64 = format!("{:0<9}", fraction.trim_start_matches('.')).parse().unwrap();
        let exact = Duration::from_secs(ahead as u64) + Duration::from_nanos(nanos);
        prop_assert!(wait >= exact && wait < exact + Duration::from_micros(1), "{wait:?} for {exact:?}");
    }

    #[test]
    fn epoch_is_exact_to_a_microsecond(
        now in 1_000_000_000..99_999_000_000_i64, ahead in 0..900_i64, fraction in "[0-9]{1,9}", is_by_date: bool,
    ) {
        let (epoch, own) = (now + ahead, UnixTime::from_secs(if is_by_date { 0 } else { now }));
        let date = if is_by_date { format!("\nDate: {}", Civil::new(now).fixed()) } else { String::new() };
        let nanos: u64 = format!("{fraction:0<9}").parse().unwrap();
        let exact = Duration::from_secs(ahead as u64) + Duration::from_nanos(nanos);
        for sent in [format!("Retry-After: {epoch}.{fraction}"), spent(&format!("{epoch}.{fraction}"))] {
            let wait = wait_at(own, &(sent.clone() + &date)).unwrap();
            prop_assert!(wait >= exact && wait < exact + Duration::from_micros(1), "{sent}: {wait:?}");
        }
        let millis = nanos / 1_000_000;
        let exact = Duration::from_secs(ahead as u64) + Duration::from_millis(millis);
        for sent in [format!("Retry-After: {epoch}{millis:03}"), spent(&format!("{epoch}{millis:03}"))] {
            prop_assert_eq!(wait_at(own, &(sent + &date)), Some(exact));
        }
    }

    #[test]
    fn past_time_is_no_wait(now in second(), ago in 1..9_000_i64, zone in zone()) {
        let own = UnixTime::from_secs(now);
        for date in [Civil::new(now - ago).fixed(), rfc_2822(now - ago, zone)] {
            prop_assert_eq!(wait_at(own, &format!("Retry-After: {date}")), None);
        }
        prop_assert_eq!(wait_at(own, &spent(&rfc_3339(now - ago, "", zone))), None);
    }

    #[test]
    fn durations_with_units_are_exact(
        hours in 0..99_u64, minutes in 0..60_u64, seconds in 0..60_u64, millis in 0..1_000_u64,
    ) {
        let exact = Duration::from_secs(hours * 3_600 + minutes * 60 + seconds);
        let sent = format!("x-ratelimit-reset-tokens: {hours}h{minutes}m{seconds}s");
        prop_assert_eq!(wait(&sent), Some(exact));
        let sent = format!("x-ratelimit-reset-tokens: {minutes}m{seconds}.{millis:03}s");
        let exact = Duration::from_millis((minutes * 60 + seconds) * 1_000 + millis);
        prop_assert_eq!(wait(&sent), Some(exact));
        let sent = format!("x-ratelimit-reset-tokens: {millis}ms");
        prop_assert_eq!(wait(&sent), Some(Duration::from_millis(millis)));
    }
}

// Tables.

/// Cases from the tests of other clients.
#[test]
fn retry_after_cases_of_other_clients() {
    // 11:00 on a day in June 2019.
    let june = 1_559_559_600;
    for (now, sent, seconds) in [
        (NOW, "Retry-After: 0", Some(0.0)),
        (NOW, "Retry-After: 1", Some(1.0)),
        (NOW, "Retry-After: 2", Some(2.0)),
        (NOW, "Retry-After: \t42 ", Some(42.0)),
        (NOW, "Retry-After: 60", Some(60.0)),
        (NOW, "Retry-After: 61", Some(61.0)),
        (NOW, "Retry-After: 800", Some(800.0)),
        (NOW, "Retry-After: 1234", Some(1_234.0)),
        (june, "Retry-After: 3600", Some(3_600.0)),
        (NOW, "Retry-After: 21600", Some(21_600.0)),
        (NOW, "Retry-After: 007", Some(7.0)),
        (NOW, "Retry-After: 2.5", Some(2.5)),
        (NOW, "Retry-After: -1", None),
        (NOW, "Retry-After: +1", None),
        (NOW, "Retry-After: \u{b2}", None),
        (NOW, "Retry-After:", None),
        (NOW, "Retry-After: badbadbad", None),
        (NOW, "Retry-After: not-a-valid-value", None),
        (
            NOW,
            "Retry-After: 99999999999999999999999999999999999",
            None,
        ),
        (
            june,
            "Retry-After: Mon, 3 Jun 2019 12:00:00 UTC",
            Some(3_600.0),
        ),
        (june, "Retry-After: Mon, 3 Jun 2019 11:00:00 UTC", Some(0.0)),
        (june, "Retry-After: Mon, 3 Jun 2019 10:59:59 UTC", None),
        (
            june,
            "Retry-After: Mon, 03 Jun 2019 11:30:12 GMT",
            Some(1_812.0),
        ),
        (
            june,
            "Retry-After: Monday, 03-Jun-19 11:30:12 GMT",
            Some(1_812.0),
        ),
        (june, "Retry-After: Mon Jun  3 11:30:12 2019", Some(1_812.0)),
        (
            946_684_797,
            "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT",
            Some(2.0),
        ),
        (
            946_684_797,
            "Retry-After: Fri, 31 Dec 1999 23:59:00 GMT",
            None,
        ),
        (
            946_684_797,
            "Retry-After: Fri, 32 Dec 1999 23:59:59 GMT",
            None,
        ),
        // Others take the first. breather never retries earlier than they do.
        (946_684_797, "Retry-After: 2\nRetry-After: 3", Some(3.0)),
        (
            1_696_004_797,
            "Retry-After: Fri, 29 Sep 2023 16:27:38 GMT",
            Some(61.0),
        ),
        (
            1_696_004_797,
            "Retry-After: Fri, 29 Sep 2023 16:26:27 GMT",
            None,
        ),
        (
            784_111_770,
            "Retry-After: Sunday, 06-Nov-94 08:49:37 GMT",
            Some(7.0),
        ),
        (
            784_111_770,
            "Retry-After: Sun Nov  6 08:49:37 1994",
            Some(7.0),
        ),
        (1_000_000_000, "Retry-After: 1000000000", Some(0.0)),
        (1_000_000_000, "Retry-After: 1000000007", Some(7.0)),
        (1_595_320_700, "Retry-After: 1595320702.25", Some(2.25)),
        (NOW, "Retry-After-Ms: 800", Some(0.8)),
        (NOW, "X-Ms-Retry-After-Ms: 0", Some(0.0)),
        (NOW, "X-Ms-Retry-After-Ms: 1200", Some(1.2)),
        // Others read seconds first here. The two servers that send both mean the same delay.
        (NOW, "Retry-After: 1\nRetry-After-Ms: 500", Some(0.5)),
        (NOW, "X-Amz-Retry-After: 5000", Some(5.0)),
        (NOW, "X-Amz-Retry-After: invalid", None),
        (NOW, "Grpc-Retry-Pushback-Ms: 1000", Some(1.0)),
        (NOW, "Grpc-Retry-Pushback-Ms: -1", None),
        (
            NOW,
            "Grpc-Retry-Pushback-Ms: 100\nGrpc-Retry-Pushback-Ms: 10",
            None,
        ),
        (
            NOW,
            "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2147483648",
            None,
        ),
        (
            2_147_483_640,
            "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 2147483648",
            Some(8.0),
        ),
        (NOW, "RateLimit-Reset: 2", Some(2.0)),
    ] {
        let wait = wait_at(UnixTime::from_secs(now), sent);
        assert_eq!(
            wait.map(|wait| wait.as_secs_f64()),
            seconds,
            "{sent} at {now}"
        );
    }
}

/// Reads each date as a reset, a thousand seconds before it, so that every form is tried.
#[test]
fn date_cases_of_other_parsers() {
    for (date, epoch) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
        ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
        ("Sun, 02 Oct 2016 14:44:11 GMT", Some(1_475_419_451)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Fri, 02 Jan 1970 01:00:00 GMT", Some(90_000)),
        ("Sun, 01 Feb 1970 01:00:00 GMT", Some(2_682_000)),
        ("Wed, 03 Mar 1971 01:00:05 GMT", Some(36_810_005)),
        ("Mon, 30 Aug 1971 01:00:05 GMT", Some(52_362_005)),
        ("Fri, 26 Mar 1999 01:00:05 GMT", Some(922_410_005)),
        ("Wed, 09 Dec 2009 16:27:23 GMT", Some(1_260_376_043)),
        ("Wed, 25 Apr 2007 21:02:13 GMT", Some(1_177_534_933)),
        ("Fri, 1 Jan 2010 01:01:50 GMT", Some(1_262_307_710)),
        ("Sun Nov 10 08:00:00 1000", None),
        ("Sunday, 06-Nov-94 08+49:37 GMT", None),
        ("Sun, 07 Nov 1994 08:48:37 GMT", None),
        ("Thursday, 01-Jan-1970 00:00:00 GMT", None),
        ("Mon, 10-Dec-07 20:35:03 GMT", None),
        ("Saturday, 8-Dec-2012 21:24:09 GMT", None),
        ("Thu, 31 Dec 23:55:55 2037 GMT", None),
        ("Mon, 01-Jan-2011 00: 00:00 GMT", None),
        ("Wednesday, 01-Jan-10 0:0:00 GMT", None),
        ("Thu, 10 Dec 2009 13:57:2 GMT", None),
        ("1-Jan-2003 00:00:00 GMT", None),
        ("WillyWonka  , 18-Apr-07 22:50:12 GMT", None),
        ("Partyday, 18- April-07 22:50:12", None),
        ("Sat, 15-Apr-17 21:01:22 GMT BLAH", None),
        ("Sat, 15-Apr-17 21:01:22 GMT-0400 (EDT)", None),
        ("Thu Apr 18 22:50:12 2007 GMT", None),
        ("22:50:12 Thu Apr 18 2007 GMT", None),
        ("2017 April 15 21:01:22", None),
        ("98 April 17 21:01:22", None),
        ("Thu, 12-Aug-31841 20:49:07 GMT", None),
        ("Thu, 12-Aug-2007 20:61:99999999999 GMT", None),
        ("IAintNoDateFool", None),
    ] {
        let own = UnixTime::from_secs(epoch.unwrap_or(0) - 1_000);
        let wait = wait_at(own, &spent(date));
        let expected = epoch.map(|_| Duration::from_secs(1_000));
        assert_eq!(wait, expected, "{date}");
        let sent = spent(date);
        let hint = Hint::read(pairs(&sent), Moment::new(AT).with_wall_clock(&own));
        let why = hint.ignored().next().map(|ignored| ignored.why());
        assert_eq!(
            why,
            epoch.is_none().then_some(IgnoreReason::Unreadable),
            "{date}"
        );
    }
}

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// All headers that are read without a dialect.
const NAMES: &[&str] = &[
    "grpc-retry-pushback-ms",
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "x-amz-retry-after",
    "retry-after",
    "x-retry-after",
    "retryafter",
    "x-ratelimit-retry-after",
    "x-retry-in",
    "x-ratelimit-after",
    "requestlimit-default-retryafter",
    "requestlimit-write-retryafter",
    "x-should-retry",
    "stripe-should-retry",
    "ratelimit-reason",
    "stripe-rate-limited-reason",
    "x-ratelimit-scope",
    "x-ratelimit-global",
    "x-ratelimit-nearlimit",
    "x-ratelimit-fillrate",
    "x-ratelimit-endpoint-name",
    "ratelimit-reset-date",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-observed",
    "ratelimit-reset",
    "ratelimit-resettime",
    "ratelimit-name",
    "docker-ratelimit-source",
    "x-ratelimit-limit",
    "x-ratelimit-max",
    "x-ratelimit-remaining",
    "x-ratelimit-usage",
    "x-ratelimit-used",
    "x-ratelimit-reset-after",
    "x-ratelimit-reset",
    "x-ratelimit-next",
    "x-ratelimit-interval-seconds",
    "x-ratelimit-interval-milliseconds",
    "x-ratelimit-resource",
    "x-ratelimit-bucket",
    "x-rate-limit-limit",
    "x-rate-limit",
    "x-rate-limit-remaining",
    "x-rate-limit-reset",
    "x-rate-limit-window",
    "x-rate-limit-group",
    "x-app-limit-24hour-limit",
    "x-app-limit-24hour-remaining",
    "x-app-limit-24hour-reset",
    "x-user-limit-24hour-limit",
    "x-user-limit-24hour-remaining",
    "x-user-limit-24hour-reset",
    "inin-ratelimit-allowed",
    "inin-ratelimit-count",
    "inin-ratelimit-reset",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-limit-tokens_usage_based",
    "x-ratelimit-remaining-tokens_usage_based",
    "x-ratelimit-reset-tokens_usage_based",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-limit",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
    "anthropic-ratelimit-input-tokens-limit",
    "anthropic-ratelimit-input-tokens-remaining",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-ratelimit-output-tokens-limit",
    "anthropic-ratelimit-output-tokens-remaining",
    "anthropic-ratelimit-output-tokens-reset",
    "anthropic-ratelimit-unified-reset",
    "x-ratelimit-requests-limit",
    "x-ratelimit-requests-remaining",
    "x-ratelimit-requests-reset",
    "x-ratelimit-complexity-limit",
    "x-ratelimit-complexity-remaining",
    "x-ratelimit-complexity-reset",
    "x-ratelimit-endpoint-requests-limit",
    "x-ratelimit-endpoint-requests-remaining",
    "x-ratelimit-endpoint-requests-reset",
    "x-ratelimit-limit-second",
    "x-ratelimit-remaining-second",
    "x-ratelimit-limit-minute",
    "x-ratelimit-remaining-minute",
    "x-ratelimit-limit-hour",
    "x-ratelimit-remaining-hour",
    "x-ratelimit-limit-day",
    "x-ratelimit-remaining-day",
    "x-ratelimit-limit-month",
    "x-ratelimit-remaining-month",
    "x-ratelimit-limit-year",
    "x-ratelimit-remaining-year",
    "x-ratelimit-limit-daily",
    "x-ratelimit-daily-remaining",
    "x-hubspot-ratelimit-daily",
    "x-hubspot-ratelimit-daily-remaining",
    "x-hubspot-ratelimit-secondly",
    "x-hubspot-ratelimit-secondly-remaining",
    "x-hubspot-ratelimit-max",
    "x-hubspot-ratelimit-remaining",
    "x-hubspot-ratelimit-interval-milliseconds",
    "x-shopify-shop-api-call-limit",
    "x-gorgias-account-api-call-limit",
    "zendesk-ratelimit-tickets-index",
    "auth0-client-quota-limit",
    "auth0-organization-quota-limit",
    "sforce-limit-info",
    "x-ms-ratelimit-remaining-subscription-reads",
    "x-ms-ratelimit-remaining-subscription-writes",
    "x-ms-ratelimit-remaining-subscription-deletes",
    "x-ms-ratelimit-remaining-tenant-reads",
    "x-ms-ratelimit-remaining-tenant-writes",
    "x-ms-ratelimit-remaining-resource",
    "x-ratelimit-userlimit",
    "x-ratelimit-userremaining",
    "x-ratelimit-userreset",
    "x-ratelimit-clientlimit",
    "x-ratelimit-clientremaining",
    "x-post-rate-limit-limit",
    "x-post-rate-limit-remaining",
    "x-post-rate-limit-reset",
    "x-sib-ratelimit-limit",
    "x-sib-ratelimit-remaining",
    "x-sib-ratelimit-reset",
];
