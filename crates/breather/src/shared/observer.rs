//! Who is told what happens to calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::call::Outcome;
use crate::call::Report;
use crate::call::Wait;
use crate::instant::Instant;

/// Who is told what happens to the calls of a handle: for metrics, logs and tests.
///
/// A closure is one. It is told by whatever task or thread the call is on, without a lock held; what it takes long for,
/// the call takes long for. Should it panic, the call is dropped as by any other panic, and gives back what it holds.
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
    /// Something happened to a call.
    fn on_event(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn on_event(&self, event: &Event<'_>) {
        self(event);
    }
}

/// Something that happened to a call.
///
/// Of a request it has nothing but the scope's name, which is the host that is asked unless the caller chose another. A wait or a
/// report has as its evidence the header of a response that asked for it, up to 64 bytes of its value.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The call's scope, if anything paces it; of several, the most specific.
    pub scope: Option<&'a str>,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub kind: EventKind<'a>,
}

/// What happened to a call.
///
/// For each [`Sent`](Self::Sent) there is one [`Answered`](Self::Answered) or [`Abandoned`](Self::Abandoned), and
/// for each call, at the end, one [`Ended`](Self::Ended).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// There was no permit for it, and it waits for its turn.
    Queued,
    /// An attempt is sent.
    #[non_exhaustive]
    Sent {
        /// Its number, from 1.
        attempt: u32,
        /// How long it waited for its permit, if it was [`Queued`](Self::Queued).
        queued: Option<Duration>,
    },
    /// The attempt in flight ended so.
    Answered(Outcome),
    /// A server that the call did not ask answered the latest attempt, after a redirect. The scope does not learn from this
    /// answer.
    AnsweredElsewhere,
    /// The attempt in flight was dropped, or was not sent after all.
    Abandoned,
    /// The rejection just told came to a scope that is held until then by what its server stated.
    Held(Instant),
    /// It will be sent again after a wait.
    Waiting(&'a Wait),
    /// It is over.
    #[non_exhaustive]
    Ended {
        /// What it can tell; without a [stop](Report::end), it was dropped.
        report: &'a Report,
        /// Whether it was [`Queued`](Self::Queued), and not sent since.
        queued: bool,
    },
}

/// All who are told.
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
