//! Helpers that several tests of the pacer share.

use breather_sim::table::Reached;
use breather_sim::{Load, Run, Server};

pub(crate) const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;

/// Plays a run and asserts that every call succeeded and nothing leaked.
pub(crate) fn finished(server: &Server, load: &Load, seed: u64) -> Run {
    let run = breather_sim::run(server, load, seed);
    assert_eq!(run.ok(), load.calls());
    assert_eq!(run.leaked(), (0, 0));
    run
}

pub(crate) fn assert_within(what: &str, server: &Server, load: &Load, makespan: f64, sends: f64) {
    let reached = Reached::of(server, load, SEEDS);
    assert_eq!(reached.failed, 0, "{what}");
    assert!(!reached.has_leaked, "{what}");
    assert!(
        reached.makespan <= makespan && reached.sends <= sends,
        "{what}, {} calls: makespan / ideal {:.3}, sends per call {:.3}",
        load.calls(),
        reached.makespan,
        reached.sends,
    );
}
