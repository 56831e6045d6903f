//! What a call asks for: its costs, its priority, and the share that it belongs to.

use super::costs::Costs;

/// Which of a scope's queued calls is served first.
///
/// A call is served before the queued calls of a lower priority, however long those have waited. While more urgent
/// calls wait, a class that waits gets one grant in 16, so it never stands still. Within a class, the
/// [shares](crate::CallOptions::with_share) decide, and then the age. A retry keeps the place of its call. The
/// priority changes the order of the queue only. It reserves no quota, and ends no attempt in flight.
///
/// # Example
///
/// ```
/// use breather::{CallOptions, Priority};
///
/// let nightly = CallOptions::new().with_priority(Priority::Batch);
/// assert_eq!(nightly.priority(), Some(Priority::Batch));
/// assert_eq!(Priority::default(), Priority::Normal);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[doc(alias = "QoS")]
#[expect(clippy::exhaustive_enums, reason = "the queue has three classes")]
pub enum Priority {
    /// A person waits for the call.
    Interactive,
    /// The call has no special place.
    #[default]
    Normal,
    /// Nobody waits for the call, for example one of a nightly export.
    Batch,
}

impl Priority {
    /// Returns the index of the class. The most urgent one comes first.
    pub(super) const fn class(self) -> usize {
        self as usize
    }
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Claim {
    pub(crate) costs: Costs,
    pub(crate) priority: Priority,
    /// The key of those whose calls share a turn, or 0.
    pub(crate) share: u64,
}

impl Claim {
    pub(crate) const fn new() -> Self {
        Self {
            costs: Costs::new(),
            priority: Priority::Normal,
            share: 0,
        }
    }
}

/// The claim of a call whose caller states nothing.
#[cfg(feature = "std")]
pub(crate) static PLAIN: Claim = Claim::new();
