//! The hints in the body of a rejection.

use core::time::Duration;

use http::StatusCode;

use crate::hint::Hint;

impl<'a> Hint<'a> {
    /// Adds the wait that the `body` of a 429 asks for.
    ///
    /// breather reads the body only if the headers don't ask for a wait. For example, a proxy may
    /// have removed the header.
    ///
    /// It reads the sentence `Retry the request in [42] seconds` of Genesys Cloud's API anywhere in
    /// the body. If there are several, the longest wait counts. Other bodies are ignored.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Hint, driver::Instant};
    /// use core::time::Duration;
    /// use http::StatusCode;
    ///
    /// let body = br#"{"message":"Rate limit exceeded the maximum. Retry the request in [42] seconds"}"#;
    /// let hint = Hint::new(Instant::ORIGIN).with_body(StatusCode::TOO_MANY_REQUESTS, body);
    /// assert_eq!(hint.not_before(), Some(Instant::ORIGIN + Duration::from_secs(42)));
    /// ```
    #[must_use]
    pub fn with_body(self, status: StatusCode, body: &'a [u8]) -> Self {
        if status != StatusCode::TOO_MANY_REQUESTS || self.retry_after().is_some() {
            return self;
        }
        match seconds(body) {
            Some((seconds, digits)) => {
                self.with_delay(Duration::from_secs(seconds), "body", digits)
            }
            None => self,
        }
    }
}

/// Returns whether the body of a 429 says that there is no more credit.
///
/// OpenAI and Azure send this. Waiting does not help.
pub(crate) fn is_out_of_credit(body: &[u8]) -> bool {
    contains(body, b"\"insufficient_quota\"").is_some()
}

/// Returns the longest wait that the body asks for, and its digits.
fn seconds(body: &[u8]) -> Option<(u64, &[u8])> {
    const BEFORE: &[u8] = b"Retry the request in [";
    let mut longest = None;
    let mut rest = body;
    while let Some(at) = contains(rest, BEFORE) {
        rest = &rest[at + BEFORE.len()..];
        longest = longest.max(seconds_at_start(rest));
    }
    longest
}

fn seconds_at_start(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    if !rest.starts_with(b"] second") {
        return None;
    }
    // An empty number or one that is too large does not parse.
    let seconds = core::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((seconds, digits))
}

fn contains(body: &[u8], text: &[u8]) -> Option<usize> {
    body.windows(text.len()).position(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::Instant;

    #[test]
    fn seconds_in_body_are_exact_or_ignored() {
        for (body, expected) in [
            (&b"Retry the request in [42] seconds"[..], Some(42)),
            (
                b"{\"message\":\"x. Retry the request in [1] second\"}",
                Some(1),
            ),
            (b"Retry the request in [0] seconds", Some(0)),
            (b"Retry the request in [] seconds", None),
            (b"Retry the request in [-1] seconds", None),
            (b"Retry the request in [1.5] seconds", None),
            (b"Retry the request in [42] minutes", None),
            (b"Retry the request in [42", None),
            (b"Retry the request in [99999999999999999999] seconds", None),
            (b"Retry the request in ", None),
            (b"", None),
            (
                b"Retry the request in [5] seconds. Retry the request in [42] seconds",
                Some(42),
            ),
            (
                b"Retry the request in [42] seconds. Retry the request in [5] seconds",
                Some(42),
            ),
            (
                b"Retry the request in [soon]. Retry the request in [42] seconds",
                Some(42),
            ),
        ] {
            let seconds = seconds(body).map(|(seconds, _)| seconds);
            assert_eq!(seconds, expected, "{}", body.escape_ascii());
        }
    }

    #[test]
    fn promise_10_wait_from_body_names_the_body() {
        const BODY: &[u8] = b"Retry the request in [42] seconds";
        let hint = Hint::new(Instant::ORIGIN).with_body(StatusCode::TOO_MANY_REQUESTS, BODY);
        assert_eq!(hint.evidence().unwrap().to_string(), "body: 42");
    }

    #[test]
    fn body_is_ignored_with_header_or_other_status() {
        const BODY: &[u8] = b"Retry the request in [42] seconds";
        let silent = Hint::new(Instant::ORIGIN);
        let told = silent.clone().with_retry_after(Duration::from_secs(3));
        let by = |hint: Hint<'_>, status| hint.with_body(status, BODY).retry_after();
        assert_eq!(
            by(told, StatusCode::TOO_MANY_REQUESTS),
            Some(Instant::ORIGIN + Duration::from_secs(3))
        );
        assert_eq!(by(silent, StatusCode::OK), None);
    }

    #[test]
    fn insufficient_quota_differs_from_rate_limit() {
        assert!(is_out_of_credit(
            br#"{"error":{"code": "insufficient_quota"}}"#
        ));
        assert!(!is_out_of_credit(
            br#"{"error":{"code":"rate_limit_exceeded"}}"#
        ));
    }
}
