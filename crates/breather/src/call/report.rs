//! What a finished call can tell.

use core::fmt;
use core::time::Duration;

use crate::call::End;
use crate::call::{Wait, WaitReason};
use crate::instant::Instant;

/// What a finished call can tell: attempts, waits, where each wait came from, and the stop.
///
/// A plain value of bounded size, however long the call took.
///
/// # Example
///
/// ```
/// use breather::{Hint, WaitReason, Outcome, Policy, driver::{Call, CallSpec, Instant}};
/// use core::time::Duration;
///
/// let mut now = Instant::ORIGIN;
/// let mut call = Call::new(Policy::default(), CallSpec::new(), 1, now);
/// call.on_sent(now);
/// let hint = Hint::new(now).with_retry_after(Duration::from_secs(2));
/// let _ = call.on_outcome(now, Outcome::throttled("status 429"), &hint, None);
/// now = call.not_before().unwrap();
/// call.on_sent(now);
/// let _ = call.on_outcome(now, Outcome::success(), &Hint::new(now), None);
///
/// let report = call.report();
/// assert_eq!((report.attempts(), report.throttled()), (2, 1));
/// assert!(report.waited(WaitReason::Hint) >= Duration::from_secs(2));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Report {
    pub(crate) attempts: u32,
    pub(crate) failures: u32,
    pub(crate) throttled: u32,
    /// What was waited, in nanoseconds.
    pub(crate) backoff: u64,
    pub(crate) hint: u64,
    pub(crate) pacer: u64,
    pub(crate) last_wait: Option<Wait>,
    pub(crate) end: Option<End>,
    pub(crate) unshared: bool,
    pub(crate) answered_elsewhere: u32,
}

impl Report {
    /// How often the call was sent.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How many attempts failed in a way that may pass.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// How many attempts the server throttled.
    #[must_use]
    pub const fn throttled(&self) -> u32 {
        self.throttled
    }

    /// How long the call waited for reasons of `reason`: each wait as it was decided, and the time in its
    /// scope's queue once it is over. A call that was dropped may have waited less.
    #[must_use]
    pub fn waited(&self, reason: WaitReason) -> Duration {
        Duration::from_nanos(match reason {
            WaitReason::Backoff => self.backoff,
            WaitReason::Hint => self.hint,
            WaitReason::Pacer => self.pacer,
        })
    }

    /// How long it waited in all.
    #[must_use]
    pub fn total_wait(&self) -> Duration {
        let nanos = self.backoff.saturating_add(self.hint);
        Duration::from_nanos(nanos.saturating_add(self.pacer))
    }

    /// The latest wait between two attempts, with the header behind it.
    #[must_use]
    pub const fn last_wait(&self) -> Option<&Wait> {
        self.last_wait.as_ref()
    }

    /// Why the call ended; `None` while it goes on, or if it was dropped.
    #[must_use]
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Whether the call was paced alone, since its handle had no room for another scope.
    #[must_use]
    pub const fn unshared(&self) -> bool {
        self.unshared
    }

    /// Returns how many attempts were answered by a server that the call did not ask, after a redirect. The call's scope did
    /// not learn from these answers.
    #[must_use]
    pub const fn answered_elsewhere(&self) -> u32 {
        self.answered_elsewhere
    }

    pub(crate) fn add_wait(&mut self, reason: WaitReason, since: Instant, until: Instant) {
        let total = match reason {
            WaitReason::Backoff => &mut self.backoff,
            WaitReason::Hint => &mut self.hint,
            WaitReason::Pacer => &mut self.pacer,
        };
        *total = total.saturating_add(until.nanos_since(since));
    }
}

impl fmt::Display for Report {
    /// Writes one line for a log or a person, such as `succeeded after 2 attempts (1 throttled), waited 3s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            Some(end) => write!(f, "{}", end.reason())?,
            None => f.write_str("unfinished")?,
        }
        let plural = if self.attempts == 1 { "" } else { "s" };
        write!(f, " after {} attempt{plural}", self.attempts)?;
        let counts = [
            (self.failures, "failed"),
            (self.throttled, "throttled"),
            (self.answered_elsewhere, "answered elsewhere"),
        ];
        let mut separator = " (";
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {what}")?;
            separator = ", ";
        }
        if separator == ", " {
            f.write_str(")")?;
        }
        let waited = self.total_wait();
        if !waited.is_zero() {
            write!(f, ", waited {waited:?}")?;
        }
        match &self.end {
            Some(end) => end.fmt_details(f),
            None => Ok(()),
        }
    }
}

/// Where a caller finds the report of a call: put a clone of it into the request's extensions.
///
/// # Example
///
/// ```
/// use breather::ReportSlot;
///
/// let slot = ReportSlot::new();
/// let for_the_request = slot.clone();
/// // … the adapter fills it when the call is over.
/// # drop(for_the_request);
/// assert_eq!(slot.report(), None);
/// ```
#[cfg(feature = "std")]
#[derive(Clone, Debug, Default)]
pub struct ReportSlot(std::sync::Arc<std::sync::Mutex<Option<Report>>>);

#[cfg(feature = "std")]
impl ReportSlot {
    /// An empty slot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The report, once the call is over.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        *self.lock()
    }

    /// Puts the report of a finished call in, for adapters.
    pub fn fill(&self, report: Report) {
        *self.lock() = Some(report);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Report>> {
        // Nothing can panic while it is held, so a poisoned lock holds a whole value.
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
