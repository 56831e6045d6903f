//! The names of a call's scopes.

use std::sync::Arc;

/// The names of a call's scopes, if you choose them yourself.
///
/// For example, a scope can be a token, an organisation or a route. Name the most specific scope
/// first. A call with several scopes is sent when all of them grant it at the same instant. A
/// rejection counts against the scope whose window is spent according to the response, or else
/// against the first. A call whose `Scopes` are empty is not paced.
///
/// You can put this into the extensions of a request. It then replaces the request's origin as
/// scope.
///
/// # Secrets
///
/// Scope names are never sent to a server, but they are not secret. Hash tokens before you use them
/// as names. Names appear in:
///
/// - each [`Event`](crate::Event) that observers receive
/// - a field of each call's `tracing` span
/// - a metric label, if you use `Metrics::with_scope_label`
/// - [`Breather::snapshots`](crate::Breather::snapshots)
/// - the debug output of `Scopes` and of settings that contain them
///
/// The debug output of a handle or of a call doesn't contain them.
///
/// # Example
///
/// ```
/// use breather::Scopes;
///
/// let one = Scopes::from("organisation 3");
/// assert_eq!(one.iter().collect::<Vec<_>>(), ["organisation 3"]);
///
/// let token = 7;
/// let both = Scopes::from([format!("token {token}"), "organisation 3".to_owned()]);
/// assert_eq!(both.iter().collect::<Vec<_>>(), ["token 7", "organisation 3"]);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
#[doc(alias = "key")]
pub struct Scopes(Arc<[Box<str>]>);

impl Scopes {
    /// Returns the names, with the most specific one first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    /// Splits off the most specific name.
    pub(crate) fn split(&self) -> (Option<&str>, &[Box<str>]) {
        match self.0.split_first() {
            Some((first, others)) => (Some(first), others),
            None => (None, &[]),
        }
    }
}

impl<S: Into<Box<str>>> FromIterator<S> for Scopes {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<Box<str>>, const N: usize> From<[S; N]> for Scopes {
    fn from(names: [S; N]) -> Self {
        names.into_iter().collect()
    }
}

impl From<&str> for Scopes {
    fn from(name: &str) -> Self {
        Self::from([name])
    }
}

impl From<&String> for Scopes {
    fn from(name: &String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<String> for Scopes {
    fn from(name: String) -> Self {
        Self::from([name])
    }
}
