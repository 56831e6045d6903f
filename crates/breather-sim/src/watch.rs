//! Looking on while a run is played.

use std::fmt;
use std::ops::ControlFlow;

use breather::{
    Hint, Outcome, Report,
    driver::{Decision, Instant},
};

/// Looks on while a run is played, and may end it.
///
/// It sees what no [`Run`](crate::Run) keeps: what each answer said, who waits for what, and what the pacers hold
/// meanwhile. Looking on changes nothing: [`run_watched`](crate::run_watched) gives what
/// [`run`](crate::run()) gives.
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
    /// Something happens at `now`. A break ends the run where it is.
    fn on(&mut self, now: Instant, happening: Happening<'_>) -> ControlFlow<()>;
}

/// What happens in a run. Calls are counted from 0 in the order of their arrival, and so are processes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Happening<'a> {
    /// A call starts.
    Started {
        /// The call.
        call: usize,
        /// The process that makes it.
        process: usize,
        /// By when it must be over.
        deadline: Option<Instant>,
    },
    /// A call asked for a permit, and waits for it.
    Waits {
        /// The call.
        call: usize,
        /// Nothing will be sent before, by what the server stated.
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
    /// A call's answer is back.
    Answered {
        /// The call.
        call: usize,
        /// What it means.
        outcome: Outcome,
        /// What it says.
        hint: &'a Hint<'a>,
        /// What the call makes of it.
        decision: Decision,
    },
    /// A call is over.
    Ended {
        /// The call.
        call: usize,
        /// What it tells.
        report: &'a Report,
        /// Whether its caller did not wait for its end.
        gave_up: bool,
    },
    /// The pacer of a process has named everybody that should ask again.
    Settled {
        /// The process.
        process: usize,
        /// The instant before which nothing will be sent, by what the server stated.
        opens: Option<Instant>,
        /// How many attempts its pacer counts as in flight.
        in_flight: u32,
        /// How many calls its pacer counts as waiting.
        waiting: usize,
        /// How many attempts may be in flight, by what its pacer has learned.
        concurrency: u32,
    },
    /// Another second has passed, and not all calls are over.
    Second {
        /// Whether the server would let a call in now.
        is_open: bool,
    },
}

/// Who looks on, if anybody does.
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

    /// Whether the run should end.
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
