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
