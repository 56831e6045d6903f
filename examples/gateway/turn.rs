//! Tracks whether a call is in flight.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Says whether an attempt of a call is in flight or the call waits.
///
/// A stopping gateway uses it to end only the calls that wait. It is in the request's extensions,
/// so that the client that sends the request can update it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn(Arc<State>);

#[derive(Debug, Default)]
struct State {
    in_flight: AtomicBool,
    cut_off: AtomicBool,
}

/// Marks an attempt as in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Turn);

impl InFlight {
    /// Records that the attempt ended with a response or an error.
    pub(crate) fn end(self) {
        self.0.0.cut_off.store(false, Ordering::Relaxed);
    }
}

impl Turn {
    pub(crate) fn begin(&self) -> InFlight {
        self.0.in_flight.store(true, Ordering::Relaxed);
        self.0.cut_off.store(true, Ordering::Relaxed);
        InFlight(self.clone())
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    /// Returns whether the latest attempt was cut off by its timeout or the call's deadline.
    pub(crate) fn was_cut_off(&self) -> bool {
        self.0.cut_off.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.in_flight.store(false, Ordering::Relaxed);
    }
}
