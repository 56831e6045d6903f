//! Work that is due after a scope's lock is released.

use std::sync::Arc;
use std::task::Waker;

use crate::instant::Instant;
use crate::shared::alarm::Alarm;
use crate::shared::scope::{Scope, State};
use crate::shared::sync::MutexGuard;
use crate::shared::timer::Timer;

/// Work to do for a scope after its lock is released.
pub(crate) struct Dues {
    woken: Vec<Waker>,
    alarm: Option<(u64, Instant)>,
}

impl Dues {
    pub(crate) fn settle<T: Timer>(self, scope: &Arc<Scope>, timer: &T) {
        if let Some((domain, at)) = self.alarm {
            timer.set_alarm(Alarm {
                scope: Arc::clone(scope),
                domain,
                at: Some(at),
            });
        }
        self.woken.into_iter().for_each(Waker::wake);
    }
}

impl Scope {
    /// Releases the lock, sets a due alarm, and wakes the calls that should ask again.
    pub(crate) fn settle<T: Timer>(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        now: Instant,
        timer: &T,
    ) {
        // The common case.
        if state.pacer.queued() == 0 {
            return;
        }
        let dues = state.dues(now, timer);
        drop(state);
        dues.settle(self, timer);
    }
}

impl State {
    /// Returns the calls to wake and the next alarm to set.
    pub(crate) fn dues<T: Timer>(&mut self, now: Instant, timer: &T) -> Dues {
        Dues {
            woken: self.offer(now),
            alarm: self.alarm_at(now, || timer.domain()),
        }
    }
}
