//! The report of a call.

use core::fmt;
use core::time::Duration;

use crate::call::End;
use crate::call::{Wait, WaitReason};
use crate::instant::Instant;
use crate::pacer::StatedLimit;

/// The attempts, the waits and the end of a call.
///
/// A report is a plain value of bounded size, however long the call took.
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
    /// Waits for each reason, in nanoseconds.
    pub(crate) backoff: u64,
    pub(crate) hint: u64,
    pub(crate) pacer: u64,
    pub(crate) last_wait: Option<Wait>,
    pub(crate) end: Option<End>,
    pub(crate) unshared: bool,
    pub(crate) answered_elsewhere: u32,
    /// The stated limits that made the call wait, each as its [bit](Self::bit).
    pub(crate) stated: u8,
}

impl Report {
    /// Returns how many attempts were sent.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns how many attempts failed in a way that may pass.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns how many attempts the server throttled.
    #[must_use]
    pub const fn throttled(&self) -> u32 {
        self.throttled
    }

    /// Returns how long the call waited for `reason`.
    ///
    /// Each wait between attempts counts in full as soon as it is decided, so a call that was
    /// dropped may have waited less. The time in the scope's queue counts once it is over.
    #[must_use]
    pub fn waited(&self, reason: WaitReason) -> Duration {
        Duration::from_nanos(match reason {
            WaitReason::Backoff => self.backoff,
            WaitReason::Hint => self.hint,
            WaitReason::Pacer => self.pacer,
        })
    }

    /// Returns how long the call waited in total.
    #[must_use]
    pub fn total_wait(&self) -> Duration {
        let nanos = self.backoff.saturating_add(self.hint);
        Duration::from_nanos(nanos.saturating_add(self.pacer))
    }

    /// Returns the limits that you [stated](crate::Pacing::with_limit) and that forbade an attempt when the call asked for a
    /// permit.
    ///
    /// A call that waits behind others reports the limit that held them up when it came.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Policy, StatedLimit, driver::{Call, CallSpec, Instant}};
    ///
    /// let mut call = Call::new(Policy::default(), CallSpec::new(), 1, Instant::ORIGIN);
    /// call.on_limited(Some(StatedLimit::MaxInFlight));
    /// assert_eq!(call.report().stated_limits().collect::<Vec<_>>(), [StatedLimit::MaxInFlight]);
    /// ```
    pub fn stated_limits(&self) -> impl Iterator<Item = StatedLimit> + use<> {
        let stated = self.stated;
        let all = StatedLimit::ALL.into_iter();
        all.filter(move |&limit| stated & Self::bit(limit) != 0)
    }

    pub(crate) const fn bit(limit: StatedLimit) -> u8 {
        1 << limit as u8
    }

    /// Returns the latest wait between two attempts.
    ///
    /// It includes the header that asked for the wait.
    #[must_use]
    pub const fn last_wait(&self) -> Option<&Wait> {
        self.last_wait.as_ref()
    }

    /// Returns why the call ended.
    ///
    /// This is `None` while the call is running, or if it was dropped.
    #[must_use]
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Returns whether the call was paced alone.
    ///
    /// This happens if the [`Breather`](crate::Breather) does not have room for another scope.
    #[must_use]
    pub const fn unshared(&self) -> bool {
        self.unshared
    }

    /// Returns how many responses came from another server after a redirect.
    ///
    /// The call's scope did not learn from these responses.
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
    /// Writes one line for a log or a person, such as
    /// `succeeded after 2 attempts (1 throttled), waited 3s`.
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
        let mut separator = ", limited by ";
        for limit in self.stated_limits() {
            write!(f, "{separator}{limit}")?;
            separator = " and ";
        }
        match &self.end {
            Some(end) => end.fmt_details(f),
            None => Ok(()),
        }
    }
}

/// A slot in which an adapter stores the report of a call.
///
/// Put a clone of the slot into the request's extensions.
///
/// # Example
///
/// ```
/// use breather::ReportSlot;
///
/// let slot = ReportSlot::new();
/// let for_the_request = slot.clone();
/// // The adapter fills the slot when the call is over.
/// # drop(for_the_request);
/// assert_eq!(slot.report(), None);
/// ```
#[cfg(feature = "std")]
#[derive(Clone, Debug, Default)]
pub struct ReportSlot(std::sync::Arc<std::sync::Mutex<Option<Report>>>);

#[cfg(feature = "std")]
impl ReportSlot {
    /// Creates an empty slot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the report, or `None` until the call is over.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        *self.lock()
    }

    /// Stores the report of a finished call. Adapters call this.
    pub fn fill(&self, report: Report) {
        *self.lock() = Some(report);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Report>> {
        // No code panics while it holds the lock, so a poisoned lock still guards a complete value.
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
