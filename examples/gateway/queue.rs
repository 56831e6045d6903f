//! Limits the queued calls of all scopes together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits the queued calls of all scopes together.
///
/// The limit of each scope is not enough, because callers can make up tokens.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    places: Arc<Semaphore>,
    most: usize,
}

/// A queued call's place, returned when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(
    #[expect(dead_code, reason = "dropping it returns the place")] Option<OwnedSemaphorePermit>,
);

impl Queue {
    pub(crate) fn new(most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most));
        Self { places, most }
    }

    /// Takes a place, or returns `None` if all are taken.
    pub(crate) fn enter(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place(Some(place)))
    }

    /// Takes a place for a call that was sent before, even if all are taken.
    ///
    /// The gateway has already accepted the call. Such calls are few, because the number in flight
    /// is limited.
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
