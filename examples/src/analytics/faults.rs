use std::num::NonZeroU32;

/// What goes wrong on the server, in every so manieth of the requests that it accepts.
///
/// They are counted and not drawn, so that a test knows which request it hits. Where several faults fall
/// on one request, it has the first of them in the order of the setters here.
///
/// # Defaults
///
/// None: a server without faults shows what limits alone do.
#[must_use]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Faults {
    errors: Option<NonZeroU32>,
    drops: Option<NonZeroU32>,
    cuts: Option<NonZeroU32>,
    slow: Option<NonZeroU32>,
    items: Option<NonZeroU32>,
}

impl Faults {
    /// No faults.
    pub const fn none() -> Self {
        Self {
            errors: None,
            drops: None,
            cuts: None,
            slow: None,
            items: None,
        }
    }

    /// Answers with 500, before anything is done.
    pub const fn with_errors_every(mut self, requests: NonZeroU32) -> Self {
        self.errors = Some(requests);
        self
    }

    /// Closes the connection after all is done, in place of the answer.
    pub const fn with_drops_every(mut self, requests: NonZeroU32) -> Self {
        self.drops = Some(requests);
        self
    }

    /// Closes the connection in the middle of the answer's body.
    pub const fn with_cuts_every(mut self, requests: NonZeroU32) -> Self {
        self.cuts = Some(requests);
        self
    }

    /// Takes ten times as long.
    pub const fn with_slow_every(mut self, requests: NonZeroU32) -> Self {
        self.slow = Some(requests);
        self
    }

    /// Fails every so manieth conversation of the queries, with all others of its query answered.
    pub const fn with_items_every(mut self, items: NonZeroU32) -> Self {
        self.items = Some(items);
        self
    }

    /// What happens to the request of this number, counted from 1.
    pub(super) fn of_request(&self, number: u64) -> Option<Fault> {
        let hits = |every: Option<NonZeroU32>| is_multiple(number, every);
        if hits(self.errors) {
            Some(Fault::Error)
        } else if hits(self.drops) {
            Some(Fault::Drop)
        } else if hits(self.cuts) {
            Some(Fault::Cut)
        } else if hits(self.slow) {
            Some(Fault::Slow)
        } else {
            None
        }
    }

    /// Whether the conversation of this number fails, counted from 1 over all queries.
    pub(super) fn hits_item(&self, number: u64) -> bool {
        is_multiple(number, self.items)
    }
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    Error,
    Drop,
    Cut,
    Slow,
}

fn is_multiple(number: u64, every: Option<NonZeroU32>) -> bool {
    every.is_some_and(|every| number % u64::from(every.get()) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_that_falls_on_a_request_is_its_own() {
        let every = |count| NonZeroU32::new(count).unwrap();
        let faults = Faults::none()
            .with_slow_every(every(2))
            .with_errors_every(every(3));
        let hits: Vec<_> = (1..=6).map(|number| faults.of_request(number)).collect();
        assert_eq!(
            hits,
            [
                None,
                Some(Fault::Slow),
                Some(Fault::Error),
                Some(Fault::Slow),
                None,
                Some(Fault::Error)
            ]
        );
        assert!((1..=6).all(|number| Faults::none().of_request(number).is_none()));
    }
}
