//! The server that a request asks, and the one that answers it.

use std::borrow::Cow;

use breather::Answered;
use reqwest::{Request, Url};
use url::Position;

use crate::answer::Ended;

/// The origin of `url`: scheme, host, and the port unless it is the scheme's default; without credentials.
pub(crate) fn origin(url: &Url) -> Cow<'_, str> {
    if url.username().is_empty() && url.password().is_none() {
        return url[..Position::AfterPort].into();
    }
    format!("{}://{}", url.scheme(), authority(url)).into()
}

/// Host and port of `url`, without credentials.
pub(crate) fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// The server that a call asks.
pub(crate) struct Asked {
    /// Its origin, unless the call's scope has that name.
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

    /// Which request of an attempt `result` belongs to. `url` is the URL that was asked; it is not needed for a call that
    /// cannot be repeated.
    pub(crate) fn answered(
        &self,
        scope: Option<&str>,
        url: Option<&Url>,
        result: &Ended,
    ) -> Answered {
        let Ok(answer) = result else {
            return Answered::Nobody;
        };
        let answered = answer.response.url();
        // As it mostly is.
        if url == Some(answered) || is_placeholder(answered) {
            return Answered::Asked;
        }
        let asked = self.origin.as_deref().or(scope);
        if asked.is_some_and(|asked| !is_same_server(asked, &origin(answered))) {
            return Answered::OtherServer;
        }
        // No fragment is sent, and so none comes back.
        let is_other = |url: &Url| url[..Position::AfterQuery] != answered[..Position::AfterQuery];
        match url.is_some_and(is_other) {
            true => Answered::OtherUrl,
            false => Answered::Asked,
        }
    }
}

/// Whether `asked` is the origin `answered`, or the same host before it sent the client on to TLS.
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

/// Whether `url` is the one of responses that no server gave, such as those of mocks and caches: reqwest makes it up when an
/// `http::Response` without a URL is made a `reqwest::Response`.
fn is_placeholder(url: &Url) -> bool {
    url.host_str() == Some("no.url.provided.local")
}
