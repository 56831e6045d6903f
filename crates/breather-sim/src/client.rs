//! The clients that make the calls.

use std::fmt;
use std::sync::Arc;

use crate::baseline::{AwsAdaptive, FullJitter, Growing, Limited, RetryAfter};
use crate::callers::Callers;

/// The client that makes the calls of a [`Load`](crate::Load).
///
/// It is breather or one of the retry strategies that people use instead. Most of them share
/// nothing between calls, so each call sends whenever it wants to. There are three exceptions:
///
/// - [`Breather`](Self::Breather) shares all that it learns.
/// - [`AwsAdaptive`](Self::AwsAdaptive) shares a learned rate.
/// - [`StaticLimiter`](Self::StaticLimiter) shares its fixed rate.
///
/// The policy of the load applies to breather only, with or without pacing. The baselines retry
/// every transient failure and rejection until the call succeeds, for at most a day. Only
/// [`AwsAdaptive`](Self::AwsAdaptive) limits the number of retries.
///
/// # Example
///
/// ```
/// use breather_sim::{Client, Load, Server, run_client};
///
/// let (server, load) = (Server::default(), Load::spike(1_000));
/// let [loops, paced] = [Client::LoopCapped, Client::Breather].map(|it| run_client(&server, &load, &it, 1));
/// assert!(loops.sends_per_call() > 5.0);
/// assert!(paced.sends_per_call() < 1.05);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Client {
    /// breather with its pacer, by the load's policy and pacing.
    Breather,
    /// breather without its pacer, by the load's policy.
    Unpaced,
    /// The loop that most people write first: `sleep(2^n + U(0,1))` seconds.
    Loop,
    /// The loop that most people write next: `sleep(min(2^n + U(0,1), 10))` seconds.
    LoopCapped,
    /// Waits as long as `Retry-After` says.
    ///
    /// Without that header, it waits as [`LoopCapped`](Self::LoopCapped) does.
    RetryAfter,
    /// Waits like [`RetryAfter`](Self::RetryAfter), and between 0 and 1 s longer.
    RetryAfterJittered,
    /// Exponential backoff with full jitter: `sleep(U(0, min(0.1 · 2^n, 20)))` seconds.
    ///
    /// AWS proposes it in
    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
    FullJitter,
    /// The adaptive mode of the AWS SDKs, by its rules of 2026.
    ///
    /// All calls of a process wait for a token bucket, whose rate grows cubically from one
    /// rejection to the next. Failed calls are retried after a backoff with full jitter, whose
    /// ceiling starts at 1 s after a rejection. The rules are at
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>.
    AwsAdaptive {
        /// The most retries of a call.
        ///
        /// The SDKs default to 3 attempts, which are two retries.
        retries: u32,
        /// The tokens that pay for the retries of all calls.
        ///
        /// A retry costs 5 tokens after a rejection and 14 after a failure. Successes give tokens
        /// back. The quota is 500 in every SDK. `None` makes all retries free.
        quota: Option<u32>,
    },
    /// A static limit on sends in front of [`LoopCapped`](Self::LoopCapped).
    ///
    /// This is a client that was configured with the server's limit.
    StaticLimiter {
        /// The sends per second, including retries.
        rate: f64,
        /// The number of sends at once after a pause.
        burst: u32,
    },
    /// Any other client. [`custom`](Self::custom) creates one.
    Custom(Custom),
}

/// A client that [`Client::custom`] creates.
///
/// # Example
///
/// Compare your client with breather. `NoRetries` implements [`Callers`] and never retries:
///
/// ```
/// use breather_sim::{Client, Load, Server, run_client};
/// # use breather_sim::{Callers, Failure, Retries};
/// use std::time::Duration;
///
/// # struct NoRetries;
/// #
/// # impl Callers for NoRetries {
/// #     fn call(&mut self, _seed: u64) -> Box<dyn Retries> {
/// #         Box::new(NoRetries)
/// #     }
/// # }
/// #
/// # impl Retries for NoRetries {
/// #     fn on_failure(&mut self, _: &Failure) -> Option<Duration> {
/// #         None
/// #     }
/// # }
/// #
/// let client = Client::custom("no retries", || Box::new(NoRetries));
/// assert!(matches!(client, Client::Custom(_)));
///
/// let server = Server::default().with_quota(5, Duration::from_secs(10));
/// let ok = [client, Client::Breather].map(|client| {
///     let run = run_client(&server, &Load::spike(10), &client, 1);
///     (client.name(), run.ok())
/// });
/// assert_eq!(ok, [("no retries".to_owned(), 5), ("breather".to_owned(), 10)]);
/// ```
#[derive(Clone)]
pub struct Custom {
    name: String,
    callers: Arc<dyn Fn() -> Box<dyn Callers> + Send + Sync>,
}

impl Client {
    /// Creates a client of your own from the callers of each process.
    ///
    /// # Example
    ///
    /// A client that waits for 5 s and gives up after three retries does not survive this server:
    ///
    /// ```
    /// use breather_sim::{Callers, Client, Failure, Load, Retries, Server, run_client};
    /// use std::time::Duration;
    ///
    /// struct Patient;
    ///
    /// impl Callers for Patient {
    ///     fn call(&mut self, _seed: u64) -> Box<dyn Retries> {
    ///         Box::new(Patient)
    ///     }
    /// }
    ///
    /// impl Retries for Patient {
    ///     fn on_failure(&mut self, failure: &Failure) -> Option<Duration> {
    ///         (failure.retry < 3).then_some(Duration::from_secs(5))
    ///     }
    /// }
    ///
    /// let client = Client::custom("patient", || Box::new(Patient));
    /// let run = run_client(&Server::default(), &Load::spike(1_000), &client, 1);
    /// assert_eq!(run.ok(), 200);
    /// ```
    pub fn custom(
        name: impl Into<String>,
        callers: impl Fn() -> Box<dyn Callers> + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(Custom {
            name: name.into(),
            callers: Arc::new(callers),
        })
    }

    /// Returns the name of the client, as its author describes it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Breather => "breather".into(),
            Self::Unpaced => "breather without pacing".into(),
            Self::Loop => "2^n + U(0,1)".into(),
            Self::LoopCapped => "min(2^n + U(0,1), 10)".into(),
            Self::RetryAfter => "Retry-After".into(),
            Self::RetryAfterJittered => "Retry-After + U(0,1)".into(),
            Self::FullJitter => "U(0, min(0.1 2^n, 20))".into(),
            Self::AwsAdaptive { retries, quota } => {
                let free = if quota.is_some() { "" } else { "free " };
                match retries {
                    &u32::MAX => format!("AWS adaptive, endless {free}retries"),
                    retries => format!("AWS adaptive, {retries} {free}retries"),
                }
            }
            Self::StaticLimiter { rate, .. } => {
                format!(
                    "{}/s, min(2^n + U(0,1), 10)",
                    (rate * 100.0).round() / 100.0
                )
            }
            Self::Custom(custom) => custom.name.clone(),
        }
    }

    /// Returns the callers of one process, unless breather drives them.
    pub(crate) fn callers(&self) -> Option<Box<dyn Callers>> {
        Some(match self {
            Self::Breather | Self::Unpaced => return None,
            Self::Loop => Box::new(Growing::uncapped()),
            Self::LoopCapped => Box::new(Growing::capped()),
            Self::RetryAfter => Box::new(RetryAfter::exact()),
            Self::RetryAfterJittered => Box::new(RetryAfter::jittered()),
            Self::FullJitter => Box::new(FullJitter),
            &Self::AwsAdaptive { retries, quota } => Box::new(AwsAdaptive::new(retries, quota)),
            &Self::StaticLimiter { rate, burst } => Box::new(Limited::new(rate, burst)),
            Self::Custom(custom) => (custom.callers)(),
        })
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
