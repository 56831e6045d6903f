//! The callers of a model, and their clock.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::task::Waker;
use std::time::Duration;

use shuttle::thread::{self, JoinHandle, Thread};

use super::SCOPE;
use super::caller::{Caller, Parker};
use super::domain::{Domain, Runtime};
use crate::shared::breather::{Breather, BreatherBuilder};
use crate::shared::scope::Scope;
use crate::{
    Hint, Outcome,
    driver::{ActiveCall, Alarm, Instant, NewCall, Step},
    hint::Window,
};

pub(super) type Active = ActiveCall<Domain>;

/// A handle, its callers in separate threads, and their clock.
///
/// Time advances only when all threads wait, and then to the next instant that a thread waits for.
/// Delays therefore come only from faults. [`hurry`](Self::hurry) lets time advance at any moment.
#[derive(Clone)]
pub(super) struct World {
    breather: Breather,
    state: Arc<Mutex<State>>,
}

pub(super) struct State {
    pub(super) now: Instant,
    pub(super) sleeping: Vec<(Instant, Waker)>,
    pub(super) runtimes: Vec<Runtime>,
    pub(super) parkers: Vec<Parker>,
    /// The number of threads that are neither parked nor finished.
    pub(super) busy: usize,
    /// The number of callers with a permit, by their own count.
    pub(super) in_flight: u32,
    /// The number of times that a waker was called.
    pub(super) woken: u32,
    /// The calls that are no longer polled.
    pub(super) kept: Vec<Active>,
    threads: Vec<JoinHandle<()>>,
    main: Thread,
}

impl World {
    pub(super) fn new(builder: BreatherBuilder) -> Self {
        let state = State {
            now: Instant::ORIGIN,
            sleeping: Vec::new(),
            runtimes: vec![Runtime::default(), Runtime::default()],
            parkers: Vec::new(),
            busy: 0,
            in_flight: 0,
            woken: 0,
            kept: Vec::new(),
            threads: Vec::new(),
            main: thread::current(),
        };
        let state = Arc::new(Mutex::new(state));
        let breather = builder.build();
        Self { breather, state }
    }

    /// Teaches the scope a concurrency of `cap`. It keeps that for a second.
    pub(super) fn learn_cap(&self, cap: u32) {
        let timer = self.domain(0);
        let mut calls: Vec<_> = (0..=cap).map(|_| self.start(&timer)).collect();
        for call in &mut calls {
            assert_eq!(call.poll_step(Waker::noop()), Step::Send);
        }
        let left = Window::new("").with_limit(300).with_remaining(200);
        let rejection = Hint::new(self.now()).with_window(left);
        let mut throttled = calls.pop().expect("there is at least one call");
        let _ = throttled.on_outcome(Outcome::throttled("status 429"), &rejection);
        for call in &mut calls {
            let _ = call.on_outcome(Outcome::success(), &Hint::new(self.now()));
        }
        assert_eq!(self.concurrency(), cap);
    }

    /// Teaches the scope that its window is spent until `reset`.
    pub(super) fn learn_hold(&self, reset: Duration) {
        let mut call = self.start(&self.domain(0));
        assert_eq!(call.poll_step(Waker::noop()), Step::Send);
        let spent = Window::new("").with_limit(300).with_remaining(0);
        let hint = Hint::new(self.now()).with_window(spent.with_reset(reset));
        let _ = call.on_outcome(Outcome::success(), &hint);
    }

    /// Locks the state. No thread holds this lock across a switch, so no schedule depends on it.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        match self.state.try_lock() {
            Ok(state) => state,
            // The model has already failed.
            Err(TryLockError::Poisoned(state)) => state.into_inner(),
            Err(TryLockError::WouldBlock) => panic!("the lock is held across a switch"),
        }
    }

    pub(super) fn breather(&self) -> &Breather {
        &self.breather
    }

    pub(super) fn scope(&self) -> Arc<Scope> {
        let scopes = self.breather.0.scopes.as_ref().expect("pacing is on");
        scopes.find(SCOPE).expect("the scope is in use")
    }

    pub(super) fn domain(&self, id: u64) -> Domain {
        Domain::new(self.clone(), id)
    }

    pub(super) fn start(&self, timer: &Domain) -> Active {
        let new = NewCall::new().with_origin(SCOPE).with_idempotent(true);
        self.breather.start(new, timer.clone(), 1)
    }

    pub(super) fn now(&self) -> Instant {
        self.lock().now
    }

    pub(super) fn concurrency(&self) -> u32 {
        self.breather
            .snapshot(SCOPE)
            .expect("the scope is in use")
            .concurrency()
    }

    /// Uses the handle, as foreign code may. This deadlocks if it runs under the lock of the scope
    /// or the table.
    pub(super) fn look(&self) {
        // A failed model drops its state while it panics.
        if !std::thread::panicking() {
            let _ = self.breather.snapshot(SCOPE);
        }
    }

    /// Spawns a thread whose calls wait in `domain`.
    pub(super) fn spawn(&self, domain: u64, body: impl FnOnce(&Caller) + Send + 'static) {
        let id = self.lock().parkers.len();
        let caller = Caller::new(self.clone(), id, self.domain(domain));
        {
            let mut state = self.lock();
            state.parkers.push(Parker::new(domain));
            state.busy += 1;
        }
        let thread = thread::spawn(move || {
            caller.settle_in();
            body(&caller);
            let world = caller.world();
            let is_quiet = {
                let mut state = world.lock();
                state.busy -= 1;
                state.busy == 0
            };
            if is_quiet {
                world.on_quiet();
            }
        });
        self.lock().threads.push(thread);
    }

    /// Lets time advance at any moment, `times` times.
    pub(super) fn hurry(&self, times: usize) {
        self.spawn(0, move |caller| {
            for _ in 0..times {
                thread::sleep(Duration::ZERO);
                caller.world().request();
            }
        });
    }

    pub(super) fn on_quiet(&self) {
        let main = self.lock().main.clone();
        main.unpark();
    }

    /// Lets time advance until all threads end, and checks the state that they leave. Returns the
    /// time.
    pub(super) fn run(&self) -> Instant {
        loop {
            while self.lock().busy > 0 {
                thread::park();
            }
            if self.lock().parkers.iter().all(|parker| !parker.is_parked) {
                break;
            }
            // A caller that read the clock before it advanced may have set an alarm that is now
            // due.
            if self.next_due().is_none_or(|due| due > self.now()) {
                self.assert_settled();
            }
            assert!(self.request(), "a thread waits although no timer is set");
        }
        let threads = std::mem::take(&mut self.lock().threads);
        for thread in threads {
            thread.join().expect("a panic would have failed the model");
        }
        let over = self.now();
        let kept = std::mem::take(&mut self.lock().kept);
        drop(kept);
        self.assert_idle();
        over
    }

    fn next_due(&self) -> Option<Instant> {
        let state = self.lock();
        let sleeps = state.sleeping.iter().map(|&(at, _)| at);
        let driven = state.runtimes.iter().filter(|it| it.is_driven());
        let alarms = driven.flat_map(|runtime| &runtime.alarms);
        sleeps.chain(alarms.map(Alarm::at)).min()
    }

    /// Advances to the next due instant and wakes its callers. Returns whether there was one.
    pub(super) fn request(&self) -> bool {
        let Some(due) = self.next_due() else {
            return false;
        };
        let (now, awake, alarms) = {
            let mut state = self.lock();
            state.now = state.now.max(due);
            let now = state.now;
            let awake = take(&mut state.sleeping, |&(at, _)| at <= now);
            let mut alarms = Vec::new();
            for (domain, runtime) in state.runtimes.iter_mut().enumerate() {
                if runtime.is_driven() {
                    let due = take(&mut runtime.alarms, |alarm| alarm.at() <= now);
                    alarms.extend(due.into_iter().map(|alarm| (domain as u64, alarm)));
                }
            }
            (now, awake, alarms)
        };
        assert!(now < Instant::ORIGIN + LONGEST, "the model doesn't end");
        for (_, waker) in awake {
            waker.wake();
        }
        for (domain, mut alarm) in alarms {
            if alarm.ring(now).is_some() {
                self.domain(domain).keep(alarm);
            }
        }
        true
    }
}

/// Removes and returns the items for which `is_due` is true.
fn take<T>(all: &mut Vec<T>, is_due: impl Fn(&T) -> bool) -> Vec<T> {
    let (due, rest) = std::mem::take(all).into_iter().partition(is_due);
    *all = rest;
    due
}

/// Longer than any model takes.
const LONGEST: Duration = Duration::from_secs(30);
