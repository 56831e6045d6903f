//! Who waits for a permit, in the order of their calls.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::time::Duration;

use super::permit::Place;
use crate::instant::Instant;

/// The calls that wait for a permit, oldest first.
///
/// What becomes free is offered to the oldest. An offer that is not taken within [`OFFER`] passes on,
/// since the future that it was made to may not be polled for a long time (`select!`,
/// `buffer_unordered`); its call keeps its place, and is served as soon as it asks again. Every
/// operation takes O(log n).
#[derive(Debug, Default)]
pub(super) struct Waiters {
    all: BTreeMap<Place, Waiter>,
    /// Those that have neither an open offer nor one that they let pass.
    waiting: BTreeSet<Place>,
    /// Those that should hear of a wait beyond the instant they stand with.
    patience: BTreeSet<(Instant, Place)>,
    /// Open offers, and such as were taken since, oldest first.
    offers: VecDeque<(Instant, Place)>,
    open: u32,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    patience: Instant,
    /// Until when an offer stands, if one was made.
    offer: Option<Instant>,
}

impl Waiters {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn contains(&self, place: Place) -> bool {
        self.all.contains_key(&place)
    }

    /// How many offers are open.
    pub(super) const fn open(&self) -> u32 {
        self.open
    }

    /// Whether somebody waits to whom nothing was offered.
    pub(super) fn any_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether somebody waits who was there before `place`.
    pub(super) fn any_before(&self, place: Place) -> bool {
        self.waiting.first().is_some_and(|&first| first < place)
    }

    /// Lets the call wait, or wait on; it is of no use to it to wait beyond `patience`.
    pub(super) fn enter(&mut self, place: Place, patience: Instant) {
        self.leave(place);
        let offer = None;
        self.all.insert(place, Waiter { patience, offer });
        self.waiting.insert(place);
        self.patience.insert((patience, place));
    }

    /// The call got its permit, or gave up.
    pub(super) fn leave(&mut self, place: Place) {
        let Some(waiter) = self.all.remove(&place) else {
            return;
        };
        self.patience.remove(&(waiter.patience, place));
        if !self.waiting.remove(&place) && waiter.offer.is_some() {
            self.open -= 1;
        }
    }

    /// Offers a permit to the oldest call that has none offered.
    pub(super) fn offer(&mut self, now: Instant) -> Option<Place> {
        let place = self.waiting.pop_first()?;
        let until = now + OFFER;
        if let Some(waiter) = self.all.get_mut(&place) {
            waiter.offer = Some(until);
        }
        self.offers.push_back((until, place));
        self.open += 1;
        Some(place)
    }

    /// Withdraws the offers that nobody took in time.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&(until, place)) = self.offers.front() {
            let waiter = self.all.get_mut(&place);
            match waiter.filter(|waiter| waiter.offer == Some(until)) {
                Some(_) if until > now => return,
                Some(waiter) => {
                    waiter.offer = None;
                    self.open -= 1;
                }
                None => {}
            }
            self.offers.pop_front();
        }
    }

    /// When the oldest open offer passes on.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        self.offers.front().map(|&(until, _)| until)
    }

    /// A call that loses patience before `opens`, each once.
    pub(super) fn impatient(&mut self, opens: Instant) -> Option<Place> {
        let &(patience, place) = self.patience.first()?;
        if patience >= opens {
            return None;
        }
        self.patience.pop_first();
        Some(place)
    }
}

/// Long enough for a task to be scheduled on a busy runtime, short enough to lose nothing.
pub(super) const OFFER: Duration = Duration::from_millis(1);
