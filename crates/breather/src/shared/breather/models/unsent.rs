//! Permits that are used late, because the transport is not ready.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use shuttle::thread;

use super::caller::Caller;
use super::world::World;
use super::{SECOND, check};
use crate::{
    Breather, Hint, Outcome,
    driver::{Decision, Instant},
    hint::Window,
};

/// A server that throttles its first call and says for how long.
#[derive(Default)]
struct Server {
    received: u32,
    /// The end of the hold, which applies to all callers that ask after it is set.
    opens: Instant,
}

/// Makes a call that asks again when its transport is ready, and is then sent.
fn call(caller: &Caller, server: &Mutex<Server>) {
    let server = || server.lock().expect("the lock is intact");
    let mut call = caller.start();
    loop {
        caller.ready(&mut call).expect("the call may be sent");
        thread::sleep(Duration::ZERO);
        let opens = server().opens;
        let step = call.poll_unsent(&caller.waker());
        caller
            .follow(&mut call, step)
            .expect("the call may be sent");
        let now = caller.now();
        assert!(now >= opens, "sent before {opens:?}");
        let is_throttled = caller.send(|| {
            thread::sleep(Duration::ZERO);
            let mut server = server();
            server.received += 1;
            server.received == 1
        });
        let window = Window::new("").with_limit(300);
        let hint = Hint::new(caller.now());
        if !is_throttled {
            let hint = hint.with_window(window.with_remaining(200));
            let _ = call.on_outcome(Outcome::success(), &hint);
            return;
        }
        let spent = window.with_remaining(0).with_reset(SECOND);
        let rejection = Outcome::throttled("status 429");
        let throttled_at = hint.received();
        let decision = call.on_outcome(rejection, &hint.with_window(spent));
        assert!(matches!(decision, Decision::Retry(_)));
        server().opens = throttled_at + SECOND;
    }
}

fn callers(world: &World) {
    let server = Arc::new(Mutex::new(Server::default()));
    for _ in 0..3 {
        let server = Arc::clone(&server);
        world.spawn(0, move |caller| call(caller, &server));
    }
}

#[test]
fn permit_granted_before_rejection_is_returned() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(2);
        callers(&world);
        assert_eq!(world.run(), Instant::ORIGIN + SECOND);
    });
}

#[test]
fn permit_is_returned_while_time_passes() {
    check(|| {
        let world = World::new(Breather::builder());
        world.learn_cap(2);
        callers(&world);
        world.hurry(4);
        world.run();
    });
}
