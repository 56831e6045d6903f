//! A timer whose time passes when a test says so.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use breather::driver::{Alarm, Instant, Timer, UnixTime, WallClock};

/// A clock that stands still until it is told to go on, and the alarms set on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct VirtualTimer(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    now: Instant,
    sleeping: Vec<(Instant, Waker)>,
    alarms: Vec<Alarm>,
    domain: u64,
}

impl State {
    fn next_due(&self) -> Option<Instant> {
        let sleeps = self.sleeping.iter().map(|(at, _)| *at);
        sleeps.chain(self.alarms.iter().map(Alarm::at)).min()
    }
}

impl VirtualTimer {
    pub(crate) fn in_domain(domain: u64) -> Self {
        let timer = Self::default();
        timer.0.lock().unwrap().domain = domain;
        timer
    }

    /// Lets time pass up to `at`, with everything that falls due until then in its order.
    pub(crate) fn advance_to(&self, at: Instant) {
        loop {
            let mut state = self.0.lock().unwrap();
            let Some(due) = state.next_due().filter(|&due| due <= at) else {
                state.now = state.now.max(at);
                return;
            };
            state.now = state.now.max(due);
            let now = state.now;
            let (awake, asleep) = std::mem::take(&mut state.sleeping)
                .into_iter()
                .partition::<Vec<_>, _>(|(at, _)| *at <= now);
            state.sleeping = asleep;
            let alarm = state.alarms.iter().position(|alarm| alarm.at() <= now);
            let alarm = alarm.map(|index| state.alarms.swap_remove(index));
            drop(state);
            awake.into_iter().for_each(|(_, waker)| waker.wake());
            if let Some(mut alarm) = alarm {
                if alarm.ring(now).is_some() {
                    self.0.lock().unwrap().alarms.push(alarm);
                }
            }
        }
    }

    /// When something falls due, if nothing else happens.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.0.lock().unwrap().next_due()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.advance_to(self.now() + by);
    }

    /// Loses all alarms, as a runtime does that ends.
    pub(crate) fn lose_alarms(&self) {
        let lost = std::mem::take(&mut self.0.lock().unwrap().alarms);
        drop(lost);
    }

    pub(crate) fn alarms_pending(&self) -> usize {
        self.0.lock().unwrap().alarms.len()
    }
}

impl WallClock for VirtualTimer {
    fn unix_time(&self) -> UnixTime {
        UnixTime::from_secs(1_800_000_000)
    }
}

impl Timer for VirtualTimer {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.0.lock().unwrap().now
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep {
            timer: self.clone(),
            at,
        }
    }

    fn domain(&self) -> u64 {
        self.0.lock().unwrap().domain
    }

    fn set_alarm(&self, alarm: Alarm) {
        let mut state = self.0.lock().unwrap();
        state.alarms.push(alarm);
    }
}

#[derive(Debug)]
pub(crate) struct Sleep {
    timer: VirtualTimer,
    at: Instant,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.timer.0.lock().unwrap();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        state.sleeping.push((self.at, cx.waker().clone()));
        Poll::Pending
    }
}

/// Counts how often it was woken.
#[derive(Debug, Default)]
pub(crate) struct Bell(Mutex<usize>);

impl Bell {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often it rang since this was last asked.
    pub(crate) fn rang(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() += 1;
    }
}
