//! What tests of the pacer have in common.

use breather_sim::{Load, Run, Server};

pub(crate) const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;

/// The medians over the seeds of makespan over ideal and of sends per call.
fn medians(server: &Server, load: &Load) -> (f64, f64) {
    let (makespans, sends) = SEEDS
        .map(|seed| {
            let run = finished(server, load, seed);
            let ideal = server.ideal(load, seed).makespan();
            (run.makespan().div_duration_f64(ideal), run.sends_per_call())
        })
        .unzip();
    (median(makespans), median(sends))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A run in which every call succeeded and nothing leaked.
pub(crate) fn finished(server: &Server, load: &Load, seed: u64) -> Run {
    let run = breather_sim::run(server, load, seed);
    assert_eq!(run.ok(), load.calls());
    assert_eq!(run.leaked(), (0, 0));
    run
}

pub(crate) fn assert_within(what: &str, server: &Server, load: &Load, makespan: f64, sends: f64) {
    let reached = medians(server, load);
    assert!(
        reached.0 <= makespan && reached.1 <= sends,
        "{what}, {} calls: makespan / ideal {:.3}, sends per call {:.3}",
        load.calls(),
        reached.0,
        reached.1,
    );
}
