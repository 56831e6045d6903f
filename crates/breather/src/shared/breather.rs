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

/// The handle that calls share: a policy, and what was learned about each scope.
///
/// Clones are cheap and share everything. Give them to a reqwest client and to another one, and a
/// rejection seen by either holds both.
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
    /// Of the calls that no scope paces.
    unpaced: Arc<Unpaced>,
    scopes: Option<ScopeTable>,
    routes: Routes,
}

impl Breather {
    /// A handle with `policy` and the default pacing.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self::builder().with_policy(policy).build()
    }

    /// The defaults, to be changed before the handle is built and shared.
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

    /// The policy of all calls.
    pub fn policy(&self) -> Policy {
        self.0.unpaced.rules.policy
    }

    /// Starts a call, for adapters.
    ///
    /// The call passes the pacer of each of its scopes. If it has several, the most specific comes first. breather sends the
    /// call when all of them grant it at the same instant. It counts a throttled response against the scope whose window the
    /// response shows spent, or else against the first.
    ///
    /// The call's deadline and its place in the queue count from the first time it asks to be sent. Give each call its own
    /// `seed`, because calls with the same seed draw the same delays.
    pub fn start<T: Timer>(&self, new: NewCall<'_>, timer: T, seed: u64) -> ActiveCall<T> {
        let of_route = self.options_of_route(&new);
        let options = of_route.as_ref().or(new.options);
        let said = options.and_then(CallOptions::is_idempotent);
        let spec = CallSpec::new().with_idempotent(said.unwrap_or(new.idempotent));
        let scopes = options.and_then(CallOptions::scopes);
        let (first, others) = match new.own_scopes.or(scopes).or(new.scopes) {
            Some(scopes) => scopes.split(),
            None => (new.origin, &[][..]),
        };
        let gate = self.gate(first, others, || timer.now());
        ActiveCall::new(timer, spec, seed, gate, options, new.report_slot.cloned())
    }

    /// Joins the request's own options with those of its route, if there are routes.
    #[inline]
    fn options_of_route(&self, new: &NewCall<'_>) -> Option<CallOptions> {
        let routes = &self.0.routes;
        if routes.is_empty() {
            return None;
        }
        let of_route = routes.options(new.origin?, new.path)?;
        Some(match new.options {
            Some(own) => own.clone().or(of_route),
            None => of_route,
        })
    }

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
            // Names that are too long are cut, so compare the names that scopes have.
            if all.iter().all(|other| other.name() != scope.name()) {
                all.push(scope);
            }
        }
        Gate::several(all)
    }

    /// Has all requests of `route` go by `options` from now on: a host, as in `api.example.com`, or a host and how the path
    /// begins, up to a slash, as in `api.example.com/v1/search`. The host is named as a scope is, with any port that is not the
    /// scheme's default; a scheme before it is passed over.
    ///
    /// Of several routes that fit a request, the longest counts for each setting, and what the request's own
    /// [`CallOptions`] say before that. The table is looked through from end to end: name as many as one writes by hand.
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

    /// What is known of `scope`; `None` if nothing is, or if pacing is off.
    ///
    /// The name is the one that you or the adapter gave it. Adapters for HTTP use the origin of the URL (scheme, host
    /// and, unless it is the scheme's default, port). For example, `https://api.example.com` or `http://127.0.0.1:8080`.
    /// Of a name over 300 bytes, the beginning and a hash are kept.
    ///
    /// Here and in the methods below, a host without a scheme stands for both scopes. For example, `api.example.com`
    /// stands for `https://api.example.com` and `http://api.example.com`, in this order.
    #[must_use]
    pub fn snapshot(&self, scope: &str) -> Option<Snapshot> {
        let scope = self.0.scopes.as_ref()?.named(scope).next()?;
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
    /// breather.set_pacing("api.example.com", Pacing::new().with_pace(Pace::Even));
    /// ```
    pub fn set_pacing(&self, scope: &str, pacing: Pacing) {
        if let Some(scopes) = &self.0.scopes {
            scopes.pace(scope, pacing);
        }
    }

    /// Resets `scope` and lifts its hold. Returns whether the scope was known.
    ///
    /// Use it when a server has asked for an absurd wait by mistake, such as a `Retry-After` of a year. Queued calls go
    /// on at once, and the answers to attempts in flight are not learned from. What you set for the scope stays.
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
    /// breather.set_dialects("api.prisjakt.example", PRISJAKT);
    /// ```
    pub fn set_dialects(&self, scope: &str, dialects: &'static [Dialect]) {
        if let Some(scopes) = &self.0.scopes {
            scopes.set_dialects(scope, dialects);
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
            .field("policy", &self.0.unpaced.rules.policy)
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
/// | budget | on, see [`RetryBudget`] | what is repeated is a share of what is asked, also in an outage |
/// | observers | none | |
/// | scopes | 1,000 | bounds memory where scopes come from outside, as a proxy's upstreams |
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
    ///
    /// How often throttled calls are sent again is then bounded by nothing but the policy's
    /// [rejections](Policy::with_max_throttles), for each call alone: they are free of the [budget](Self::with_budget).
    pub const fn without_pacing(mut self) -> Self {
        self.pacing = None;
        self
    }

    /// Sets how many retries the calls of a scope may make together. Calls without a scope, and without pacing all calls,
    /// have one budget of the handle's. A scope that was forgotten begins with a new one.
    pub const fn with_budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Limits retries for each call alone, by its policy.
    pub const fn without_budget(mut self) -> Self {
        self.budget = None;
        self
    }

    /// Adds one who is told what happens to calls.
    pub fn with_observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(observer);
        self
    }

    /// Sets how many scopes are kept at a time. Defaults to 1,000.
    ///
    /// To make room, an idle scope is forgotten, the one unused for longest; one with calls in flight or
    /// waiting, or one that is held, never. When none is idle, a call of a new scope is paced alone, and
    /// its report says so.
    ///
    /// While the table is full, each call of a scope that is not in it looks through all that are, with the table locked,
    /// and has all threads look up anew the scopes that they had at hand. Keep more than are in use at a time.
    pub const fn with_max_scopes(mut self, max: usize) -> Self {
        self.max_scopes = max;
        self
    }

    /// Reads dates and epochs in responses by `clock` instead of the system's clock.
    ///
    /// Use it in tests, together with a timer that stands still. breather asks the clock only if a response has such a value
    /// and no `Date` header.
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

    /// The handle.
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
