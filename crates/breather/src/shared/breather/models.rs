//! Models of what calls share, each run through thousands of schedules by shuttle.
//!
//! Whatever a schedule can do to calls in several threads has to come to the same: no permit too many, none
//! that stays behind, nobody who waits although there is room. They are built with `--cfg breather_shuttle`
//! only, and lie here because they look into the scopes.

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
/// They are the same each time, but for the order in which a lost alarm wakes calls, so that what fails fails by
/// what was changed. `SHUTTLE_RANDOM_SEED` asks for others, and `MODEL_SCHEDULES` for so many times as many.
fn check(model: impl Fn() + Clone + Send + Sync + 'static) {
    let times =
        std::env::var("MODEL_SCHEDULES").map_or(1, |times| times.parse().expect("a number"));
    let random = RandomScheduler::new_from_seed(SEED, times * RANDOM);
    run(random, model.clone());
    // Finds what takes a certain order of few events, which chance alone seldom hits.
    run(
        PctScheduler::new_from_seed(SEED, DEPTH, times * PRIORITIZED),
        model,
    );
}

fn run(scheduler: impl Scheduler + 'static, model: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::default();
    // Frames are large where nothing is optimized.
    config.stack_size = 1 << 18;
    Runner::new(scheduler, config).run(model);
}

const SEED: u64 = 1;
const RANDOM: usize = 5_000;
const PRIORITIZED: usize = 1_000;

/// How many events in a certain order it may take.
const DEPTH: usize = 3;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// The scope of all models but that of the table.
const SCOPE: &str = "api";
