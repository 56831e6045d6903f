//! The settings of a layer.

use std::fmt;

use breather::{Breather, Redirects, Scopes, driver::Seeds};

/// The settings that a layer passes to its services.
#[derive(Clone)]
pub(crate) struct Settings<C, R> {
    pub(crate) breather: Breather,
    pub(crate) classify: C,
    pub(crate) repeat: R,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) idempotent: Option<bool>,
    pub(crate) adds_keys: bool,
    pub(crate) redirects: Redirects,
    pub(crate) seeds: Seeds,
}

impl<C, R> Settings<C, R> {
    /// Adds the fields that help a reader. Classifiers are mostly closures and are left out.
    pub(crate) fn debug(&self, f: &mut fmt::DebugStruct<'_, '_>) -> fmt::Result {
        f.field("breather", &self.breather)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
