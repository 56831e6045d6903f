//! What is reached against a server.

use std::ops::{ControlFlow, RangeInclusive};
use std::time::Duration;

use crate::load::Load;
use crate::server::Server;
use crate::watch::{Happening, Watch};
use crate::world::run_watched;
use breather::driver::Instant;

/// What breather reached against a server, over some seeds.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Reached {
    /// The median of makespan over ideal.
    pub makespan: f64,
    /// The median of sends per call.
    pub sends: f64,
    /// How many calls never succeed, at worst.
    pub failed: usize,
    /// Whether a pacer still held anything when all calls were over.
    pub has_leaked: bool,
}

/// The most that it may be.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Makespan over ideal.
    pub makespan: f64,
    /// Sends per call.
    pub sends: f64,
}

impl Reached {
    /// Plays `load` against `server` with each of the seeds, of which there is at least one.
    ///
    /// A run that takes 20 minutes and 20 times as long as the ideal is broken off, and what is not done by then
    /// never succeeds.
    ///
    /// # Panics
    ///
    /// Without seeds.
    #[must_use]
    pub fn of(server: &Server, load: &Load, seeds: RangeInclusive<u64>) -> Self {
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

impl Target {
    /// Whether neither number is above this.
    #[must_use]
    pub fn is_met_by(&self, reached: &Reached) -> bool {
        reached.makespan <= self.makespan && reached.sends <= self.sends
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
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How long a run may take: so long, and so often as long as the ideal.
const LONGEST: (Duration, u32) = (Duration::from_secs(1_200), 20);
