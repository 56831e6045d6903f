//! Tests the program from outside.

use std::process::{Command, Output};

use serde_json::Value;

#[test]
fn json_has_a_row_for_each_client() {
    let output = storm(&[
        "--json",
        "--calls",
        "400",
        "--seeds",
        "2",
        "--clients",
        "breather,loop-capped,static",
    ]);
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let mut fields: Vec<_> = row.as_object().unwrap().keys().collect();
        fields.sort();
        let mut expected = FIELDS;
        expected.sort();
        assert_eq!(fields, expected);
        assert_eq!(row["calls"], 400);
        assert_eq!(row["ok"], 400);
    }
    assert_eq!(rows[0]["client"], "breather");
    assert_eq!(rows[0]["server"], "fixed window, 300 in 60 s, 50 in flight");
    assert!(rows[0]["sends_per_call"].as_f64().unwrap() < 1.05);
    assert!(rows[1]["sends_per_call"].as_f64().unwrap() > 2.0);
}

#[test]
fn same_options_print_the_same() {
    let play = || storm(&["--calls", "300", "--server", "token-bucket"]).stdout;
    let table = String::from_utf8(play()).unwrap();
    assert_eq!(table.as_bytes(), play());
    assert!(table.starts_with("300 calls, all started at once. The API: token bucket of 300"));
    assert_eq!(
        table.lines().filter(|line| line.contains("U(0,1)")).count(),
        4
    );
}

#[test]
fn failed_calls_are_reported() {
    let output = storm(&[
        "--clients",
        "unpaced",
        "--max-retries",
        "0",
        "--max-throttles",
        "0",
        "--calls",
        "60",
    ]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        table.contains("*50") && table.contains("Not all calls succeeded"),
        "{table}"
    );
}

#[test]
fn aws_quota_can_be_set() {
    let row = |args: &[&str]| {
        let output = storm(&[&["--clients", "aws-adaptive", "--seeds", "1"], args].concat());
        let table = String::from_utf8(output.stdout).unwrap();
        let row = table.lines().find(|line| line.starts_with("AWS"));
        row.unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(row(&[]).starts_with("AWS adaptive, 2 retries *150 1.100 "));
    assert!(row(&["--aws-quota", "50"]).starts_with("AWS adaptive, 2 retries *60 1.010 "));
    let free = row(&["--aws-quota", "none", "--aws-retries", "10"]);
    assert!(
        free.starts_with("AWS adaptive, 10 free retries 1000 2.0"),
        "{free}"
    );
}

#[test]
fn chart_shows_clients_side_by_side() {
    let path = std::env::temp_dir().join(format!("breather storm {}.svg", std::process::id()));
    let output = storm(&[
        "--clients",
        "loop,breather",
        "--svg",
        path.to_str().unwrap(),
    ]);
    assert!(output.status.success());
    let svg = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(svg.contains("breather: 1,000 calls"));
    assert!(svg.contains("2^n + U(0,1): 1,000 calls"));
    assert!(svg.contains("reset of the quota, every 60 s") && svg.contains("calls done"));
}

#[test]
fn each_option_changes_the_result() {
    let mut idle = Vec::new();
    for (without, option) in [
        ("", "--limiter fixed:20:5"),
        ("", "--limiter token-bucket:1:1:1"),
        ("--clients loop-capped", "--count-throttled"),
        ("", "--count-at-response"),
        ("", "--others 0.5"),
        ("", "--network-jitter-ms 50"),
        ("--server token-bucket", "--reset-at-next"),
        ("--cap-retry-after none --cap 5", "--cap-status 503"),
        ("", "--rounding down"),
        ("", "--early 1.5"),
        ("--window 7.5", "--reset-form epoch"),
        ("--window 7.5", "--reset-form bare-epoch"),
        ("--reset-form bare-epoch", "--skew -5"),
        ("--reset-form bare-epoch", "--skew 5"),
        ("", "--quota-change 30:50"),
        ("", "--quota-change 30:50 --quota-change 59:60"),
        ("", "--cap-change 60:5"),
        ("", "--cap-change 0:none"),
        ("", "--closed 60:64"),
        ("", "--outage 60:65"),
        ("", "--outage 60:65:503"),
        ("", "--outage 60:65:503:9"),
        ("", "--brown-out 60:90:10"),
        ("", "--processes 7"),
        ("", "--giving-up 0.5:30"),
        ("--outage 0:1", "--max-retries 0"),
        ("--count-throttled --closed 0:50", "--max-throttles 0"),
        ("--outage 0:1", "--backoff-ms 2500"),
        ("--outage 0:15 --backoff-ms 4000", "--backoff-cap 1"),
        ("--clients unpaced", "--jitter none"),
        ("--clients unpaced", "--jitter equal"),
        ("--clients unpaced", "--jitter decorrelated"),
        ("", "--deadline 20"),
        ("", "--max-retry-after 20"),
        ("", "--max-queued 10"),
        ("--clients static", "--rate 2"),
        ("--clients aws-adaptive", "--aws-quota none"),
        ("--clients aws-adaptive --aws-quota none", "--aws-retries 0"),
    ] {
        let [without, with] = [without.to_owned(), format!("{without} {option}")].map(|options| {
            let mut args: Vec<_> = options.split_whitespace().collect();
            args.extend(["--json", "--seeds", "1", "--calls", "400"]);
            if !args.contains(&"--clients") {
                args.extend(["--clients", "breather"]);
            }
            measured(&args)
        });
        if without == with {
            idle.push(option);
        }
    }
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn faults_are_printed_beside_results() {
    let args = [
        "--outage",
        "60:70:503:2",
        "--skew",
        "3",
        "--reset-form",
        "epoch",
    ];
    let shown = storm(&[&args[..], &["--clients", "breather", "--seeds", "1"]].concat());
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.starts_with(
        "1,000 calls, all started at once. The API: fixed window, 300 in 60 s, 50 in flight, \
         503 with Retry-After: 2 from 60 to 70 s; it tells all, resets as epochs, by a clock 3 s ahead.\n"
    ));
}

#[test]
fn invalid_option_says_what_was_expected() {
    for (args, expected) in [
        (
            &["--quota", "0"][..],
            "expected a whole number from 1 to 1000000000",
        ),
        (
            &["--server", "magic"],
            "possible values: fixed, sliding-log",
        ),
        (&["--cap", "few"], "expected a whole number"),
        (&["--window", "0"], "expected seconds"),
        (&["--burst", "7"], "token-bucket"),
        (
            &["--quota-change", "90"],
            "expected seconds, from 0 to 86400",
        ),
        (&["--cap-change", "90:x"], "a cap from 1 on or `none`"),
        (&["--closed", "65:60"], "later ones, as 60:65"),
        (&["--outage", "60:70:500"], "as 60:70 or 60:70:503:2"),
        (&["--brown-out", "60:70:0"], "times as slow, from 1 to 1000"),
        (&["--limiter", "300:60"], "as fixed:3000:3600"),
        (&["--giving-up", "2:10"], "a share from 0 to 1"),
        (&["--others", "1"], "expected a share, from 0 to 0.9"),
        (
            &["--skew", "86401"],
            "a whole number from -86400 to 86400, in seconds",
        ),
        (&["--skew", "3"], "--skew expects --reset-form epoch"),
        (
            &["--early", "soon"],
            "expected seconds, from 0.001 to 86400",
        ),
        (&["--network-jitter-ms", "-1"], "a whole number from 0 to"),
        (&["--rounding", "away"], "possible values: up, down"),
        (
            &["--reset-form", "date"],
            "possible values: delta, epoch, bare-epoch",
        ),
        (&["--cap-status", "500"], "possible values: 429, 503"),
        (
            &["--jitter", "some"],
            "possible values: full, equal, decorrelated, none",
        ),
        (&["--backoff-ms", "0"], "a whole number from 1 to"),
        (&["--backoff-cap", "0"], "expected seconds"),
        (&["--max-retry-after", "0"], "expected seconds"),
        (
            &["--processes", "100001"],
            "a whole number from 1 to 100000",
        ),
        (&["--aws-retries", "few"], "expected a whole number"),
        (&["--aws-quota", "-1"], "or `none`"),
        (
            &["--svg", "/no/such/directory/a.svg"],
            "cannot write the chart",
        ),
    ] {
        let output = storm(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.starts_with("error: ") && said.contains(expected),
            "{said}"
        );
    }
}

/// Returns the results of each client, without the server's name.
fn measured(args: &[&str]) -> Vec<Value> {
    let output = storm(args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut rows = report["rows"].as_array().unwrap().clone();
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("server");
    }
    rows
}

fn storm(args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_breather-storm"));
    program.args(args).output().expect("the program starts")
}

const FIELDS: [&str; 11] = [
    "server",
    "client",
    "calls",
    "ok",
    "sends_per_call",
    "makespan_over_ideal",
    "p50_over_ideal",
    "p99_over_ideal",
    "peak_sends_1s",
    "throttled_quota",
    "throttled_concurrency",
];
