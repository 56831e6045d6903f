//! Calls that share a concurrency cap.

use super::check;
use super::world::World;
use crate::{Breather, driver::Instant};

fn callers(world: &World) {
    for _ in 0..3 {
        world.spawn(0, |caller| (0..2).for_each(|_| caller.call()));
    }
}

#[test]
fn returned_permit_goes_to_next_call_immediately() {
    for cap in [1, 2] {
        check(move || {
            let world = World::new(Breather::builder());
            world.learn_cap(cap);
            callers(&world);
            assert_eq!(world.run(), Instant::ORIGIN);
            // Six returned permits wake at most six calls.
            assert!(world.lock().woken <= 6);
        });
    }
}

#[test]
fn passing_time_grants_no_extra_permit() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        callers(&world);
        world.hurry(4);
        world.run();
    });
}
