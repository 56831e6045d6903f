//! Whether a call is at the upstream.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether an attempt of a call is at the upstream, or the call waits: for who may end calls that wait, and no others.
///
/// In the extensions of a request, where whoever sends it finds it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn(Arc<State>);

#[derive(Debug, Default)]
struct State {
    in_flight: AtomicBool,
    cut_off: AtomicBool,
}

/// An attempt that is at the upstream until this is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Turn);

impl InFlight {
    /// It is over, with an answer or an error.
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

    /// Whether the latest attempt was given up: its time was up, or that of the call.
    pub(crate) fn was_cut_off(&self) -> bool {
        self.0.cut_off.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.in_flight.store(false, Ordering::Relaxed);
    }
}
