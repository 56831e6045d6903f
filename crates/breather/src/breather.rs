//! The handle that calls share.

#[cfg(all(test, breather_shuttle))]
mod models;

use std::fmt;
use std::sync::Arc;

use crate::active_call::ActiveCall;
use crate::call::CallSpec;
use crate::gate::Gate;
use crate::hint::Dialect;
use crate::instant::Instant;
use crate::pacer::{Pacing, Snapshot};
use crate::policy::Policy;
use crate::scope::ScopeTable;
use crate::timer::Timer;

/// The handle that calls share: a policy, and what was learned about each scope.
///
/// Clones are cheap and share everything. Give them to a reqwest client and to another one, and a
/// refusal seen by either holds both.
///
/// # Example
///
/// ```
/// use breather::{Breather, Pacing, Policy};
///
/// let breather = Breather::builder()
///     .with_policy(Policy::new().with_retries(5))
///     .with_pacing(Pacing::new().with_waiters(1_000))
///     .build();
/// let same = breather.clone();
/// assert_eq!(same.policy().retries(), 5);
/// ```
#[derive(Clone)]
pub struct Breather(Arc<Inner>);

struct Inner {
    /// Of the calls that no scope paces.
    policy: Arc<Policy>,
    scopes: Option<ScopeTable>,
}

impl Breather {
    /// A handle with `policy` and the default pacing.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self::builder().with_policy(policy).build()
    }

    /// The defaults, to be changed before the handle is built and shared.
    pub const fn builder() -> Builder {
        Builder {
            policy: Policy::new(),
            pacing: Some(Pacing::new()),
            scopes: MOST_SCOPES,
        }
    }

    /// The policy of all calls.
    pub fn policy(&self) -> Policy {
        *self.0.policy
    }

    /// Starts a call, for adapters: it will pass the pacers of `scopes`, if pacing is on. No two calls should have
    /// the same `seed`.
    ///
    /// Mostly there is one scope, as in `Some("api.example.com")`. Of several the most specific comes first, as in
    /// `["token 7", "organisation 3"]`: the call is sent when all of them grant it at the same instant, and a refusal
    /// is put down to the one whose window the answer shows spent, else to the first. Which windows are whose is
    /// learned: what remains of an organisation's falls whichever token asks.
    ///
    /// Its place in the order and its deadline count from when it first asks.
    pub fn start<'s, T: Timer>(
        &self,
        scopes: impl IntoIterator<Item = &'s str>,
        spec: CallSpec,
        timer: T,
        seed: u64,
    ) -> ActiveCall<T> {
        let gate = self.gate(scopes, || timer.now());
        ActiveCall::new(timer, spec, seed, gate)
    }

    fn gate<'s>(
        &self,
        scopes: impl IntoIterator<Item = &'s str>,
        now: impl Fn() -> Instant,
    ) -> Gate {
        let absent = || Gate::Absent(Arc::clone(&self.0.policy));
        let Some(known) = &self.0.scopes else {
            return absent();
        };
        let mut names = scopes.into_iter();
        let Some(first) = names.next() else {
            return absent();
        };
        let first = known.get(first, &now);
        let Some(second) = names.next() else {
            return Gate::one(first);
        };
        let mut all = vec![first];
        for name in core::iter::once(second).chain(names) {
            if all.iter().all(|scope| scope.name() != name) {
                all.push(known.get(name, &now));
            }
        }
        Gate::several(all)
    }

    /// What is known of `scope`; `None` if nothing is, or if pacing is off.
    ///
    /// The name is the one that the adapter gave it: that of `breather-reqwest` is the host and, unless it is
    /// the scheme's default, the port, as in `api.example.com` or `127.0.0.1:8080`.
    #[must_use]
    pub fn snapshot(&self, scope: &str) -> Option<Snapshot> {
        let scope = self.0.scopes.as_ref()?.find(scope)?;
        let state = scope.lock();
        Some(state.pacer.snapshot())
    }

    /// What is known of each scope, by its name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<(String, Snapshot)> {
        let all = self
            .0
            .scopes
            .as_ref()
            .map_or_else(Vec::new, ScopeTable::all);
        let all = all.into_iter();
        all.map(|scope| (scope.name().to_owned(), scope.lock().pacer.snapshot()))
            .collect()
    }

    /// Paces `scope` in its own way from now on, otherwise than the handle's other scopes. Without effect if pacing
    /// is off.
    ///
    /// It is remembered even while the scope is not: name only scopes of which there are few.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Breather, Pace, Pacing};
    ///
    /// let breather = Breather::default();
    /// breather.pace("api.example.com", Pacing::new().with_pace(Pace::Even));
    /// ```
    pub fn pace(&self, scope: &str, pacing: Pacing) {
        if let Some(scopes) = &self.0.scopes {
            scopes.pace(scope, pacing);
        }
    }

    /// Reads the headers of `scope`'s answers by `dialects` from now on, instead of by the policy's. Of several, the
    /// first that names a header counts. Without effect if pacing is off, and on calls that have begun.
    ///
    /// It is remembered even while the scope is not: name only scopes of which there are few.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Breather, Dialect};
    ///
    /// const PRISJAKT: &[Dialect] = &[Dialect::prisjakt()];
    /// let breather = Breather::default();
    /// breather.read_as("api.prisjakt.example", PRISJAKT);
    /// ```
    pub fn read_as(&self, scope: &str, dialects: &'static [Dialect]) {
        if let Some(scopes) = &self.0.scopes {
            scopes.read_as(scope, dialects);
        }
    }
}

impl Default for Breather {
    /// A handle with the default policy and pacing.
    fn default() -> Self {
        Self::builder().build()
    }
}

impl fmt::Debug for Breather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breather")
            .field("policy", &self.0.policy)
            .field("scopes", &self.0.scopes.as_ref().map(ScopeTable::len))
            .finish_non_exhaustive()
    }
}

/// The settings of a [`Breather`] that is not built yet.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | policy | see [`Policy`] | |
/// | pacing | on, see [`Pacing`] | a server that says nothing costs its callers a part of a second, once |
/// | scopes | 1,000 | bounds memory where scopes come from outside, as a proxy's upstreams |
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Builder {
    policy: Policy,
    pacing: Option<Pacing>,
    scopes: usize,
}

impl Builder {
    /// Sets the policy of all calls.
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how each scope is paced.
    pub const fn with_pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = Some(pacing);
        self
    }

    /// Turns pacing off: no call waits for another, and each spreads its own returns.
    pub const fn without_pacing(mut self) -> Self {
        self.pacing = None;
        self
    }

    /// Sets how many scopes are kept at a time. Defaults to 1,000.
    ///
    /// To make room, an idle scope is forgotten, the one unused for longest; one with calls in flight or
    /// waiting, or one that is held, never. When none is idle, a call of a new scope is paced alone, and
    /// its report says so.
    pub const fn with_scopes(mut self, scopes: usize) -> Self {
        self.scopes = scopes;
        self
    }

    /// The handle.
    #[must_use]
    pub fn build(self) -> Breather {
        let Self {
            policy,
            pacing,
            scopes,
        } = self;
        let scopes = pacing.map(|pacing| ScopeTable::new(policy, pacing, scopes));
        let policy = Arc::new(policy);
        Breather(Arc::new(Inner { policy, scopes }))
    }
}

const MOST_SCOPES: usize = 1_000;
