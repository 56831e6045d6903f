use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderValue, Response, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
};
use serde_json::{Value, json};

use super::{
    broken::{Broken, Unsent},
    faults::Fault,
    gate::Admission,
};

/// A response without its rate-limit headers.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    body: Value,
    retry_after_s: Option<u64>,
}

impl Reply {
    pub(super) fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body,
            retry_after_s: None,
        }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, body)
    }

    pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Self {
        let body = json!({ "message": message, "code": code, "status": status.as_u16() });
        Self::new(status, body)
    }

    pub(super) fn rejection(retry_after_s: u64) -> Self {
        let message = format!(
            "Rate limit exceeded the maximum. Retry the request in [{retry_after_s}] seconds"
        );
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut reply = Self::error(status, "too.many.requests", &message);
        reply.retry_after_s = Some(retry_after_s);
        reply
    }

    /// Returns a rejection that asks the client to retry after `left`.
    pub(super) fn rejection_for(left: Duration) -> Self {
        Self::rejection(whole_seconds(left))
    }

    /// Adds a `Retry-After` of `left`.
    pub(super) fn again_in(mut self, left: Duration) -> Self {
        self.retry_after_s = Some(whole_seconds(left));
        self
    }

    /// Adds the rate-limit headers, and applies a fault that breaks the connection.
    pub(super) fn into_response(
        self,
        admission: &Admission,
        fault: Option<Fault>,
    ) -> Response<Body> {
        let bytes = match &self.body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        let body = match fault {
            Some(Fault::Drop) => Broken::unsent(),
            Some(Fault::Cut) if bytes.len() > 1 => Broken::halfway(&bytes),
            _ => Body::from(bytes),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        if fault == Some(Fault::Drop) {
            response.extensions_mut().insert(Unsent);
        }
        *response.headers_mut() = limit_headers(admission);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn limit_headers(admission: &Admission) -> HeaderMap {
    let quota = u64::from(admission.quota);
    let remaining = u64::from(admission.remaining);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-rate-limit-limit", quota),
        ("x-rate-limit-remaining", remaining),
        ("x-rate-limit-reset", admission.reset_s),
        ("inin-ratelimit-allowed", quota),
        ("inin-ratelimit-count", quota - remaining),
        ("inin-ratelimit-reset", admission.reset_s),
    ] {
        headers.insert(name, value.into());
    }
    headers
}

/// Rounds up to whole seconds, at least one, so that a retry never comes too early.
fn whole_seconds(left: Duration) -> u64 {
    let seconds = left.as_nanos().div_ceil(Duration::from_secs(1).as_nanos());
    u64::try_from(seconds).unwrap_or(u64::MAX).max(1)
}
