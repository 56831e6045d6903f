//! The results against a server.

use std::ops::{ControlFlow, RangeInclusive};
use std::time::Duration;

use crate::load::Load;
use crate::server::Server;
use crate::watch::{Happening, Watch};
use crate::world::run_watched;
use breather::driver::Instant;

/// The results of breather against a server, over several seeds.
///
/// # Example
///
/// ```
/// use breather::Policy;
/// use breather_sim::table::Reached;
/// use breather_sim::{Load, Server};
/// use std::time::Duration;
///
/// let server = Server::default().with_quota(20, Duration::from_secs(10));
/// let reached = Reached::of(&server, &Load::spike(50), 1..=3);
/// assert_eq!(reached.failed, 0);
/// assert!(!reached.has_leaked);
/// assert!(reached.makespan < 1.1);
///
/// // Without retries, the calls that the server throttles fail.
/// let load = Load::spike(50).with_policy(Policy::no_retries());
/// assert!(Reached::of(&server, &load, 1..=3).failed > 0);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Reached {
    /// The median of the makespan divided by the ideal's.
    pub makespan: f64,
    /// The median of sends per call.
    pub sends: f64,
    /// The most calls that never succeeded in any run.
    pub failed: usize,
    /// Whether a pacer still counted anything after all calls had ended.
    pub has_leaked: bool,
}

/// The upper limits for a result.
///
/// # Example
///
/// ```
/// use breather_sim::table::{Reached, rows};
///
/// let row = rows().into_iter().find(|row| row.name == "less than a window").unwrap();
/// let target = row.target.unwrap();
/// let mut reached = Reached::of(&row.server, &row.load, 1..=5);
/// assert!(target.is_met_by(&reached));
///
/// reached.sends = 2.0;
/// assert!(!target.is_met_by(&reached));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// The makespan divided by the ideal's.
    pub makespan: f64,
    /// Sends per call.
    pub sends: f64,
}

impl Reached {
    /// Plays `load` against `server` with each of the seeds.
    ///
    /// A run that takes longer than 20 minutes plus 20 times the ideal is stopped. Calls that are
    /// still active then count as failed.
    ///
    /// # Panics
    ///
    /// Panics if `seeds` is empty.
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
    /// Returns whether both numbers are within the target.
    #[must_use]
    pub fn is_met_by(&self, reached: &Reached) -> bool {
        reached.makespan <= self.makespan && reached.sends <= self.sends
    }
}

/// The time until which a run may last.
struct Patience(Instant);

impl Watch for Patience {
    fn on(&mut self, now: Instant, _: Happening<'_>) -> ControlFlow<()> {
        if now > self.0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Returns the median, or the upper of the two middle values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The longest run, as the sum of a constant and a multiple of the ideal.
const LONGEST: (Duration, u32) = (Duration::from_secs(1_200), 20);
