//! Configures how often a call is retried, how long it waits, and when it ends.
//!
//! - `backoff`: the ceiling of the delay before each retry
//! - `jitter`: the draw of a delay from its ceiling
//! - `budget`: the share of retries that all calls of a scope may make together
//! - `ratio`: factors without floats
//! - `file`: policies in configuration files

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

/// Limits the retries, the waits and the total time of a call.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | [`max_retries`](Self::with_max_retries) | 3 | a call that fails is sent at most four times; more would multiply the load of an outage |
/// | [`backoff`](Self::with_backoff) | exponential from 100 ms, factor 2, cap 20 s | see [`Backoff`] |
/// | [`jitter`](Self::with_jitter) | full if the backoff is exponential; otherwise adds up to a tenth | needed the fewest calls in AWS's measurements; delays that you wrote down are kept (see [`Jitter::auto`]) |
/// | [`max_throttles`](Self::with_max_throttles) | 16 | with a shared pacer, a call is throttled once or twice; more means exhausted credit or a broken server |
/// | [`deadline`](Self::with_deadline) | none | a queue of thousands can legitimately take minutes; the application has its own timeout |
/// | [`attempt_timeout`](Self::with_attempt_timeout) | none | the client has its own timeouts |
/// | [`max_queue_time`](Self::with_max_queue_time) | none | as for the deadline |
/// | [`max_retry_after`](Self::with_max_retry_after) | 5 minutes | windows last seconds to a minute; hours mean that a contract is used up |
/// | [`polling`](Self::with_polling) | exponential from 1 s, factor 1.5, cap 20 s | short jobs are noticed soon, and long ones are polled three times a minute |
///
/// A default never overrides a setting of yours. If you set a backoff, the default cap and the
/// default jitter don't shorten its delays. See [`Backoff`], section "Delays that you write down".
///
/// Use [`Pacing`](crate::Pacing) for settings that belong to a scope instead of a call.
///
/// # Presets
///
/// The presets are starting points for three kinds of callers. The documentation of each function
/// gives the reason for each value. Change a preset with the same setters as the defaults.
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
/// All presets use full jitter, because their backoffs are exponential.
///
/// # In a file
///
/// With feature `serde`, a policy can be part of a configuration file in TOML, JSON or any other
/// self-describing format of serde. An absent field keeps the value of the preset, or the default
/// if the file does not name a preset:
///
/// ```toml
/// preset = "batch"
/// max_retries = 5
/// deadline = "20m"
/// backoff = { kind = "exponential", base = "250ms", factor = 1.5, cap = "30s" }
/// jitter = "equal"
/// ```
///
/// Invalid values are rejected with an error that names the field, the value and the expected
/// values. `docs/configuration.md` in the repository lists all fields.
///
/// A file cannot contain a custom backoff or dialects. Serializing a policy that has them is an
/// error.
///
/// # Equality
///
/// Two policies are equal if all their settings are equal. A jitter that you set differs from the
/// default one, even if both draw the same delays from this backoff, because they can differ with
/// another backoff.
///
/// Dialects and custom backoffs are compared by address, so two equal ones at different addresses
/// may count as different.
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
    max_queue_time: Option<Duration>,
    /// In nanoseconds.
    pub(crate) max_retry_after: u64,
    pub(crate) polling: Backoff,
    /// Set by `no_retries`. Setters that permit a second attempt unset it.
    once: bool,
    #[cfg(feature = "std")]
    dialects: &'static [Dialect],
}

impl Policy {
    /// Creates a policy with the defaults.
    pub const fn new() -> Self {
        Self {
            backoff: backoff::DEFAULT,
            jitter: Jitter::auto(),
            max_retries: 3,
            max_throttles: 16,
            deadline: None,
            attempt_timeout: None,
            max_queue_time: None,
            max_retry_after: nanos(Duration::from_secs(5 * 60)),
            polling: Backoff::exponential(Duration::from_secs(1)).with_factor(1.5),
            once: false,
            #[cfg(feature = "std")]
            dialects: &[],
        }
    }

    /// Creates a policy that never sends a second attempt.
    ///
    /// A later [`with_max_retries`](Self::with_max_retries) or
    /// [`with_max_throttles`](Self::with_max_throttles) permits more attempts.
    #[doc(alias = "never")]
    pub const fn no_retries() -> Self {
        Self::new().once()
    }

    pub(crate) const fn once(self) -> Self {
        let mut policy = self.with_max_retries(0).with_max_throttles(0);
        policy.once = true;
        policy
    }

    /// Creates a policy for calls that a person waits for.
    ///
    /// Examples are a click, a page, or a command at a prompt.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `deadline` | 10 s | as long as a person stays with a task ([response times](https://www.nngroup.com/articles/response-times-3-important-limits/)) |
    /// | `max_retries` | 2 | three failed sends in a row are an outage, which lasts longer than the person stays |
    /// | `max_throttles` | 4 | the pacer learns from one or two rejections; more mean that another client has the quota |
    /// | `backoff` | exponential from 100 ms, factor 2, cap 1 s | breather's own waits are too short to interrupt a train of thought |
    /// | `max_retry_after` | 5 s | half of the deadline, because a longer wait leaves too little time for the response |
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

    /// Creates a policy for jobs whose result someone looks at later.
    ///
    /// Examples are an import or a nightly load.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `deadline` | 1 hour | including the queue, time for 18,000 calls at 300 a minute; a call that takes longer is stuck |
    /// | `max_retries` | 8 | with this backoff a minute and a half on average, enough for a restart or a failover |
    /// | `max_throttles` | 32 | twice the default, because other processes that share the quota take calls from each window |
    /// | `backoff` | exponential from 1 s, factor 2, cap 1 minute | a second is not noticed, and a server that is down gets few requests |
    /// | `max_retry_after` | 16 minutes | a 15-minute window (X's), and a minute for clocks that differ |
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

    /// Creates a policy for exports and migrations that may take hours.
    ///
    /// Use it if success matters more than time.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `deadline` | 24 hours | a daily job that takes longer overlaps the next one |
    /// | `max_retries` | 16 | with this backoff more than 20 minutes on average, enough for an outage that a person has to fix |
    /// | `max_throttles` | 48 | two for each hourly window before the deadline |
    /// | `backoff` | exponential from 1 s, factor 2, cap 5 minutes | resumes soon after the server does, and sends a dozen requests an hour until then |
    /// | `max_retry_after` | 61 minutes | an hourly window (GitHub's), and a minute for clocks that differ; a wait of a day means that a contract is used up |
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
    /// This replaces the whole backoff of the policy, including its cap. Unless you set a jitter,
    /// the delays of a constant, linear, Fibonacci or custom backoff are never shorter than you
    /// wrote them down.
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

    /// Sets how delays are drawn from the ceiling, for retries and polls.
    ///
    /// The jitter applies to every shape of backoff. Defaults to [`Jitter::auto`], which is full
    /// for an exponential backoff and adds up to a tenth to any other.
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets how many transient failures of one call are retried.
    ///
    /// Defaults to 3.
    #[doc(alias = "max_attempts")]
    pub const fn with_max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self.once = false;
        self
    }

    /// Sets how many rejections of one call are followed by another attempt.
    ///
    /// Defaults to 16. Rejections don't count as retries, because the server did not try and fail.
    /// It asked the call to wait.
    #[doc(alias = "rate limit")]
    #[doc(alias = "429")]
    pub const fn with_max_throttles(mut self, rejections: u32) -> Self {
        self.max_throttles = rejections;
        self.once = false;
        self
    }

    /// Limits the total time of a call, including its waits.
    ///
    /// Defaults to unlimited. The time counts from the moment when the call first asks for a permit,
    /// and includes the queue and all waits. If a wait would outlast the deadline, the call ends
    /// immediately. The time that is left when an attempt begins is also the timeout of that
    /// attempt, and breather drops an attempt in flight at the deadline.
    ///
    /// An attempt ends when the head of its response has arrived, unless the adapter buffers bodies.
    #[doc(alias = "max_elapsed_time")]
    #[doc(alias = "total timeout")]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Removes the deadline.
    ///
    /// Use it to take all other settings from a preset or another policy.
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

    /// Limits the time of one attempt.
    ///
    /// Defaults to unlimited. The head of the response has to arrive within this time after the
    /// attempt is sent. If an adapter reads bodies within the attempt, so does the body.
    ///
    /// breather drops an attempt that takes longer. The server may have executed it, so breather
    /// retries it like any other attempt without a response. If it was the last attempt, the call
    /// ends with [`Stopped`](crate::Stopped).
    #[doc(alias = "timeout")]
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Removes the timeout of attempts.
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

    /// Limits the time for which a call waits for permits in all.
    ///
    /// Defaults to unlimited. If the server's statements rule out a permit for longer, the call ends immediately, also
    /// after a throttled response of its own. Otherwise it ends when it has waited for so long. The end has the reason
    /// [`MaxQueueTime`](crate::EndReason::MaxQueueTime), and tells [when to try
    /// again](crate::End::retry_at). Backoffs do not count, nor does the time for which a response asks its own call to
    /// wait. Calls that are not paced ignore this setting.
    ///
    /// Use it where a late answer is worth nothing, for example in a web handler, which then answers 503 with
    /// `Retry-After`. With zero, a call ends unless it gets its permit at once.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Policy;
    /// use core::time::Duration;
    ///
    /// const HANDLER: Policy = Policy::interactive().with_max_queue_time(Duration::from_millis(500));
    /// assert_eq!(HANDLER.max_queue_time(), Some(Duration::from_millis(500)));
    /// assert_eq!(HANDLER.without_max_queue_time(), Policy::interactive());
    /// ```
    #[doc(alias = "load shedding")]
    #[doc(alias = "circuit breaker")]
    #[doc(alias = "bulkhead")]
    pub const fn with_max_queue_time(mut self, longest: Duration) -> Self {
        self.max_queue_time = Some(longest);
        self
    }

    /// Removes the limit on the time for which a call waits for permits.
    pub const fn without_max_queue_time(mut self) -> Self {
        self.max_queue_time = None;
        self
    }

    /// Sets the backoff between polls of a [pending](crate::Outcome::pending) result.
    ///
    /// Defaults to exponential from 1 second, factor 1.5, cap 20 seconds.
    ///
    /// The policy's [jitter](Self::with_jitter) draws the delays. If you don't set one, it depends
    /// on the shape of this backoff instead of the retry backoff. A poll is never earlier than the
    /// server says. Polls cost no retries, and the pacer schedules them like any other call.
    pub const fn with_polling(mut self, polling: Backoff) -> Self {
        self.polling = polling;
        self
    }

    /// Sets the longest wait that a server may ask for.
    ///
    /// Defaults to 5 minutes. If a hint asks for more, the call ends immediately and reports the
    /// full instant. breather does not shorten the wait, because the server would throttle the call
    /// again.
    #[doc(alias = "retry_after")]
    #[doc(alias = "cooldown")]
    pub const fn with_max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = nanos(longest);
        self
    }

    /// Sets the dialects in which servers write their headers.
    ///
    /// Use dialects if the names and values of the headers are not clear by themselves. If several
    /// dialects name a header, the first one wins. Defaults to none.
    ///
    /// To set dialects for only some scopes, see
    /// [`Breather::set_dialects`](crate::Breather::set_dialects).
    #[cfg(feature = "std")]
    pub const fn with_dialects(mut self, dialects: &'static [Dialect]) -> Self {
        self.dialects = dialects;
        self
    }

    /// Returns the dialects in which servers write their headers.
    #[cfg(feature = "std")]
    pub const fn dialects(&self) -> &'static [Dialect] {
        self.dialects
    }

    /// Returns the backoff between retries.
    pub const fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// Returns how the delays of retries and polls are drawn.
    ///
    /// This is the jitter that you set, or else [`Jitter::auto`].
    /// [`Delays::new`](crate::driver::Delays::new) with this jitter draws delays as the policy
    /// does.
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

    /// Returns how many transient failures of one call are retried.
    #[must_use]
    pub const fn max_retries(&self) -> u32 {
        self.max_retries
    }

    /// Returns how many rejections of one call are followed by another attempt.
    #[must_use]
    pub const fn max_throttles(&self) -> u32 {
        self.max_throttles
    }

    /// Returns the longest time that a call may take, including its waits.
    #[must_use]
    pub const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Returns the longest time that an attempt may take.
    #[must_use]
    pub const fn attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout
    }

    /// Returns the longest time for which a call waits for permits.
    #[must_use]
    pub const fn max_queue_time(&self) -> Option<Duration> {
        self.max_queue_time
    }

    /// Returns the backoff between polls of a pending result.
    pub const fn polling(&self) -> Backoff {
        self.polling
    }

    /// Returns the longest wait that a server may ask for.
    #[must_use]
    pub const fn max_retry_after(&self) -> Duration {
        duration(self.max_retry_after)
    }

    /// Returns whether any outcome can lead to a second attempt.
    ///
    /// If not, you don't need to keep the request for one.
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
        if let Some(longest) = self.max_queue_time {
            write!(f, ", at most {longest:?} in the queue")?;
        }
        Ok(())
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        // Names all fields, so that adding one is a compile error here.
        let Self {
            backoff,
            jitter,
            max_retries,
            max_throttles,
            deadline,
            attempt_timeout,
            max_queue_time,
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
            && max_queue_time == other.max_queue_time
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
    fn policies_with_different_settings_differ() {
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
