//! The server that a request names, and the one that responds.

use std::borrow::Cow;

use breather::driver::Responder;
use reqwest::{Request, Url};
use url::Position;

use crate::answer::Ended;

/// Returns the scheme, host and any non-default port of `url`, without credentials.
pub(crate) fn origin(url: &Url) -> Cow<'_, str> {
    if url.username().is_empty() && url.password().is_none() {
        return url[..Position::AfterPort].into();
    }
    format!("{}://{}", url.scheme(), authority(url)).into()
}

/// Returns the host and port of `url`, without credentials.
pub(crate) fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// The server that a call's request names.
pub(crate) struct Asked {
    /// The server's origin, or `None` if the call's scope has that name.
    origin: Option<String>,
}

impl Asked {
    pub(crate) fn of(request: &Request, scope: Option<&str>) -> Self {
        let origin = origin(request.url());
        let is_named_otherwise = scope != Some(&*origin);
        Self {
            origin: is_named_otherwise.then(|| origin.into_owned()),
        }
    }

    /// Returns which request of an attempt `result` belongs to.
    ///
    /// `url` is the URL of the first request. A call that cannot be retried does not need it.
    pub(crate) fn answered(
        &self,
        scope: Option<&str>,
        url: Option<&Url>,
        result: &Ended,
    ) -> Responder {
        let Ok(answer) = result else {
            return Responder::None;
        };
        let answered = answer.response.url();
        // The common case.
        if url == Some(answered) || is_placeholder(answered) {
            return Responder::Expected;
        }
        let asked = self.origin.as_deref().or(scope);
        if asked.is_some_and(|asked| !is_same_server(asked, &origin(answered))) {
            return Responder::OtherServer;
        }
        // Requests have no fragment, so responses lose it.
        let is_other = |url: &Url| url[..Position::AfterQuery] != answered[..Position::AfterQuery];
        match url.is_some_and(is_other) {
            true => Responder::OtherUrl,
            false => Responder::Expected,
        }
    }
}

/// Returns whether `answered` is the origin `asked`, or the same host after a redirect to TLS.
fn is_same_server(asked: &str, answered: &str) -> bool {
    let is_upgraded = || {
        let (asked, answered) = (
            asked.strip_prefix("http://"),
            answered.strip_prefix("https://"),
        );
        asked.is_some() && asked == answered
    };
    asked == answered || is_upgraded()
}

/// Returns whether `url` is reqwest's placeholder for a response without a URL.
///
/// A response that a mock or a cache converts from an `http::Response` can have no URL.
fn is_placeholder(url: &Url) -> bool {
    url.host_str() == Some("no.url.provided.local")
}
