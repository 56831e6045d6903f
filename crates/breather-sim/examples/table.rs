//! How near to the ideal the pacer comes, for how many refusals, against each kind of server.
//!
//! `cargo run --release -p breather-sim --example table`

#[path = "../tests/common/rows.rs"]
mod rows;

use breather_sim::run;

use self::rows::{Row, rows};

fn main() {
    println!(
        "{:<52} {:>6} {:>9} {:>7} {:>9} {:>7}  verdict",
        "server", "calls", "makespan", "target", "sends", "target"
    );
    let rows = rows();
    for row in &rows {
        print(row);
    }
    print_course(&rows[0]);
}

/// What else is asked of the first row: who waits how long, and how many are sent at once.
fn print_course(row: &Row) {
    let (mut p50, mut p99, mut peak) = (Vec::new(), Vec::new(), 0);
    for seed in 1..=5 {
        let run = run(&row.server, &row.load, seed);
        let ideal = row.server.ideal(&row.load, seed);
        let over = |share| run.quantile(share).div_duration_f64(ideal.quantile(share));
        p50.push(over(0.5));
        p99.push(over(0.99));
        peak = peak.max(run.peak_sends_1s());
    }
    p50.sort_by(f64::total_cmp);
    p99.sort_by(f64::total_cmp);
    println!(
        "{}, {} calls: p50 {:.3} and p99 {:.3} of the ideal (at most 1.020), {peak} sends in a second (at most 300)",
        row.name,
        row.load.calls(),
        p50[2],
        p99[2],
    );
}

fn print(row: &Row) {
    let (mut makespans, mut sends, mut ok) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 1..=5 {
        let run = run(&row.server, &row.load, seed);
        let ideal = row.server.ideal(&row.load, seed).makespan();
        makespans.push(run.makespan().div_duration_f64(ideal));
        sends.push(run.sends_per_call());
        ok.push(run.ok());
        assert_eq!(run.leaked(), (0, 0), "{}, seed {seed}", row.name);
    }
    makespans.sort_by(f64::total_cmp);
    sends.sort_by(f64::total_cmp);
    ok.sort_unstable();
    let calls = row.load.calls();
    let verdict = match row.target {
        _ if ok[0] < calls => format!("{} calls never succeed", calls - ok[0]),
        None => String::new(),
        Some((makespan, most)) if makespans[2] <= makespan && sends[2] <= most => "ok".to_owned(),
        Some(_) => "NOT".to_owned(),
    };
    let target = |number: Option<f64>| number.map_or_else(String::new, |it| format!("{it:.3}"));
    println!(
        "{:<52} {:>6} {:>9.3} {:>7} {:>9.3} {:>7}  {verdict}",
        row.name,
        calls,
        makespans[2],
        target(row.target.map(|it| it.0)),
        sends[2],
        target(row.target.map(|it| it.1)),
    );
}
