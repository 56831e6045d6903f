//! Calls that are dropped wherever they are.

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

/// Makes a call, and drops it somewhere.
fn drop_one(caller: &Caller) {
    let mut call = caller.start();
    let fate = thread_rng().gen_range(0..4);
    if fate == 0 {
        return;
    }
    let step = caller.poll(&mut call);
    thread::sleep(Duration::ZERO);
    match step {
        // Waiting, or after an offer that it does not know of.
        Step::Wait { .. } if fate == 1 => {}
        // With an offer.
        Step::Wait { until } if fate == 2 => caller.wait(until, true),
        step => {
            caller.follow(&mut call, step).expect("nothing stops it");
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
fn what_a_dropped_call_held_the_others_have_at_once() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        callers(&world);
        assert_eq!(world.run(), Instant::ORIGIN);
    });
}

#[test]
fn time_that_passes_meanwhile_loses_nothing() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        callers(&world);
        world.hurry(4);
        world.run();
    });
}
