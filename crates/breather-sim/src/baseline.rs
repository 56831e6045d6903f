//! Retry strategies that are common today, to compare breather with.

mod aws_adaptive;
mod full_jitter;
mod growing;
mod limited;
mod retry_after;

pub(crate) use self::aws_adaptive::AwsAdaptive;
pub(crate) use self::full_jitter::FullJitter;
pub(crate) use self::growing::Growing;
pub(crate) use self::limited::Limited;
pub(crate) use self::retry_after::RetryAfter;

#[cfg(test)]
use crate::callers::{Failure, Retries};

/// Returns the delays, in seconds, of a call whose every attempt is throttled.
#[cfg(test)]
fn delays(retries: &mut dyn Retries, count: u32, retry_after: Option<u64>) -> Vec<f64> {
    let delays = (0..count).map(|retry| {
        let failure = Failure {
            now: std::time::Duration::ZERO,
            retry,
            status: Some(http::StatusCode::TOO_MANY_REQUESTS),
            retry_after: retry_after.map(std::time::Duration::from_secs),
        };
        let delay = retries.on_failure(&failure);
        delay.expect("the call is never given up").as_secs_f64()
    });
    delays.collect()
}
