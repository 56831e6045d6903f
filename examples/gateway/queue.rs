//! How many calls wait, whatever their scopes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of calls that wait, whatever their scopes: each scope bounds its own, but callers may make up tokens.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    places: Arc<Semaphore>,
    most: usize,
}

/// A place of a call that waits.
#[derive(Debug)]
pub(crate) struct Place(
    #[expect(dead_code, reason = "it is given back by its drop")] Option<OwnedSemaphorePermit>,
);

impl Queue {
    pub(crate) fn new(most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most));
        Self { places, most }
    }

    /// A place, unless all are taken.
    pub(crate) fn enter(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place(Some(place)))
    }

    /// A place for a call that was sent before, even where none is left: it is one of few, since so many are in flight at
    /// most, and its caller was promised an answer.
    pub(crate) fn return_to(&self) -> Place {
        Place(Arc::clone(&self.places).try_acquire_owned().ok())
    }

    pub(crate) fn waiting(&self) -> usize {
        self.most - self.places.available_permits()
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }
}
