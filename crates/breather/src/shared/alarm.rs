//! Wakes queued calls in time, whether or not any of them is polled.

use std::sync::Arc;
use std::task::Waker;

use crate::instant::Instant;
use crate::shared::scope::Scope;

/// An instant at which a scope has to be looked at, whether or not any of its calls is polled.
///
/// See [`Timer::set_alarm`](crate::driver::Timer::set_alarm).
#[derive(Debug)]
pub struct Alarm {
    pub(super) scope: Arc<Scope>,
    pub(super) domain: u64,
    /// `None` once it has rung for the last time.
    pub(super) at: Option<Instant>,
}

impl Alarm {
    /// When to [`ring`](Self::ring).
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at.unwrap_or(Instant::ORIGIN)
    }

    /// The time has come, and it is `now`. The answer is when to ring again, if at all.
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
    /// A runtime that ends drops its tasks; whoever waits elsewhere sets a new alarm.
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
