//! The handle that calls share.

#[cfg(all(test, breather_shuttle))]
mod models;

use std::fmt;
use std::sync::Arc;

use crate::call::CallSpec;
use crate::hint::Dialect;
use crate::instant::Instant;
use crate::pacer::{Pacing, Snapshot};
use crate::policy::Policy;
use crate::policy::RetryBudget;
use crate::shared::active_call::ActiveCall;
use crate::shared::gate::Gate;
use crate::shared::new_call::NewCall;
use crate::shared::observer::{Observer, Observers};
use crate::shared::options::CallOptions;
use crate::shared::routes::Routes;
use crate::shared::rules::{Rules, SharedWallClock, Unpaced};
use crate::shared::scope::ScopeTable;
use crate::shared::timer::Timer;
use crate::unix_time::WallClock;

/// The handle that callers share.
///
/// It holds the policy and the state of each scope. Clones are cheap and share everything. For
/// example, if you give clones to a reqwest client and to another client, a rejection that one of
/// them receives holds both.
///
/// # Example
///
/// ```
/// use breather::{Breather, Pacing, Policy};
///
/// let breather = Breather::builder()
///     .with_policy(Policy::new().with_max_retries(5))
///     .with_pacing(Pacing::new().with_max_queued(1_000))
///     .build();
/// let same = breather.clone();
/// assert_eq!(same.policy().max_retries(), 5);
/// ```
#[derive(Clone)]
#[doc(alias = "RateLimiter")]
#[doc(alias = "rate limit")]
pub struct Breather(Arc<Inner>);

struct Inner {
    /// The rules and the budget of calls that are not paced.
    unpaced: Arc<Unpaced>,
    scopes: Option<ScopeTable>,
    routes: Routes,
}

impl Breather {
    /// Creates a handle with `policy` and the default pacing.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self::builder().with_policy(policy).build()
    }

    /// Returns a builder with the default settings.
    pub const fn builder() -> BreatherBuilder {
        BreatherBuilder {
            policy: Policy::new(),
            pacing: Some(Pacing::new()),
            budget: Some(RetryBudget::new()),
            observers: Observers::new(),
            max_scopes: MOST_SCOPES,
            wall_clock: None,
        }
    }

    /// Returns the policy of all calls that don't set their own.
    pub fn policy(&self) -> Policy {
        self.0.unpaced.rules.policy
    }

    /// Starts a call, for adapters.
    ///
    /// The call passes the pacer of each of its scopes. If it has several, name the most specific
    /// one first. breather sends the call when all scopes grant it at the same instant. It counts a
    /// throttled response against the scope whose window is spent according to the response, or
    /// else against the first.
    ///
    /// The call's deadline and its place in the queue count from the first time it asks to be sent.
    /// Give each call its own `seed`, because calls with the same seed draw the same delays.
    #[inline]
    pub fn start<T: Timer>(&self, new: NewCall<'_>, timer: T, seed: u64) -> ActiveCall<T> {
        let of_route = self.options_of_route(&new);
        let options = of_route.as_deref().or(new.options);
        let said = options.and_then(CallOptions::is_idempotent);
        let spec = CallSpec::new().with_idempotent(said.unwrap_or(new.idempotent));
        let scopes = options.and_then(CallOptions::scopes);
        let (first, others) = match new.own_scopes.or(scopes).or(new.scopes) {
            Some(scopes) => scopes.split(),
            None => (new.origin, &[][..]),
        };
        let gate = self.gate(first, others, || timer.now());
        let slots = (new.report_slot, new.cost_slot);
        ActiveCall::new(timer, spec, seed, gate, options, slots)
    }

    /// Joins the request's own options with those of its route, if the handle has routes.
    #[inline]
    fn options_of_route(&self, new: &NewCall<'_>) -> Option<Box<CallOptions>> {
        if self.0.routes.is_empty() {
            return None;
        }
        self.join_route(new)
    }

    /// Boxes the options, so that calls without a route move and drop no more than a pointer.
    #[cold]
    fn join_route(&self, new: &NewCall<'_>) -> Option<Box<CallOptions>> {
        let of_route = self.0.routes.options(new.origin?, new.path)?;
        Some(Box::new(match new.options {
            Some(own) => own.clone().or(of_route),
            None => of_route,
        }))
    }

    #[inline]
    fn gate(&self, first: Option<&str>, others: &[Box<str>], now: impl Fn() -> Instant) -> Gate {
        let (Some(known), Some(first)) = (&self.0.scopes, first) else {
            return Gate::Absent(Arc::clone(&self.0.unpaced));
        };
        let first = known.get(first, &now);
        if others.is_empty() {
            return Gate::one(first);
        }
        let mut all = vec![first];
        for name in others {
            let scope = known.get(name, &now);
            // Compare the names of the scopes, because breather shortens long names.
            if all.iter().all(|other| other.name() != scope.name()) {
                all.push(scope);
            }
        }
        Gate::several(all)
    }

    /// Applies `options` to every request that matches `route`, from now on.
    ///
    /// A route is a host or a host and a path prefix, for example `api.example.com` or
    /// `api.example.com/v1/search`. The prefix matches whole path segments. Include the port if it
    /// is not the scheme's default. breather ignores a scheme in the route.
    ///
    /// If several routes match, the longest one that sets an option wins. The request's own
    /// [`CallOptions`] win over all routes. Each request is compared with all routes, so set only
    /// as many as you would write by hand.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Breather, CallOptions, Policy};
    ///
    /// let breather = Breather::default();
    /// let search = CallOptions::new().with_idempotent(true);
    /// breather.set_route("api.example.com/v1/search", search);
    /// breather.set_route("api.example.com/v1/export", CallOptions::new().with_policy(Policy::new().with_max_retries(9)));
    /// ```
    pub fn set_route(&self, route: &str, options: CallOptions) {
        self.0.routes.insert(route, options);
    }

    /// Returns the state of `scope`, or `None` if breather doesn't know it.
    ///
    /// If pacing is off, breather knows no scope.
    ///
    /// The name is the one that you or the adapter gave the scope. Adapters for HTTP use the origin
    /// of the URL (scheme, host and, unless it is the scheme's default, port). For example,
    /// `https://api.example.com` or `http://127.0.0.1:8080`. breather keeps the beginning and a
    /// hash of a name over 300 bytes.
    ///
    /// Here and in the methods below, a host without a scheme stands for both scopes. For example,
    /// `api.example.com` stands for `https://api.example.com` and `http://api.example.com`, in this
    /// order.
    #[must_use]
    pub fn snapshot(&self, scope: &str) -> Option<Snapshot> {
        let scope = self.0.scopes.as_ref()?.named(scope).next()?;
        let state = scope.lock();
        Some(state.pacer.snapshot())
    }

    /// Returns the name and the state of each known scope.
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

    /// Sets the pacing of `scope`, instead of the handle's, from now on.
    ///
    /// This has no effect if pacing is off.
    ///
    /// breather keeps the setting even after it evicts the scope. Memory grows with each scope that
    /// you name, so use this for few scopes.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Breather, Pace, Pacing};
    ///
    /// let breather = Breather::default();
    /// breather.set_pacing("api.example.com", Pacing::new().with_pace(Pace::Even));
    /// ```
    pub fn set_pacing(&self, scope: &str, pacing: Pacing) {
        if let Some(scopes) = &self.0.scopes {
            scopes.pace(scope, pacing);
        }
    }

    /// Resets `scope` and lifts its hold. Returns whether the scope was known.
    ///
    /// Use this if a server asked for an absurd wait by mistake, such as a `Retry-After` of a year.
    /// Queued calls continue immediately. The pacer ignores the responses to attempts in flight.
    /// The scope keeps the settings that you made for it.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Breather;
    ///
    /// let breather = Breather::default();
    /// assert!(!breather.forget("https://api.example.com"));
    /// ```
    pub fn forget(&self, scope: &str) -> bool {
        let scopes = self.0.scopes.as_ref();
        let known = scopes.into_iter().flat_map(|scopes| scopes.named(scope));
        known.map(|scope| scope.forget()).count() > 0
    }

    /// Sets the dialects of `scope`, instead of the policy's, from now on.
    ///
    /// Dialects say how to read the headers of responses. If several dialects name a header, the
    /// first one wins. This has no effect on calls that have started, or if pacing is off.
    ///
    /// breather keeps the setting even after it evicts the scope. Memory grows with each scope that
    /// you name, so use this for few scopes.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Breather, Dialect};
    ///
    /// const PRISJAKT: &[Dialect] = &[Dialect::prisjakt()];
    /// let breather = Breather::default();
    /// breather.set_dialects("api.prisjakt.example", PRISJAKT);
    /// ```
    pub fn set_dialects(&self, scope: &str, dialects: &'static [Dialect]) {
        if let Some(scopes) = &self.0.scopes {
            scopes.set_dialects(scope, dialects);
        }
    }
}

impl Default for Breather {
    /// Creates a handle with the default policy and pacing.
    fn default() -> Self {
        Self::builder().build()
    }
}

impl fmt::Debug for Breather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breather")
            .field("policy", &self.0.unpaced.rules.policy)
            .field("scopes", &self.0.scopes.as_ref().map(ScopeTable::len))
            .finish_non_exhaustive()
    }
}

/// Configures and builds a [`Breather`].
///
/// # Example
///
/// ```
/// use breather::{Breather, Policy};
///
/// let breather = Breather::builder()
///     .with_policy(Policy::interactive())
///     .with_max_scopes(100)
///     .build();
/// assert_eq!(breather.policy(), Policy::interactive());
/// ```
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | policy | see [`Policy`] | |
/// | pacing | on, see [`Pacing`] | if a server reports no limits, callers lose a fraction of a second, once |
/// | budget | on, see [`RetryBudget`] | limits retries to a share of calls, even in an outage |
/// | observers | none | |
/// | scopes | 1,000 | bounds memory if scope names come from outside, such as the upstreams of a proxy |
#[derive(Clone, Debug)]
#[must_use]
pub struct BreatherBuilder {
    policy: Policy,
    pacing: Option<Pacing>,
    budget: Option<RetryBudget>,
    observers: Observers,
    max_scopes: usize,
    wall_clock: Option<SharedWallClock>,
}

impl BreatherBuilder {
    /// Sets the policy of all calls that don't set their own.
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how each scope is paced.
    pub const fn with_pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = Some(pacing);
        self
    }

    /// Turns pacing off, so that calls never wait for each other.
    ///
    /// Each call spreads its own retries. Only the policy's
    /// [`max_throttles`](Policy::with_max_throttles) then limits how often a throttled call is
    /// retried, and it applies to each call separately. Retries after a rejection take nothing from
    /// the [budget](Self::with_budget).
    pub const fn without_pacing(mut self) -> Self {
        self.pacing = None;
        self
    }

    /// Sets how many retries all calls of a scope may make together.
    ///
    /// Calls without a scope share one budget of the handle. If pacing is off, all calls share that
    /// budget. A scope that breather evicted starts with a new budget.
    pub const fn with_budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Removes the budget, so that only each call's policy limits retries.
    pub const fn without_budget(mut self) -> Self {
        self.budget = None;
        self
    }

    /// Adds an observer that receives all events of calls.
    pub fn with_observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(observer);
        self
    }

    /// Limits how many scopes breather keeps at a time. Defaults to 1,000.
    ///
    /// To make room, breather evicts the idle scope that was unused for longest. It never evicts a
    /// scope that has calls in flight, queued calls or a hold. If no scope is idle, a call in a new
    /// scope is paced alone, and its report says so.
    ///
    /// Set this higher than the number of scopes in use at a time. While the table is full, each
    /// call in a scope outside the table locks the table and searches all of it. It also clears the
    /// caches of all threads.
    pub const fn with_max_scopes(mut self, max: usize) -> Self {
        self.max_scopes = max;
        self
    }

    /// Reads dates in responses with `clock` instead of the system clock.
    ///
    /// Use this in tests, together with a timer that stands still. breather reads the clock only if
    /// a response has a date or an epoch, and no `Date` header.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Breather, driver::UnixTime};
    ///
    /// let noon = UnixTime::from_secs(1_800_014_400);
    /// let breather = Breather::builder().with_wall_clock(noon).build();
    /// # let _ = breather;
    /// ```
    pub fn with_wall_clock(mut self, clock: impl WallClock + Send + 'static) -> Self {
        self.wall_clock = Some(SharedWallClock::new(clock));
        self
    }

    /// Builds the handle.
    #[must_use]
    pub fn build(self) -> Breather {
        let Self {
            policy,
            pacing,
            budget,
            observers,
            max_scopes,
            wall_clock,
        } = self;
        let rules = Rules {
            policy,
            observers,
            wall_clock,
        };
        let scopes =
            pacing.map(|pacing| ScopeTable::new(rules.clone(), pacing, budget, max_scopes));
        Breather(Arc::new(Inner {
            unpaced: Arc::new(Unpaced::new(rules, budget)),
            scopes,
            routes: Routes::default(),
        }))
    }
}

const MOST_SCOPES: usize = 1_000;
