//! Configures what to do about a failed or throttled attempt: how often, how late, and when to stop.
//!
//! - `backoff`: how long may the delay before each retry be?
//! - `jitter`: which delay is drawn below it?
//! - `budget`: how many retries may all calls of a scope make together?
//! - `ratio`: how is a factor applied without floats?
//! - `file`: how does a policy look in a configuration file?

mod backoff;
mod budget;
#[cfg(feature = "serde")]
mod file;
mod jitter;
mod ratio;

use core::fmt;
use core::time::Duration;

#[cfg(feature = "std")]
use crate::hint::Dialect;
use crate::instant::{duration, nanos};

pub use self::backoff::Backoff;
pub(crate) use self::backoff::Shape;
pub use self::budget::{RetryBudget, Withdrawal};
pub(crate) use self::jitter::Draws;
pub use self::jitter::{Delays, Jitter};

/// What to do about a failed or throttled attempt: how often, how late, and when to stop.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | [`max_retries`](Self::with_max_retries) | 3 | a call that fails costs no more than four sends; more would multiply an outage |
/// | [`backoff`](Self::with_backoff) | exponential from 100 ms, factor 2, cap 20 s | see [`Backoff`] |
/// | [`jitter`](Self::with_jitter) | full if the backoff is exponential; otherwise adds up to a tenth | fewest calls in AWS's measurements; but a delay that you wrote down is kept. See [`Jitter::auto`] |
/// | [`max_throttles`](Self::with_max_throttles) | 16 | a shared pacer has a call throttled once or twice; more means exhausted credit or a broken server |
/// | [`deadline`](Self::with_deadline) | none | a queue of thousands legitimately takes minutes; the application's own time-out rules |
/// | [`attempt_timeout`](Self::with_attempt_timeout) | none | the client's own time-outs rule |
/// | [`max_retry_after`](Self::with_max_retry_after) | 5 minutes | windows are seconds to a minute; hours mean a spent contract |
/// | [`polling`](Self::with_polling) | exponential from 1 s, factor 1.5, cap 20 s | short jobs are seen soon, and long ones asked for three times a minute |
///
/// A default never overrides a setting of yours: if you set a backoff, the default cap and the default
/// jitter don't shorten its delays. See [`Backoff`], section "Delays that you write down".
///
/// What belongs to a scope and not to a call is set on [`Pacing`](crate::Pacing).
///
/// # Presets
///
/// Three policies for three kinds of patience, each figure with its reason on the function. They are where to begin;
/// setters change them as they change the defaults.
///
/// | setting | [`interactive`](Self::interactive) | default | [`batch`](Self::batch) | [`patient`](Self::patient) |
/// |---|---|---|---|---|
/// | who waits | a person | any caller | a job that someone looks at later | an export that may take hours |
/// | `max_retries` | 2 | 3 | 8 | 16 |
/// | `backoff`, exponential by 2 | from 100 ms, cap 1 s | from 100 ms, cap 20 s | from 1 s, cap 1 minute | from 1 s, cap 5 minutes |
/// | `max_throttles` | 4 | 16 | 32 | 48 |
/// | `deadline` | 10 s | none | 1 hour | 24 hours |
/// | `max_retry_after` | 5 s | 5 minutes | 16 minutes | 61 minutes |
///
/// All presets have full jitter, because their backoffs are exponential.
///
/// # In a file
///
/// With feature `serde`, a policy can be part of a configuration file in TOML, JSON, or any other format of serde's that
/// describes itself. Each field may be absent and is then as in the preset, or else by default:
///
/// ```toml
/// preset = "batch"
/// max_retries = 5
/// deadline = "20m"
/// backoff = { kind = "exponential", base = "250ms", factor = 1.5, cap = "30s" }
/// jitter = "equal"
/// ```
///
/// What cannot be meant is an error that names the field, its value, and what would be right. `docs/configuration.md`, in
/// the repository, has all fields. A custom backoff and dialects cannot be written; to serialize a policy that has them
/// is an error.
///
/// # Equality
///
/// Two policies are equal if all settings are. A jitter that you set differs from the default one, even if it draws the
/// same delays from this backoff, because it holds for other backoffs, too.
/// Dialects and custom backoffs are compared by address, so two equal ones in different places may count as different.
///
/// # Example
///
/// ```
/// use breather::{Backoff, Policy};
/// use core::time::Duration;
///
/// const PATIENT: Policy = Policy::new()
///     .with_max_retries(10)
///     .with_backoff(Backoff::fibonacci(Duration::from_millis(250)))
///     .with_deadline(Duration::from_secs(60));
/// assert_eq!(PATIENT.max_retries(), 10);
/// assert_eq!(Policy::default().max_retries(), 3);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Policy {
    pub(crate) backoff: Backoff,
    pub(crate) jitter: Jitter,
    max_retries: u32,
    max_throttles: u32,
    deadline: Option<Duration>,
    attempt_timeout: Option<Duration>,
    /// In nanoseconds.
    pub(crate) max_retry_after: u64,
    pub(crate) polling: Backoff,
    /// Set by `never`, and unset by whatever permits a second attempt.
    once: bool,
    #[cfg(feature = "std")]
    dialects: &'static [Dialect],
}

impl Policy {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            backoff: backoff::DEFAULT,
            jitter: Jitter::auto(),
            max_retries: 3,
            max_throttles: 16,
            deadline: None,
            attempt_timeout: None,
            max_retry_after: nanos(Duration::from_secs(5 * 60)),
            polling: Backoff::exponential(Duration::from_secs(1)).with_factor(1.5),
            once: false,
            #[cfg(feature = "std")]
            dialects: &[],
        }
    }

    /// No attempt after the first, whatever happens, unless [`with_max_retries`](Self::with_max_retries) or
    /// [`with_max_throttles`](Self::with_max_throttles) permits some later.
    #[doc(alias = "never")]
    pub const fn no_retries() -> Self {
        Self::new().once()
    }

    pub(crate) const fn once(self) -> Self {
        let mut policy = self.with_max_retries(0).with_max_throttles(0);
        policy.once = true;
        policy
    }

    /// For calls that a person waits for: a click, a page, a command at a prompt.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `deadline` | 10 s | for as long a person stays with a task ([response times](https://www.nngroup.com/articles/response-times-3-important-limits/)) |
    /// | `max_retries` | 2 | three sends in a row that fail are an outage, which lasts longer than the person stays |
    /// | `max_throttles` | 4 | a call throttled once or twice is the pacer learning; with more, somebody else has the quota |
    /// | `backoff` | exponential from 100 ms, factor 2, cap 1 s | no wait of ours interrupts a train of thought |
    /// | `max_retry_after` | 5 s | half of the deadline: after a longer wait, too little is left for the answer |
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Policy;
    /// use core::time::Duration;
    ///
    /// const POLICY: Policy = Policy::interactive();
    /// assert_eq!(POLICY.deadline(), Some(Duration::from_secs(10)));
    /// assert_eq!(POLICY.max_retry_after(), Duration::from_secs(5));
    /// assert_eq!((POLICY.max_retries(), POLICY.max_throttles()), (2, 4));
    /// assert_eq!(POLICY.backoff().ceiling(u32::MAX), Duration::from_secs(1));
    /// ```
    pub const fn interactive() -> Self {
        let short = backoff::DEFAULT.with_cap(Duration::from_secs(1));
        Self::new()
            .with_deadline(Duration::from_secs(10))
            .with_max_retries(2)
            .with_max_throttles(4)
            .with_backoff(short)
            .with_max_retry_after(Duration::from_secs(5))
    }

    /// For the calls of a job whose result someone looks at later: an import, a nightly load.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `deadline` | 1 hour | queueing included, time for 18,000 calls at 300 a minute; what takes longer is stuck |
    /// | `max_retries` | 8 | with this backoff a minute and a half on average: a restart or a failover |
    /// | `max_throttles` | 32 | twice the default: other processes that share the quota take what a reset frees |
    /// | `backoff` | exponential from 1 s, factor 2, cap 1 minute | nobody notices a second, and a server that is down is left alone |
    /// | `max_retry_after` | 16 minutes | a window of a quarter of an hour (X's), and a minute for clocks that differ |
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Policy;
    /// use core::time::Duration;
    ///
    /// const POLICY: Policy = Policy::batch();
    /// assert_eq!(POLICY.deadline(), Some(Duration::from_secs(3_600)));
    /// assert_eq!(POLICY.max_retry_after(), Duration::from_secs(16 * 60));
    /// assert_eq!((POLICY.max_retries(), POLICY.max_throttles()), (8, 32));
    ///
    /// // Full jitter waits half of that on average.
    /// let longest: Duration = (0..POLICY.max_retries()).map(|retry| POLICY.backoff().ceiling(retry)).sum();
    /// assert_eq!(longest, Duration::from_secs(183));
    /// ```
    pub const fn batch() -> Self {
        let slow = Backoff::exponential(Duration::from_secs(1)).with_cap(Duration::from_secs(60));
        Self::new()
            .with_deadline(Duration::from_secs(60 * 60))
            .with_max_retries(8)
            .with_max_throttles(32)
            .with_backoff(slow)
            .with_max_retry_after(Duration::from_secs(16 * 60))
    }

    /// For the calls of an export or a migration that may take hours, if only it gets through.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `deadline` | 24 hours | a daily job that is not over by then meets its successor |
    /// | `max_retries` | 16 | with this backoff more than 20 minutes on average: an outage that somebody has to mend |
    /// | `max_throttles` | 48 | two for each hourly window before the deadline |
    /// | `backoff` | exponential from 1 s, factor 2, cap 5 minutes | goes on soon after the server does, at a dozen sends an hour until then |
    /// | `max_retry_after` | 61 minutes | an hourly window (GitHub's), and a minute for clocks that differ; a day's means a spent contract |
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Policy;
    /// use core::time::Duration;
    ///
    /// const POLICY: Policy = Policy::patient();
    /// assert_eq!(POLICY.deadline(), Some(Duration::from_secs(24 * 3_600)));
    /// assert_eq!(POLICY.max_retry_after(), Duration::from_secs(61 * 60));
    /// assert_eq!((POLICY.max_retries(), POLICY.max_throttles()), (16, 48));
    ///
    /// // Full jitter waits half of that on average.
    /// let longest: Duration = (0..POLICY.max_retries()).map(|retry| POLICY.backoff().ceiling(retry)).sum();
    /// assert_eq!(longest, Duration::from_secs(2_611));
    /// ```
    pub const fn patient() -> Self {
        let slow = Backoff::exponential(Duration::from_secs(1)).with_cap(Duration::from_secs(300));
        Self::new()
            .with_deadline(Duration::from_secs(24 * 60 * 60))
            .with_max_retries(16)
            .with_max_throttles(48)
            .with_backoff(slow)
            .with_max_retry_after(Duration::from_secs(61 * 60))
    }

    /// Sets how the delay ceiling grows.
    ///
    /// The backoff replaces the whole backoff of the policy, its cap included. Unless you set a
    /// jitter, the delays of a constant, linear, Fibonacci or custom backoff are never shorter than
    /// you wrote them down.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Backoff, Policy, driver::Delays};
    /// use core::time::Duration;
    ///
    /// let minute = Duration::from_secs(60);
    /// let policy = Policy::new().with_backoff(Backoff::constant(minute));
    /// let mut delays = Delays::new(policy.backoff(), policy.jitter(), 1);
    /// assert!((minute..=Duration::from_secs(66)).contains(&delays.draw(0)));
    /// ```
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets how delays are drawn from the ceiling, for retries and for polls.
    ///
    /// The jitter that you set holds for every shape of backoff. Defaults to [`Jitter::auto`]:
    /// full for an exponential backoff, and up to a tenth more for any other.
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets how many transient failures of one call are followed by another attempt. Defaults to 3.
    #[doc(alias = "max_attempts")]
    pub const fn with_max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self.once = false;
        self
    }

    /// Sets how many rejections of one call are followed by another attempt. Defaults to 16.
    ///
    /// Rejections don't count as retries: the server did not try and fail, it asked to wait.
    #[doc(alias = "rate limit")]
    #[doc(alias = "429")]
    pub const fn with_max_throttles(mut self, rejections: u32) -> Self {
        self.max_throttles = rejections;
        self.once = false;
        self
    }

    /// Sets the time from the start of a call to the instant by which it must be over, waits
    /// included. Defaults to none.
    ///
    /// A wait that would pass it is not begun: the call stops at once. What is left of it when an attempt begins is
    /// the attempt's time-out: one in flight is dropped.
    #[doc(alias = "max_elapsed_time")]
    #[doc(alias = "total timeout")]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets no deadline, as by default: for what is the same as a preset, or as another policy, but for that.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Policy;
    ///
    /// const STREAMS: Policy = Policy::batch().without_deadline();
    /// assert_eq!(STREAMS.deadline(), None);
    /// assert_eq!(STREAMS.max_retries(), Policy::batch().max_retries());
    /// ```
    pub const fn without_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// Sets the time from the sending of an attempt to the instant by which the head of its response must be there; where bodies are
    /// read within the attempt, the body. Defaults to none.
    ///
    /// An attempt that takes longer is dropped. It may have been executed, and is repeated like any other that was not
    /// answered. If it was the last, the call ends with [`Stopped`](crate::Stopped).
    #[doc(alias = "timeout")]
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Sets no time-out for attempts, as by default.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Policy;
    /// use core::time::Duration;
    ///
    /// const SHORT: Policy = Policy::new().with_attempt_timeout(Duration::from_secs(2));
    /// const EXPORT: Policy = SHORT.without_attempt_timeout();
    /// assert_eq!(EXPORT.attempt_timeout(), None);
    /// assert_eq!(EXPORT, Policy::new());
    /// ```
    pub const fn without_attempt_timeout(mut self) -> Self {
        self.attempt_timeout = None;
        self
    }

    /// Sets how long to wait before what is [pending](crate::Outcome::pending) is asked for again. Defaults to exponential
    /// from 1 second, factor 1.5, cap 20 seconds.
    ///
    /// The policy's [jitter](Self::with_jitter) draws the delays. Unless you set one, it depends on the shape of this backoff
    /// and not on that of the retries. A poll is never earlier than the server says. Polls cost no retries, and pass the pacer
    /// like any other call.
    pub const fn with_polling(mut self, polling: Backoff) -> Self {
        self.polling = polling;
        self
    }

    /// Sets the longest wait that a server may ask for. Defaults to 5 minutes.
    ///
    /// A hint that asks for more is not cut down, which would have the call throttled again: it stops
    /// the call, and the stop tells the uncut instant.
    #[doc(alias = "retry_after")]
    #[doc(alias = "cooldown")]
    pub const fn with_max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = nanos(longest);
        self
    }

    /// Sets how servers are known to write their headers, where names and values say too little. Of several dialects,
    /// the first that names a header counts. Defaults to none.
    ///
    /// For one scope of many, see [`Breather::set_dialects`](crate::Breather::set_dialects).
    #[cfg(feature = "std")]
    pub const fn with_dialects(mut self, dialects: &'static [Dialect]) -> Self {
        self.dialects = dialects;
        self
    }

    /// How servers are known to write their headers.
    #[cfg(feature = "std")]
    pub const fn dialects(&self) -> &'static [Dialect] {
        self.dialects
    }

    /// How the delay ceiling grows.
    pub const fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// Returns how retries and polls are drawn from their ceilings.
    ///
    /// This is the jitter that you set, or else [`Jitter::auto`]. With
    /// [`Delays::new`](crate::driver::Delays::new), it draws what the policy draws.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Jitter, Policy};
    ///
    /// assert_eq!(Policy::new().jitter(), Jitter::auto());
    /// assert_eq!(Policy::new().with_jitter(Jitter::full()).jitter(), Jitter::full());
    /// ```
    pub const fn jitter(&self) -> Jitter {
        self.jitter
    }

    /// How many transient failures are followed by another attempt.
    #[must_use]
    pub const fn max_retries(&self) -> u32 {
        self.max_retries
    }

    /// How many rejections are followed by another attempt.
    #[must_use]
    pub const fn max_throttles(&self) -> u32 {
        self.max_throttles
    }

    /// The time a call may take, waits included.
    #[must_use]
    pub const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The time that an attempt may take.
    #[must_use]
    pub const fn attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout
    }

    /// How long to wait before what is pending is asked for again.
    pub const fn polling(&self) -> Backoff {
        self.polling
    }

    /// The longest wait that a server may ask for.
    #[must_use]
    pub const fn max_retry_after(&self) -> Duration {
        duration(self.max_retry_after)
    }

    /// Whether any outcome can lead to a second attempt: if none can, nothing need be kept for it.
    #[must_use]
    pub const fn can_retry(&self) -> bool {
        !self.once
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Policy {
    /// Writes the settings for a log or a person.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Policy;
    ///
    /// assert_eq!(
    ///     Policy::interactive().to_string(),
    ///     "at most 2 retries (exponential from 100ms, factor 2, cap 1s; automatic jitter), \
    ///      4 throttled responses, Retry-After of 5s, deadline 10s"
    /// );
    /// assert_eq!(
    ///     Policy::no_retries().to_string(),
    ///     "no retries"
    /// );
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.once {
            f.write_str("no retries")?;
        } else {
            let Self {
                max_retries,
                max_throttles,
                backoff,
                jitter,
                ..
            } = self;
            let max_retry_after = self.max_retry_after();
            write!(
                f,
                "at most {max_retries} retries ({backoff}; {jitter}), \
                 {max_throttles} throttled responses, Retry-After of {max_retry_after:?}"
            )?;
        }
        if let Some(deadline) = self.deadline {
            write!(f, ", deadline {deadline:?}")?;
        }
        if let Some(timeout) = self.attempt_timeout {
            write!(f, ", attempt timeout {timeout:?}")?;
        }
        Ok(())
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        // All fields by name, so that a new one is not forgotten.
        let Self {
            backoff,
            jitter,
            max_retries,
            max_throttles,
            deadline,
            attempt_timeout,
            max_retry_after,
            polling,
            once,
            #[cfg(feature = "std")]
            dialects,
        } = *self;
        #[cfg(feature = "std")]
        let same_dialects = core::ptr::eq(dialects, other.dialects)
            || (dialects.is_empty() && other.dialects.is_empty());
        #[cfg(not(feature = "std"))]
        let same_dialects = true;
        same_dialects
            && backoff == other.backoff
            && jitter == other.jitter
            && max_retries == other.max_retries
            && max_throttles == other.max_throttles
            && deadline == other.deadline
            && attempt_timeout == other.attempt_timeout
            && max_retry_after == other.max_retry_after
            && polling == other.polling
            && once == other.once
    }
}

impl Eq for Policy {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_are_those_with_equal_settings() {
        let second = Duration::from_secs(1);
        let all = [
            Policy::new(),
            Policy::no_retries(),
            Policy::interactive(),
            Policy::batch(),
            Policy::patient(),
            Policy::new().with_backoff(Backoff::constant(second)),
            Policy::new().with_jitter(Jitter::equal()),
            Policy::new().with_jitter(Jitter::full()),
            Policy::new().with_max_retries(0).with_max_throttles(0),
            Policy::new().with_max_retries(0),
            Policy::new().with_max_throttles(0),
            Policy::new().with_deadline(second),
            Policy::new().with_max_retry_after(second),
            Policy::new().with_attempt_timeout(second),
            Policy::new().with_polling(Backoff::constant(second)),
            #[cfg(feature = "std")]
            Policy::new().with_dialects(Dialect::all()),
        ];
        for (this, one) in all.iter().enumerate() {
            for (that, other) in all.iter().enumerate() {
                assert_eq!(one == other, this == that, "{one:?}, {other:?}");
            }
        }
    }
}
