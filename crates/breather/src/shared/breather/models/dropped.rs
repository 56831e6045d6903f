//! Calls that are dropped at any point.

use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use super::caller::Caller;
use super::check;
use super::world::World;
use crate::{
    Breather,
    driver::{Instant, Step},
};

/// Makes a call, and drops it at a random point.
fn drop_one(caller: &Caller) {
    let mut call = caller.start();
    let fate = thread_rng().gen_range(0..4);
    if fate == 0 {
        return;
    }
    let step = caller.poll(&mut call);
    thread::sleep(Duration::ZERO);
    match step {
        // Drop it while it waits, or after an offer that it hasn't seen.
        Step::Wait { .. } if fate == 1 => {}
        // Drop it with an offer.
        Step::Wait { until } if fate == 2 => caller.wait(until, true),
        step => {
            caller
                .follow(&mut call, step)
                .expect("the call may be sent");
            caller.send(|| thread::sleep(Duration::ZERO));
        }
    }
}

fn callers(world: &World) {
    for _ in 0..2 {
        world.spawn(0, |caller| (0..2).for_each(|_| drop_one(caller)));
        world.spawn(0, Caller::call);
    }
}

#[test]
fn dropped_call_passes_permit_on_immediately() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        callers(&world);
        assert_eq!(world.run(), Instant::ORIGIN);
    });
}

#[test]
fn passing_time_loses_no_permit_of_dropped_calls() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        callers(&world);
        world.hurry(4);
        world.run();
    });
}
