//! Calls in several scopes, named in any order.

use std::future::Ready;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use shuttle::thread::{self, Thread};

use super::check;
use crate::{
    Breather, Hint, Outcome, Scopes,
    driver::{ActiveCall, Alarm, Instant, NewCall, Step, Timer, UnixTime, WallClock},
    hint::Window,
};

/// A clock that stands still. It keeps the alarms, because a dropped alarm wakes all calls.
#[derive(Clone, Default)]
struct Still(Arc<Mutex<Vec<Alarm>>>);

impl WallClock for Still {
    fn unix_time(&self) -> UnixTime {
        UnixTime::from_secs(0)
    }
}

impl Timer for Still {
    type Sleep = Ready<()>;

    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        std::future::ready(())
    }

    fn set_alarm(&self, alarm: Alarm) {
        self.0.lock().expect("the lock is intact").push(alarm);
    }
}

struct Bell(Thread);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn start(breather: &Breather, timer: &Still, scopes: &[&str]) -> ActiveCall<Still> {
    let scopes: Scopes = scopes.iter().copied().collect();
    breather.start(
        NewCall::new().with_scope(&scopes).with_idempotent(true),
        timer.clone(),
        1,
    )
}

/// Teaches `scope` a cap of one call in flight.
fn learn_cap(breather: &Breather, timer: &Still, scope: &str) {
    let mut calls = [(); 2].map(|()| start(breather, timer, &[scope]));
    for call in &mut calls {
        assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    }
    let [mut accepted, mut throttled] = calls;
    let left = Window::new("").with_limit(300).with_remaining(200);
    let hint = Hint::new(Instant::ORIGIN).with_window(left);
    let _ = throttled.on_outcome(Outcome::throttled("status 429"), &hint);
    let _ = accepted.on_outcome(Outcome::success(), &Hint::new(Instant::ORIGIN));
}

/// Makes a call. If `waits` is false, drops it as soon as it would have to wait.
fn call(breather: &Breather, timer: &Still, scopes: &[&str], in_flight: &AtomicU32, waits: bool) {
    let mut call = start(breather, timer, scopes);
    let waker = Waker::from(Arc::new(Bell(thread::current())));
    while call.poll_step(&waker) != Step::Send {
        if !waits {
            return;
        }
        thread::park();
    }
    assert_eq!(
        in_flight.fetch_add(1, Ordering::Relaxed),
        0,
        "2 in flight, 1 permitted"
    );
    thread::yield_now();
    in_flight.fetch_sub(1, Ordering::Relaxed);
    let _ = call.on_outcome(Outcome::success(), &Hint::new(Instant::ORIGIN));
}

#[test]
fn all_scopes_grant_together_and_every_call_ends() {
    check(|| {
        let (breather, timer) = (Breather::default(), Still::default());
        learn_cap(&breather, &timer, "organisation");
        learn_cap(&breather, &timer, "token 1");
        let in_flight = Arc::new(AtomicU32::new(0));
        let callers = [
            (["token 1", "organisation"], true),
            (["organisation", "token 1"], true),
            (["token 2", "organisation"], true),
            (["token 1", "organisation"], false),
        ];
        let threads = callers.map(|(scopes, waits)| {
            let (breather, timer) = (breather.clone(), timer.clone());
            let in_flight = Arc::clone(&in_flight);
            thread::spawn(move || call(&breather, &timer, &scopes, &in_flight, waits))
        });
        for thread in threads {
            thread.join().expect("the thread succeeded");
        }
        for (name, scope) in breather.snapshots() {
            assert_eq!((scope.in_flight(), scope.queued()), (0, 0), "{name}");
        }
    });
}
