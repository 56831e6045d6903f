//! Responses that the gateway makes itself.

use std::time::Duration;

use breather::{EndReason, ErrorKind, Report, Stopped};
use breather_tower::{BoxError, hyper_error_kind};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use serde_json::json;

use crate::turn::Turn;

/// The upstream's response as a stream, or one that the gateway made.
pub(crate) type Reply = Response<Either<Incoming, Full<Bytes>>>;

/// Says why a call has no response from the upstream.
///
/// It never contains data from a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failure {
    status: StatusCode,
    /// A short code that programs can match on.
    error: &'static str,
    message: String,
    retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Creates the failure for a call that finds the queue full.
    pub(crate) fn queue_full(wait: Duration) -> Self {
        let message = "the queue is full";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "queue_full", message).with_retry_after(wait)
    }

    /// Creates the failure for a call that is queued when the gateway stops.
    pub(crate) fn draining(wait: Duration) -> Self {
        let message = "the gateway is stopping, and the call was not in flight";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", message).with_retry_after(wait)
    }

    /// Creates the failure for a call that is in flight when the gateway stops.
    pub(crate) fn closing() -> Self {
        let message =
            "the gateway has stopped before the upstream answered; the call may have been executed";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "stopping", message)
    }

    /// Converts a call's error.
    ///
    /// `held` is the time for which the call's scope is still on hold.
    pub(crate) fn of(error: &BoxError, report: &Report, turn: &Turn, held: Duration) -> Self {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let end = report.end();
        let wait = end.and_then(|end| end.retry_after());
        let failure = match error.downcast_ref::<Stopped>() {
            Some(_) if turn.was_cut_off() => {
                let message =
                    "the upstream did not answer in time; the call may have been executed";
                Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message)
            }
            Some(stopped) => match stopped.end().reason() {
                EndReason::QueueFull => Self::queue_full(held),
                reason => Self::new(unavailable, reason.as_str(), stopped.end().to_string())
                    .with_retry_after(wait.unwrap_or(held)),
            },
            None => Self::of_kind(hyper_error_kind(&**error)),
        };
        match wait {
            Some(wait) if failure.retry_after.is_none() => failure.with_retry_after(wait),
            _ => failure,
        }
    }

    fn of_kind(kind: ErrorKind) -> Self {
        let (status, error, message) = match kind {
            ErrorKind::Connect => (
                BAD,
                "unreachable",
                "no connection to the upstream; nothing was sent",
            ),
            ErrorKind::Tls => (
                BAD,
                "tls",
                "the TLS handshake with the upstream failed; nothing was sent",
            ),
            ErrorKind::Certificate => (
                BAD,
                "tls",
                "the certificate of the upstream is not valid; nothing was sent",
            ),
            ErrorKind::Unprocessed => (
                BAD,
                "unprocessed",
                "the upstream did not process the request",
            ),
            ErrorKind::Throttled => (
                BAD,
                "throttled",
                "the upstream ended the request because of too many; it may have been executed",
            ),
            ErrorKind::Timeout => {
                let message =
                    "the upstream did not answer in time; the call may have been executed";
                (StatusCode::GATEWAY_TIMEOUT, "timeout", message)
            }
            ErrorKind::Protocol => (
                BAD,
                "protocol",
                "the upstream did not answer with HTTP; the call may have been executed",
            ),
            ErrorKind::Other => (
                BAD,
                "failed",
                "the request's body ended early, or the request cannot be sent to the upstream",
            ),
            _ => (
                BAD,
                "interrupted",
                "the connection to the upstream broke; the call may have been executed",
            ),
        };
        Self::new(status, error, message)
    }

    /// Creates the response to the caller.
    pub(crate) fn reply(&self) -> Reply {
        let retry_after = self.retry_after.map(whole_seconds);
        let body = json!({
            "error": self.error,
            "message": self.message,
            "status": self.status.as_u16(),
            "retry_after_s": retry_after,
        });
        let mut reply = page(self.status, "application/json", body.to_string());
        if let Some(seconds) = retry_after {
            reply.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        reply
    }
}

/// Adds headers with the call's attempts and its total wait.
pub(crate) fn add_report(reply: &mut Reply, report: &Report) {
    let waited = u64::try_from(report.total_wait().as_millis()).unwrap_or(u64::MAX);
    let headers = reply.headers_mut();
    headers.insert(ATTEMPTS, report.attempts().into());
    headers.insert(WAITED_MS, waited.into());
}

/// Creates a response with `text` as its body.
pub(crate) fn page(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Either::Right(Full::new(text.into())));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}

/// Rounds up to whole seconds, with a minimum of 1.
fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait
        .as_secs()
        .saturating_add((wait.subsec_nanos() > 0).into());
    seconds.max(1)
}

const BAD: StatusCode = StatusCode::BAD_GATEWAY;

const ATTEMPTS: HeaderName = HeaderName::from_static("x-breather-attempts");
const WAITED_MS: HeaderName = HeaderName::from_static("x-breather-waited-ms");
