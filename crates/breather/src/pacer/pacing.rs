//! How a scope is paced.

/// How a scope is paced.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | [`max_queued`](Self::with_max_queued) | 100,000 | bounds memory: a queued call takes some 250 bytes here, and 1,250 with its call behind a handle |
/// | [`pace`](Self::with_pace) | burst | whoever waits for the end of a bulk of calls has it as soon as quota permits |
///
/// How many are sent at once to a server that nothing is known of is not a setting: 30 in flight, growing
/// by 400 a second, or by 8 times what they are if that is more, as long as more callers want to send and
/// none is throttled. If the first answers state no window, it is 24 times what they are. (With 30, a spike of 50
/// calls takes 1.04 of the ideal time. 1,000 callers of an unlimited server wait up to 0.4 s, once.)
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
}

/// How what may be sent in a window is spread over it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Pace {
    /// As fast as quota and concurrency permit: a window's quota is used up at its start.
    #[default]
    Burst,
    /// What remains is spread evenly over the time to the reset, for servers that punish bursts or are shared with
    /// others who should find some left. The first attempt goes alone, to learn the window from its answer.
    ///
    /// It costs whoever waits last: 1,000 calls of 300 a minute take 200 s instead of 181 s. Where answers don't say
    /// what remains until when, there is nothing to spread, and it is as [`Burst`](Self::Burst).
    Even,
}

impl Pacing {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            max_queued: 100_000,
            pace: Pace::Burst,
        }
    }

    /// Sets how many calls of a scope may wait for a permit; one more stops. Defaults to 100,000.
    ///
    /// With 0, a call that is not permitted at once stops.
    pub const fn with_max_queued(mut self, max: usize) -> Self {
        self.max_queued = max;
        self
    }

    /// Sets how what may be sent in a window is spread over it. Defaults to [`Pace::Burst`].
    pub const fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// How what may be sent in a window is spread over it.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.pace
    }

    /// How many calls of a scope may wait.
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
