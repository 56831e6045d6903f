//! What is reached against a server.

use std::ops::{ControlFlow, RangeInclusive};
use std::time::Duration;

use breather::driver::Instant;
use breather_sim::{Happening, Load, Server, Watch, run_watched};

/// What a load reached against a server, over some seeds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    /// The median of makespan over ideal.
    pub(crate) makespan: f64,
    /// The median of sends per call.
    pub(crate) sends: f64,
    /// How many calls never succeed, at worst.
    pub(crate) failed: usize,
    /// Whether a pacer still held anything when all calls were over.
    pub(crate) has_leaked: bool,
}

impl Reached {
    /// Plays `load` against `server` with each of the seeds.
    pub(crate) fn of(server: &Server, load: &Load, seeds: RangeInclusive<u64>) -> Self {
        let (mut makespans, mut sends) = (Vec::new(), Vec::new());
        let (mut failed, mut has_leaked) = (0, false);
        for seed in seeds {
            let ideal = server.ideal(load, seed).makespan();
            let mut patience = Patience(Instant::ORIGIN + ideal * LONGEST.1 + LONGEST.0);
            let run = run_watched(server, load, seed, &mut patience);
            makespans.push(run.makespan().div_duration_f64(ideal));
            sends.push(run.sends_per_call());
            failed = failed.max(load.calls() - run.ok());
            has_leaked |= run.leaked() != (0, 0);
        }
        Self {
            makespan: median(makespans),
            sends: median(sends),
            failed,
            has_leaked,
        }
    }
}

/// Until when the end of a run is waited for.
struct Patience(Instant);

impl Watch for Patience {
    fn on(&mut self, now: Instant, _: Happening<'_>) -> ControlFlow<()> {
        if now > self.0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// The middle of them, or the upper one of the two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How long a run may take: so long, and so often as long as the ideal.
const LONGEST: (Duration, u32) = (Duration::from_secs(1_200), 20);
