//! How a scope is paced.

#[cfg(feature = "serde")]
mod file;

use core::time::Duration;

/// How a scope is paced.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | [`max_queued`](Self::with_max_queued) | 100,000 | it bounds memory, because a queued call takes some 250 bytes here, and 1,250 with its call behind a handle |
/// | [`pace`](Self::with_pace) | burst | a bulk of calls is over as soon as quota permits |
/// | [`limit`](Self::with_limit), [`initial_limit`](Self::with_initial_limit), [`max_in_flight`](Self::with_max_in_flight), [`silent_hold`](Self::with_silent_hold) | unlimited | the pacer learns the server's limits |
///
/// The first limit on attempts in flight is not a setting. It is 30. While more calls are queued and the server throttles
/// no attempt, it grows by 400 a second, or by 8 times its value if that is more. If the first answers state no window,
/// it grows by 24 times its value. (With 30, a spike of 50 calls takes 1.04 of the ideal time. 1,000 callers of an
/// unlimited server wait up to 0.4 s, once.)
///
/// # In a file
///
/// With feature `serde`, a pacing can be part of a configuration file in TOML, JSON or any other self-describing format of
/// serde. An absent field keeps its default:
///
/// ```toml
/// pace = "even"
/// limit = { number = 10, per = "1s" }
/// max_in_flight = 4
/// silent_hold = "60s"
/// ```
///
/// Invalid values are rejected with an error that names the field, the value and the expected values, and so is a limit of
/// 0. `docs/configuration.md` in the repository lists all fields, and shows a file with a pacing for each scope.
///
/// # Example
///
/// ```
/// use breather::Pacing;
///
/// const SMALL: Pacing = Pacing::new().with_max_queued(500);
/// assert_eq!(SMALL.max_queued(), 500);
/// assert_ne!(SMALL, Pacing::default());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
#[doc(alias = "throttle")]
#[doc(alias = "rate limit")]
pub struct Pacing {
    max_queued: usize,
    pace: Pace,
    /// The number of attempts in each period. A period of zero means no limit.
    limit: (u64, Duration),
    /// The same, as the pacer assumes it at first.
    initial_limit: (u64, Duration),
    max_in_flight: u32,
    silent_hold: Duration,
    /// Whether these settings limit no attempts.
    is_plain: bool,
}

/// How the attempts of a window are spread over it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Pace {
    /// Sends as fast as quota and cap permit, so a window's quota is used up at its start.
    #[default]
    Burst,
    /// Spreads the remaining quota evenly over the time to the reset.
    ///
    /// Use it if the server punishes bursts, or if you share the quota with others. The first attempt goes alone, to
    /// learn the window from its answer. The last calls wait longer. For example, 1,000 calls of 300 a minute take 200 s
    /// instead of 181 s. If the answers report no window, this is the same as [`Burst`](Self::Burst).
    Even,
}

impl Pacing {
    /// Creates the default pacing.
    pub const fn new() -> Self {
        Self {
            max_queued: 100_000,
            pace: Pace::Burst,
            limit: (u64::MAX, Duration::ZERO),
            initial_limit: (u64::MAX, Duration::ZERO),
            max_in_flight: u32::MAX,
            silent_hold: Duration::ZERO,
            is_plain: true,
        }
    }

    /// Sets how many calls of a scope may wait for a permit. Defaults to 100,000.
    ///
    /// If the queue is full, a call ends. With 0, a call ends if it does not get a permit immediately.
    pub const fn with_max_queued(mut self, max: usize) -> Self {
        self.max_queued = max;
        self
    }

    /// Sets how the attempts of a window are spread over it. Defaults to [`Pace::Burst`].
    pub const fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self.checked()
    }

    /// Sends at most `number` attempts in any period of length `per`. Defaults to no limit.
    ///
    /// This is a ceiling that no header and no probe exceeds. Headers may say less. Use it if the server punishes
    /// rejections, or does not state its limits. On our side, the period is longer by a 64th, because attempts may arrive closer
    /// together than they were sent. [`forget`](crate::driver::Pacer::forget) keeps the count. If the server throttles attempts all the same, the pacer sends fewer, one for each
    /// that was throttled, and tries one more after 256 periods.
    ///
    /// A `number` of 0 counts as 1. If `per` is zero, there is no limit.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Pacing;
    /// use breather::driver::{Admission, Instant, Pacer, WaitLimits};
    /// use core::time::Duration;
    ///
    /// let mut pacer = Pacer::new(Pacing::new().with_limit(2, Duration::from_secs(1)));
    /// let mut ask = || {
    ///     let ticket = pacer.arrive();
    ///     let admission = pacer.request(Instant::ORIGIN, ticket, WaitLimits::endless());
    ///     matches!(admission, Admission::Send(_))
    /// };
    /// assert_eq!([ask(), ask(), ask()], [true, true, false]);
    /// ```
    pub const fn with_limit(mut self, number: u64, per: Duration) -> Self {
        self.limit = (if number == 0 { 1 } else { number }, per);
        self.checked()
    }

    /// Assumes at first that the server permits `number` attempts in any period of length `per`. Defaults to no
    /// assumption.
    ///
    /// Use it if you know the limit roughly, and the server does not state it. The pacer improves on it, as on a limit
    /// that it has learned itself. It looks for a higher one from time to time, and if the server throttles attempts all
    /// the same, it measures the limit anew. As soon as a response states a window, that counts instead. A scope that
    /// has sent attempts keeps what it has learned, until you [forget](crate::driver::Pacer::forget) it.
    ///
    /// A `number` of 0 counts as 1. If `per` is zero, there is no assumption.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Pacing;
    /// use breather::driver::{Admission, Instant, Pacer, WaitLimits};
    /// use core::time::Duration;
    ///
    /// let mut pacer = Pacer::new(Pacing::new().with_initial_limit(2, Duration::from_secs(1)));
    /// let mut ask = || {
    ///     let ticket = pacer.arrive();
    ///     let admission = pacer.request(Instant::ORIGIN, ticket, WaitLimits::endless());
    ///     matches!(admission, Admission::Send(_))
    /// };
    /// assert_eq!([ask(), ask(), ask()], [true, true, false]);
    /// ```
    pub const fn with_initial_limit(mut self, number: u64, per: Duration) -> Self {
        self.initial_limit = (if number == 0 { 1 } else { number }, per);
        self
    }

    /// Has at most `max` attempts in flight. Defaults to no limit.
    ///
    /// This is a ceiling for the limit that the pacer learns. 0 counts as 1.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Pacing;
    ///
    /// let pacing = Pacing::new().with_max_in_flight(4);
    /// assert_eq!(pacing.max_in_flight(), Some(4));
    /// assert_eq!(Pacing::new().max_in_flight(), None);
    /// ```
    pub const fn with_max_in_flight(mut self, max: u32) -> Self {
        self.max_in_flight = if max == 0 { 1 } else { max };
        self.checked()
    }

    /// After a throttled response that does not say when to retry, sends no attempt for `hold`. Defaults to zero,
    /// so that the pacer finds out by itself.
    ///
    /// Use it if the server locks callers out for a known time, or extends the time with each attempt. Then the first
    /// attempt goes alone, until one is accepted.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Pacing;
    /// use core::time::Duration;
    ///
    /// let pacing = Pacing::new().with_silent_hold(Duration::from_secs(60));
    /// assert_eq!(pacing.silent_hold(), Duration::from_secs(60));
    /// ```
    #[doc(alias = "lockout")]
    #[doc(alias = "penalty")]
    pub const fn with_silent_hold(mut self, hold: Duration) -> Self {
        self.silent_hold = hold;
        self.checked()
    }

    const fn checked(mut self) -> Self {
        self.is_plain = matches!(self.pace, Pace::Burst)
            && self.limit.1.is_zero()
            && self.max_in_flight == u32::MAX
            && self.silent_hold.is_zero();
        self
    }

    /// Returns whether these settings limit no attempts.
    pub(super) const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Returns how many attempts may be sent in any such period, if that is stated.
    #[must_use]
    pub const fn limit(&self) -> Option<(u64, Duration)> {
        if self.limit.1.is_zero() {
            None
        } else {
            Some(self.limit)
        }
    }

    /// Returns how many attempts the pacer assumes to be permitted in any such period, if it assumes a limit.
    #[must_use]
    pub const fn initial_limit(&self) -> Option<(u64, Duration)> {
        if self.initial_limit.1.is_zero() {
            None
        } else {
            Some(self.initial_limit)
        }
    }

    /// Returns how many attempts may be in flight, if that is stated.
    #[must_use]
    pub const fn max_in_flight(&self) -> Option<u32> {
        match self.max_in_flight {
            u32::MAX => None,
            max => Some(max),
        }
    }

    /// Returns the least time without attempts after a throttled response that does not say when to retry.
    #[must_use]
    pub const fn silent_hold(&self) -> Duration {
        self.silent_hold
    }

    /// Returns how the attempts of a window are spread over it.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// Returns how many calls of a scope may wait for a permit.
    #[must_use]
    pub const fn max_queued(&self) -> usize {
        self.max_queued
    }
}

impl Default for Pacing {
    fn default() -> Self {
        Self::new()
    }
}
