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
    /// What is found in the table is kept here too, each for some of the threads.
    ///
    /// Calls of several threads would otherwise write to the same memory only to find their scope and to count its
    /// users, and wait for one another's processors: with a scope each, 2 threads reach 0.5 of one thread's rate then,
    /// instead of 2.0 (`cargo bench --bench scope`).
    shelves: [Shelf; SHELVES],
    /// Of the scopes that are paced in their own way.
    pacings: RwLock<BTreeMap<Box<str>, Pacing>>,
    /// Of the scopes whose answers are read in their own way.
    dialects: RwLock<BTreeMap<Box<str>, &'static [Dialect]>>,
}

/// Ordered, not hashed: most handles have few scopes, and finding one in few costs less than hashing its
/// name by a hash that withstands whoever chooses names.
type ByName<T> = BTreeMap<Arc<str>, Arc<T>>;

/// What some of the threads have found, apart in memory from what others have.
#[derive(Default)]
#[repr(align(128))]
struct Shelf(Mutex<ByName<SharedScope>>);

/// A scope, and the rules that its calls go by, as some of the threads share it.
#[derive(Debug)]
pub(crate) struct SharedScope {
    scope: Arc<Scope>,
    rules: Rules,
    /// Whether its answers are read otherwise than those of the handle's other scopes.
    has_own_dialects: bool,
    /// Whether the calls of all threads share the scope.
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

    /// The scope called `name`.
    ///
    /// At most `most` are kept. To make room, one that is idle goes, the one unused for longest. If
    /// none is idle, the new scope is shared with nobody.
    pub(crate) fn get(&self, name: &str, now: impl FnOnce() -> Instant) -> Arc<SharedScope> {
        let name = &*bounded(name);
        let shelf = &self.shelves[thread_number() % SHELVES];
        if let Some(found) = shelf.lock().get(name) {
            return Arc::clone(found);
        }
        let (scope, by_all) = self.find_or_make(name, now);
        // Held until it is on the shelf, from where it is taken should its dialects change.
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
            // It cannot have left the table meanwhile: it is at hand.
            let name = Arc::clone(&shared.name);
            return Arc::clone(shelf.lock().entry(name).or_insert(shared));
        }
        shared
    }

    /// The scope called `name`, and whether it is in the table.
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

    /// The scopes that somebody means by `name`.
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

    /// Paces the scope called `name` so, now and whenever it is made anew.
    pub(crate) fn pace(&self, name: &str, pacing: Pacing) {
        let mut pacings = self.pacings.write().unwrap_or_else(PoisonError::into_inner);
        pacings.insert((&*bounded(name)).into(), pacing);
        drop(pacings);
        // Whoever makes the scope from here on finds it.
        for scope in self.named(name) {
            let pacing = self.pacing_of(scope.name());
            scope.lock().pacer.set_pacing(pacing);
        }
    }

    /// Reads the answers of the scope called `name` so, from the next call on.
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

    /// As for one more than there may be.
    #[cfg(all(test, breather_shuttle))]
    pub(crate) fn make_room(&self, now: Instant) -> bool {
        let mut known = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        self.evict(&mut known, now)
    }

    /// Removes the scope that was unused for longest, if one is idle and no call has it at hand.
    fn evict(&self, known: &mut ByName<Scope>, now: Instant) -> bool {
        // What is on a shelf is at hand. While `known` is locked, nothing is put there that was not.
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

/// As many threads share nothing; a shelf is 128 bytes.
const SHELVES: usize = 16;
