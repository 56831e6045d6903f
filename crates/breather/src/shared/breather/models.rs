//! Models of the state that calls share. shuttle runs each one through thousands of schedules.
//!
//! In every schedule of several threads, the pacer must grant no permit too many, lose no permit,
//! and keep no call waiting while a permit is free. The models are built only with `--cfg
//! breather_shuttle`. They are in this module because they inspect the scopes.

mod caller;
mod cap;
mod deadline;
mod domain;
mod dropped;
mod hold;
mod moved;
mod quota;
mod settled;
mod several;
mod table;
mod unpolled;
mod unsent;
mod world;

use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// Runs `model` through its schedules.
///
/// The schedules are the same each time, so a new failure comes from a change of the code. Only the
/// order in which a lost alarm wakes calls differs. `SHUTTLE_RANDOM_SEED` selects other schedules,
/// and `MODEL_SCHEDULES` multiplies their number.
fn check(model: impl Fn() + Clone + Send + Sync + 'static) {
    let times =
        std::env::var("MODEL_SCHEDULES").map_or(1, |times| times.parse().expect("a number"));
    let random = RandomScheduler::new_from_seed(SEED, times * RANDOM);
    run(random, model.clone());
    // Finds failures that need a certain order of few events, which random schedules seldom hit.
    run(
        PctScheduler::new_from_seed(SEED, DEPTH, times * PRIORITIZED),
        model,
    );
}

fn run(scheduler: impl Scheduler + 'static, model: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::default();
    // Stack frames are large in builds without optimization.
    config.stack_size = 1 << 18;
    Runner::new(scheduler, config).run(model);
}

const SEED: u64 = 1;
const RANDOM: usize = 5_000;
const PRIORITIZED: usize = 1_000;

/// How many ordered events a failure may need.
const DEPTH: usize = 3;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// The scope in the models that use one scope.
const SCOPE: &str = "api";
