//! Prints how close the pacer comes to the ideal, and with how many rejections.
//!
//! Run it with `cargo run --release -p breather-sim --example table`. Append `-- 50` for medians of
//! 50 seeds instead of 5.

use breather_sim::run;
use breather_sim::table::{Reached, Row, rows};

fn main() {
    let seeds = match std::env::args().nth(1) {
        None => 5,
        Some(seeds) => match seeds.parse() {
            Ok(seeds) if seeds > 0 => seeds,
            _ => {
                eprintln!("expected how many seeds, as in `table -- 50`, not {seeds}");
                std::process::exit(2);
            }
        },
    };
    println!(
        "{:<52} {:>6} {:>9} {:>7} {:>9} {:>7}  verdict",
        "server", "calls", "makespan", "target", "sends", "target"
    );
    let rows = rows();
    for row in &rows {
        print(row, seeds);
    }
    print_course(&rows[0], seeds);
}

/// Prints two more checks of the first row, on response times and on the peak send rate.
fn print_course(row: &Row, seeds: u64) {
    let (mut p50, mut p99, mut peak) = (Vec::new(), Vec::new(), 0);
    for seed in 1..=seeds {
        let run = run(&row.server, &row.load, seed);
        let ideal = row.server.ideal(&row.load, seed);
        let over = |share| run.quantile(share).div_duration_f64(ideal.quantile(share));
        p50.push(over(0.5));
        p99.push(over(0.99));
        peak = peak.max(run.peak_sends_1s());
    }
    println!(
        "{}, {} calls: p50 {:.3} and p99 {:.3} of the ideal (at most 1.020), {peak} sends in a second (at most 300)",
        row.name,
        row.load.calls(),
        median(p50),
        median(p99),
    );
}

fn print(row: &Row, seeds: u64) {
    let reached = Reached::of(&row.server, &row.load, 1..=seeds);
    assert!(!reached.has_leaked, "{}", row.name);
    let verdict = match row.target {
        _ if reached.failed > 0 => format!("{} calls never succeed", reached.failed),
        None => String::new(),
        Some(target) if target.is_met_by(&reached) => "ok".to_owned(),
        Some(_) => "NOT".to_owned(),
    };
    let target = |number: Option<f64>| number.map_or_else(String::new, |it| format!("{it:.3}"));
    println!(
        "{:<52} {:>6} {:>9.3} {:>7} {:>9.3} {:>7}  {verdict}",
        row.name,
        row.load.calls(),
        reached.makespan,
        target(row.target.map(|it| it.makespan)),
        reached.sends,
        target(row.target.map(|it| it.sends)),
    );
}

/// Returns the median, or the upper of the two middle values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
