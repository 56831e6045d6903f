//! The outcomes of HTTP responses and errors.

use http::{HeaderMap, Method, StatusCode};

use super::{body, status};
use crate::call::{Executed, Outcome};
use crate::hint::Hint;

/// The result of an HTTP attempt, as a classifier sees it.
///
/// # Example
///
/// ```
/// use breather::{AttemptResult, ClassifyHttp, DefaultClassifier, Hint, OutcomeKind, driver::Instant};
/// use http::{Method, StatusCode};
///
/// let hint = Hint::new(Instant::ORIGIN);
/// let body = br#"{"error":{"code":"insufficient_quota"}}"#;
/// let throttled = AttemptResult::new(&Method::GET, Ok(StatusCode::TOO_MANY_REQUESTS), &hint);
/// assert_eq!(DefaultClassifier.classify(&throttled).kind(), OutcomeKind::Throttled);
/// assert_eq!(DefaultClassifier.classify(&throttled.with_body(body)).kind(), OutcomeKind::Permanent);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AttemptResult<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The status of the response, or the kind of error if there is no response.
    pub result: Result<StatusCode, ErrorKind>,
    /// The hint in the response.
    pub hint: &'a Hint<'a>,
    /// The response's headers, if there is a response.
    pub headers: Option<&'a HeaderMap>,
    /// The body of the response, if an adapter read it completely before the attempt ended.
    ///
    /// See `BufferedLayer` of `breather-tower`, and `with_buffered_bodies` of `breather-reqwest`.
    pub body: Option<&'a [u8]>,
}

impl<'a> AttemptResult<'a> {
    /// Creates the result of an attempt with `method` that ended with `result`.
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

/// The kind of an error that took the place of a response.
///
/// # Example
///
/// ```
/// use breather::{AttemptResult, ClassifyHttp, DefaultClassifier, ErrorKind, Executed, Hint, driver::Instant};
/// use http::Method;
///
/// let hint = Hint::new(Instant::ORIGIN);
/// let refused = AttemptResult::new(&Method::POST, Err(ErrorKind::Connect), &hint);
/// assert_eq!(DefaultClassifier.classify(&refused).executed(), Executed::No);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client could not connect, so it did not send the request.
    Connect,
    /// The TLS handshake failed, so the client did not send the request.
    Tls,
    /// The server's certificate is not valid, so the client did not send the request.
    ///
    /// It is expired, has another name, or is not signed by a known authority. It is the same at the next attempt.
    Certificate,
    /// The request was not processed, because the connection closed before it was sent, or the server said so.
    Unprocessed,
    /// The server ended the request because of too many of them.
    Throttled,
    /// The connection broke after the client may have sent something.
    Interrupted,
    /// The response is not HTTP, or violates the protocol.
    Protocol,
    /// The response did not arrive in time, after the client may have sent something.
    Timeout,
    /// An error that would repeat itself.
    ///
    /// Examples are a request that cannot be built, a redirect loop, or an error of another
    /// middleware.
    Other,
}

/// Decides the outcome of an HTTP attempt.
///
/// [`DefaultClassifier`] applies by default. A closure is a classifier too. If you want to change
/// only a few cases, pass the rest on to `DefaultClassifier`:
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
    /// Returns the outcome of an attempt.
    ///
    /// breather calls this once for each attempt, without holding a lock.
    fn classify(&self, ending: &AttemptResult<'_>) -> Outcome;
}

impl<F: Fn(&AttemptResult<'_>) -> Outcome + Send + Sync> ClassifyHttp for F {
    fn classify(&self, ending: &AttemptResult<'_>) -> Outcome {
        self(ending)
    }
}

/// Classifies the results of HTTP attempts by a fixed table. The default.
///
/// | result | outcome | executed? |
/// |---|---|---|
/// | 429 | throttled | no, because it was throttled ([RFC 6585 section 4](https://www.rfc-editor.org/rfc/rfc6585#section-4)) |
/// | 420 | throttled ([EVE Online](https://developers.eveonline.com/docs/services/esi/best-practices/), formerly Twitter) | no |
/// | 403, 418, 430, 449 or 509 with `Retry-After`, or with 0 remaining in a stated window | throttled (GitHub, [Binance](https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits), [Shopify](https://shopify.dev/docs/api/usage/response-codes), [Cosmos DB](https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb), [cPanel](https://http.dev/509)) | no |
/// | 413 with `Retry-After` | throttled | no, because it is too large for now ([RFC 9110 section 15.5.14](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14)) |
/// | 4xx whose `x-amzn-errortype` is one of AWS's [throttling errors](https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html) | throttled | no |
/// | 503 or 529 with a valid `Retry-After` | throttled | unknown |
/// | any other 4xx with a valid `Retry-After` | transient | unknown, because a 409 or 422 may follow the execution |
/// | 449 | transient | no |
/// | 408 | transient | unknown ([RFC 9110 section 15.5.9](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9)) |
/// | 425 | transient | no, because it was rejected before it was processed ([RFC 8470](https://www.rfc-editor.org/rfc/rfc8470#section-5.2)) |
/// | 503 or 529 without `Retry-After` | transient, and an overload (Anthropic and Notion send 529) | unknown |
/// | 500, 502, 504 | transient | unknown |
/// | 520 to 524 | transient, because they are the 502 and 504 of [Cloudflare](https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/) | unknown |
/// | other 4xx and 5xx | permanent | |
/// | any status below 400 | success | |
/// | 429 whose body says `insufficient_quota` | permanent, because only payment helps | |
/// | no connection | transient, at [no cost](Outcome::with_budget_cost), because the server did no work | no |
/// | TLS failure, not processed | transient | no |
/// | an invalid certificate | permanent | |
/// | HTTP/2's `ENHANCE_YOUR_CALM` | throttled | unknown |
/// | connection broken, not HTTP | transient | unknown |
/// | no response in time | transient, at [twice the cost](Outcome::with_budget_cost) | unknown |
/// | any other error | permanent | |
///
/// "No" applies to the request that led to this result. A client that follows redirects may have
/// sent another request before. Adapters correct the outcome with [`Redirects`](crate::Redirects).
///
/// 501, 505 and similar statuses mean that the server will never fulfil the request, however often
/// you send it. A request that the server may have executed is retried only if it is idempotent,
/// whatever the outcome. A hint alone does not cause a retry. For example, a 201 with `Retry-After`
/// is a success.
///
/// # Example
///
/// ```
/// use breather::{AttemptResult, ClassifyHttp, DefaultClassifier, Hint, OutcomeKind, driver::Instant};
/// use http::{Method, StatusCode};
///
/// let hint = Hint::new(Instant::ORIGIN);
/// let kind = |status| {
///     let result = AttemptResult::new(&Method::GET, Ok(status), &hint);
///     DefaultClassifier.classify(&result).kind()
/// };
/// assert_eq!(kind(StatusCode::TOO_MANY_REQUESTS), OutcomeKind::Throttled);
/// assert_eq!(kind(StatusCode::BAD_GATEWAY), OutcomeKind::Transient);
/// assert_eq!(kind(StatusCode::NOT_FOUND), OutcomeKind::Permanent);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the classifier has no settings")]
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
            Ok(status) => status::outcome(status, ending),
            Err(ErrorKind::Connect) => {
                Outcome::transient(Executed::No, "no connection").with_budget_cost(0)
            }
            Err(ErrorKind::Tls) => Outcome::transient(Executed::No, "no encrypted connection"),
            Err(ErrorKind::Certificate) => Outcome::permanent("the server's certificate"),
            Err(ErrorKind::Throttled) => {
                Outcome::throttled("the connection").with_executed(Executed::Unknown)
            }
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

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use http::HeaderValue;

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
    fn statuses_without_hint_follow_the_table() {
        let silent = Hint::new(Instant::ORIGIN);
        for (statuses, kind, executed) in [
            (
                &[200_u16, 201, 202, 204, 206, 301, 304][..],
                OutcomeKind::Success,
                Executed::Yes,
            ),
            (&[420, 429], OutcomeKind::Throttled, Executed::No),
            (
                &[408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529],
                OutcomeKind::Transient,
                Executed::Unknown,
            ),
            (&[425, 449], OutcomeKind::Transient, Executed::No),
            (
                &[
                    400, 401, 403, 404, 409, 410, 413, 418, 422, 430, 451, 501, 505, 507, 509, 511,
                    519, 525, 528, 530, 599, 999,
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
    fn hint_makes_listed_statuses_throttled() {
        let later = Hint::new(Instant::ORIGIN).with_retry_after(Duration::from_secs(1));
        for status in [503, 529] {
            let throttled = (OutcomeKind::Throttled, Executed::Unknown);
            assert_eq!(classified(status, &later), throttled, "{status}");
        }
        for status in [403, 413, 418, 430, 449, 509] {
            let throttled = (OutcomeKind::Throttled, Executed::No);
            assert_eq!(classified(status, &later), throttled, "{status}");
        }
        for status in [400, 401, 404, 409, 422, 499] {
            let transient = (OutcomeKind::Transient, Executed::Unknown);
            assert_eq!(classified(status, &later), transient, "{status}");
        }
        assert_eq!(classified(501, &later).0, OutcomeKind::Permanent);
        assert_eq!(classified(201, &later).0, OutcomeKind::Success);
        let spent = Hint::new(Instant::ORIGIN).with_window(Window::new("").with_remaining(0));
        for status in [403, 418, 430, 449, 509] {
            let throttled = (OutcomeKind::Throttled, Executed::No);
            assert_eq!(classified(status, &spent), throttled, "{status}");
        }
        for status in [404, 409, 413, 422] {
            assert_eq!(
                classified(status, &spent).0,
                OutcomeKind::Permanent,
                "{status}"
            );
        }
        let healthy = Hint::new(Instant::ORIGIN).with_window(Window::new("").with_remaining(14));
        assert_eq!(classified(403, &healthy).0, OutcomeKind::Permanent);
    }

    #[test]
    fn throttling_errors_of_aws_are_throttled() {
        let silent = Hint::new(Instant::ORIGIN);
        let kind = |status, error| {
            let mut headers = HeaderMap::new();
            headers.insert("x-amzn-errortype", HeaderValue::from_static(error));
            let status = StatusCode::from_u16(status).unwrap();
            let ending = AttemptResult::new(&Method::POST, Ok(status), &silent);
            let outcome = DefaultClassifier.classify(&ending.with_headers(&headers));
            (outcome.kind(), outcome.executed())
        };
        for error in [
            "ThrottlingException",
            "Throttling",
            "ProvisionedThroughputExceededException:http://internal.amazon.com/coral/com.amazon.coral/",
            "com.amazonaws.kms#RequestLimitExceeded",
        ] {
            assert_eq!(
                kind(400, error),
                (OutcomeKind::Throttled, Executed::No),
                "{error}"
            );
        }
        assert_eq!(kind(400, "ValidationException").0, OutcomeKind::Permanent);
        assert_eq!(kind(400, "").0, OutcomeKind::Permanent);
        assert_eq!(kind(200, "ThrottlingException").0, OutcomeKind::Success);
        assert_eq!(
            kind(503, "SlowDown"),
            (OutcomeKind::Transient, Executed::Unknown)
        );
    }

    #[test]
    fn errors_say_whether_request_was_executed() {
        let silent = Hint::new(Instant::ORIGIN);
        for (error, kind, executed) in [
            (ErrorKind::Connect, OutcomeKind::Transient, Executed::No),
            (ErrorKind::Tls, OutcomeKind::Transient, Executed::No),
            (ErrorKind::Unprocessed, OutcomeKind::Transient, Executed::No),
            (
                ErrorKind::Certificate,
                OutcomeKind::Permanent,
                Executed::Unknown,
            ),
            (
                ErrorKind::Throttled,
                OutcomeKind::Throttled,
                Executed::Unknown,
            ),
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
