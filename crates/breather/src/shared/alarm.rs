//! Wakes queued calls on time, even if they are not polled.

use std::sync::Arc;
use std::task::Waker;

use crate::instant::Instant;
use crate::shared::scope::Scope;

/// Wakes the calls of a scope at a given instant.
///
/// It works even if the calls are not polled.
///
/// See [`Timer::set_alarm`](crate::driver::Timer::set_alarm).
///
/// # Example
///
/// A game keeps its alarms in a list and rings them in every frame.
///
/// ```
/// use breather::{Breather, Hint, Outcome, driver::{Alarm, Instant, NewCall, Step, Timer}};
/// # use breather::driver::{UnixTime, WallClock};
/// use breather_test::{VirtualTimer, WakeCounter};
/// use std::{mem, sync::{Arc, Mutex}, task::Waker, time::Duration};
///
/// #[derive(Clone, Default)]
/// struct Game {
///     clock: VirtualTimer,
///     alarms: Arc<Mutex<Vec<Alarm>>>,
/// }
///
/// impl Game {
///     fn on_frame(&self) {
///         // The woken calls may set new alarms, so the list must not stay locked.
///         let mut alarms = mem::take(&mut *self.alarms.lock().unwrap());
///         alarms.retain_mut(|alarm| alarm.ring(self.now()).is_some());
///         self.alarms.lock().unwrap().append(&mut alarms);
///     }
/// }
///
/// impl Timer for Game {
///     fn set_alarm(&self, alarm: Alarm) {
///         self.alarms.lock().unwrap().push(alarm);
///     }
///     // … and the other methods
/// #     type Sleep = <VirtualTimer as Timer>::Sleep;
/// #     fn now(&self) -> Instant { self.clock.now() }
/// #     fn sleep_until(&self, at: Instant) -> Self::Sleep { self.clock.sleep_until(at) }
/// }
/// # impl WallClock for Game {
/// #     fn unix_time(&self) -> UnixTime { self.clock.unix_time() }
/// # }
///
/// let (breather, game) = (Breather::default(), Game::default());
/// let start = || breather.start(NewCall::new().with_origin("lobby"), game.clone(), 1);
/// let (mut first, mut second) = (start(), start());
/// assert_eq!(first.poll_step(Waker::noop()), Step::Send);
/// let hint = Hint::new(game.now()).with_retry_after(Duration::from_secs(7));
/// let _ = first.on_outcome(Outcome::throttled("status 429"), &hint);
///
/// // The second call waits until the alarm wakes it.
/// let wakes = WakeCounter::new();
/// assert!(matches!(second.poll_step(&Waker::from(wakes.clone())), Step::Wait { .. }));
/// game.clock.advance(Duration::from_secs(6));
/// game.on_frame();
/// assert_eq!(wakes.take(), 0);
/// game.clock.advance(Duration::from_secs(2));
/// game.on_frame();
/// assert_eq!(wakes.take(), 1);
/// ```
#[derive(Debug)]
pub struct Alarm {
    pub(super) scope: Arc<Scope>,
    pub(super) domain: u64,
    /// `None` after the last ring.
    pub(super) at: Option<Instant>,
}

impl Alarm {
    /// Returns when to [`ring`](Self::ring).
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at.unwrap_or(Instant::ORIGIN)
    }

    /// Wakes the calls that are due at `now`. Returns when to ring again.
    ///
    /// `None` means that the alarm is done. If you call this early, it returns the same instant
    /// again.
    #[must_use = "the alarm has to ring again at that instant"]
    pub fn ring(&mut self, now: Instant) -> Option<Instant> {
        let at = self.at?;
        if now < at {
            return Some(at);
        }
        let mut state = self.scope.lock();
        state.forget(self.domain, at);
        let woken = state.offer(now);
        let next = state.alarm_at(now, || self.domain);
        self.at = next.map(|(_, at)| at);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        self.at
    }
}

impl Drop for Alarm {
    /// Wakes all waiting calls, so that they set a new alarm. A runtime that ends drops its alarms.
    fn drop(&mut self) {
        let Some(at) = self.at else {
            return;
        };
        let mut state = self.scope.lock();
        state.forget(self.domain, at);
        let woken: Vec<Waker> = state.wakers.drain().map(|(_, waker)| waker).collect();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}
