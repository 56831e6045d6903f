//! Whether a request may be sent twice.

use alloc::string::String;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Returns whether a request is idempotent.
///
/// A request is idempotent because of its method ([IANA's registry of methods](https://www.iana.org/assignments/http-methods),
/// which includes those of WebDAV), or because it has an `Idempotency-Key`.
///
/// # Example
///
/// ```
/// use http::{HeaderMap, HeaderValue, Method};
///
/// let mut headers = HeaderMap::new();
/// assert!(breather::driver::is_idempotent(&Method::PUT, &headers));
/// assert!(!breather::driver::is_idempotent(&Method::POST, &headers));
/// let propfind = Method::from_bytes(b"PROPFIND").unwrap();
/// assert!(breather::driver::is_idempotent(&propfind, &headers));
/// headers.insert("idempotency-key", HeaderValue::from_static("7c4f"));
/// assert!(breather::driver::is_idempotent(&Method::POST, &headers));
/// ```
#[must_use]
pub fn is_idempotent(method: &Method, headers: &HeaderMap) -> bool {
    let is_registered = || REGISTERED.contains(&method.as_str());
    method.is_idempotent() || is_registered() || headers.contains_key(IDEMPOTENCY_KEY)
}

/// Adds an `Idempotency-Key` to a request that is not [idempotent](is_idempotent).
///
/// Call it before the first attempt, because all attempts of a call must have the same key. `key`
/// creates the key. It needs entropy, because no two calls may have the same key. If the key is not
/// a valid header value, the request does not change.
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
/// // The request already has a key.
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

/// The idempotent methods of <https://www.iana.org/assignments/http-methods> that are not in RFC 9110.
const REGISTERED: [&str; 29] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_follow_the_registry() {
        let is = |method: &str| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            is_idempotent(&method, &HeaderMap::new())
        };
        for method in [
            "GET", "PUT", "DELETE", "PROPFIND", "REPORT", "QUERY", "MOVE",
        ] {
            assert!(is(method), "{method}");
        }
        // Methods are case-sensitive, and unknown ones may do anything.
        for method in ["POST", "PATCH", "LOCK", "CONNECT", "propfind", "PURGE"] {
            assert!(!is(method), "{method}");
        }
    }
}
