//! Calls that share a window of quota.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use shuttle::thread;

use super::caller::Caller;
use super::world::World;
use super::{SECOND, check};
use crate::{Breather, Hint, Outcome, driver::Instant, hint::Window};

/// A server that permits [`LIMIT`] calls in each window and reports its window.
#[derive(Default)]
struct Server {
    window: u64,
    used: u64,
}

impl Server {
    fn receive(&mut self, now: Instant) -> Hint<'static> {
        let length = WINDOW.as_nanos() as u64;
        let window = now.as_nanos() / length;
        if window > self.window {
            *self = Self { window, used: 0 };
        }
        self.used += 1;
        assert!(self.used <= LIMIT, "more calls were sent than remained");
        let reset = Instant::from_nanos((window + 1) * length);
        let told = Window::new("")
            .with_limit(LIMIT)
            .with_remaining(LIMIT - self.used);
        Hint::new(now).with_window(told.with_reset(reset.duration_since(now)))
    }
}

fn call(caller: &Caller, server: &Mutex<Server>) {
    let mut call = caller.start();
    caller.ready(&mut call).expect("the call may be sent");
    let hint = caller.send(|| {
        let hint = server
            .lock()
            .expect("the lock is intact")
            .receive(caller.now());
        thread::sleep(Duration::ZERO);
        hint
    });
    let _ = call.on_outcome(Outcome::success(), &hint);
}

#[test]
fn calls_use_the_whole_quota_and_no_more() {
    check(|| {
        let world = World::new(Breather::builder());
        let server = Arc::new(Mutex::new(Server::default()));
        let teacher = Arc::clone(&server);
        // The first response teaches the scope its window.
        world.spawn(0, move |caller| {
            call(caller, &teacher);
            for _ in 0..3 {
                let server = Arc::clone(&teacher);
                caller
                    .world()
                    .spawn(0, move |caller| (0..2).for_each(|_| call(caller, &server)));
            }
        });
        // Seven calls take four windows.
        assert_eq!(world.run(), Instant::ORIGIN + 3 * WINDOW);
    });
}

const LIMIT: u64 = 2;
const WINDOW: Duration = SECOND;
