//! The outcomes of HTTP statuses.

use http::StatusCode;

use super::classify::AttemptResult;
use crate::call::{Executed, Outcome};

/// Returns the outcome of a response with this status.
pub(super) fn outcome(status: StatusCode, ending: &AttemptResult<'_>) -> Outcome {
    let hint = ending.hint;
    let unknown = |reason| Outcome::transient(Executed::Unknown, reason);
    let has_delay = || hint.retry_after().is_some();
    let is_limited = || has_delay() || hint.is_spent();
    match status.as_u16() {
        ..400 => Outcome::success(),
        429 => Outcome::throttled("status 429"),
        420 => Outcome::throttled("status 420"),
        403 if is_limited() => Outcome::throttled("status 403 with a limit"),
        418 if is_limited() => Outcome::throttled("status 418 with a limit"),
        430 if is_limited() => Outcome::throttled("status 430 with a limit"),
        509 if is_limited() => Outcome::throttled("status 509 with a limit"),
        449 if is_limited() => Outcome::throttled("status 449 with a limit"),
        413 if has_delay() => Outcome::throttled("status 413 with Retry-After"),
        503 if has_delay() => {
            Outcome::throttled("status 503 with Retry-After").with_executed(Executed::Unknown)
        }
        529 if has_delay() => {
            Outcome::throttled("status 529 with Retry-After").with_executed(Executed::Unknown)
        }
        408 => unknown("status 408"),
        425 => Outcome::transient(Executed::No, "status 425"),
        449 => Outcome::transient(Executed::No, "status 449"),
        500 => unknown("status 500"),
        502 => unknown("status 502"),
        503 => Outcome::overloaded("status 503"),
        504 => unknown("status 504"),
        520..=524 => unknown("a status of a network in front of the server"),
        529 => Outcome::overloaded("status 529"),
        400..500 if is_throttled_by_aws(ending) => Outcome::throttled("a throttling error of AWS"),
        400..500 if has_delay() => unknown("a 4xx status with Retry-After"),
        400..500 => Outcome::permanent("a 4xx status"),
        _ => Outcome::permanent("a status that would repeat itself"),
    }
}

/// Returns whether the response's error type is one of those that AWS's clients take for throttling.
fn is_throttled_by_aws(ending: &AttemptResult<'_>) -> bool {
    let header = ending
        .headers
        .and_then(|headers| headers.get("x-amzn-errortype"));
    let Some(error) = header.and_then(|value| value.to_str().ok()) else {
        return false;
    };
    // A namespace may stand before it, and an address behind.
    let error = error.split_once(':').map_or(error, |(error, _)| error);
    let error = error.rsplit_once('#').map_or(error, |(_, error)| error);
    THROTTLING.contains(&error.trim())
}

/// From <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>.
const THROTTLING: [&str; 14] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];
