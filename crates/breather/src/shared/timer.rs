//! The clock and the timer that a runtime provides.

use core::future::Future;

use crate::instant::Instant;
use crate::shared::alarm::Alarm;
use crate::unix_time::WallClock;

/// A runtime's clocks and timer.
///
/// Implement this trait to use breather with another runtime. breather decides how long to wait,
/// and your implementation reads the clocks and does the waiting. `breather-tokio` has an
/// implementation for tokio that follows tokio's paused time.
///
/// The trait resembles hyper's `rt::Timer`, but has an associated future instead of a boxed one.
/// Waiting therefore allocates nothing, and the future doesn't have to be `Send`. For example, a
/// browser's timer isn't.
///
/// All timers that drive one [`Breather`](crate::Breather) must read one monotonic clock from one
/// origin. breather may call [`now`](Self::now) and [`domain`](Self::domain) while it holds its
/// locks, so these two must not use the `Breather`. The other methods may.
///
/// # Example
///
/// This timer needs no runtime. It starts a thread for each wait.
///
/// ```
/// use breather::driver::{Alarm, Instant, Timer, UnixTime, WallClock};
/// use std::{future::poll_fn, pin::Pin, task::Poll, thread};
/// # use breather::{Breather, Hint, Outcome, Stopped, driver::{ActiveCall, NewCall}};
/// # use std::{pin::pin, sync::Arc, task::{Context, Wake}, time::Duration};
///
/// #[derive(Clone)]
/// struct Threads {
///     start: std::time::Instant,
/// }
///
/// impl WallClock for Threads {
///     fn unix_time(&self) -> UnixTime {
///         std::time::SystemTime::now().into()
///     }
/// }
///
/// impl Timer for Threads {
///     type Sleep = Pin<Box<dyn Future<Output = ()>>>;
///
///     fn now(&self) -> Instant {
///         Instant::ORIGIN + self.start.elapsed()
///     }
///
///     fn sleep_until(&self, at: Instant) -> Self::Sleep {
///         let timer = self.clone();
///         Box::pin(poll_fn(move |cx| {
///             let wait = at.duration_since(timer.now());
///             if wait.is_zero() {
///                 return Poll::Ready(());
///             }
///             let waker = cx.waker().clone();
///             thread::spawn(move || {
///                 thread::sleep(wait);
///                 waker.wake();
///             });
///             Poll::Pending
///         }))
///     }
///
///     fn set_alarm(&self, mut alarm: Alarm) {
///         let timer = self.clone();
///         thread::spawn(move || {
///             let mut next = Some(alarm.at());
///             while let Some(at) = next {
///                 thread::sleep(at.duration_since(timer.now()));
///                 next = alarm.ring(timer.now());
///             }
///         });
///     }
/// }
///
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     struct Unpark(thread::Thread);
/// #     impl Wake for Unpark {
/// #         fn wake(self: Arc<Self>) { self.0.unpark(); }
/// #     }
/// #     let waker = Arc::new(Unpark(thread::current())).into();
/// #     let (mut cx, mut future) = (Context::from_waker(&waker), pin!(future));
/// #     loop {
/// #         if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
/// #             return output;
/// #         }
/// #         thread::park();
/// #     }
/// # }
/// # fn main() -> Result<(), Stopped> {
/// let timer = Threads { start: std::time::Instant::now() };
/// let breather = Breather::default();
/// let start = || breather.start(NewCall::new().with_origin("db"), timer.clone(), 1);
/// let (mut first, mut second) = (start(), start());
/// let throttle = |call: &mut ActiveCall<Threads>| {
///     let hint = Hint::new(timer.now()).with_retry_after(Duration::from_millis(20));
///     let _ = call.on_outcome(Outcome::throttled("busy"), &hint);
///     hint.not_before().unwrap()
/// };
///
/// // A throttled call sleeps before its next attempt.
/// block_on(first.ready())?;
/// let held_until = throttle(&mut first);
/// block_on(first.ready())?;
/// assert!(timer.now() >= held_until);
///
/// // The hold also applies to the second call, which waits until an alarm wakes it.
/// let held_until = throttle(&mut first);
/// block_on(second.ready())?;
/// assert!(timer.now() >= held_until);
/// # Ok(())
/// # }
/// ```
pub trait Timer: Clone + WallClock {
    /// A future that is ready at a given instant.
    type Sleep: Future<Output = ()>;

    /// Returns the time of the monotonic clock.
    fn now(&self) -> Instant;

    /// Returns a future that is ready at `at`, never earlier.
    fn sleep_until(&self, at: Instant) -> Self::Sleep;

    /// Rings `alarm` when it is due, until it needs no more ringing.
    ///
    /// Wait until [`Alarm::at`], then call [`Alarm::ring`] with the current time. If `ring` returns
    /// an instant, wait until then and ring again. Stop when it returns `None`.
    ///
    /// The alarm must ring even if no future of this crate is polled. Use a separate task, a
    /// thread, or a browser's `setTimeout`, for example. While calls wait, a scope has about one
    /// alarm set in each domain. You may drop an alarm if the runtime ends. Waiting calls then set
    /// another one.
    fn set_alarm(&self, alarm: Alarm);

    /// Returns the number of the domain whose alarms stop together.
    ///
    /// Return a different number for each part of the program that can stop separately. For tokio,
    /// a domain is a runtime. Defaults to one domain for all calls.
    ///
    /// Each domain with waiting calls sets its own alarms. A runtime that is no longer driven
    /// therefore doesn't delay the calls of other runtimes.
    fn domain(&self) -> u64 {
        0
    }
}
