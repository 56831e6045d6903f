//! Calls that move from one thread to another between polls, like tasks of a runtime.

use super::caller::Caller;
use super::check;
use super::world::World;
use crate::{
    Breather,
    driver::{Instant, Step},
};

#[test]
fn last_poller_is_woken() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(1);
        world.spawn(0, Caller::call);
        world.spawn(0, |caller| {
            let mut call = caller.start();
            let step = caller.poll(&mut call);
            caller.world().spawn(0, move |other| {
                // Polls although no waker was called.
                let step = match step {
                    Step::Wait { .. } => other.poll(&mut call),
                    step => step,
                };
                other.follow(&mut call, step).expect("the call may be sent");
                other.succeed(call);
            });
        });
        world.spawn(0, Caller::call);
        assert_eq!(world.run(), Instant::ORIGIN);
    });
}
