//! What HTTP calls mean.

use std::borrow::Cow;

use breather::{
    Breather, CallOptions, Ending, Hint, Moment, Outcome, Report, ReportSlot, add_idempotency_key,
    is_idempotent,
};
use http::{HeaderMap, Method, Request, Response, Uri, header, uri::Scheme};
use uuid::Uuid;

use crate::answer_body::HttpWithBodies;
use crate::classify::Classify;
use crate::error_kind::HttpError;

/// The classifier of HTTP calls.
///
/// Scope is what [`Scopes`](breather::Scopes) in the request's extensions say; without them, the authority of the URI, or
/// the `Host` header where the URI has none: the host in lower case and, unless it is the scheme's default, the port, as
/// in `api.example.com` or `127.0.0.1:8080`. It is written as `breather-reqwest` has it, without zeros before a port and
/// without a colon that no port follows, so that clients of either kind share what they learn. Idempotent are the
/// methods of [RFC 9110 section 9.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2) and what carries
/// an `Idempotency-Key`.
///
/// A [`ReportSlot`] in the request's extensions is filled, and a response of a call that waited or was sent
/// more than once has the [`Report`] in its own.
///
/// # Example
///
/// Changing a row of the table by which answers are classified.
///
/// ```
/// use breather_tower::{Http, RetryLayer};
/// use breather_tower::breather::{self, Classify, Ending, Executed, Outcome};
///
/// let layer = RetryLayer::default().with_classifier(Http::by(|ending: &Ending<'_>| {
///     match ending.result {
///         Ok(status) if status == 423 => Outcome::transient(Executed::No, "status 423"),
///         _ => breather::Http.classify(ending),
///     }
/// }));
/// # let _ = layer;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Http<C = breather::Http> {
    by: C,
    adds_keys: bool,
}

impl<C: breather::Classify> Http<C> {
    /// Classifies by `by`, which is a closure or any other classifier that `breather-reqwest` takes.
    pub const fn by(by: C) -> Self {
        Self {
            by,
            adds_keys: false,
        }
    }
}

impl<C> Http<C> {
    pub(crate) const fn add_keys(&mut self) {
        self.adds_keys = true;
    }

    /// Shows `by` the bodies of the answers, too, as [`Ending`]'s: for responses whose bodies are read within their
    /// attempts, as a [`BufferedLayer`](crate::BufferedLayer) does.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tower::breather::{self, Classify, Ending, Executed, Outcome};
    /// use breather_tower::{BufferedLayer, Http, RetryLayer};
    /// use tower::{ServiceBuilder, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower::BoxError> {
    /// # let answers = std::sync::Arc::new(std::sync::Mutex::new(vec!["rows", "busy"]));
    /// # let client = tower::service_fn(move |_: http::Request<String>| {
    /// #     let answer = answers.lock().unwrap().pop().unwrap();
    /// #     std::future::ready(Ok::<_, std::io::Error>(http::Response::new(answer.to_owned())))
    /// # });
    /// let busy = |ending: &Ending<'_>| match ending.body {
    ///     Some(b"busy") => Outcome::transient(Executed::No, "busy, it says"),
    ///     _ => breather::Http.classify(ending),
    /// };
    /// let service = ServiceBuilder::new()
    ///     .layer(RetryLayer::default().with_classifier(Http::by(busy).with_bodies()))
    ///     .layer(BufferedLayer::new(64 * 1024))
    ///     .service(client); // says 200 and "busy", and then "rows"
    /// let request = http::Request::post("http://api.example.com/rows").body(String::new())?;
    /// assert_eq!(service.oneshot(request).await?.body().bytes().unwrap(), "rows");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn with_bodies(self) -> HttpWithBodies<C> {
        HttpWithBodies::new(self)
    }

    pub(crate) fn outcome<R, E>(
        &self,
        method: &Method,
        result: &Result<Response<R>, E>,
        body: Option<&[u8]>,
        hint: &Hint<'_>,
    ) -> Outcome
    where
        C: breather::Classify,
        E: HttpError,
    {
        let mut ending = match result {
            Ok(response) => {
                Ending::new(method, Ok(response.status()), hint).with_headers(response.headers())
            }
            Err(error) => Ending::new(method, Err(error.kind()), hint),
        };
        ending.body = body;
        self.by.classify(&ending)
    }
}

impl Default for Http {
    /// Classifies by the core's table, [`breather::Http`].
    fn default() -> Self {
        Self::by(breather::Http)
    }
}

impl<C, B, R, E> Classify<Request<B>, Response<R>, E> for Http<C>
where
    C: breather::Classify,
    E: HttpError,
{
    type Kept = Method;

    fn prepare(&self, request: &mut Request<B>) {
        if self.adds_keys {
            let method = request.method().clone();
            add_idempotency_key(&method, request.headers_mut(), || {
                Uuid::new_v4().to_string()
            });
        }
    }

    fn keep(&self, request: &Request<B>) -> Method {
        request.method().clone()
    }

    fn classify(
        &self,
        method: &Method,
        result: &Result<Response<R>, E>,
        hint: &Hint<'_>,
    ) -> Outcome {
        self.outcome(method, result, None, hint)
    }

    fn hint<'r>(&self, result: &'r Result<Response<R>, E>, moment: Moment<'_>) -> Hint<'r> {
        match result {
            Ok(response) => Hint::from_headers(response.headers(), moment),
            Err(_) => Hint::new(moment.instant()),
        }
    }

    fn options(&self, request: &Request<B>, breather: &Breather) -> Option<CallOptions> {
        let uri = request.uri();
        let own = CallOptions::of_extensions(request.extensions());
        breather.options(own, || authority(uri, request.headers()), uri.path())
    }

    fn scope<'r>(&self, request: &'r Request<B>) -> Option<Cow<'r, str>> {
        authority(request.uri(), request.headers())
    }

    fn is_idempotent(&self, request: &Request<B>) -> bool {
        is_idempotent(request.method(), request.headers())
    }

    fn slot(&self, request: &Request<B>) -> Option<ReportSlot> {
        request.extensions().get::<ReportSlot>().cloned()
    }

    fn on_report(&self, response: &mut Response<R>, report: &Report) {
        response.extensions_mut().insert(*report);
    }
}

/// The host and port that a request asks, without credentials, and written as the `url` crate writes them.
fn authority<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<Cow<'r, str>> {
    let named = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers.get(header::HOST)?.to_str().ok()?,
    };
    // One comparison for both: `@` stands before `A`.
    let is_plain = |byte| !(b'@'..=b'Z').contains(&byte);
    if named.bytes().all(is_plain) {
        return Some(with_plain_port(named, uri.scheme()));
    }
    let host = named.rsplit_once('@').map_or(named, |(_, host)| host);
    let mut host = with_plain_port(host, uri.scheme()).into_owned();
    host.make_ascii_lowercase();
    Some(host.into())
}

/// `authority` without a port that says nothing, as `:` or the scheme's own, and without zeros before it.
fn with_plain_port<'r>(authority: &'r str, scheme: Option<&Scheme>) -> Cow<'r, str> {
    // Colons of an IPv6 address are not before the last digits, which `]` ends.
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

#[cfg(test)]
mod tests {
    use url::Position;

    use super::*;

    #[test]
    fn the_scope_is_host_and_port_as_reqwest_has_it() {
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
            let headers = HeaderMap::new();
            let scope = authority(&parsed, &headers);
            assert_eq!(scope.as_deref(), expected, "{uri}");
            // What reqwest has.
            let url = url::Url::parse(uri).ok();
            let scope = url
                .as_ref()
                .map(|url| &url[Position::BeforeHost..Position::AfterPort]);
            assert_eq!(scope, expected, "{uri}");
        }
    }

    #[test]
    fn without_an_authority_the_host_header_counts() {
        let uri = Uri::from_static("/v1/rows");
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "Api.example.com:8080".parse().unwrap());
        assert_eq!(authority(&uri, &headers).unwrap(), "api.example.com:8080");
        // Of no scheme that would have it for its own.
        headers.insert(header::HOST, "api.example.com:80".parse().unwrap());
        assert_eq!(authority(&uri, &headers).unwrap(), "api.example.com:80");
        headers.insert(header::HOST, "\u{e4}".parse().unwrap());
        assert_eq!(authority(&uri, &headers), None);
    }
}
