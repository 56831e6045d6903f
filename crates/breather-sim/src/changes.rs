//! Changes of a server during a run.

use std::time::Duration;

/// A setting of the server that changes at some time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// The quota of the first limiter.
    Quota(u64),
    Cap(Option<u32>),
}

/// A part of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spell {
    pub(crate) from: Duration,
    pub(crate) until: Duration,
}

impl Spell {
    pub(crate) fn contains(&self, at: Duration) -> bool {
        (self.from..self.until).contains(&at)
    }
}
