//! Plays rows and scenarios with the pacer that this was built with, and prints a line for each.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use breather_sim::table::{self, rows};
use breather_sim::{Scenario, check};

use crate::measured::{Held, Played, Reached};

/// Plays all rows with `seeds` seeds starting at `from`, and then that many scenarios.
pub(crate) fn measure(from: u64, seeds: u64, scenarios: u64) {
    // A panic is a result, and its details are not needed.
    panic::set_hook(Box::new(|_| ()));
    let rows = rows();
    each(rows.len(), |index| {
        let row = &rows[index];
        let seeds = from..=from + seeds - 1;
        let reached = caught(|| table::Reached::of(&row.server, &row.load, seeds));
        match reached {
            None => println!("row {index} panics"),
            Some(reached) => println!("row {index} {}", Reached::from(reached)),
        }
    });
    each(scenarios as usize, |seed| {
        let scenario = Scenario::drawn(seed as u64);
        let played = match caught(|| check(&scenario)) {
            None => Played::Panics,
            Some(Err(violation)) => Played::Violates(format!("{:?}", violation.rule())),
            Some(Ok(run)) => Played::Holds(Held {
                makespan: run.makespan().as_secs_f64(),
                sends: run.sends_per_call(),
                ok: run.ok(),
            }),
        };
        println!("scenario {seed} {played}");
    });
}

/// Returns the result of `play`, or `None` if it panics.
fn caught<T>(play: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(play)).ok()
}

/// Runs `work` for all numbers below `count`, on all cores.
fn each(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let all = || loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= count {
            return;
        }
        work(index);
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(all);
        }
    });
}
