//! The API that the gateway forwards calls to.

use std::fmt;

use anyhow::{Context, bail, ensure};
use http::{
    Uri,
    uri::{Authority, PathAndQuery, Scheme},
};

/// The part of each URI that callers cannot choose.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    scheme: Scheme,
    authority: Authority,
    /// The path before that of each call, without a slash at its end. It is mostly empty.
    base: String,
}

impl Upstream {
    pub(crate) fn parse(url: &str) -> anyhow::Result<Self> {
        let without_secret = match url.rsplit_once('@') {
            Some((_, host)) => format!("…@{host}"),
            None => url.to_owned(),
        };
        Self::read(url).with_context(|| format!("--upstream {without_secret}"))
    }

    fn read(url: &str) -> anyhow::Result<Self> {
        let url: Uri = url.parse().context("is no URL")?;
        let parts = url.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            bail!("is no URL with scheme and host, as https://api.example.com");
        };
        ensure!(
            scheme == Scheme::HTTP || scheme == Scheme::HTTPS,
            "has neither the scheme http nor https"
        );
        ensure!(
            !authority.as_str().contains('@'),
            "has a user's name in it: the callers send their own Authorization"
        );
        ensure!(!authority.host().is_empty(), "has no host");
        let path = parts
            .path_and_query
            .unwrap_or_else(|| PathAndQuery::from_static("/"));
        ensure!(
            path.query().is_none(),
            "has a query, which belongs to the calls"
        );
        let base = path.path().trim_end_matches('/').to_owned();
        Ok(Self {
            scheme,
            authority,
            base,
        })
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the upstream's URI for `uri`, ignoring the host that the caller named.
    ///
    /// Returns `None` if the result is not a valid URI, or if the path could leave the base path.
    pub(crate) fn uri(&self, uri: &Uri) -> Option<Uri> {
        let asked = uri.path_and_query().cloned();
        let asked = asked.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let path = if self.base.is_empty() || asked == "*" {
            asked
        } else if has_dots(asked.path()) {
            return None;
        } else {
            format!("{}{asked}", self.base).parse().ok()?
        };
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .ok()
    }
}

/// Returns whether a server could read a segment of `path` as `.` or `..`.
///
/// Many servers decode `%2e` to a dot. Some treat `%2f` and backslashes as slashes, and some ignore
/// the rest of a segment after a semicolon.
fn has_dots(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let path = path
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    path.split(['/', '\\'])
        .filter_map(|segment| segment.split(';').next())
        .any(|segment| segment == "." || segment == "..")
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scheme,
            authority,
            base,
        } = self;
        write!(f, "{scheme}://{authority}{base}")
    }
}
