//! Calls that are polled by one thread and then by another, as tasks of a runtime are.

use super::caller::Caller;
use super::check;
use super::world::World;
use crate::{
    Breather,
    driver::{Instant, Step},
};

#[test]
fn who_polled_last_is_woken() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        world.spawn(0, Caller::call);
        world.spawn(0, |caller| {
            let mut call = caller.start();
            let step = caller.poll(&mut call);
            caller.world().spawn(0, move |other| {
                // A poll that nothing called for.
                let step = match step {
                    Step::Wait { .. } => other.poll(&mut call),
                    step => step,
                };
                other.follow(&mut call, step).expect("nothing stops it");
                other.succeed(call);
            });
        });
        world.spawn(0, Caller::call);
        assert_eq!(world.run(), Instant::ORIGIN);
    });
}
