//! What an HTTP answer means for the call.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::body;
use crate::call::{Executed, Outcome};
use crate::hint::Hint;

/// How an HTTP attempt ended: what a classifier decides by.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AttemptResult<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The response's status, or what kind of error there was instead.
    pub result: Result<StatusCode, ErrorKind>,
    /// What the server said about time.
    pub hint: &'a Hint<'a>,
    /// The response's headers, if there is a response.
    pub headers: Option<&'a HeaderMap>,
    /// The response's body, where it was read whole before the attempt's end was told: see `BufferedLayer` of
    /// `breather-tower`, and `with_buffered_bodies` of `breather-reqwest`.
    pub body: Option<&'a [u8]>,
}

impl<'a> AttemptResult<'a> {
    /// An attempt at `method` that ended with `result` and said `hint`.
    #[must_use]
    pub const fn new(
        method: &'a Method,
        result: Result<StatusCode, ErrorKind>,
        hint: &'a Hint<'a>,
    ) -> Self {
        Self {
            method,
            result,
            hint,
            headers: None,
            body: None,
        }
    }

    /// Sets the response's headers.
    #[must_use]
    pub const fn with_headers(mut self, headers: &'a HeaderMap) -> Self {
        self.headers = Some(headers);
        self
    }

    /// Sets the response's body.
    #[must_use]
    pub const fn with_body(mut self, body: &'a [u8]) -> Self {
        self.body = Some(body);
        self
    }
}

/// What went wrong where there is no response, as far as it matters here.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection came about: nothing was sent.
    Connect,
    /// The connection's encryption could not be agreed upon: nothing was sent.
    Tls,
    /// The request was not processed, because the connection closed before it was sent.
    Unprocessed,
    /// The connection broke after something may have been sent.
    Interrupted,
    /// The peer answered with something that is not HTTP, or sent it otherwise than agreed.
    Protocol,
    /// No response came in time, after something may have been sent.
    Timeout,
    /// An error that would repeat itself: a request that cannot be built, a redirect loop, another
    /// middleware's own error.
    Other,
}

/// Decides what an HTTP attempt's end means.
///
/// [`DefaultClassifier`] is the table that applies by default. A closure is a classifier too; one that changes a
/// row or two asks `DefaultClassifier` for the rest:
///
/// ```
/// use breather::{ClassifyHttp, AttemptResult, Executed, Hint, DefaultClassifier, OutcomeKind, Outcome, driver::Instant};
/// use http::{Method, StatusCode};
///
/// let locked = |ending: &AttemptResult<'_>| match ending.result {
///     Ok(StatusCode::LOCKED) => Outcome::transient(Executed::No, "status 423, locked"),
///     _ => DefaultClassifier.classify(ending),
/// };
/// let hint = Hint::new(Instant::ORIGIN);
/// let ending = AttemptResult::new(&Method::GET, Ok(StatusCode::LOCKED), &hint);
/// assert_eq!(locked.classify(&ending).kind(), OutcomeKind::Transient);
/// ```
#[doc(alias = "Classify")]
pub trait ClassifyHttp: Send + Sync {
    /// Decides. Called once for each attempt, without a lock held.
    fn classify(&self, ending: &AttemptResult<'_>) -> Outcome;
}

impl<F: Fn(&AttemptResult<'_>) -> Outcome + Send + Sync> ClassifyHttp for F {
    fn classify(&self, ending: &AttemptResult<'_>) -> Outcome {
        self(ending)
    }
}

/// The default classifier.
///
/// | answer | outcome | may it have been executed? |
/// |---|---|---|
/// | 429 | throttled | no: throttled ([RFC 6585 section 4](https://www.rfc-editor.org/rfc/rfc6585#section-4)) |
/// | 503 or 529 with a readable `Retry-After` | throttled | unknown |
/// | 403 with `Retry-After`, or with nothing remaining in a stated window | throttled | no: GitHub's way of saying 429 |
/// | 413 with `Retry-After` | throttled | no: too large for now ([RFC 9110 section 15.5.14](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14)) |
/// | 408 | transient | unknown ([RFC 9110 section 15.5.9](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9)) |
/// | 425 | transient | no: throttled before it was processed ([RFC 8470](https://www.rfc-editor.org/rfc/rfc8470#section-5.2)) |
/// | 503 or 529 without | transient, and an overload: 529 is what Anthropic and Notion say it by | unknown |
/// | 500, 502, 504 | transient | unknown |
/// | 520 to 524 | transient: [Cloudflare's](https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/) 502 and 504 | unknown |
/// | other 4xx and 5xx | permanent | |
/// | anything below 400 | success | |
/// | 429 whose body says `insufficient_quota` | permanent: no time will pass this, only payment | |
/// | no connection | transient, at [no cost](Outcome::with_budget_cost): the server did nothing for it | no |
/// | no encryption, not processed | transient | no |
/// | connection broken, not HTTP | transient | unknown |
/// | no answer in time | transient, at [twice the cost](Outcome::with_budget_cost) | unknown |
/// | any other error | permanent | |
///
/// "No" holds for the request that this was the end of. A client that follows redirects may have made another one before:
/// adapters correct it by [`Redirects`](crate::Redirects).
///
/// 501, 505 and the like tell of something that the server will not do, however often it is asked.
/// What may have been executed is repeated only if the request is idempotent, whatever its outcome.
/// A hint alone makes nothing repeatable: a 201 with `Retry-After` is a success.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is its only value, and has nothing to configure"
)]
#[doc(alias = "Http")]
pub struct DefaultClassifier;

impl ClassifyHttp for DefaultClassifier {
    fn classify(&self, ending: &AttemptResult<'_>) -> Outcome {
        match ending.result {
            Ok(StatusCode::TOO_MANY_REQUESTS)
                if ending.body.is_some_and(body::is_out_of_credit) =>
            {
                Outcome::permanent("status 429, insufficient_quota")
            }
            Ok(status) => by_status(status, ending.hint),
            Err(ErrorKind::Connect) => {
                Outcome::transient(Executed::No, "no connection").with_budget_cost(0)
            }
            Err(ErrorKind::Tls) => Outcome::transient(Executed::No, "no encrypted connection"),
            Err(ErrorKind::Unprocessed) => Outcome::transient(Executed::No, "not processed"),
            Err(ErrorKind::Interrupted) => {
                Outcome::transient(Executed::Unknown, "the connection broke")
            }
            Err(ErrorKind::Protocol) => Outcome::transient(Executed::Unknown, "not HTTP"),
            Err(ErrorKind::Timeout) => Outcome::timed_out(),
            Err(ErrorKind::Other) => Outcome::permanent("an error that is not the network's"),
        }
    }
}

fn by_status(status: StatusCode, hint: &Hint<'_>) -> Outcome {
    let unknown = |reason| Outcome::transient(Executed::Unknown, reason);
    match status.as_u16() {
        ..400 => Outcome::success(),
        429 => Outcome::throttled("status 429"),
        503 if hint.retry_after().is_some() => {
            Outcome::throttled("status 503 with Retry-After").with_executed(Executed::Unknown)
        }
        529 if hint.retry_after().is_some() => {
            Outcome::throttled("status 529 with Retry-After").with_executed(Executed::Unknown)
        }
        403 if hint.retry_after().is_some() => Outcome::throttled("status 403 with Retry-After"),
        403 if hint.windows().any(|window| window.remaining() == Some(0)) => {
            Outcome::throttled("status 403 with nothing remaining")
        }
        413 if hint.retry_after().is_some() => Outcome::throttled("status 413 with Retry-After"),
        408 => unknown("status 408"),
        425 => Outcome::transient(Executed::No, "status 425"),
        500 => unknown("status 500"),
        502 => unknown("status 502"),
        503 => Outcome::overloaded("status 503"),
        504 => unknown("status 504"),
        520..=524 => unknown("a status of a network in front of the server"),
        529 => Outcome::overloaded("status 529"),
        400..500 => Outcome::permanent("a 4xx status"),
        _ => Outcome::permanent("a status that would repeat itself"),
    }
}

/// Whether a request is idempotent: by its method ([RFC 9110 section
/// 9.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2)), or since it carries an
/// `Idempotency-Key`.
///
/// # Example
///
/// ```
/// use http::{HeaderMap, HeaderValue, Method};
///
/// let mut headers = HeaderMap::new();
/// assert!(breather::driver::is_idempotent(&Method::PUT, &headers));
/// assert!(!breather::driver::is_idempotent(&Method::POST, &headers));
/// headers.insert("idempotency-key", HeaderValue::from_static("7c4f"));
/// assert!(breather::driver::is_idempotent(&Method::POST, &headers));
/// ```
#[must_use]
pub fn is_idempotent(method: &Method, headers: &HeaderMap) -> bool {
    method.is_idempotent() || headers.contains_key(IDEMPOTENCY_KEY)
}

/// Gives a request that is not [idempotent](is_idempotent) the `Idempotency-Key` that `key` makes, unless that is no value of a
/// header.
///
/// Before its first attempt: all attempts of a call have the same, and no two calls. What makes it needs entropy.
///
/// # Example
///
/// ```
/// use breather::driver::{add_idempotency_key, is_idempotent};
/// use http::{HeaderMap, Method};
///
/// let mut headers = HeaderMap::new();
/// add_idempotency_key(&Method::POST, &mut headers, || "7c4f".to_owned());
/// assert!(is_idempotent(&Method::POST, &headers));
///
/// // It has one already.
/// add_idempotency_key(&Method::POST, &mut headers, || unreachable!());
/// ```
pub fn add_idempotency_key(method: &Method, headers: &mut HeaderMap, key: impl FnOnce() -> String) {
    if is_idempotent(method, headers) {
        return;
    }
    if let Ok(key) = HeaderValue::try_from(key()) {
        headers.insert(IDEMPOTENCY_KEY, key);
    }
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::call::OutcomeKind;
    use crate::hint::Window;
    use crate::instant::Instant;

    fn classified(status: u16, hint: &Hint<'_>) -> (OutcomeKind, Executed) {
        let status = StatusCode::from_u16(status).unwrap();
        let outcome =
            DefaultClassifier.classify(&AttemptResult::new(&Method::GET, Ok(status), hint));
        assert!(!outcome.reason().is_empty());
        (outcome.kind(), outcome.executed())
    }

    #[test]
    fn statuses_without_a_hint() {
        let silent = Hint::new(Instant::ORIGIN);
        for (statuses, kind, executed) in [
            (
                &[200_u16, 201, 202, 204, 206, 301, 304][..],
                OutcomeKind::Success,
                Executed::Yes,
            ),
            (&[429], OutcomeKind::Throttled, Executed::No),
            (
                &[408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529],
                OutcomeKind::Transient,
                Executed::Unknown,
            ),
            (&[425], OutcomeKind::Transient, Executed::No),
            (
                &[
                    400, 401, 403, 404, 409, 410, 413, 418, 422, 451, 501, 505, 507, 511, 519, 525,
                    528, 530, 599, 999,
                ],
                OutcomeKind::Permanent,
                Executed::Unknown,
            ),
        ] {
            for &status in statuses {
                assert_eq!(classified(status, &silent), (kind, executed), "{status}");
            }
        }
    }

    #[test]
    fn a_hint_turns_403_413_and_503_into_rejections_and_makes_nothing_else_repeatable() {
        let later = Hint::new(Instant::ORIGIN).with_retry_after(Duration::from_secs(1));
        for status in [503, 529] {
            let throttled = (OutcomeKind::Throttled, Executed::Unknown);
            assert_eq!(classified(status, &later), throttled, "{status}");
        }
        assert_eq!(
            classified(403, &later),
            (OutcomeKind::Throttled, Executed::No)
        );
        assert_eq!(
            classified(413, &later),
            (OutcomeKind::Throttled, Executed::No)
        );
        assert_eq!(classified(404, &later).0, OutcomeKind::Permanent);
        assert_eq!(classified(201, &later).0, OutcomeKind::Success);
        let spent = Hint::new(Instant::ORIGIN).with_window(Window::new("").with_remaining(0));
        assert_eq!(
            classified(403, &spent),
            (OutcomeKind::Throttled, Executed::No)
        );
        let healthy = Hint::new(Instant::ORIGIN).with_window(Window::new("").with_remaining(14));
        assert_eq!(classified(403, &healthy).0, OutcomeKind::Permanent);
    }

    #[test]
    fn errors_say_whether_something_may_have_been_executed() {
        let silent = Hint::new(Instant::ORIGIN);
        for (error, kind, executed) in [
            (ErrorKind::Connect, OutcomeKind::Transient, Executed::No),
            (ErrorKind::Tls, OutcomeKind::Transient, Executed::No),
            (ErrorKind::Unprocessed, OutcomeKind::Transient, Executed::No),
            (
                ErrorKind::Interrupted,
                OutcomeKind::Transient,
                Executed::Unknown,
            ),
            (
                ErrorKind::Protocol,
                OutcomeKind::Transient,
                Executed::Unknown,
            ),
            (
                ErrorKind::Timeout,
                OutcomeKind::Transient,
                Executed::Unknown,
            ),
            (ErrorKind::Other, OutcomeKind::Permanent, Executed::Unknown),
        ] {
            let outcome =
                DefaultClassifier.classify(&AttemptResult::new(&Method::POST, Err(error), &silent));
            assert_eq!((outcome.kind(), outcome.executed()), (kind, executed));
        }
    }
}
