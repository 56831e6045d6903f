//! The scopes of a handle, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};

use super::Scope;
use super::name::{bounded, host, origins};
use crate::hint::Dialect;
use crate::instant::Instant;
use crate::pacer::Pacing;
use crate::policy::RetryBudget;
use crate::shared::rules::Rules;
use crate::shared::sync::{Mutex, MutexGuard, RwLock, thread_number};

/// The scopes of a handle, by name.
pub(crate) struct ScopeTable {
    rules: Rules,
    pacing: Pacing,
    budget: Option<RetryBudget>,
    most: usize,
    by_name: RwLock<ByName<Scope>>,
    /// Caches of the table. Each one serves some of the threads.
    ///
    /// If all threads used the table, they would write to the same memory to find a scope and to
    /// count its users, and processors would wait for each other. If 2 threads use a scope each,
    /// they would reach 0.5 times the rate of one thread instead of 2.0 times (`cargo bench --bench
    /// scope`).
    shelves: [Shelf; SHELVES],
    /// The pacings that you set for single scopes.
    pacings: RwLock<BTreeMap<Box<str>, Pacing>>,
    /// The dialects that you set for single scopes.
    dialects: RwLock<BTreeMap<Box<str>, &'static [Dialect]>>,
}

/// A B-tree instead of a hash map, because most handles have few scopes. A lookup among few names
/// costs less than a hash that resists names chosen by an attacker.
type ByName<T> = BTreeMap<Arc<str>, Arc<T>>;

/// A cache for some of the threads. It shares no cache line with the others.
#[derive(Default)]
#[repr(align(128))]
struct Shelf(Mutex<ByName<SharedScope>>);

/// A scope and the rules of its calls, in the form that the threads of one cache share.
#[derive(Debug)]
pub(crate) struct SharedScope {
    scope: Arc<Scope>,
    rules: Rules,
    /// Whether the scope has dialects of its own.
    has_own_dialects: bool,
    /// Whether the calls of all threads share the scope, because it is in the table.
    by_all: bool,
}

impl SharedScope {
    pub(crate) const fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) const fn has_own_dialects(&self) -> bool {
        self.has_own_dialects
    }

    pub(crate) const fn by_all(&self) -> bool {
        self.by_all
    }
}

impl Deref for SharedScope {
    type Target = Arc<Scope>;

    fn deref(&self) -> &Arc<Scope> {
        &self.scope
    }
}

impl ScopeTable {
    pub(crate) fn new(
        rules: Rules,
        pacing: Pacing,
        budget: Option<RetryBudget>,
        most: usize,
    ) -> Self {
        Self {
            rules,
            pacing,
            budget,
            most,
            by_name: RwLock::default(),
            shelves: Default::default(),
            pacings: RwLock::default(),
            dialects: RwLock::default(),
        }
    }

    /// Returns the scope called `name`, and creates it if necessary.
    ///
    /// The table keeps at most `most` scopes. To make room, it evicts the idle scope that was
    /// unused for longest. If no scope is idle, the new scope is not shared.
    pub(crate) fn get(&self, name: &str, now: impl FnOnce() -> Instant) -> Arc<SharedScope> {
        let name = &*bounded(name);
        let shelf = &self.shelves[thread_number() % SHELVES];
        if let Some(found) = shelf.lock().get(name) {
            return Arc::clone(found);
        }
        let (scope, by_all) = self.find_or_make(name, now);
        // Hold this lock until the scope is on the shelf. Otherwise `set_dialects` could clear the
        // shelf first, and the old dialects would stay there.
        let dialects = self.dialects.read().unwrap_or_else(PoisonError::into_inner);
        let mut rules = self.rules.clone();
        let own = setting(&dialects, name);
        if let Some(dialects) = own {
            rules.policy = rules.policy.with_dialects(dialects);
        }
        let shared = Arc::new(SharedScope {
            scope,
            rules,
            has_own_dialects: own.is_some(),
            by_all,
        });
        if by_all {
            // The scope is still in the table, because `evict` keeps scopes that a call has.
            let name = Arc::clone(&shared.name);
            return Arc::clone(shelf.lock().entry(name).or_insert(shared));
        }
        shared
    }

    /// Returns the scope called `name`, and whether it is in the table.
    fn find_or_make(&self, name: &str, now: impl FnOnce() -> Instant) -> (Arc<Scope>, bool) {
        if let Some(scope) = self.find(name) {
            return (scope, true);
        }
        let mut known = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = known.get(name) {
            return (Arc::clone(scope), true);
        }
        let name: Arc<str> = name.into();
        let scope = Arc::new(Scope::new(
            Arc::clone(&name),
            self.pacing_of(&name),
            self.budget,
        ));
        if known.len() >= self.most && !self.evict(&mut known, now()) {
            return (scope, false);
        }
        known.insert(name, Arc::clone(&scope));
        (scope, true)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Scope>> {
        let name = &*bounded(name);
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    /// Returns the known scopes that `name` stands for.
    pub(crate) fn named<'n>(
        &self,
        name: &'n str,
    ) -> impl Iterator<Item = Arc<Scope>> + use<'_, 'n> {
        origins(name).filter_map(|name| self.find(&name))
    }

    pub(crate) fn all(&self) -> Vec<Arc<Scope>> {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        known.values().cloned().collect()
    }

    /// Sets the pacing of the scope called `name`, now and whenever it is created again.
    pub(crate) fn pace(&self, name: &str, pacing: Pacing) {
        let mut pacings = self.pacings.write().unwrap_or_else(PoisonError::into_inner);
        pacings.insert((&*bounded(name)).into(), pacing);
        drop(pacings);
        // A scope that is created from here on gets the new pacing.
        for scope in self.named(name) {
            let pacing = self.pacing_of(scope.name());
            scope.lock().pacer.set_pacing(pacing);
        }
    }

    /// Sets the dialects of the scope called `name`, from the next call on.
    pub(crate) fn set_dialects(&self, name: &str, dialects: &'static [Dialect]) {
        let mut known = self
            .dialects
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let name = &*bounded(name);
        known.insert(name.into(), dialects);
        for shelf in &self.shelves {
            let mut shelf = shelf.lock();
            for origin in origins(name) {
                shelf.remove(&*origin);
            }
        }
    }

    fn pacing_of(&self, name: &str) -> Pacing {
        let pacings = self.pacings.read().unwrap_or_else(PoisonError::into_inner);
        setting(&pacings, name).unwrap_or(self.pacing)
    }

    pub(crate) fn len(&self) -> usize {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        known.len()
    }

    /// Evicts a scope as if the table were full.
    #[cfg(all(test, breather_shuttle))]
    pub(crate) fn make_room(&self, now: Instant) -> bool {
        let mut known = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        self.evict(&mut known, now)
    }

    /// Evicts the scope that was unused for longest, among the idle scopes that no call has.
    fn evict(&self, known: &mut ByName<Scope>, now: Instant) -> bool {
        // A scope on a shelf counts as in use, so clear the shelves first. While `known` is locked,
        // only scopes that a call has can get back there.
        self.shelves.iter().for_each(|shelf| shelf.lock().clear());
        let idle = known
            .iter()
            .filter(|(_, scope)| Arc::strong_count(scope) == 1)
            .filter_map(|(name, scope)| {
                let state = scope.lock();
                state.is_idle(now).then(|| (state.pacer.latest(), name))
            })
            .min();
        let Some((_, name)) = idle else {
            return false;
        };
        let name = name.clone();
        known.remove(&name).is_some()
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, ByName<SharedScope>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ScopeTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeTable")
            .field("pacing", &self.pacing)
            .field("scopes", &self.len())
            .finish_non_exhaustive()
    }
}

/// Returns the setting of the scope called `name`, or else of its host.
fn setting<T: Copy>(settings: &BTreeMap<Box<str>, T>, name: &str) -> Option<T> {
    let by_host = || settings.get(host(name)?);
    settings.get(name).or_else(by_host).copied()
}

/// Up to this many threads have a shelf each. A shelf takes 128 bytes.
const SHELVES: usize = 16;
