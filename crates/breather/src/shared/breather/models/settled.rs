//! Invariants that must hold when all threads wait.

use super::SECOND;
use super::domain::Runtime;
use super::world::World;
use crate::driver::Alarm;

impl World {
    /// Asserts that every offer was made and every alarm is set. Call it when all threads wait.
    pub(super) fn assert_settled(&self) {
        let now = self.now();
        let scope = self.scope();
        let mut scope = scope.lock();
        assert_eq!(scope.pacer.poll_offer(now), None, "an offer was not made");
        let state = self.lock();
        assert_eq!(scope.pacer.in_flight(), state.in_flight);
        let awaiting = state.parkers.iter().filter(|parker| parker.awaits_permit());
        let awaiting = awaiting.count();
        assert!(scope.wakers.len() >= awaiting, "a waker was lost");
        assert!(
            scope.pacer.queued() >= scope.wakers.len(),
            "a waker is left"
        );
        let runtimes = state.runtimes.iter().enumerate();
        for (domain, runtime) in runtimes.filter(|(_, runtime)| runtime.is_driven()) {
            let mut parkers = state.parkers.iter();
            if parkers.any(|it| it.awaits_permit() && it.domain == domain as u64) {
                let next = runtime.alarms.iter().map(Alarm::at).min();
                assert!(next.is_some_and(|at| at <= now + SECOND), "no alarm is set");
            }
        }
        if awaiting > 0 && !state.runtimes.iter().any(Runtime::stands_still) {
            let alarms = state.runtimes.iter().flat_map(|runtime| &runtime.alarms);
            let first = alarms.map(Alarm::at).min();
            let due = scope.pacer.next_wake();
            assert!(
                due.is_none_or(|due| first.is_some_and(|first| first <= due)),
                "the alarm is late"
            );
        }
    }

    /// Asserts that the scope keeps no trace of the calls. Call it when all calls have ended.
    pub(super) fn assert_idle(&self) {
        let scope = self.scope();
        {
            let state = scope.lock();
            assert_eq!(state.pacer.in_flight(), 0, "a permit is left");
            assert_eq!(state.pacer.queued(), 0, "a place is left");
            assert_eq!(state.wakers.len(), 0, "a waker is left");
        }
        self.lock().runtimes.iter_mut().for_each(Runtime::drive);
        while self.request() {}
        drop(scope);
        let scopes = self.breather().0.scopes.as_ref().expect("pacing is on");
        assert!(scopes.make_room(self.now()), "the scope is still in use");
    }
}
