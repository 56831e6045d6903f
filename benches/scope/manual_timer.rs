//! A timer whose clock is a number.

use std::future::{Pending, pending};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use breather::driver::{Alarm, Instant, Timer, UnixTime, WallClock};

/// A clock that its driver sets, and the alarms set on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ManualTimer(&'static Shared);

#[derive(Debug)]
struct Shared {
    nanos: AtomicU64,
    alarms: Mutex<Vec<Alarm>>,
}

impl ManualTimer {
    /// Creates a timer that lives as long as the process, so copies of it are free.
    pub(crate) fn new() -> Self {
        Self(Box::leak(Box::new(Shared {
            nanos: AtomicU64::new(1_000_000_000),
            alarms: Mutex::new(Vec::with_capacity(8)),
        })))
    }

    pub(crate) fn set(self, now: Instant) {
        self.0.nanos.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// Rings the alarms that are due.
    pub(crate) fn ring(self) {
        let now = self.now();
        let due = |alarms: &mut Vec<Alarm>| {
            let index = alarms.iter().position(|alarm| alarm.at() <= now)?;
            Some(alarms.swap_remove(index))
        };
        let alarms = || self.0.alarms.lock().expect("no alarm panics");
        while let Some(mut alarm) = { due(&mut alarms()) } {
            if alarm.ring(now).is_some() {
                alarms().push(alarm);
            }
        }
    }
}

impl WallClock for ManualTimer {
    fn unix_time(&self) -> UnixTime {
        UnixTime::from_secs(1_800_000_000)
    }
}

impl Timer for ManualTimer {
    type Sleep = Pending<()>;

    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.nanos.load(Ordering::Relaxed))
    }

    /// No call of these benches sleeps.
    fn sleep_until(&self, _: Instant) -> Pending<()> {
        pending()
    }

    fn set_alarm(&self, alarm: Alarm) {
        self.0.alarms.lock().expect("no alarm panics").push(alarm);
    }
}
