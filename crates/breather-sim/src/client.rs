//! Who makes the calls.

use std::fmt;
use std::sync::Arc;

use crate::baseline::{AwsAdaptive, FullJitter, Growing, Limited, RetryAfter};
use crate::callers::Callers;

/// Who makes the calls of a [`Load`](crate::Load): breather, or what else people do.
///
/// Only [`Breather`](Self::Breather) shares what it learns between calls, [`AwsAdaptive`](Self::AwsAdaptive) a rate
/// that it learns, and a [`StaticLimiter`](Self::StaticLimiter) its rate; of all others each call sends when it wants
/// to.
///
/// The policy of the load is breather's, paced or not. The baselines repeat whatever may pass until it succeeds,
/// but none after a day; only [`AwsAdaptive`](Self::AwsAdaptive) says how often.
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
    /// The loop that everybody writes first: `sleep(2^n + U(0,1))` seconds.
    Loop,
    /// The loop that everybody writes next: `sleep(min(2^n + U(0,1), 10))` seconds.
    LoopCapped,
    /// Waits as long as `Retry-After` says, and where there is none, as [`LoopCapped`](Self::LoopCapped) does.
    RetryAfter,
    /// The same, and between 0 and 1 s longer.
    RetryAfterJittered,
    /// Exponential backoff with full jitter: `sleep(U(0, min(0.1 · 2^n, 20)))` seconds.
    ///
    /// So AWS proposes it
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
    FullJitter,
    /// The AWS SDKs' adaptive mode, by its rules of 2026: all calls of a process wait for a token bucket, whose rate
    /// grows cubically from one rejection to the next; what fails is repeated after a backoff with full jitter, from 1 s
    /// if it was throttled.
    ///
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>)
    AwsAdaptive {
        /// How often a call is repeated at most: twice by default, which the SDKs call 3 attempts.
        retries: u32,
        /// The tokens that retries of all calls are paid with, 5 each if they follow a rejection and 14 if they follow
        /// a failure, and that successes bring back. It is 500 in every SDK; `None` lets all retries be free.
        quota: Option<u32>,
    },
    /// A limit on sends in front of [`LoopCapped`](Self::LoopCapped): somebody wrote down what the server permits.
    StaticLimiter {
        /// How many sends a second, retries among them.
        rate: f64,
        /// How many at once, if there were none for a while.
        burst: u32,
    },
    /// Any other: see [`custom`](Self::custom).
    Custom(Custom),
}

/// A client made by [`Client::custom`].
#[derive(Clone)]
pub struct Custom {
    name: String,
    callers: Arc<dyn Fn() -> Box<dyn Callers> + Send + Sync>,
}

impl Client {
    /// Any client, by what the callers of each process do.
    ///
    /// # Example
    ///
    /// Whoever waits for 5 s and gives up after three retries does not survive this server:
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

    /// What it does, in the words of who writes it.
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

    /// The callers of one process, unless breather drives them.
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
