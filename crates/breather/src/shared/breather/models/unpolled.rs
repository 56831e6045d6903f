//! Calls that nobody polls any more, as in a `select!` that waits for something else.

use super::caller::Caller;
use super::world::World;
use super::{MS, check};
use crate::{
    Breather,
    driver::{Instant, Step},
};

/// Has a call wait, or sent if it need not, and never polls it again.
fn leave_one(caller: &Caller) {
    let mut call = caller.start();
    match caller.poll(&mut call) {
        Step::Send => caller.succeed(call),
        _ => caller.world().lock().kept.push(call),
    }
}

#[test]
fn what_they_do_not_take_passes_on_within_a_millisecond() {
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
fn each_holds_the_others_up_once() {
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
