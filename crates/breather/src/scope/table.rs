//! The scopes of a handle, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::Scope;
use crate::instant::Instant;
use crate::pacer::Pacing;
use crate::sync::RwLock;

/// The scopes of a handle, by name.
#[derive(Debug)]
pub(crate) struct ScopeTable {
    pacing: Pacing,
    most: usize,
    // Ordered, not hashed: most handles have few scopes, and finding one in few costs less than hashing its
    // name by a hash that withstands whoever chooses names.
    by_name: RwLock<BTreeMap<Arc<str>, Arc<Scope>>>,
    /// Of the scopes that are paced in their own way.
    pacings: RwLock<BTreeMap<Box<str>, Pacing>>,
}

impl ScopeTable {
    pub(crate) fn new(pacing: Pacing, most: usize) -> Self {
        Self {
            pacing,
            most,
            by_name: RwLock::default(),
            pacings: RwLock::default(),
        }
    }

    /// The scope called `name`, and whether it is shared.
    ///
    /// At most `most` are kept. To make room, one that is idle goes, the one unused for longest. If
    /// none is idle, the new scope is shared with nobody.
    pub(crate) fn get(&self, name: &str, now: impl FnOnce() -> Instant) -> (Arc<Scope>, bool) {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = known.get(name) {
            return (Arc::clone(scope), true);
        }
        drop(known);
        let mut known = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = known.get(name) {
            return (Arc::clone(scope), true);
        }
        let name: Arc<str> = name.into();
        let scope = Arc::new(Scope::new(Arc::clone(&name), self.pacing_of(&name)));
        if known.len() >= self.most && !evict(&mut known, now()) {
            return (scope, false);
        }
        known.insert(name, Arc::clone(&scope));
        (scope, true)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Scope>> {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Scope>> {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        known.values().cloned().collect()
    }

    /// Paces the scope called `name` so, now and whenever it is made anew.
    pub(crate) fn pace(&self, name: &str, pacing: Pacing) {
        let mut pacings = self.pacings.write().unwrap_or_else(PoisonError::into_inner);
        pacings.insert(name.into(), pacing);
        drop(pacings);
        // Whoever makes the scope from here on finds it.
        if let Some(scope) = self.find(name) {
            scope.lock().pacer.set_pacing(pacing);
        }
    }

    fn pacing_of(&self, name: &str) -> Pacing {
        let pacings = self.pacings.read().unwrap_or_else(PoisonError::into_inner);
        pacings.get(name).copied().unwrap_or(self.pacing)
    }

    pub(crate) fn len(&self) -> usize {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        known.len()
    }
}

/// Removes the scope that was unused for longest, if one is idle and no call has it at hand.
fn evict(known: &mut BTreeMap<Arc<str>, Arc<Scope>>, now: Instant) -> bool {
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
