//! What the gateway answers by itself.

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

/// The upstream's answer as it streams, or one of the gateway's own.
pub(crate) type Reply = Response<Either<Incoming, Full<Bytes>>>;

/// Why a call has no answer of the upstream's. Nothing in it comes of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failure {
    status: StatusCode,
    /// A word for programs.
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

    /// As many calls wait as may.
    pub(crate) fn queue_full(wait: Duration) -> Self {
        let message = "as many calls wait for the upstream as may";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "queue_full", message).with_retry_after(wait)
    }

    /// The gateway ends, and the call was not being sent.
    pub(crate) fn draining(wait: Duration) -> Self {
        let message = "the gateway is stopping, and the call is not at the upstream";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", message).with_retry_after(wait)
    }

    /// The gateway ends, and the call was at the upstream.
    pub(crate) fn closing() -> Self {
        let message =
            "the gateway has stopped before the upstream answered; the call may have been executed";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "stopping", message)
    }

    /// What an error of a call comes to. `held` is how long its scope sends nothing yet.
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
                "no encryption was agreed upon with the upstream; nothing was sent",
            ),
            ErrorKind::Unprocessed => (
                BAD,
                "unprocessed",
                "the upstream closed the connection before anything was sent",
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
                "the request's body ended early, or the upstream cannot be asked so",
            ),
            _ => (
                BAD,
                "interrupted",
                "the connection to the upstream broke; the call may have been executed",
            ),
        };
        Self::new(status, error, message)
    }

    /// The answer to the caller.
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

/// Adds what a call took.
pub(crate) fn add_report(reply: &mut Reply, report: &Report) {
    let waited = u64::try_from(report.total_wait().as_millis()).unwrap_or(u64::MAX);
    let headers = reply.headers_mut();
    headers.insert(ATTEMPTS, report.attempts().into());
    headers.insert(WAITED_MS, waited.into());
}

/// A page of the gateway's own.
pub(crate) fn page(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Either::Right(Full::new(text.into())));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}

/// Rounded up, and never at once.
fn whole_seconds(wait: Duration) -> u64 {
    let seconds = wait
        .as_secs()
        .saturating_add((wait.subsec_nanos() > 0).into());
    seconds.max(1)
}

const BAD: StatusCode = StatusCode::BAD_GATEWAY;

const ATTEMPTS: HeaderName = HeaderName::from_static("x-breather-attempts");
const WAITED_MS: HeaderName = HeaderName::from_static("x-breather-waited-ms");
