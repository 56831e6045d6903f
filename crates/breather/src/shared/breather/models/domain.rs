//! What stops separately: a runtime with the alarms that are set on it.

use std::fmt;
use std::future::{Pending, pending};

use super::world::World;
use crate::driver::{Alarm, Instant, Timer, UnixTime, WallClock};

/// The timer of one of a world's runtimes.
#[derive(Clone)]
pub(super) struct Domain {
    world: World,
    id: u64,
}

#[derive(Default)]
pub(super) struct Runtime {
    pub(super) alarms: Vec<Alarm>,
    life: Life,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(super) enum Life {
    #[default]
    Driven,
    /// Its tasks are there, and nobody polls them.
    StandsStill,
    /// Its tasks are dropped, and what is spawned on it, too.
    Ended,
}

impl Runtime {
    pub(super) fn is_driven(&self) -> bool {
        self.life == Life::Driven
    }

    pub(super) fn stands_still(&self) -> bool {
        self.life == Life::StandsStill
    }

    pub(super) fn drive(&mut self) {
        if self.stands_still() {
            self.life = Life::Driven;
        }
    }
}

impl Domain {
    pub(super) fn new(world: World, id: u64) -> Self {
        Self { world, id }
    }

    pub(super) fn life(&self) -> Life {
        self.world.lock().runtimes[self.id as usize].life
    }

    /// Nobody drives the runtime any more. Its callers see it when they are called, and leave their calls.
    pub(super) fn stand_still(&self) {
        self.world.lock().runtimes[self.id as usize].life = Life::StandsStill;
        self.call_all();
    }

    /// The alarms are lost, and those who wait may set others.
    pub(super) fn lose_alarms(&self) {
        let alarms = std::mem::take(&mut self.world.lock().runtimes[self.id as usize].alarms);
        drop(alarms);
    }

    /// The runtime ends, and drops its tasks: its callers see it when they are called, and drop their calls.
    pub(super) fn end(&self) {
        self.world.lock().runtimes[self.id as usize].life = Life::Ended;
        self.lose_alarms();
        self.call_all();
    }

    fn call_all(&self) {
        let callers = self.world.lock().parkers.len();
        for caller in 0..callers {
            if self.world.lock().parkers[caller].domain == self.id {
                self.world.unpark(caller);
            }
        }
    }

    /// Keeps an alarm, if the runtime still does.
    pub(super) fn keep(&self, alarm: Alarm) {
        let mut state = self.world.lock();
        let runtime = &mut state.runtimes[self.id as usize];
        let lost = match runtime.life {
            Life::Ended => Some(alarm),
            Life::Driven | Life::StandsStill => {
                runtime.alarms.push(alarm);
                None
            }
        };
        drop(state);
        drop(lost);
    }
}

impl WallClock for Domain {
    fn unix_time(&self) -> UnixTime {
        UnixTime::from_secs(1_800_000_000)
    }
}

impl Timer for Domain {
    type Sleep = Pending<()>;

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        // Callers go by the steps of their calls, and sleep by themselves.
        pending()
    }

    fn set_alarm(&self, alarm: Alarm) {
        self.world.look();
        self.keep(alarm);
    }

    fn domain(&self) -> u64 {
        self.id
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Domain").field(&self.id).finish()
    }
}
