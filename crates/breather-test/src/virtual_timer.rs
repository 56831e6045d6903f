//! A timer whose time moves only when a test advances it.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breather::driver::{Alarm, Instant, Timer, UnixTime, WallClock};

/// A timer that stands still until you advance it.
///
/// Use it to test a driver without a runtime. Clones share one clock. The wall clock starts at
/// 2027-01-15T08:00:00Z and moves with the timer.
///
/// # Example
///
/// ```
/// use breather_test::VirtualTimer;
/// use breather_test::breather::driver::{Decision, NewCall, Step, Timer};
/// use breather_test::breather::{Breather, Hint, Outcome};
/// use std::task::Waker;
/// use std::time::Duration;
///
/// let (breather, timer) = (Breather::default(), VirtualTimer::default());
/// let new = NewCall::new().with_origin("https://api.example.com");
/// let mut call = breather.start(new, timer.clone(), 1);
/// assert_eq!(call.poll_step(Waker::noop()), Step::Send);
///
/// let hint = Hint::new(timer.now()).with_retry_after(Duration::from_secs(7));
/// let decision = call.on_outcome(Outcome::throttled("status 429"), &hint);
/// assert!(matches!(decision, Decision::Retry(_)));
/// assert!(matches!(call.poll_step(Waker::noop()), Step::Wait { .. }));
/// timer.advance(Duration::from_secs(8));
/// assert_eq!(call.poll_step(Waker::noop()), Step::Send);
/// ```
#[derive(Clone, Debug, Default)]
pub struct VirtualTimer(Arc<Mutex<State>>);

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
    /// Creates a timer with its own [domain](Timer::domain), like the timer of another runtime.
    #[must_use]
    pub fn in_domain(domain: u64) -> Self {
        let timer = Self::default();
        timer.lock().domain = domain;
        timer
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No foreign code runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Advances the time to `at`. Sleeps and alarms on the way fire in order.
    pub fn advance_to(&self, at: Instant) {
        loop {
            let mut state = self.lock();
            let Some(due) = state.next_due().filter(|&due| due <= at) else {
                state.now = state.now.max(at);
                return;
            };
            state.now = state.now.max(due);
            let now = state.now;
            let (awake, asleep) = mem::take(&mut state.sleeping)
                .into_iter()
                .partition::<Vec<_>, _>(|(at, _)| *at <= now);
            state.sleeping = asleep;
            let alarm = state.alarms.iter().position(|alarm| alarm.at() <= now);
            let alarm = alarm.map(|index| state.alarms.swap_remove(index));
            drop(state);
            awake.into_iter().for_each(|(_, waker)| waker.wake());
            if let Some(mut alarm) = alarm {
                if alarm.ring(now).is_some() {
                    self.lock().alarms.push(alarm);
                }
            }
        }
    }

    /// Returns when the next sleep or alarm is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.lock().next_due()
    }

    /// Advances the time by `by`, like [`advance_to`](Self::advance_to).
    pub fn advance(&self, by: Duration) {
        self.advance_to(self.now() + by);
    }

    /// Drops all alarms, like a runtime does when it ends.
    pub fn lose_alarms(&self) {
        let lost = mem::take(&mut self.lock().alarms);
        drop(lost);
    }

    /// Returns how many alarms are set.
    #[must_use]
    pub fn alarms_pending(&self) -> usize {
        self.lock().alarms.len()
    }
}

impl WallClock for VirtualTimer {
    fn unix_time(&self) -> UnixTime {
        let passed = i64::try_from(self.now().as_nanos() / 1_000).unwrap_or(i64::MAX);
        UnixTime::from_micros(START.as_micros().saturating_add(passed))
    }
}

impl Timer for VirtualTimer {
    type Sleep = VirtualSleep;

    fn now(&self) -> Instant {
        self.lock().now
    }

    fn sleep_until(&self, at: Instant) -> VirtualSleep {
        VirtualSleep {
            timer: self.clone(),
            at,
        }
    }

    fn domain(&self) -> u64 {
        self.lock().domain
    }

    fn set_alarm(&self, alarm: Alarm) {
        let mut state = self.lock();
        state.alarms.push(alarm);
    }
}

/// A sleep on a [`VirtualTimer`].
///
/// # Example
///
/// ```
/// use breather_test::breather::driver::Timer;
/// use breather_test::{VirtualTimer, WakeCounter};
/// use std::pin::pin;
/// use std::task::{Context, Waker};
/// use std::time::Duration;
///
/// let (timer, wakes) = (VirtualTimer::default(), WakeCounter::new());
/// let waker = Waker::from(wakes.clone());
/// let mut cx = Context::from_waker(&waker);
///
/// let minute = Duration::from_secs(60);
/// let mut sleep = pin!(timer.sleep_until(timer.now() + minute));
/// assert!(sleep.as_mut().poll(&mut cx).is_pending());
/// timer.advance(minute);
/// assert_eq!(wakes.take(), 1);
/// assert!(sleep.poll(&mut cx).is_ready());
/// ```
#[derive(Debug)]
pub struct VirtualSleep {
    timer: VirtualTimer,
    at: Instant,
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.timer.lock();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        state.sleeping.push((self.at, cx.waker().clone()));
        Poll::Pending
    }
}

/// 2027-01-15T08:00:00Z.
const START: UnixTime = UnixTime::from_secs(1_800_000_000);
