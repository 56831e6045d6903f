//! Calls in many scopes, with a table that has room for few.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use super::world::World;
use super::{SCOPE, SECOND, check};
use crate::{
    Breather, Hint, Outcome,
    driver::{NewCall, Step},
};

/// The attempts in flight in each shared scope, counted by their callers.
#[derive(Default)]
struct Tally {
    in_flight: BTreeMap<&'static str, u32>,
    changes: u32,
}

impl Tally {
    fn count(&mut self, name: &'static str, by: i32) {
        let in_flight = self.in_flight.entry(name).or_default();
        *in_flight = in_flight.checked_add_signed(by).expect("a count");
        self.changes += 1;
    }
}

/// Makes a call in the scope. Returns whether the scope was shared.
fn call(world: &World, tally: &Mutex<Tally>, name: &'static str) -> bool {
    let tally = || tally.lock().expect("the lock is intact");
    let timer = world.domain(0);
    let mut call = world.breather().start(
        NewCall::new().with_origin(name).with_idempotent(true),
        timer,
        1,
    );
    let is_shared = !call.report().unshared();
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    if is_shared {
        tally().count(name, 1);
        let before = tally().changes;
        let seen = world
            .breather()
            .snapshot(name)
            .expect("the scope is in use");
        let tally = tally();
        // All calls that report a shared scope use the same one.
        assert!(tally.changes > before || seen.in_flight() >= tally.in_flight[name]);
    }
    thread::sleep(Duration::ZERO);
    if is_shared {
        assert!(world.breather().snapshot(name).is_some());
        tally().count(name, -1);
    }
    if thread_rng().r#gen() {
        let _ = call.on_outcome(Outcome::success(), &Hint::new(world.now()));
    }
    is_shared
}

/// Makes calls in `names` by three threads. Returns whether all scopes were shared.
fn run(world: &World, room: usize, names: &'static [&'static str]) -> bool {
    let tally = Arc::new(Mutex::new(Tally::default()));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (world, tally) = (world.clone(), Arc::clone(&tally));
            thread::spawn(move || {
                let mut all = true;
                for _ in 0..3 {
                    let name = names[thread_rng().gen_range(0..names.len())];
                    all &= call(&world, &tally, name);
                    let scopes = world.breather().0.scopes.as_ref();
                    assert!(scopes.is_some_and(|scopes| scopes.len() <= room));
                }
                all
            })
        })
        .collect();
    let shared = threads
        .into_iter()
        .map(|thread| thread.join().expect("the thread succeeded"));
    shared.fold(true, |all, shared| all & shared)
}

#[test]
fn shared_scope_is_the_same_for_all_threads() {
    for room in [1, 2] {
        check(move || {
            let world = World::new(Breather::builder().with_max_scopes(room));
            run(&world, room, &["a", "b", "c"]);
            // All scopes are idle, so there is room.
            assert!(call(&world, &Mutex::default(), "d"));
        });
    }
}

#[test]
fn scopes_are_shared_while_table_has_room() {
    check(|| {
        let world = World::new(Breather::builder().with_max_scopes(2));
        assert!(run(&world, 2, &["a", "b"]));
    });
}

#[test]
fn held_scope_is_not_evicted() {
    check(|| {
        let world = World::new(Breather::builder().with_max_scopes(2));
        world.learn_hold(SECOND);
        run(&world, 2, &["a", "b"]);
        let held = world.breather().snapshot(SCOPE).expect("the scope is held");
        assert_eq!(held.opens_at(), Some(world.now() + SECOND));
    });
}
