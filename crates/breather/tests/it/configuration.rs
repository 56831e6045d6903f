//! Policies in configuration files, and the errors for invalid ones.

use std::collections::BTreeMap;
use std::time::Duration;

use breather::{Backoff, Dialect, Jitter, Policy, driver::Delays};
use proptest::prelude::*;
use serde::Deserialize;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn every_form_is_read() {
    let default = Backoff::default();
    for (toml, json, expected) in [
        ("", "{}", Policy::new()),
        (
            "preset = 'interactive'",
            r#"{"preset": "interactive"}"#,
            Policy::interactive(),
        ),
        (
            "preset = 'batch'",
            r#"{"preset": "batch"}"#,
            Policy::batch(),
        ),
        (
            "preset = 'patient'",
            r#"{"preset": "patient"}"#,
            Policy::patient(),
        ),
        (
            "preset = 'no_retries'",
            r#"{"preset": "no_retries"}"#,
            Policy::no_retries(),
        ),
        (
            "max_retries = 1\nmax_throttles = 0",
            r#"{"max_retries": 1, "max_throttles": 0}"#,
            Policy::new().with_max_retries(1).with_max_throttles(0),
        ),
        (
            "deadline = '1m 30s'",
            r#"{"deadline": "1m 30s"}"#,
            Policy::new().with_deadline(secs(90)),
        ),
        (
            "max_queue_time = '2s'",
            r#"{"max_queue_time": "2s"}"#,
            Policy::new().with_max_queue_time(secs(2)),
        ),
        (
            "max_retry_after = 'none'",
            r#"{"max_retry_after": "none"}"#,
            Policy::new().with_max_retry_after(Duration::MAX),
        ),
        // The preset is the base, whatever its place in the file.
        (
            "max_retries = 3\npreset = 'interactive'",
            r#"{"max_retries": 3, "preset": "interactive"}"#,
            Policy::interactive().with_max_retries(3),
        ),
        (
            "preset = 'no_retries'\nmax_retries = 0",
            r#"{"preset": "no_retries", "max_retries": 0}"#,
            Policy::no_retries().with_max_retries(0),
        ),
        // A backoff also takes missing fields from the preset.
        (
            "[backoff]\ncap = '5s'",
            r#"{"backoff": {"cap": "5s"}}"#,
            Policy::new().with_backoff(default.with_cap(secs(5))),
        ),
        (
            "preset = 'batch'\nbackoff = { factor = 3 }",
            r#"{"preset": "batch", "backoff": {"factor": 3}}"#,
            Policy::batch().with_backoff(Policy::batch().backoff().with_factor(3.0)),
        ),
        (
            "backoff = 'fibonacci'",
            r#"{"backoff": "fibonacci"}"#,
            Policy::new().with_backoff(Backoff::fibonacci(millis(100))),
        ),
        (
            "backoff = { kind = 'constant', base = '1s' }",
            r#"{"backoff": {"kind": "constant", "base": "1s"}}"#,
            Policy::new().with_backoff(Backoff::constant(secs(1))),
        ),
        (
            "backoff = { kind = 'linear', base = '30s', cap = 'none' }",
            r#"{"backoff": {"kind": "linear", "base": "30s", "cap": "none"}}"#,
            Policy::new().with_backoff(Backoff::linear(secs(30)).with_cap(Duration::MAX)),
        ),
        (
            "[backoff]\nkind = 'exponential'\nbase = '0.25s'\nfactor = 1.5\ncap = '10s'",
            r#"{"backoff": {"cap": "10s", "factor": 1.5, "base": "0.25s", "kind": "exponential"}}"#,
            Policy::new().with_backoff(
                Backoff::exponential(millis(250))
                    .with_factor(1.5)
                    .with_cap(secs(10)),
            ),
        ),
        // If the file sets both, the cap wins, like in code.
        (
            "backoff = { base = '2s', cap = '1s' }",
            r#"{"backoff": {"base": "2s", "cap": "1s"}}"#,
            Policy::new().with_backoff(Backoff::exponential(secs(2)).with_cap(secs(1))),
        ),
        (
            "jitter = 'auto'",
            r#"{"jitter": {"kind": "auto"}}"#,
            Policy::new(),
        ),
        (
            "jitter = { kind = 'above', share = 0.5 }",
            r#"{"jitter": {"kind": "above", "share": 0.5}}"#,
            Policy::new().with_jitter(Jitter::above(0.5)),
        ),
        (
            "jitter = 'none'",
            r#"{"jitter": "none"}"#,
            Policy::new().with_jitter(Jitter::none()),
        ),
        (
            "jitter = 'full'",
            r#"{"jitter": "full"}"#,
            Policy::new().with_jitter(Jitter::full()),
        ),
        (
            "jitter = 'equal'",
            r#"{"jitter": "equal"}"#,
            Policy::new().with_jitter(Jitter::equal()),
        ),
        (
            "jitter = 'decorrelated'",
            r#"{"jitter": {"kind": "decorrelated"}}"#,
            Policy::new().with_jitter(Jitter::decorrelated()),
        ),
        (
            "jitter = { kind = 'additive', high = '1s' }",
            r#"{"jitter": {"kind": "additive", "high": "1s"}}"#,
            Policy::new().with_jitter(Jitter::additive(Duration::ZERO, secs(1))),
        ),
        (
            "jitter = { kind = 'additive', low = '1s', high = '1s' }",
            r#"{"jitter": {"kind": "additive", "low": "1s", "high": "1s"}}"#,
            Policy::new().with_jitter(Jitter::additive(secs(1), secs(1))),
        ),
        (
            "jitter = { kind = 'proportional', share = 1 }",
            r#"{"jitter": {"kind": "proportional", "share": 1}}"#,
            Policy::new().with_jitter(Jitter::proportional(1.0)),
        ),
        (
            "jitter = { cap_after_jitter = '10s' }",
            r#"{"jitter": {"cap_after_jitter": "10s"}}"#,
            Policy::new().with_jitter(Jitter::auto().with_cap_after_jitter(secs(10))),
        ),
    ] {
        assert_eq!(toml::from_str(toml), Ok(expected), "{toml}");
        assert_eq!(
            serde_json::from_str::<Policy>(json).ok(),
            Some(expected),
            "{json}"
        );
    }
}

fn read(file: &str) -> Policy {
    toml::from_str(file).expect(file)
}

#[test]
fn constant_delay_is_not_cut() {
    for (file, expected) in [
        (
            "kind = 'constant', base = '60s'",
            Backoff::constant(secs(60)),
        ),
        ("kind = 'linear', base = '60s'", Backoff::linear(secs(60))),
        (
            "kind = 'fibonacci', base = '60s'",
            Backoff::fibonacci(secs(60)),
        ),
        (
            "kind = 'exponential', base = '60s'",
            Backoff::exponential(secs(60)),
        ),
        ("base = '60s'", Backoff::exponential(secs(60))),
    ] {
        let policy = read(&format!("backoff = {{ {file} }}"));
        assert_eq!(policy, Policy::new().with_backoff(expected), "{file}");
        assert_eq!(policy.backoff().ceiling(0), secs(60), "{file}");
    }
    let policy = read("polling = { kind = 'constant', base = '60s' }");
    let expected = Policy::new().with_polling(Backoff::constant(secs(60)));
    assert_eq!(policy, expected);
}

#[test]
fn preset_cap_applies_only_to_exponential_backoff() {
    let file = "preset = 'interactive'\nbackoff = { kind = 'linear', base = '60s' }";
    let expected = Policy::interactive().with_backoff(Backoff::linear(secs(60)));
    assert_eq!(read(file), expected);
    let file = "preset = 'interactive'\nbackoff = { kind = 'exponential', base = '500ms' }";
    let expected = Backoff::exponential(millis(500)).with_cap(secs(1));
    assert_eq!(read(file), Policy::interactive().with_backoff(expected));
}

#[test]
fn polling_keeps_its_factor() {
    let polling = Backoff::exponential(secs(2)).with_factor(1.5);
    for file in ["base = '2s'", "kind = 'exponential', base = '2s'"] {
        let policy = read(&format!("polling = {{ {file} }}"));
        assert_eq!(policy, Policy::new().with_polling(polling), "{file}");
    }
}

#[test]
fn configured_delay_survives_round_trip() {
    for backoff in [
        Backoff::constant(secs(60)),
        Backoff::linear(secs(60)),
        Backoff::exponential(secs(60)),
        Backoff::fibonacci(secs(60)),
    ] {
        for backoff in [
            backoff,
            backoff.with_cap(secs(60)),
            backoff.with_cap(Duration::MAX),
        ] {
            let policy = Policy::new().with_backoff(backoff).with_polling(backoff);
            assert_eq!(read(&toml::to_string(&policy).unwrap()), policy);
        }
    }
}

#[test]
fn file_without_jitter_uses_auto() {
    for file in ["", "backoff = 'linear'", "preset = 'patient'"] {
        assert_eq!(read(file).jitter(), Jitter::auto(), "{file}");
        let written = toml::to_string(&read(file)).unwrap();
        assert!(written.contains("jitter = \"auto\""), "{written}");
    }
    assert_ne!(read("jitter = 'full'"), read(""));
    // A cap alone keeps the automatic jitter.
    let file =
        "jitter = { cap_after_jitter = '70s' }\nbackoff = { kind = 'constant', base = '60s' }";
    let policy = read(file);
    for seed in 0..50 {
        let delay = Delays::new(policy.backoff(), policy.jitter(), seed).draw(0);
        assert!((secs(60)..=secs(66)).contains(&delay), "{delay:?}");
    }
}

#[test]
fn durations_are_read_in_every_unit() {
    for (text, expected) in [
        ("0s", Duration::ZERO),
        ("1ns", Duration::from_nanos(1)),
        ("1us", Duration::from_micros(1)),
        ("1µs", Duration::from_micros(1)),
        ("250ms", millis(250)),
        ("1.5s", millis(1_500)),
        ("1m", secs(60)),
        ("1m30s", secs(90)),
        ("1m 30s", secs(90)),
        ("2 hours, 5 minutes", secs(7_500)),
        ("24h", secs(86_400)),
        (
            "18446744073709551615s",
            Duration::from_secs(u64::MAX), // exceeds every clock here, but must not panic
        ),
    ] {
        let file = format!("deadline = '{text}'");
        let expected = Policy::new().with_deadline(expected);
        assert_eq!(toml::from_str(&file), Ok(expected), "{text}");
    }
}

#[test]
fn deadline_of_preset_can_be_removed() {
    let policy: Policy = toml::from_str("preset = 'batch'\ndeadline = 'none'").unwrap();
    assert_eq!(policy.deadline(), None);
    assert_eq!(policy.max_retries(), Policy::batch().max_retries());
}

#[test]
fn no_retries_preset_lasts_until_retries_are_permitted() {
    let policy: Policy = toml::from_str("preset = 'no_retries'\ndeadline = '3s'").unwrap();
    assert!(!policy.can_retry());
    let policy: Policy = toml::from_str("preset = 'no_retries'\nmax_throttles = 2").unwrap();
    assert!(policy.can_retry());
    assert_eq!((policy.max_retries(), policy.max_throttles()), (0, 2));
}

#[test]
fn factor_of_every_preset_can_change() {
    for preset in ["interactive", "batch", "patient", "no_retries"] {
        let plain: Policy = toml::from_str(&format!("preset = '{preset}'")).unwrap();
        let file = format!("preset = '{preset}'\nbackoff = {{ factor = 3 }}");
        let steep = plain.backoff().with_factor(3.0);
        assert_ne!(plain.backoff(), steep, "{preset}");
        assert_eq!(toml::from_str(&file), Ok(plain.with_backoff(steep)));
    }
}

const DURATION: &str = r#"text with units of h, m, s, ms, us or ns, as "1m 30s""#;
const COUNT: &str = "a whole number from 0 to 4294967295";
const BACKOFFS: &str = r#""constant", "linear", "exponential" or "fibonacci""#;
const JITTERS: &str = r#"a table, or "auto", "none", "full", "equal" or "decorrelated""#;
const JITTER_KINDS: &str =
    r#""auto", "none", "full", "equal", "additive", "proportional", "above" or "decorrelated""#;

/// Returns the line and the message of the TOML error for `file`.
fn refused(file: &str) -> (usize, String) {
    let error = toml::from_str::<Policy>(file).expect_err(file);
    let start = error.span().expect(file).start;
    let line = file[..start].matches('\n').count() + 1;
    (line, error.message().to_owned())
}

#[test]
fn invalid_duration_is_rejected() {
    for (value, why) in [
        ("30", "30 has no unit"),
        ("-1", "-1 has no unit"),
        ("1.5", "1.5 has no unit"),
        ("nan", "NaN has no unit"),
        ("'30'", r#""30" has no unit"#),
        ("'1e3'", r#""1e3" has no unit"#),
        ("'-5s'", r#""-5s" is negative"#),
        ("'5s ago'", r#""5s ago" is negative"#),
        ("''", r#""" is no duration"#),
        ("' '", r#"" " is no duration"#),
        ("'soon'", r#""soon" is no duration"#),
        ("'5 parsecs'", r#""5 parsecs" is no duration"#),
        ("'None'", r#""None" is no duration"#),
        ("'1d'", r#""1d" is no duration"#),
        ("'PT5S'", r#""PT5S" is no duration"#),
        ("'99999999999y'", r#""99999999999y" is no duration"#),
        (
            "'18446744073709551616s'",
            r#""18446744073709551616s" is no duration"#,
        ),
        (
            "'18446744073709551615h'",
            r#""18446744073709551615h" is no duration"#,
        ),
        ("'１０ｓ'", r#""１０ｓ" is no duration"#),
        ("true", "true is no duration"),
        ("[30]", "a list is no duration"),
        ("{ secs = 30 }", "a table or a date is no duration"),
        ("00:01:30", "a table or a date is no duration"),
    ] {
        for field in [
            "deadline",
            "attempt_timeout",
            "max_queue_time",
            "max_retry_after",
        ] {
            let said = refused(&format!("max_retries = 1\n{field} = {value}\n"));
            let expected = format!(r#"{field}: {why}, expected {DURATION}, or "none""#);
            assert_eq!(said, (2, expected));
        }
        let said = refused(&format!("[backoff]\n\nbase = {value}\n"));
        assert_eq!(
            said,
            (3, format!("backoff.base: {why}, expected {DURATION}"))
        );
    }
}

#[test]
fn invalid_count_is_rejected() {
    for (value, why) in [
        ("-1", "-1 is negative"),
        ("4294967296", "4294967296 is too much"),
        ("18446744073709551616", "18446744073709551616 is too much"),
        ("3.0", "3.0 is no whole number"),
        ("-0.5", "-0.5 is no whole number"),
        ("nan", "NaN is no whole number"),
        ("'3'", r#""3" is no whole number"#),
        ("false", "false is no whole number"),
        ("[]", "a list is no whole number"),
    ] {
        for field in ["max_retries", "max_throttles"] {
            let said = refused(&format!("\n{field} = {value}"));
            assert_eq!(said, (2, format!("{field}: {why}, expected {COUNT}")));
        }
    }
}

#[test]
fn invalid_fields_and_kinds_are_rejected() {
    let fields = "preset, max_retries, max_throttles, deadline, attempt_timeout, max_queue_time, max_retry_after, backoff, jitter, polling";
    for (file, line, expected) in [
        (
            "max_retries = 3\nretry = 3",
            2,
            format!(r#"policy: "retry" is no field, expected one of {fields}"#),
        ),
        (
            "longest-hint = '1s'",
            1,
            format!(r#"policy: "longest-hint" is no field, expected one of {fields}"#),
        ),
        (
            "dialects = ['github']",
            1,
            format!(r#"policy: "dialects" is no field, expected one of {fields}"#),
        ),
        (
            "preset = 'slow'",
            1,
            r#"preset: "slow" is no preset, expected "interactive", "batch", "patient" or "no_retries""#
                .to_owned(),
        ),
        (
            "preset = 1",
            1,
            r#"preset: 1 is no preset, expected "interactive", "batch", "patient" or "no_retries""#
                .to_owned(),
        ),
        (
            "backoff = 2",
            1,
            format!("backoff: 2 is no kind of backoff, expected a table, or {BACKOFFS}"),
        ),
        (
            "backoff = 'custom'",
            1,
            format!(r#"backoff: "custom" is no kind of backoff, expected a table, or {BACKOFFS}"#),
        ),
        (
            "[backoff]\nkind = 'Linear'",
            2,
            format!(r#"backoff.kind: "Linear" is no kind of backoff, expected {BACKOFFS}"#),
        ),
        (
            "[[backoff]]\nkind = 'linear'",
            1,
            format!("backoff: a list is no kind of backoff, expected a table, or {BACKOFFS}"),
        ),
        (
            "[backoff]\nbase = '1s'\n\ncapp = '1s'",
            4,
            r#"backoff: "capp" is no field, expected one of kind, base, factor, cap"#.to_owned(),
        ),
        (
            "[backoff]\nfactor = 0.5",
            2,
            "backoff.factor: 0.5 is too little, expected a number from 1 to 65535".to_owned(),
        ),
        (
            "[backoff]\nfactor = -2",
            2,
            "backoff.factor: -2 is too little, expected a number from 1 to 65535".to_owned(),
        ),
        (
            "[backoff]\nfactor = 65536",
            2,
            "backoff.factor: 65536 is too much, expected a number from 1 to 65535".to_owned(),
        ),
        (
            "[backoff]\nfactor = nan",
            2,
            "backoff.factor: NaN is no number, expected a number from 1 to 65535".to_owned(),
        ),
        (
            "[backoff]\nfactor = inf",
            2,
            "backoff.factor: inf is too much, expected a number from 1 to 65535".to_owned(),
        ),
        (
            "[backoff]\nfactor = -inf",
            2,
            "backoff.factor: -inf is too little, expected a number from 1 to 65535".to_owned(),
        ),
        (
            "[backoff]\nfactor = '2'",
            2,
            r#"backoff.factor: "2" is no number, expected a number from 1 to 65535"#.to_owned(),
        ),
        (
            "\n[backoff]\nkind = 'fibonacci'\nfactor = 2",
            2,
            r#"backoff.factor: a backoff of kind "fibonacci" has none, expected kind "exponential""#
                .to_owned(),
        ),
        (
            "backoff = { base = '30s' }\npreset = 'interactive'",
            1,
            r#"backoff.base: "30s" is more than backoff.cap, which is "1s" unless it is set, too"#
                .to_owned(),
        ),
        (
            "backoff = { cap = '900ms' }\npreset = 'patient'",
            1,
            r#"backoff.cap: "900ms" is less than backoff.base, which is "1s" unless it is set, too"#
                .to_owned(),
        ),
        (
            "jitter = 'some'",
            1,
            format!(r#"jitter: "some" is no kind of jitter, expected {JITTERS}"#),
        ),
        (
            "jitter = 'additive'",
            1,
            format!(r#"jitter: "additive" alone says too little, expected {JITTERS}"#),
        ),
        (
            "jitter = 0.5",
            1,
            format!("jitter: 0.5 is no kind of jitter, expected {JITTERS}"),
        ),
        (
            "[jitter]\nkind = 'some'",
            2,
            format!(r#"jitter.kind: "some" is no kind of jitter, expected {JITTER_KINDS}"#),
        ),
        (
            "[jitter]\nmax = '1s'",
            2,
            r#"jitter: "max" is no field, expected one of kind, low, high, share, cap_after_jitter"#
                .to_owned(),
        ),
        (
            "\n[jitter]\nkind = 'additive'",
            2,
            format!("jitter.high: is missing, expected {DURATION}"),
        ),
        (
            "\n[jitter]\nkind = 'proportional'",
            2,
            "jitter.share: is missing, expected a number from 0 to 1".to_owned(),
        ),
        (
            "\n[jitter]\nkind = 'additive'\nlow = '2s'\nhigh = '1s'",
            2,
            r#"jitter.high: "1s" is less than jitter.low, which is "2s""#.to_owned(),
        ),
        (
            "[jitter]\nkind = 'proportional'\nshare = 1.5",
            3,
            "jitter.share: 1.5 is too much, expected a number from 0 to 1".to_owned(),
        ),
        (
            "[jitter]\nkind = 'proportional'\nshare = -0.1",
            3,
            "jitter.share: -0.1 is too little, expected a number from 0 to 1".to_owned(),
        ),
        (
            "[jitter]\nkind = 'proportional'\nshare = nan",
            3,
            "jitter.share: NaN is no number, expected a number from 0 to 1".to_owned(),
        ),
        (
            "[jitter]\nshare = 0.5",
            1,
            r#"jitter.share: a jitter of kind "auto" has none, expected kind "proportional" or "above""#
                .to_owned(),
        ),
        (
            "[jitter]\nkind = 'equal'\nhigh = '1s'",
            1,
            r#"jitter.high: a jitter of kind "equal" has none, expected kind "additive""#.to_owned(),
        ),
    ] {
        assert_eq!(refused(file), (line, expected), "{file}");
    }
}

#[test]
fn full_error_messages_of_toml_and_json() {
    let file = "max_retries = 3\ndeadline = 30\n";
    let said = toml::from_str::<Policy>(file).unwrap_err().to_string();
    assert_eq!(
        said,
        r#"TOML parse error at line 2, column 12
  |
2 | deadline = 30
  |            ^^
deadline: 30 has no unit, expected text with units of h, m, s, ms, us or ns, as "1m 30s", or "none"
"#
    );
    for (json, expected) in [
        (
            "{\n  \"max_retries\": \"3\"\n}",
            r#"max_retries: "3" is no whole number, expected a whole number from 0 to 4294967295 at line 2 column 20"#,
        ),
        (
            r#"{"backoff": {"base": null}}"#,
            r#"backoff.base: null is no duration, expected text with units of h, m, s, ms, us or ns, as "1m 30s" at line 1 column 25"#,
        ),
        (
            r#"{"max_retries": 1, "max_retries": 2}"#,
            "max_retries: is there twice at line 1 column 32",
        ),
        (
            r#"{"max_retries": 18446744073709551616}"#,
            "max_retries: 1.8446744073709552e19 is too much, expected a whole number from 0 to 4294967295 at line 1 column 36",
        ),
        (
            r#"{"backoff": {"factor": 1e400}}"#,
            "number out of range at line 1 column 28",
        ),
        (
            "[]",
            "policy: a list is no policy, expected a table of settings at line 1 column 2",
        ),
        (
            "3",
            "invalid type: integer `3`, expected policy as a table of settings at line 1 column 1",
        ),
    ] {
        let said = serde_json::from_str::<Policy>(json).unwrap_err();
        assert_eq!(said.to_string(), expected, "{json}");
    }
}

#[test]
fn policy_can_be_nested_or_flattened() {
    #[derive(Deserialize)]
    struct Settings {
        url: String,
        policy: Policy,
    }

    #[derive(Deserialize)]
    struct Flat {
        url: String,
        #[serde(flatten)]
        policy: Policy,
    }

    let file = "url = 'https://api.example'\n[policy]\nmax_retries = 7";
    let settings: Settings = toml::from_str(file).unwrap();
    assert_eq!(settings.url, "https://api.example");
    assert_eq!(settings.policy, Policy::new().with_max_retries(7));

    let file = "max_retries = 7\nurl = 'https://api.example'\ndeadline = '3s'";
    let flat: Flat = toml::from_str(file).unwrap();
    assert_eq!(flat.url, "https://api.example");
    assert_eq!(
        flat.policy,
        Policy::new().with_max_retries(7).with_deadline(secs(3))
    );

    let file = "[crm]\npreset = 'batch'\n\n[search]\nbackoff = { cap = '1ms' }";
    let error = toml::from_str::<BTreeMap<String, Policy>>(file).unwrap_err();
    assert!(
        error.to_string().starts_with("TOML parse error at line 4,"),
        "{error}"
    );
}

#[test]
fn every_setting_is_serialized() {
    let jitter = Jitter::proportional(0.1).with_cap_after_jitter(secs(3_661));
    let policy = Policy::new()
        .with_deadline(Duration::new(90, 1_001))
        .with_attempt_timeout(secs(5))
        .with_max_queue_time(millis(500))
        .with_polling(Backoff::constant(secs(2)))
        .with_max_retry_after(Duration::MAX)
        .with_backoff(Backoff::exponential(millis(250)).with_factor(1.1))
        .with_jitter(jitter);
    let expected = r#"max_retries = 3
max_throttles = 16
deadline = "1m 30s 1us 1ns"
attempt_timeout = "5s"
max_queue_time = "500ms"
max_retry_after = "none"

[backoff]
kind = "exponential"
base = "250ms"
factor = 1.1
cap = "20s"

[jitter]
kind = "proportional"
share = 0.1
cap_after_jitter = "1h 1m 1s"

[polling]
kind = "constant"
base = "2s"
"#;
    assert_eq!(toml::to_string(&policy).unwrap(), expected);

    let expected = r#"{"preset":"no_retries","deadline":"none","attempt_timeout":"none","max_queue_time":"none","max_retry_after":"5m","backoff":{"kind":"exponential","base":"100ms","factor":2.0,"cap":"20s"},"jitter":"auto","polling":{"kind":"exponential","base":"1s","factor":1.5,"cap":"20s"}}"#;
    assert_eq!(
        serde_json::to_string(&Policy::no_retries()).unwrap(),
        expected
    );
}

#[test]
fn custom_backoff_and_dialects_cannot_be_serialized() {
    let custom = Policy::new().with_backoff(Backoff::custom(|_| Duration::ZERO));
    let error = serde_json::to_string(&custom).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a custom backoff is a function, and cannot be written to a file"
    );

    const GITHUB: &[Dialect] = &[Dialect::github()];
    let error = toml::to_string(&Policy::new().with_dialects(GITHUB)).unwrap_err();
    assert_eq!(error.to_string(), "dialects cannot be written to a file");
}

#[test]
fn hostile_file_gives_a_short_error() {
    let deep = 100_000;
    let long = "x".repeat(1_000_000);
    for file in [
        format!("{{\"backoff\": {}", "[".repeat(deep)),
        format!("{{\"backoff\": {}", "{\"kind\":".repeat(deep)),
        format!("{{\"x\": {}", "[".repeat(deep)),
        format!("{{\"deadline\": \"{long}\"}}"),
        format!("{{\"{long}\": 1}}"),
        format!("{{\"max_retries\": {}}}", "9".repeat(deep)),
        format!("{{\"deadline\": \"{}s\"}}", "9".repeat(deep)),
        format!("{{\"deadline\": \"{}\"}}", "1h ".repeat(deep)),
        r#"{"jitter": "\u0000\u001b[31m\u202e💣"}"#.to_owned(),
        r#"{"max_retries": NaN}"#.to_owned(),
        r#"{"deadline": 1e400}"#.to_owned(),
    ] {
        let said = serde_json::from_str::<Policy>(&file).unwrap_err();
        let said = said.to_string();
        assert!(said.len() < 300, "{said}");
        assert!(said.chars().all(|it| !it.is_control()), "{said}");
    }
    // Ignores the excerpt, which the TOML crate writes.
    for file in [
        format!("backoff = {}", "[".repeat(deep)),
        format!("backoff = {}", "{ kind = ".repeat(deep)),
        format!("backoff.{}kind = 1", "kind.".repeat(1_000)),
        format!("deadline = '{long}'"),
        format!("{long} = 1"),
        format!("max_retries = {}", "9".repeat(deep)),
        "backoff.factor = 1e400".to_owned(),
        "jitter = \"\\u0000\\u001B[31m\\u202E💣\"".to_owned(),
    ] {
        let said = toml::from_str::<Policy>(&file).unwrap_err();
        assert!(said.message().len() < 300, "{}", said.message());
    }
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
        any::<u64>().prop_map(Duration::from_nanos),
        (0..100_000_u64).prop_map(Duration::from_millis),
        Just(Duration::ZERO),
        Just(Duration::MAX),
    ]
}

fn backoff() -> impl Strategy<Value = Backoff> {
    let factor = prop_oneof![any::<f64>(), 0.0..70_000.0, 1.0..3.0];
    let shaped = (duration(), factor, 0..4).prop_map(|(base, factor, shape)| match shape {
        0 => Backoff::constant(base),
        1 => Backoff::linear(base),
        2 => Backoff::exponential(base).with_factor(factor),
        _ => Backoff::fibonacci(base),
    });
    (shaped, proptest::option::of(duration())).prop_map(|(backoff, cap)| match cap {
        Some(cap) => backoff.with_cap(cap),
        None => backoff,
    })
}

fn jitter() -> impl Strategy<Value = Jitter> {
    // Includes halves of 2⁻³², because they round one way below 1 and another way above.
    let half = (0..=1_u64 << 33).prop_map(|halves| halves as f64 / (1_u64 << 33) as f64);
    let share = || prop_oneof![any::<f64>(), 0.0..1.0, half.clone()];
    let kind = prop_oneof![
        Just(Jitter::auto()),
        Just(Jitter::none()),
        Just(Jitter::full()),
        Just(Jitter::equal()),
        Just(Jitter::decorrelated()),
        (duration(), duration()).prop_map(|(low, high)| Jitter::additive(low, high)),
        share().prop_map(Jitter::proportional),
        share().prop_map(Jitter::above),
    ];
    (kind, proptest::option::of(duration())).prop_map(|(jitter, cap)| match cap {
        Some(cap) => jitter.with_cap_after_jitter(cap),
        None => jitter,
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    let start = prop_oneof![
        Just(Policy::new()),
        Just(Policy::no_retries()),
        Just(Policy::interactive()),
        Just(Policy::batch()),
        Just(Policy::patient()),
    ];
    let counts = (
        proptest::option::of(any::<u32>()),
        proptest::option::of(any::<u32>()),
    );
    let bounds = (
        proptest::option::of(duration()),
        proptest::option::of(duration()),
        duration(),
    );
    (start, (backoff(), backoff()), jitter(), counts, bounds).prop_map(
        |(
            start,
            (backoff, polling),
            jitter,
            (max_retries, max_throttles),
            (deadline, timeout, longest),
        )| {
            let mut policy = start
                .with_backoff(backoff)
                .with_polling(polling)
                .with_jitter(jitter)
                .with_max_retry_after(longest);
            if let Some(timeout) = timeout {
                policy = policy.with_attempt_timeout(timeout);
            }
            if let Some(max_retries) = max_retries {
                policy = policy.with_max_retries(max_retries);
            }
            if let Some(max_throttles) = max_throttles {
                policy = policy.with_max_throttles(max_throttles);
            }
            match deadline {
                Some(deadline) => policy.with_deadline(deadline),
                None => policy,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_policy_survives_round_trip(policy in policy()) {
        let toml = toml::to_string(&policy).unwrap();
        prop_assert_eq!(toml::from_str(&toml), Ok(policy), "{}", toml);
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<Policy>(&json).ok(), Some(policy), "{}", json);
    }

    #[test]
    fn any_field_value_is_a_policy_or_an_error(
        field in "(preset|max_retries|max_throttles|deadline|attempt_timeout|max_retry_after|backoff|jitter|polling|backoff.(kind|base|factor|cap)|jitter.(kind|low|high|share))",
        value in "([-+]?[0-9]{1,25}(\\.[0-9]{1,3})?([eE][-+]?[0-9]{1,4})?|'[-+]?[0-9.]{1,25} ?(h|m|s|ms|us|µs|ns|d|y|ago)?'|'\\PC{0,12}'|nan|-inf|true|\\[\\]|\\{\\})",
    ) {
        if let Ok(policy) = toml::from_str::<Policy>(&format!("{field} = {value}")) {
            let _ = policy.backoff().ceiling(u32::MAX);
            let written = toml::to_string(&policy).unwrap();
            prop_assert_eq!(toml::from_str(&written), Ok(policy));
        }
    }
}

/// Returns the code blocks of a chapter. Each has the text before it, its language and its content.
pub(crate) fn blocks(chapter: &str) -> Vec<(&str, &str, &str)> {
    let parts: Vec<&str> = chapter.split("```").collect();
    let parts = parts.chunks_exact(2);
    let blocks = parts.filter_map(|part| {
        let (language, text) = part[1].split_once('\n')?;
        Some((part[0].trim(), language, text))
    });
    blocks.collect()
}

#[test]
fn configuration_chapter_is_correct() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let chapter = std::fs::read_to_string(path).unwrap();
    let blocks = blocks(&chapter);
    let (mut good, mut bad) = (0, 0);
    for (at, &(before, language, text)) in blocks.iter().enumerate() {
        if before.ends_with("<!-- pacing -->") {
            continue;
        }
        let read = toml::from_str::<Policy>(text);
        match (language, blocks.get(at + 1)) {
            // An error directly follows its file.
            ("toml", Some(&("", "text", said))) => {
                assert_eq!(read.unwrap_err().to_string(), said);
                bad += 1;
            }
            ("toml", _) => {
                let policy = read.expect(text);
                if before.ends_with("<!-- defaults -->") {
                    assert_eq!(policy, Policy::new());
                }
                good += 1;
            }
            _ => {}
        }
    }
    assert_eq!((good, bad), (6, 5));
}

#[test]
fn example_file_in_policy_docs_is_correct() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/policy.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let docs: Vec<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("///"))
        .map(str::trim)
        .collect();
    let docs = docs.join("\n");
    let blocks = blocks(&docs);
    let (_, _, file) = blocks
        .iter()
        .find(|(_, language, _)| *language == "toml")
        .unwrap();
    let expected = Policy::batch()
        .with_max_retries(5)
        .with_deadline(secs(1_200))
        .with_backoff(
            Backoff::exponential(millis(250))
                .with_factor(1.5)
                .with_cap(secs(30)),
        )
        .with_jitter(Jitter::equal());
    assert_eq!(toml::from_str(file), Ok(expected));
}
