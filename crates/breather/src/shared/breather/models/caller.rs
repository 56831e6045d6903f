//! A thread that makes calls, and how it is woken.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use shuttle::thread::{self, Thread};

use super::domain::{Domain, Life};
use super::world::{Active, World};
use crate::{
    Hint, Outcome, Stopped,
    driver::{Instant, Step},
};

/// A thread that makes calls.
pub(super) struct Caller {
    world: World,
    id: usize,
    timer: Domain,
}

/// The state of a caller's thread while it waits for its waker.
pub(super) struct Parker {
    thread: Option<Thread>,
    pub(super) domain: u64,
    pub(super) is_parked: bool,
    is_called: bool,
    /// Whether the caller waits for a permit.
    awaits_permit: bool,
}

/// Why a call ended without being sent.
#[derive(Debug)]
pub(super) enum Over {
    Stopped(Stopped),
    /// The runtime has ended.
    Dropped,
    /// The runtime is no longer driven.
    Unpolled,
}

impl Parker {
    pub(super) fn new(domain: u64) -> Self {
        Self {
            thread: None,
            domain,
            is_parked: false,
            is_called: false,
            awaits_permit: false,
        }
    }

    pub(super) fn awaits_permit(&self) -> bool {
        self.is_parked && self.awaits_permit
    }
}

impl Caller {
    pub(super) fn new(world: World, id: usize, timer: Domain) -> Self {
        Self { world, id, timer }
    }

    pub(super) fn settle_in(&self) {
        self.world.lock().parkers[self.id].thread = Some(thread::current());
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn now(&self) -> Instant {
        self.world.now()
    }

    pub(super) fn start(&self) -> Active {
        self.world.start(&self.timer)
    }

    /// Returns a new waker, so that the scope drops the last copy of it.
    pub(super) fn waker(&self) -> Waker {
        let (world, caller) = (self.world.clone(), self.id);
        Waker::from(Arc::new(Bell { world, caller }))
    }

    /// Polls the call once.
    pub(super) fn poll(&self, call: &mut Active) -> Step {
        call.poll_step(&self.waker())
    }

    /// Waits until the call may be sent.
    pub(super) fn ready(&self, call: &mut Active) -> Result<(), Over> {
        let step = self.poll(call);
        self.follow(call, step)
    }

    /// Performs `step` and all further steps until the call may be sent.
    pub(super) fn follow(&self, call: &mut Active, mut step: Step) -> Result<(), Over> {
        loop {
            match step {
                Step::Send => return Ok(()),
                Step::End(stopped) => return Err(Over::Stopped(stopped)),
                Step::Wait { until } if until.is_none() || until == call.deadline() => {
                    self.wait(until, true);
                }
                Step::Wait { until } => self.wait(until, false),
            }
            match self.timer.life() {
                Life::Driven => {}
                Life::StandsStill => return Err(Over::Unpolled),
                Life::Ended => return Err(Over::Dropped),
            }
            step = self.poll(call);
        }
    }

    pub(super) fn sleep_until(&self, at: Instant) {
        while self.now() < at {
            self.wait(Some(at), false);
        }
    }

    /// Waits for the waker or until an instant.
    pub(super) fn wait(&self, until: Option<Instant>, awaits_permit: bool) {
        {
            let waker = until.map(|until| (until, self.waker()));
            let mut state = self.world.lock();
            state.sleeping.extend(waker);
            state.parkers[self.id].awaits_permit = awaits_permit;
        }
        loop {
            let mut state = self.world.lock();
            let parker = &mut state.parkers[self.id];
            if std::mem::take(&mut parker.is_called) {
                return;
            }
            if !std::mem::replace(&mut parker.is_parked, true) {
                state.busy -= 1;
            }
            let is_quiet = state.busy == 0;
            drop(state);
            if is_quiet {
                self.world.on_quiet();
            }
            thread::park();
        }
    }

    /// Sends the call. It is in flight while `during` runs.
    ///
    /// The number of calls in flight must not exceed the scope's concurrency while no call is
    /// throttled.
    pub(super) fn send<R>(&self, during: impl FnOnce() -> R) -> R {
        let in_flight = {
            let mut state = self.world.lock();
            state.in_flight += 1;
            state.in_flight
        };
        let permitted = self.world.concurrency();
        assert!(
            in_flight <= permitted,
            "{in_flight} in flight, {permitted} permitted"
        );
        let result = during();
        self.world.lock().in_flight -= 1;
        result
    }

    /// Sends the call, which succeeds with an empty hint.
    pub(super) fn succeed(&self, mut call: Active) {
        self.send(|| thread::sleep(Duration::ZERO));
        let _ = call.on_outcome(Outcome::success(), &Hint::new(self.now()));
    }

    /// Makes a call from start to success.
    pub(super) fn call(&self) {
        let mut call = self.start();
        self.ready(&mut call).expect("the call may be sent");
        self.succeed(call);
    }
}

impl World {
    /// Wakes a caller.
    pub(super) fn unpark(&self, caller: usize) {
        let mut state = self.lock();
        let parker = &mut state.parkers[caller];
        parker.is_called = true;
        if !std::mem::take(&mut parker.is_parked) {
            return;
        }
        let thread = parker.thread.clone().expect("a parked caller has a thread");
        state.busy += 1;
        drop(state);
        thread.unpark();
    }
}

/// The waker of one poll. It uses the handle when it is called and when it is dropped.
struct Bell {
    world: World,
    caller: usize,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.world.look();
        self.world.lock().woken += 1;
        self.world.unpark(self.caller);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.world.look();
    }
}
