//! Which limit that the caller stated makes calls wait.

use core::fmt;

use super::Pacer;
use super::phase::Phase;
use crate::instant::Instant;

/// A limit that the caller stated for a scope.
///
/// # Example
///
/// ```
/// use breather::StatedLimit;
///
/// assert_eq!(StatedLimit::MaxInFlight.as_str(), "max_in_flight");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StatedLimit {
    /// [`Pacing::with_limit`](crate::Pacing::with_limit).
    Limit,
    /// [`Pacing::with_max_in_flight`](crate::Pacing::with_max_in_flight).
    MaxInFlight,
    /// [`Pacing::with_silent_hold`](crate::Pacing::with_silent_hold).
    SilentHold,
}

impl StatedLimit {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Limit, Self::MaxInFlight, Self::SilentHold];

    /// Returns the name of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::MaxInFlight => "max_in_flight",
            Self::SilentHold => "silent_hold",
        }
    }
}

impl fmt::Display for StatedLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Pacer {
    /// Returns which [stated](crate::Pacing::with_limit) limit forbids an attempt now. A call that has to wait adds it to
    /// its report with [`on_limited`](crate::driver::Call::on_limited).
    ///
    /// This is `None` if what the pacer has learned, or the order of the calls, is the reason.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::driver::{Admission, Instant, Pacer, WaitLimits};
    /// use breather::{Pacing, StatedLimit};
    ///
    /// let mut pacer = Pacer::new(Pacing::new().with_max_in_flight(1));
    /// let mut ask = || {
    ///     let ticket = pacer.arrive();
    ///     let admission = pacer.request(Instant::ORIGIN, ticket, WaitLimits::endless());
    ///     (matches!(admission, Admission::Send(_)), pacer.stated_limit())
    /// };
    /// ask();
    /// assert_eq!(ask(), (false, Some(StatedLimit::MaxInFlight)));
    /// ```
    pub fn stated_limit(&mut self) -> Option<StatedLimit> {
        if self.pacing.is_plain() {
            return None;
        }
        match self.phase {
            Phase::Held(hold) => return hold.is_prolonged().then_some(StatedLimit::SilentHold),
            Phase::Probing { sent: Some(_), .. } => return None,
            Phase::Probing { sent: None, .. } | Phase::Running => {}
        }
        self.forbidden_by(self.latest, self.waiters.open())
    }

    /// Returns which stated limit forbids another attempt while no hold is in force and so many are promised.
    pub(super) fn forbidden_by(&mut self, now: Instant, promised: u32) -> Option<StatedLimit> {
        let used = self.in_flight.saturating_add(promised);
        // The first attempt goes alone, because a rejection may be punished.
        let is_careful = !self.pacing.silent_hold().is_zero() && self.service_time.is_zero();
        if is_careful && used > 0 {
            return Some(StatedLimit::SilentHold);
        }
        if self.pacing.max_in_flight().is_some_and(|max| used >= max) {
            return Some(StatedLimit::MaxInFlight);
        }
        let (number, per) = self.pacing.limit()?;
        let left = self.ceiling.left(now, number, per);
        (left <= promised.into()).then_some(StatedLimit::Limit)
    }
}
