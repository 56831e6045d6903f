//! The origin that a request is sent to.

use std::borrow::Cow;

use http::Uri;
use http::uri::Scheme;

/// A buffer in which a classifier builds the name of a scope.
///
/// [`Classify::describe`](crate::Classify::describe) gets one. Most names fit into it without an
/// allocation.
///
/// # Example
///
/// ```
/// use breather_tower::ScopeBuffer;
///
/// fn scope<'b>(tenant: &str, buffer: &'b mut ScopeBuffer) -> &'b str {
///     buffer.join(["tenant ", tenant])
/// }
/// assert_eq!(scope("7", &mut ScopeBuffer::new()), "tenant 7");
/// ```
#[derive(Debug)]
pub struct ScopeBuffer {
    on_stack: [u8; ON_STACK],
    longer: String,
}

impl ScopeBuffer {
    /// Creates an empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            on_stack: [0; ON_STACK],
            longer: String::new(),
        }
    }

    /// Joins `parts` into one name.
    pub fn join<const N: usize>(&mut self, parts: [&str; N]) -> &str {
        let mut length = 0;
        for part in parts {
            let Some(place) = self.on_stack.get_mut(length..length + part.len()) else {
                self.longer = parts.concat();
                return &self.longer;
            };
            place.copy_from_slice(part.as_bytes());
            length += part.len();
        }
        std::str::from_utf8(&self.on_stack[..length]).expect("all parts are UTF-8")
    }
}

impl Default for ScopeBuffer {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the scheme, the host and any port of `uri` that is not the scheme's default, as the `url` crate writes them.
/// Returns `None` if it has no authority.
pub(crate) fn origin<'b>(uri: &Uri, buffer: &'b mut ScopeBuffer) -> Option<&'b str> {
    let authority = authority(uri)?;
    Some(match uri.scheme_str() {
        Some(scheme) => buffer.join([scheme, "://", &authority]),
        None => buffer.join([&authority]),
    })
}

/// Returns whether `answered` has the same server as `asked`.
///
/// A host that upgraded the client from HTTP to HTTPS counts as the same server.
pub(crate) fn is_same_server(asked: &Uri, answered: &Uri) -> bool {
    let (before, after) = (asked.scheme(), answered.scheme());
    let is_upgraded = before == Some(&Scheme::HTTP) && after == Some(&Scheme::HTTPS);
    (before == after || is_upgraded) && authority(asked) == authority(answered)
}

/// Returns the host and port of `uri` as the `url` crate writes them, without credentials.
pub(crate) fn authority(uri: &Uri) -> Option<Cow<'_, str>> {
    let named = uri.authority()?.as_str();
    // `@` precedes `A` in ASCII, so one range finds credentials and upper case.
    let is_plain = |byte| !(b'@'..=b'Z').contains(&byte);
    if named.bytes().all(is_plain) {
        return Some(with_plain_port(named, uri.scheme()));
    }
    let host = named.rsplit_once('@').map_or(named, |(_, host)| host);
    let mut host = with_plain_port(host, uri.scheme()).into_owned();
    host.make_ascii_lowercase();
    Some(host.into())
}

/// Returns `authority` without an empty port, the scheme's default port, and zeros before the port.
fn with_plain_port<'r>(authority: &'r str, scheme: Option<&Scheme>) -> Cow<'r, str> {
    // An IPv6 address ends with `]`, so none of its colons precedes the last digits.
    let rest = authority.trim_end_matches(|char: char| char.is_ascii_digit());
    let Some(host) = rest.strip_suffix(':') else {
        return authority.into();
    };
    let written = &authority[rest.len()..];
    let port = match written.trim_start_matches('0') {
        "" if !written.is_empty() => "0",
        port => port,
    };
    let is_default = |of, default| port == default && scheme == Some(of);
    if port.is_empty() || is_default(&Scheme::HTTP, "80") || is_default(&Scheme::HTTPS, "443") {
        host.into()
    } else if port == written {
        authority.into()
    } else {
        format!("{host}:{port}").into()
    }
}

/// The bytes that fit without an allocation. Longer hosts exist.
const ON_STACK: usize = 96;

#[cfg(test)]
mod tests {
    use url::Position;

    use super::*;

    #[test]
    fn origin_matches_url_crate() {
        for (uri, expected) in [
            (
                "http://api.example.com/v1?token=secret",
                Some("api.example.com"),
            ),
            ("http://api.example.com:80/", Some("api.example.com")),
            ("https://api.example.com:443/", Some("api.example.com")),
            ("https://api.example.com:80/", Some("api.example.com:80")),
            ("http://127.0.0.1:8080/", Some("127.0.0.1:8080")),
            ("http://[::1]:80/", Some("[::1]")),
            ("http://[2001:DB8::80]/", Some("[2001:db8::80]")),
            ("http://[::1]:/", Some("[::1]")),
            ("http://[::1]:0443/", Some("[::1]:443")),
            ("http://api.example.com:/", Some("api.example.com")),
            ("http://API.example.com:/", Some("api.example.com")),
            ("http://api.example.com:0080/", Some("api.example.com")),
            ("https://api.example.com:0443/", Some("api.example.com")),
            (
                "http://api.example.com:08080/",
                Some("api.example.com:8080"),
            ),
            ("http://api.example.com:0/", Some("api.example.com:0")),
            ("http://api.example.com:000/", Some("api.example.com:0")),
            ("http://API.example.com./", Some("api.example.com.")),
            ("http://user:80@API.example.com./", Some("api.example.com.")),
            ("http://10.0.0.80/", Some("10.0.0.80")),
            (
                "http://user:pass@API.Example.com:8443/",
                Some("api.example.com:8443"),
            ),
            ("/v1/rows", None),
        ] {
            let parsed: Uri = uri.parse().unwrap();
            let scope = authority(&parsed);
            assert_eq!(scope.as_deref(), expected, "{uri}");
            let scheme = parsed.scheme_str().unwrap_or_default();
            let expected_origin = expected.map(|authority| format!("{scheme}://{authority}"));
            let mut buffer = ScopeBuffer::new();
            let origin = origin(&parsed, &mut buffer);
            assert_eq!(origin, expected_origin.as_deref(), "{uri}");
            // reqwest uses the `url` crate.
            let url = url::Url::parse(uri).ok();
            let scope = url
                .as_ref()
                .map(|url| &url[Position::BeforeHost..Position::AfterPort]);
            assert_eq!(scope, expected, "{uri}");
        }
    }

    #[test]
    fn long_origin_is_not_truncated() {
        for length in 1..=253 {
            let uri = format!("https://{}:8443", "a".repeat(length));
            let parsed: Uri = format!("{uri}/rows").parse().unwrap();
            assert_eq!(origin(&parsed, &mut ScopeBuffer::new()), Some(&*uri));
        }
        // A `CONNECT` request has such a URI.
        let tunnel = Uri::from_static("api.example.com:443");
        let mut buffer = ScopeBuffer::new();
        assert_eq!(origin(&tunnel, &mut buffer), Some("api.example.com:443"));
    }

    #[test]
    fn tls_upgrade_is_same_server_downgrade_is_not() {
        let [plain, tls] = ["http://h/a", "https://h/b"].map(Uri::from_static);
        assert!(is_same_server(&plain, &tls));
        assert!(!is_same_server(&tls, &plain));
        let [port, elsewhere] = ["http://h:8080/", "https://i/"].map(Uri::from_static);
        assert!(!is_same_server(&plain, &port));
        assert!(!is_same_server(&plain, &elsewhere));
    }
}
