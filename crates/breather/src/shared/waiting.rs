//! The sleep of a waiting call, for hand-written futures.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::instant::Instant;
use crate::shared::timer::Timer;

pin_project! {
    /// Stores the timer's sleep for a hand-written future while its call waits.
    ///
    /// Pass it to [`ActiveCall::poll_ready`](crate::driver::ActiveCall::poll_ready). It starts a
    /// sleep only when the call has to wait.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Stopped, driver::{ActiveCall, Timer, SleepSlot}};
    /// use std::pin::Pin;
    /// use std::task::{Context, Poll};
    ///
    /// struct Ready<'a, T: Timer> {
    ///     call: &'a mut ActiveCall<T>,
    ///     // A future with pin projection needs no box.
    ///     waiting: Pin<Box<SleepSlot<T>>>,
    /// }
    ///
    /// impl<T: Timer> Future for Ready<'_, T> {
    ///     type Output = Result<(), Stopped>;
    ///
    ///     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
    ///         let this = self.get_mut();
    ///         this.call.poll_ready(cx, this.waiting.as_mut())
    ///     }
    /// }
    /// ```
    pub struct SleepSlot<T: Timer> {
        #[pin]
        sleep: Option<T::Sleep>,
        until: Option<Instant>,
    }
}

impl<T: Timer> SleepSlot<T> {
    /// Creates an empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            sleep: None,
            until: None,
        }
    }

    pub(crate) fn poll_until(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        until: Instant,
        timer: &T,
    ) -> Poll<()> {
        let mut this = self.project();
        if *this.until != Some(until) {
            this.sleep.set(Some(timer.sleep_until(until)));
            *this.until = Some(until);
        }
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        this.sleep.set(None);
        *this.until = None;
        Poll::Ready(())
    }
}

impl<T: Timer> Default for SleepSlot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Timer> fmt::Debug for SleepSlot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
