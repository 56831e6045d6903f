//! Holds that end while calls come and go, in two runtimes of which one stops.

use std::time::Duration;

use super::caller::{Caller, Over};
use super::world::World;
use super::{MS, check};
use crate::{Breather, driver::Instant};

/// A call of a runtime that may stop.
fn call_while_driven(caller: &Caller) {
    let mut call = caller.start();
    match caller.ready(&mut call) {
        Ok(()) => caller.succeed(call),
        Err(Over::Dropped) => {}
        Err(Over::Unpolled) => caller.world().lock().kept.push(call),
        Err(Over::Stopped(stopped)) => panic!("{stopped}"),
    }
}

/// Two calls in each runtime, and nothing may be sent until the reset.
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
fn all_go_when_it_ends() {
    check(|| {
        let world = held();
        assert_eq!(world.run(), Instant::ORIGIN + RESET);
    });
}

#[test]
fn alarms_that_are_lost_are_set_again() {
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
fn a_runtime_that_ends_holds_up_no_other() {
    check(|| {
        let world = held();
        world.spawn(1, |caller| caller.world().domain(0).end());
        assert_eq!(world.run(), Instant::ORIGIN + RESET);
    });
}

#[test]
fn a_runtime_that_ends_at_any_time_holds_up_no_other() {
    check(|| {
        let world = held();
        world.spawn(1, |caller| caller.world().domain(0).end());
        world.hurry(5);
        world.run();
    });
}

#[test]
fn a_runtime_that_stands_still_holds_up_no_other_for_long() {
    check(|| {
        let world = held();
        world.spawn(1, |caller| caller.world().domain(0).stand_still());
        let over = world.run();
        assert!(over <= Instant::ORIGIN + RESET + 2 * MS, "{over:?}");
    });
}

#[test]
fn a_runtime_that_stands_still_at_any_time_holds_up_no_other() {
    check(|| {
        let world = held();
        world.spawn(1, |caller| caller.world().domain(0).stand_still());
        world.hurry(5);
        world.run();
    });
}

/// Longer than the time after which a domain looks at the scope in any case.
const RESET: Duration = Duration::from_millis(1_500);
