//! Runtimes that can stop separately, with their alarms.

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
    /// The runtime keeps its tasks but doesn't poll them.
    StandsStill,
    /// The runtime dropped its tasks, and drops new tasks immediately.
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

    /// Stops driving the runtime. Its callers notice when they wake, and stop polling their calls.
    pub(super) fn stand_still(&self) {
        self.world.lock().runtimes[self.id as usize].life = Life::StandsStill;
        self.call_all();
    }

    /// Drops the alarms. Waiting calls may set new ones.
    pub(super) fn lose_alarms(&self) {
        let alarms = std::mem::take(&mut self.world.lock().runtimes[self.id as usize].alarms);
        drop(alarms);
    }

    /// Ends the runtime and drops its tasks. Its callers notice when they wake, and drop their
    /// calls.
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

    /// Keeps an alarm, or drops it if the runtime has ended.
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
        // Callers follow the steps of their calls and do their own sleeping.
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
