//! The adaptive mode of the AWS SDKs.

mod measured_rate;
mod rate_limiter;
mod retry_quota;
mod send_rate;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http::StatusCode;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use self::rate_limiter::RateLimiter;
use self::retry_quota::RetryQuota;
use crate::callers::{Admission, Callers, Failure, Retries};

/// A client of an AWS SDK in adaptive mode, by the rules of 2026.
///
/// A rate limiter stands in front of all sends, and every response adjusts its rate. Failed calls
/// are retried after a backoff with full jitter, and each retry costs tokens from a quota.
///
/// The client ignores all of a server's hints except its own `x-amz-retry-after`, which only AWS
/// sends.
#[derive(Debug)]
pub(crate) struct AwsAdaptive {
    shared: Rc<RefCell<Shared>>,
    retries: u32,
}

/// The state that all calls of a client share.
#[derive(Debug)]
struct Shared {
    limiter: RateLimiter,
    quota: Option<RetryQuota>,
}

impl AwsAdaptive {
    /// Creates a client with at most `retries` retries a call. If `quota` is `None`, retries are
    /// free.
    pub(crate) fn new(retries: u32, quota: Option<u32>) -> Self {
        let limiter = RateLimiter::default();
        let quota = quota.map(RetryQuota::new);
        Self {
            shared: Rc::new(RefCell::new(Shared { limiter, quota })),
            retries,
        }
    }
}

impl Callers for AwsAdaptive {
    fn admit(&mut self, now: Duration) -> Admission {
        let wait = self.shared.borrow_mut().limiter.take(now);
        wait.map_or(Admission::At(now), |wait| Admission::AskAgain(now + wait))
    }

    fn call(&mut self, seed: u64) -> Box<dyn Retries> {
        Box::new(AwsCall {
            shared: self.shared.clone(),
            retries: self.retries,
            paid: None,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        })
    }
}

#[derive(Debug)]
struct AwsCall {
    shared: Rc<RefCell<Shared>>,
    retries: u32,
    /// The cost of the latest retry.
    paid: Option<u32>,
    random: Xoshiro256PlusPlus,
}

impl Retries for AwsCall {
    fn on_failure(&mut self, failure: &Failure) -> Option<Duration> {
        let is_throttled = failure.status == Some(StatusCode::TOO_MANY_REQUESTS);
        let Shared { limiter, quota } = &mut *self.shared.borrow_mut();
        limiter.on_answer(failure.now, is_throttled);
        if failure.retry >= self.retries {
            return None;
        }
        let (cost, base_s) = if is_throttled { THROTTLED } else { TRANSIENT };
        if let Some(quota) = quota {
            quota.pay(cost)?;
            self.paid = Some(cost);
        }
        let exponent = i32::try_from(failure.retry).unwrap_or(i32::MAX);
        let ceiling_s = (base_s * 2_f64.powi(exponent)).min(CEILING_S);
        Some(Duration::from_secs_f64(
            ceiling_s * self.random.random::<f64>(),
        ))
    }

    fn on_success(&mut self, now: Duration) {
        let Shared { limiter, quota } = &mut *self.shared.borrow_mut();
        limiter.on_answer(now, false);
        if let Some(quota) = quota {
            quota.refund(self.paid.unwrap_or(UNREPEATED));
        }
    }
}

/// The cost of a retry, and the ceiling of the first retry's delay in seconds.
const THROTTLED: (u32, f64) = (5, 1.0);
const TRANSIENT: (u32, f64) = (14, 0.05);

/// The tokens that a call gives back if its first attempt succeeds.
const UNREPEATED: u32 = 1;

const CEILING_S: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_ceilings_double_up_to_20_s() {
        for (status, base_s) in [(429, 1.0), (503, 0.05)] {
            for retry in 0..12 {
                let ceiling_s = (base_s * f64::from(1 << retry)).min(20.0);
                let draws = (0..200).map(|seed| {
                    let mut client = AwsAdaptive::new(u32::MAX, None);
                    let delay = client.call(seed).on_failure(&failure(status, retry));
                    delay.expect("the call is never given up").as_secs_f64()
                });
                let longest = draws.fold(0.0, f64::max);
                let expected = 0.9 * ceiling_s..ceiling_s;
                assert!(expected.contains(&longest), "{status} {retry}: {longest}");
            }
        }
    }

    #[test]
    fn full_quota_pays_for_100_retries_of_rejections_or_35_of_failures() {
        for (status, expected) in [(429, 100), (503, 35)] {
            let mut client = AwsAdaptive::new(2, Some(500));
            let mut calls: Vec<_> = (0..150).map(|seed| client.call(seed)).collect();
            let repeated = calls
                .iter_mut()
                .filter_map(|call| call.on_failure(&failure(status, 0)))
                .count();
            assert_eq!(repeated, expected, "{status}");
        }
    }

    #[test]
    fn success_pays_for_the_next_retry() {
        let mut client = AwsAdaptive::new(2, Some(5));
        let (mut one, mut other) = (client.call(1), client.call(2));
        assert!(one.on_failure(&failure(429, 0)).is_some());
        assert!(other.on_failure(&failure(429, 0)).is_none());
        one.on_success(NOW);
        assert!(client.call(3).on_failure(&failure(429, 0)).is_some());
        // A call that needs no retry gives back a fifth of the cost of one.
        for seed in 0..5 {
            assert!(client.call(seed).on_failure(&failure(429, 0)).is_none());
            client.call(seed).on_success(NOW);
        }
        assert!(client.call(4).on_failure(&failure(429, 0)).is_some());
    }

    #[test]
    fn call_is_sent_at_most_three_times() {
        let mut call = AwsAdaptive::new(2, Some(500)).call(1);
        let repeated = [0, 1, 2].map(|retry| call.on_failure(&failure(429, retry)).is_some());
        assert_eq!(repeated, [true, true, false]);
    }

    #[test]
    fn first_rejection_slows_all_calls() {
        let mut client = AwsAdaptive::new(2, Some(500));
        let now = NOW;
        for _ in 0..100 {
            assert_eq!(client.admit(now), Admission::At(now));
        }
        let _ = client.call(1).on_failure(&failure(429, 0));
        assert!(matches!(client.admit(now), Admission::AskAgain(at) if at > now));
    }

    const NOW: Duration = Duration::from_secs(10);

    fn failure(status: u16, retry: u32) -> Failure {
        Failure {
            now: NOW,
            retry,
            status: StatusCode::from_u16(status).ok(),
            retry_after: None,
        }
    }
}
