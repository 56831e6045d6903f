//! The scopes of a handle, each with its pacer behind a lock.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::Waker;
use std::vec::Vec;

use crate::instant::Instant;
use crate::pacer::{Pacer, Pacing, Place};

/// One scope's pacer, the wakers of those who wait, and the alarms that are set.
///
/// All logic is in [`Pacer`]; this is its lock. No foreign code runs while it is held: wakers are
/// called, and alarms set, after it is released.
pub(crate) struct Scope(Mutex<State>);

pub(crate) struct State {
    pub(crate) pacer: Pacer,
    pub(crate) wakers: HashMap<Place, Waker>,
    /// For when alarms are set, the earliest last. Each is earlier than the one set before it.
    alarms: Vec<Instant>,
}

impl Scope {
    pub(crate) fn new(pacing: Pacing) -> Self {
        Self(Mutex::new(State {
            pacer: Pacer::new(pacing),
            wakers: HashMap::new(),
            alarms: Vec::new(),
        }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // The pacer runs no code but its own; should it panic all the same, other calls go on with
        // what it knew.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Releases the lock, then wakes the calls that should ask again. The answer is an alarm that has
    /// to be set.
    #[must_use = "without the alarm, waiting calls may wait for ever"]
    pub(crate) fn settle(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        now: Instant,
    ) -> Option<Alarm> {
        let woken = state.offer(now);
        let wake = state.pacer.next_wake();
        let at = wake.filter(|&wake| state.alarms.last().is_none_or(|&set| wake < set));
        state.alarms.extend(at);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        let scope = Arc::clone(self);
        at.map(|at| Alarm {
            scope,
            at: Some(at),
        })
    }
}

impl State {
    /// The wakers of all who should ask again.
    fn offer(&mut self, now: Instant) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some(place) = self.pacer.poll_offer(now) {
            woken.extend(self.wakers.remove(&place));
        }
        woken
    }

    fn is_idle(&self, now: Instant) -> bool {
        let held = self.pacer.opens().is_some_and(|opens| opens > now);
        self.pacer.in_flight() == 0 && self.pacer.waiting() == 0 && !held
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").finish_non_exhaustive()
    }
}

/// An instant at which a scope has to be looked at, whether or not any of its calls is polled.
///
/// See [`Timer::set_alarm`](crate::Timer::set_alarm).
#[derive(Debug)]
pub struct Alarm {
    scope: Arc<Scope>,
    /// `None` once it has rung for the last time.
    at: Option<Instant>,
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
        state.alarms.retain(|&set| set != at);
        let woken = state.offer(now);
        // An alarm that was set before this one may do as well.
        let wake = state.pacer.next_wake();
        self.at = wake.filter(|&wake| state.alarms.last().is_none_or(|&set| wake < set));
        state.alarms.extend(self.at);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        self.at
    }
}

impl Drop for Alarm {
    /// A runtime that ends drops its tasks; whoever waits on another one sets a new alarm.
    fn drop(&mut self) {
        let Some(at) = self.at else {
            return;
        };
        let mut state = self.scope.lock();
        state.alarms.retain(|&set| set != at);
        let woken: Vec<Waker> = state.wakers.drain().map(|(_, waker)| waker).collect();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}

/// The scopes of a handle, by name.
#[derive(Debug)]
pub(crate) struct Scopes {
    pacing: Pacing,
    most: usize,
    by_name: RwLock<HashMap<Box<str>, Arc<Scope>>>,
}

impl Scopes {
    pub(crate) fn new(pacing: Pacing, most: usize) -> Self {
        Self {
            pacing,
            most,
            by_name: RwLock::default(),
        }
    }

    /// The scope called `name`, and whether it is shared.
    ///
    /// At most `most` are kept. To make room, one that is idle goes, the one unused for longest. If
    /// none is idle, the new scope is shared with nobody.
    pub(crate) fn get(&self, name: &str, now: Instant) -> (Arc<Scope>, bool) {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = known.get(name) {
            return (Arc::clone(scope), true);
        }
        drop(known);
        let mut known = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = known.get(name) {
            return (Arc::clone(scope), true);
        }
        let scope = Arc::new(Scope::new(self.pacing));
        if known.len() >= self.most && !evict(&mut known, now) {
            return (scope, false);
        }
        known.insert(name.into(), Arc::clone(&scope));
        (scope, true)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Scope>> {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        known.len()
    }
}

/// Removes the scope that was unused for longest, if one is idle and no call has it at hand.
fn evict(known: &mut HashMap<Box<str>, Arc<Scope>>, now: Instant) -> bool {
    let idle = known
        .iter()
        .filter(|(_, scope)| Arc::strong_count(scope) == 1)
        .filter_map(|(name, scope)| {
            let state = scope.lock();
            state.is_idle(now).then(|| (state.pacer.latest(), name))
        })
        .min();
    let Some((_, name)) = idle else {
        return false;
    };
    let name = name.clone();
    known.remove(&name).is_some()
}
