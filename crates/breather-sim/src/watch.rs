//! Observers of a run.

use std::fmt;
use std::ops::ControlFlow;

use breather::{
    Hint, Outcome, Report,
    driver::{Decision, Instant},
};

/// Observes a run while it is played, and may end it.
///
/// An observer sees details that a [`Run`](crate::Run) does not keep. Examples are the content of
/// each response, which calls wait, and the counts of the pacers. Observing a run does not change
/// it, so [`run_watched`](crate::run_watched) returns the same as [`run`](crate::run()).
///
/// # Example
///
/// ```
/// use breather::driver::Instant;
/// use breather_sim::{Happening, Load, Server, Watch, run, run_watched};
/// use std::ops::ControlFlow;
///
/// #[derive(Default)]
/// struct Sends(usize);
///
/// impl Watch for Sends {
///     fn on(&mut self, _: Instant, happening: Happening<'_>) -> ControlFlow<()> {
///         self.0 += usize::from(matches!(happening, Happening::Sent { .. }));
///         ControlFlow::Continue(())
///     }
/// }
///
/// let (server, load) = (Server::default(), Load::spike(100));
/// let mut sends = Sends::default();
/// let watched = run_watched(&server, &load, 1, &mut sends);
/// assert_eq!(sends.0, watched.sends());
/// assert_eq!(watched.reports(), run(&server, &load, 1).reports());
/// ```
pub trait Watch {
    /// Handles an event at `now`. Return a break to end the run there.
    fn on(&mut self, now: Instant, happening: Happening<'_>) -> ControlFlow<()>;
}

/// An event in a run.
///
/// Calls and processes are numbered from 0, calls in the order of their arrival.
///
/// # Example
///
/// The server fails at first, so breather sends this call twice:
///
/// ```
/// use breather::driver::Instant;
/// use breather_sim::{Happening, Load, Outage, Server, Watch, run_watched};
/// use std::ops::ControlFlow;
/// use std::time::Duration;
///
/// #[derive(Default)]
/// struct Events(Vec<&'static str>);
///
/// impl Watch for Events {
///     fn on(&mut self, _: Instant, happening: Happening<'_>) -> ControlFlow<()> {
///         self.0.extend(match happening {
///             Happening::Sent { .. } => Some("sent"),
///             Happening::Answered { .. } => Some("answered"),
///             Happening::Ended { .. } => Some("ended"),
///             _ => None,
///         });
///         ControlFlow::Continue(())
///     }
/// }
///
/// let outage = Outage::Unavailable(Some(1));
/// let server = Server::default().with_outage(Duration::ZERO, Duration::from_secs(1), outage);
/// let mut events = Events::default();
/// let run = run_watched(&server, &Load::spike(1), 1, &mut events);
/// assert_eq!(run.ok(), 1);
/// assert_eq!(events.0, ["sent", "answered", "sent", "answered", "ended"]);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Happening<'a> {
    /// A call starts.
    Started {
        /// The call.
        call: usize,
        /// The process that makes it.
        process: usize,
        /// The deadline of the call.
        deadline: Option<Instant>,
    },
    /// A call asked for a permit and waits for it.
    Waits {
        /// The call.
        call: usize,
        /// The instant before which nothing will be sent, as the server stated.
        opens: Option<Instant>,
    },
    /// The pacer names a call that should ask again.
    Offered {
        /// The call.
        call: usize,
    },
    /// A call is sent.
    Sent {
        /// The call.
        call: usize,
    },
    /// The response to a call is back.
    Answered {
        /// The call.
        call: usize,
        /// The outcome of the attempt.
        outcome: Outcome,
        /// The hint in the response.
        hint: &'a Hint<'a>,
        /// The call's decision.
        decision: Decision,
    },
    /// A call ended.
    Ended {
        /// The call.
        call: usize,
        /// The report of the call.
        report: &'a Report,
        /// Whether its caller gave up.
        gave_up: bool,
    },
    /// The pacer of a process has named all calls that should ask again.
    Settled {
        /// The process.
        process: usize,
        /// The instant before which nothing will be sent, as the server stated.
        opens: Option<Instant>,
        /// How many attempts the pacer counts as in flight.
        in_flight: u32,
        /// How many calls the pacer counts as waiting.
        waiting: usize,
        /// How many attempts may be in flight, as learned by the pacer.
        concurrency: u32,
    },
    /// Another second has passed, and some calls have not ended.
    Second {
        /// Whether the server would accept a call now.
        is_open: bool,
    },
}

/// The observer of a run, if there is one.
pub(crate) struct Watcher<'w> {
    watch: Option<&'w mut dyn Watch>,
    has_ended: bool,
}

impl<'w> Watcher<'w> {
    pub(crate) fn new(watch: Option<&'w mut dyn Watch>) -> Self {
        let has_ended = false;
        Self { watch, has_ended }
    }

    pub(crate) fn tell(&mut self, now: Instant, happening: Happening<'_>) {
        if let Some(watch) = self.watch.as_mut().filter(|_| !self.has_ended) {
            self.has_ended = watch.on(now, happening).is_break();
        }
    }

    pub(crate) const fn is_there(&self) -> bool {
        self.watch.is_some()
    }

    /// Returns whether the run should end.
    pub(crate) const fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl fmt::Debug for Watcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}
