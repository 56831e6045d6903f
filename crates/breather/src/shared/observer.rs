//! Observers and the events that they receive.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::call::Outcome;
use crate::call::Report;
use crate::call::Wait;
use crate::instant::Instant;

/// Receives the events of a handle's calls.
///
/// Use an observer for metrics, logs and tests, for example. You can use a closure as an observer.
/// breather runs it in the task or thread of the call, and holds no lock meanwhile. A slow observer
/// delays the call. If an observer panics, the call is dropped as in any other panic, and gives
/// back its permit or its place in the queue.
///
/// # Example
///
/// ```
/// use breather::{Breather, Event, EventKind};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// let throttled = Arc::new(AtomicU32::new(0));
/// let counter = Arc::clone(&throttled);
/// let breather = Breather::builder()
///     .with_observer(move |event: &Event<'_>| {
///         if let EventKind::Ended { report, .. } = event.kind {
///             counter.fetch_add(report.throttled(), Ordering::Relaxed);
///         }
///     })
///     .build();
/// # let _ = breather;
/// assert_eq!(throttled.load(Ordering::Relaxed), 0);
/// ```
pub trait Observer: Send + Sync {
    /// Handles an event of a call.
    fn on_event(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn on_event(&self, event: &Event<'_>) {
        self(event);
    }
}

/// An event of a call.
///
/// The only part of a request that it contains is the name of the scope. That is the request's
/// origin, unless you chose another name. The evidence in a wait or a report is the response header
/// that caused it, with up to 64 bytes of its value.
///
/// # Example
///
/// ```
/// use breather::{Breather, Event, driver::NewCall};
/// use breather_test::VirtualTimer;
/// use std::sync::{Arc, Mutex};
/// use std::task::Waker;
///
/// let scopes = Arc::new(Mutex::new(Vec::new()));
/// let seen = Arc::clone(&scopes);
/// let breather = Breather::builder()
///     .with_observer(move |event: &Event<'_>| {
///         seen.lock().unwrap().push(event.scope.map(str::to_owned));
///     })
///     .build();
/// let mut call = breather.start(NewCall::new().with_origin("db"), VirtualTimer::default(), 1);
/// let _ = call.poll_step(Waker::noop()); // sends the attempt
/// assert_eq!(*scopes.lock().unwrap(), [Some("db".to_owned())]);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The most specific scope of the call, if the call is paced.
    pub scope: Option<&'a str>,
    /// The time of the event.
    pub at: Instant,
    /// The kind of event, with its details.
    pub kind: EventKind<'a>,
}

/// The kind of an [`Event`].
///
/// Each [`Sent`](Self::Sent) is followed by one [`Answered`](Self::Answered) or one
/// [`Abandoned`](Self::Abandoned). Each call ends with one [`Ended`](Self::Ended).
///
/// # Example
///
/// ```
/// use breather::EventKind;
///
/// fn is_end(kind: &EventKind<'_>) -> bool {
///     matches!(kind, EventKind::Ended { .. })
/// }
/// assert!(!is_end(&EventKind::Queued));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// The call waits in the queue, because no permit is available.
    Queued,
    /// breather sends an attempt.
    #[non_exhaustive]
    Sent {
        /// The number of the attempt, from 1.
        attempt: u32,
        /// How long the call waited for its permit, if it was [`Queued`](Self::Queued).
        queued: Option<Duration>,
    },
    /// The attempt in flight ended with this outcome.
    Answered(Outcome),
    /// Another server answered the latest attempt, after a redirect.
    ///
    /// The scope doesn't learn from this response.
    AnsweredElsewhere,
    /// The attempt in flight was dropped, or wasn't sent in the end.
    Abandoned,
    /// The latest rejection leaves the scope held.
    ///
    /// The server stated that the hold lasts until this instant.
    Held(Instant),
    /// The call will be retried after this wait.
    Waiting(&'a Wait),
    /// The call ended or was dropped.
    #[non_exhaustive]
    Ended {
        /// The call's report. A call that was dropped has no [end](Report::end).
        report: &'a Report,
        /// Whether the call was [`Queued`](Self::Queued) and not sent since.
        queued: bool,
    },
}

/// The observers of a handle.
#[derive(Clone)]
pub(crate) struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, observer: impl Observer + 'static) {
        self.0.push(Arc::new(observer));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        for observer in &self.0 {
            observer.on_event(event);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observers", self.0.len())
    }
}
