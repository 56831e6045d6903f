//! Calls that are no longer polled, for example in a `select!` that awaits another future.

use super::caller::Caller;
use super::world::World;
use super::{MS, check};
use crate::{
    Breather,
    driver::{Instant, Step},
};

/// Polls a call once. Sends it if it gets a permit, and otherwise never polls it again.
fn leave_one(caller: &Caller) {
    let mut call = caller.start();
    match caller.poll(&mut call) {
        Step::Send => caller.succeed(call),
        _ => caller.world().lock().kept.push(call),
    }
}

#[test]
fn unclaimed_permit_passes_on_within_1_ms() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        world.spawn(0, leave_one);
        for _ in 0..2 {
            world.spawn(0, |caller| (0..2).for_each(|_| caller.call()));
        }
        let over = world.run();
        assert!(over <= Instant::ORIGIN + MS, "{over:?}");
    });
}

#[test]
fn each_unpolled_call_delays_others_once() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        for _ in 0..2 {
            world.spawn(0, leave_one);
        }
        for _ in 0..2 {
            world.spawn(1, Caller::call);
        }
        let over = world.run();
        assert!(over <= Instant::ORIGIN + 2 * MS, "{over:?}");
    });
}
