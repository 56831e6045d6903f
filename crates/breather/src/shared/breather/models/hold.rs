//! Holds that end while calls come and go in two runtimes, one of which stops.

use std::time::Duration;

use super::caller::{Caller, Over};
use super::world::World;
use super::{MS, check};
use crate::{Breather, driver::Instant};

/// Makes a call in a runtime that may stop.
fn call_while_driven(caller: &Caller) {
    let mut call = caller.start();
    match caller.ready(&mut call) {
        Ok(()) => caller.succeed(call),
        Err(Over::Dropped) => {}
        Err(Over::Unpolled) => caller.world().lock().kept.push(call),
        Err(Over::Stopped(stopped)) => panic!("{stopped}"),
    }
}

/// Creates a world with two calls in each runtime and a hold until the reset.
fn held() -> World {
    let world = World::new(Breather::builder());
    world.learn_hold(RESET);
    for _ in 0..2 {
        world.spawn(0, call_while_driven);
        world.spawn(1, Caller::call);
    }
    world
}

#[test]
fn all_calls_are_sent_when_hold_ends() {
    check(|| {
        let world = held();
        assert_eq!(world.run(), Instant::ORIGIN + RESET);
    });
}

#[test]
fn lost_alarms_are_set_again() {
    check(|| {
        let world = held();
        world.spawn(1, |caller| {
            for domain in [0, 1, 0] {
                caller.world().domain(domain).lose_alarms();
            }
        });
        assert_eq!(world.run(), Instant::ORIGIN + RESET);
    });
}

#[test]
fn ended_runtime_does_not_delay_others() {
    check(|| {
        let world = held();
        world.spawn(1, |caller| caller.world().domain(0).end());
        assert_eq!(world.run(), Instant::ORIGIN + RESET);
    });
}

#[test]
fn runtime_ending_at_any_time_does_not_delay_others() {
    check(|| {
        let world = held();
        world.spawn(1, |caller| caller.world().domain(0).end());
        world.hurry(5);
        world.run();
    });
}

#[test]
fn stalled_runtime_delays_others_only_briefly() {
    check(|| {
        let world = held();
        world.spawn(1, |caller| caller.world().domain(0).stand_still());
        let over = world.run();
        assert!(over <= Instant::ORIGIN + RESET + 2 * MS, "{over:?}");
    });
}

#[test]
fn runtime_stalled_at_any_time_does_not_block_others() {
    check(|| {
        let world = held();
        world.spawn(1, |caller| caller.world().domain(0).stand_still());
        world.hurry(5);
        world.run();
    });
}

/// Longer than the interval at which each domain checks the scope.
const RESET: Duration = Duration::from_millis(1_500);
