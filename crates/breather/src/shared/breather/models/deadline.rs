//! Deadlines that pass while others wait.

use std::time::Duration;

use super::caller::{Caller, Over};
use super::world::World;
use super::{MS, check};
use crate::{Breather, End, EndReason, Policy, driver::Instant};

fn world() -> World {
    let policy = Policy::new().with_deadline(DEADLINE);
    let world = World::new(Breather::builder().with_policy(policy));
    world.learn_cap(1);
    world
}

/// Has a permit, and a transport that is never ready.
fn overdue(caller: &Caller) -> End {
    let mut call = caller.start();
    caller.ready(&mut call).expect("it is the first");
    let deadline = call.deadline().expect("it has begun");
    let overdue = deadline + Duration::from_nanos(1);
    caller.send(|| caller.sleep_until(overdue));
    let step = call.poll_unsent(&caller.waker());
    let Err(Over::Stopped(stopped)) = caller.follow(&mut call, step) else {
        panic!("it is late");
    };
    *stopped.end()
}

#[test]
fn the_permit_of_a_call_that_is_late_goes_to_the_next_at_once() {
    check(|| {
        let world = world();
        world.spawn(0, |caller| {
            let late = |caller: &Caller| {
                caller.sleep_until(Instant::ORIGIN + MS);
                caller.call();
            };
            caller.world().spawn(0, late);
            caller.world().spawn(1, late);
            assert_eq!(overdue(caller).reason(), EndReason::Deadline);
        });
        let over = world.run();
        assert_eq!(over, Instant::ORIGIN + DEADLINE + Duration::from_nanos(1));
    });
}

#[test]
fn a_call_that_stops_in_the_queue_leaves_nothing() {
    check(|| {
        let world = world();
        world.spawn(0, |caller| {
            let late = |caller: &Caller| {
                caller.sleep_until(Instant::ORIGIN + MS);
                caller.call();
            };
            let in_time = |caller: &Caller| {
                let mut call = caller.start();
                match caller.ready(&mut call) {
                    Ok(()) => caller.succeed(call),
                    Err(over) => assert!(matches!(over, Over::Stopped(_))),
                }
            };
            let mut call = caller.start();
            caller.ready(&mut call).expect("it is the first");
            for domain in 0..2 {
                caller.world().spawn(domain, in_time);
                caller.world().spawn(domain, late);
            }
            // At the instant at which those who came in time stop.
            caller.send(|| caller.sleep_until(Instant::ORIGIN + DEADLINE));
        });
        world.run();
    });
}

const DEADLINE: Duration = Duration::from_millis(500);
