//! The names of a call's scopes.

use std::sync::Arc;

/// The names of the scopes that a call belongs to, for a caller that chooses them: a token, an organisation, a
/// route.
///
/// The most specific comes first. A call of several scopes is sent when all of them grant it at the same instant; a
/// rejection is put down to the one whose window the answer shows spent, else to the first. Without any name, the call
/// is not paced.
///
/// Put into the extensions of a request, they take the place of its origin.
///
/// Hash a secret before it becomes a name. Names are never sent, but told: to observers with each
/// [`Event`](crate::Event), to `tracing` as a field of each call's span, as a label by `Metrics::with_scope_label`, by
/// [`Breather::snapshots`](crate::Breather::snapshots), and wherever these names themselves, or settings that have them,
/// are printed. What is printed of a handle or of a call does not have them.
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
    /// The names, the most specific first.
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
