//! Prints how other clients fare against servers that limit more than requests, or that shed load.
//!
//! Run it with `cargo run --release -p breather-sim --example peers`. Each cell has the makespan as a
//! multiple of the ideal and the sends per call, as medians of 5 seeds, or the share of calls that
//! succeed.

use breather_sim::table::{Row, rows};
use breather_sim::{Client, run_client};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;

/// The name of a row, its title, and a rate in calls per second that a client could be configured with.
type Column = (&'static str, &'static str, f64);

/// Servers that limit more than requests.
const SEVERAL: [Column; 10] = [
    ("LLM, OpenAI's headers", "OpenAI", 2.1),
    ("LLM, costs stated", "costs stated", 2.1),
    ("LLM, Anthropic's headers", "Anthropic", 2.1),
    ("LLM, Retry-After alone", "`Retry-After` alone", 2.1),
    ("LLM, cap of 50", "cap of 50", 2.1),
    ("LLM, charged at the response", "charged late", 2.1),
    ("LLM, fixed windows", "fixed windows", 2.1),
    (
        "10 a second and 300 a minute",
        "10 a second, 300 a minute",
        5.0,
    ),
    (
        "10 a second and 300 a minute, the tightest told",
        "one told at a time",
        5.0,
    ),
    ("new connections are overtaken", "overtaking", 10.0),
];

/// Servers without limits, and servers that shed load.
const SHEDDING: [Column; 6] = [
    ("unlimited", "unlimited", 1_000.0),
    ("unlimited, 500 callers", "500 callers", 2_500.0),
    ("unlimited, 500 callers, 1 % fail", "1 % fail", 2_500.0),
    (
        "nginx, 10 a second and a queue of 20",
        "nginx with a queue",
        10.0,
    ),
    (
        "nginx, 10 a second and a burst of 20",
        "nginx with a burst",
        10.0,
    ),
    ("cap from 50 to 17 for 30 s, bare 503", "falling cap", 250.0),
];

fn main() {
    print(&SEVERAL);
    println!();
    print(&SHEDDING);
}

/// Prints a table of the columns.
fn print(columns: &[Column]) {
    let all = rows();
    let rows: Vec<_> = columns
        .iter()
        .map(|&(name, short, rate)| {
            let row = all.iter().find(|row| row.name == name);
            (row.expect("the table has this row"), short, rate)
        })
        .collect();
    let titles: Vec<_> = rows.iter().map(|&(_, short, _)| short).collect();
    println!("| client | {} |", titles.join(" | "));
    println!("|---|{}", "--:|".repeat(rows.len()));
    let clients: [(&str, ByRate); 5] = [
        ("`sleep(min(2^n + U(0,1), 10))`", |_| Client::LoopCapped),
        ("Retry-After", |_| Client::RetryAfter),
        ("Retry-After + U(0,1)", |_| Client::RetryAfterJittered),
        (LIMITED, |rate| Client::StaticLimiter { rate, burst: 1 }),
        ("**breather**", |_| Client::Breather),
    ];
    for (name, client) in clients {
        let cells = rows.iter().map(|&(row, _, rate)| cell(row, &client(rate)));
        println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

const LIMITED: &str = "`sleep(min(2^n + U(0,1), 10))`, limited to the server's mean rate";

/// Creates a client that may be configured with a rate.
type ByRate = fn(f64) -> Client;

fn cell(row: &Row, client: &Client) -> String {
    let (mut makespans, mut sends, mut ok) = (Vec::new(), Vec::new(), f64::INFINITY);
    for seed in SEEDS {
        let run = run_client(&row.server, &row.load, client, seed);
        let ideal = row.server.ideal(&row.load, seed).makespan();
        makespans.push(run.makespan().div_duration_f64(ideal));
        sends.push(run.sends_per_call());
        ok = ok.min(run.ok() as f64 / row.load.calls() as f64);
    }
    let sends = median(sends);
    if ok < 1.0 {
        return format!("{:.0} % / {sends:.2}", (100.0 * ok).floor());
    }
    format!("{:.2} / {sends:.2}", median(makespans))
}

/// Returns the median of an odd number of values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
