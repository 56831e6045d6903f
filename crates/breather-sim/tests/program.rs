//! The program, from outside.

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
fn the_same_options_print_the_same() {
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
fn calls_that_never_succeed_are_told() {
    let output = storm(&[
        "--clients",
        "unpaced",
        "--retries",
        "0",
        "--refusals",
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
fn what_an_aws_client_may_spend_can_be_set() {
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
fn the_chart_shows_clients_beside_one_another() {
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
fn a_bad_option_says_what_was_expected() {
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

fn storm(args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_breather-sim"));
    program.arg("storm").args(args).output().expect("it starts")
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
    "refused_quota",
    "refused_concurrency",
];
