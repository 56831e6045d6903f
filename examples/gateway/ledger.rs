//! Counts calls and attempts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use breather::{Event, EventKind, Observer, OutcomeKind, driver::Instant};
use breather_examples::gateway::series::{Columns, Series};
use serde::Serialize;

/// Counts in total, for each scope, and for each of the last seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    total: Tally,
    scopes: HashMap<Box<str>, Entry>,
    series: Series,
}

#[derive(Debug, Default)]
struct Entry {
    tally: Tally,
    latest: Instant,
}

/// Counts of calls, and of attempts by outcome.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) sends: u64,
    pub(crate) rejections: u64,
    pub(crate) failures: u64,
}

impl Ledger {
    pub(crate) fn total(&self) -> Tally {
        self.books().total
    }

    /// Returns the counts of `scope`.
    ///
    /// They start again at zero if the scope made room for others and came back.
    pub(crate) fn scope(&self, scope: &str) -> Tally {
        self.books()
            .scopes
            .get(scope)
            .map_or_else(Tally::default, |entry| entry.tally)
    }

    pub(crate) fn series(&self, now: Instant) -> Columns {
        self.books().series.until(now)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // A panic cannot leave counts in an invalid state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Ledger {
    fn on_event(&self, event: &Event<'_>) {
        let one = match event.kind {
            EventKind::Sent { .. } => Tally {
                sends: 1,
                ..Tally::default()
            },
            EventKind::Answered(outcome) => match outcome.kind() {
                OutcomeKind::Throttled => Tally {
                    rejections: 1,
                    ..Tally::default()
                },
                OutcomeKind::Transient => Tally {
                    failures: 1,
                    ..Tally::default()
                },
                _ => return,
            },
            EventKind::Ended { .. } => Tally {
                calls: 1,
                ..Tally::default()
            },
            _ => return,
        };
        let mut books = self.books();
        books.total.add(one);
        if let Some(bin) = books.series.at(event.at) {
            bin.sends = bin.sends.saturating_add(one.sends as u32);
            bin.rejections = bin.rejections.saturating_add(one.rejections as u32);
            bin.failures = bin.failures.saturating_add(one.failures as u32);
        }
        if let Some(scope) = event.scope {
            let entry = books.entry(scope);
            entry.tally.add(one);
            entry.latest = event.at;
        }
    }
}

impl Books {
    fn entry(&mut self, scope: &str) -> &mut Entry {
        if !self.scopes.contains_key(scope) && self.scopes.len() >= MOST_SCOPES {
            let oldest = self.scopes.iter().min_by_key(|(_, entry)| entry.latest);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.scopes.remove(&oldest);
            }
        }
        self.scopes.entry(scope.into()).or_default()
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.sends += other.sends;
        self.rejections += other.rejections;
        self.failures += other.failures;
    }
}

/// The same number of scopes as breather keeps.
const MOST_SCOPES: usize = 1_000;
