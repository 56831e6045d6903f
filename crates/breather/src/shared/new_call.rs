//! Describes a call before it starts.

use crate::call::ReportSlot;
use crate::shared::cost_slot::CostSlot;
use crate::shared::options::CallOptions;
use crate::shared::scopes::Scopes;

/// Describes a call that an adapter is about to start.
///
/// Fill in what the adapter knows. [`Breather::start`](crate::Breather::start) looks up the route,
/// decides which setting applies, and finds the call's scopes. For each setting the most specific
/// source wins: the request's own [`CallOptions`], then its route, then the adapter's settings,
/// then the handle's.
///
/// # Defaults
///
/// The call has no scope, so it is not paced. It is not idempotent. Its report is not kept.
///
/// # Example
///
/// ```
/// use breather::CallOptions;
/// use breather::driver::NewCall;
/// use core::time::Duration;
///
/// let options = CallOptions::new().with_deadline(Duration::from_secs(2));
/// let new = NewCall::new()
///     .with_origin("https://api.example.com")
///     .with_path("/v1/search")
///     .with_options(&options)
///     .with_idempotent(true);
/// assert_eq!(new.options(), Some(&options));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct NewCall<'a> {
    pub(crate) origin: Option<&'a str>,
    pub(crate) path: &'a str,
    /// The scopes that the adapter was configured with.
    pub(crate) scopes: Option<&'a Scopes>,
    /// The scopes that the request names beside its options.
    pub(crate) own_scopes: Option<&'a Scopes>,
    pub(crate) options: Option<&'a CallOptions>,
    pub(crate) idempotent: bool,
    pub(crate) report_slot: Option<&'a ReportSlot>,
    pub(crate) cost_slot: Option<&'a CostSlot>,
}

impl<'a> NewCall<'a> {
    /// Creates a description of a call without a scope.
    pub const fn new() -> Self {
        Self {
            origin: None,
            path: "",
            scopes: None,
            own_scopes: None,
            options: None,
            idempotent: false,
            report_slot: None,
            cost_slot: None,
        }
    }

    /// Sets the origin of the request.
    ///
    /// The origin is the scheme, host and port of the server. Omit the port if it is the scheme's
    /// default. It is the call's scope unless [`with_scope`](Self::with_scope) or the options name
    /// another. breather looks up routes by it.
    #[inline]
    pub fn with_origin(mut self, origin: impl Into<Option<&'a str>>) -> Self {
        self.origin = origin.into();
        self
    }

    /// Sets the path of the request's URL. breather looks up routes by it.
    #[inline]
    pub const fn with_path(mut self, path: &'a str) -> Self {
        self.path = path;
        self
    }

    /// Sets the scopes that the adapter was configured with.
    #[inline]
    pub fn with_scope(mut self, scopes: impl Into<Option<&'a Scopes>>) -> Self {
        self.scopes = scopes.into();
        self
    }

    /// Sets the request's own options.
    #[inline]
    pub fn with_options(mut self, options: impl Into<Option<&'a CallOptions>>) -> Self {
        self.options = options.into();
        self
    }

    /// Sets the options, scopes and slots from a request's extensions.
    #[cfg(feature = "http")]
    #[inline]
    pub fn with_extensions(mut self, extensions: &'a http::Extensions) -> Self {
        // The common case is a request without extensions.
        if !extensions.is_empty() {
            self.options = extensions.get();
            self.own_scopes = extensions.get();
            self.report_slot = extensions.get();
            self.cost_slot = extensions.get();
        }
        self
    }

    /// Sets whether the call is idempotent.
    ///
    /// A call is idempotent if executing it twice has the same effect as executing it once.
    #[inline]
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Sets the slot for the actual cost. It is connected with the call's latest attempt.
    #[inline]
    pub fn with_cost_slot(mut self, slot: impl Into<Option<&'a CostSlot>>) -> Self {
        self.cost_slot = slot.into();
        self
    }

    /// Sets the slot for the report.
    ///
    /// The slot receives the report when the call ends or is dropped.
    #[inline]
    pub fn with_report_slot(mut self, slot: impl Into<Option<&'a ReportSlot>>) -> Self {
        self.report_slot = slot.into();
        self
    }

    /// Returns the request's own options.
    pub const fn options(&self) -> Option<&'a CallOptions> {
        self.options
    }
}
