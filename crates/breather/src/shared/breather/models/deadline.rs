//! Deadlines that pass while other calls wait.

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

/// Makes a call that has a permit and whose transport is never ready. Returns its end.
fn overdue(caller: &Caller) -> End {
    let mut call = caller.start();
    caller
        .ready(&mut call)
        .expect("the first call gets a permit");
    let deadline = call.deadline().expect("the call has a deadline");
    let overdue = deadline + Duration::from_nanos(1);
    caller.send(|| caller.sleep_until(overdue));
    let step = call.poll_unsent(&caller.waker());
    let Err(Over::Stopped(stopped)) = caller.follow(&mut call, step) else {
        panic!("the call is past its deadline");
    };
    *stopped.end()
}

#[test]
fn overdue_call_passes_permit_on_immediately() {
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
fn call_ended_in_queue_leaves_no_state() {
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
            caller
                .ready(&mut call)
                .expect("the first call gets a permit");
            for domain in 0..2 {
                caller.world().spawn(domain, in_time);
                caller.world().spawn(domain, late);
            }
            // Ends at the deadline of the calls that came in time.
            caller.send(|| caller.sleep_until(Instant::ORIGIN + DEADLINE));
        });
        world.run();
    });
}

const DEADLINE: Duration = Duration::from_millis(500);
