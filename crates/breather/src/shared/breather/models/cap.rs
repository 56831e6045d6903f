//! Calls that share what may be in flight.

use super::check;
use super::world::World;
use crate::{Breather, driver::Instant};

fn callers(world: &World) {
    for _ in 0..3 {
        world.spawn(0, |caller| (0..2).for_each(|_| caller.call()));
    }
}

#[test]
fn what_one_call_gives_back_the_next_one_has_at_once() {
    for cap in [1, 2] {
        check(move || {
            let world = World::new(Breather::builder());
            world.learn_cap(cap);
            callers(&world);
            assert_eq!(world.run(), Instant::ORIGIN);
            // What six calls gave back let go no more than that.
            assert!(world.lock().woken <= 6);
        });
    }
}

#[test]
fn time_that_passes_gives_nobody_a_permit_too_many() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        callers(&world);
        world.hurry(4);
        world.run();
    });
}
