use std::num::NonZeroU32;

/// The faults of the server, each in every Nth request that it accepts.
///
/// The server counts requests instead of drawing random ones, so a test knows which request fails.
/// If several faults hit one request, the first in the order of these setters applies.
///
/// # Defaults
///
/// By default there are no faults, which shows the effect of the limits alone.
///
/// # Example
///
/// ```
/// use breather_examples::analytics::{Faults, InProcess, Options};
/// use reqwest_middleware::ClientBuilder;
/// use std::num::NonZeroU32;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> reqwest_middleware::Result<()> {
/// let faults = Faults::none().with_errors_every(NonZeroU32::new(2).unwrap());
/// let api = InProcess::new(&Options::default().with_faults(faults));
/// let client = ClientBuilder::new(reqwest::Client::new()).with(api).build();
/// assert_eq!(client.get(InProcess::url()).send().await?.status(), 200);
/// assert_eq!(client.get(InProcess::url()).send().await?.status(), 500);
/// # Ok(())
/// # }
/// ```
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
    /// Creates a set without faults.
    pub const fn none() -> Self {
        Self {
            errors: None,
            drops: None,
            cuts: None,
            slow: None,
            items: None,
        }
    }

    /// Returns 500 for every Nth request, without executing it.
    pub const fn with_errors_every(mut self, requests: NonZeroU32) -> Self {
        self.errors = Some(requests);
        self
    }

    /// Executes every Nth request, but closes the connection instead of responding.
    pub const fn with_drops_every(mut self, requests: NonZeroU32) -> Self {
        self.drops = Some(requests);
        self
    }

    /// Closes the connection in the middle of every Nth response body.
    pub const fn with_cuts_every(mut self, requests: NonZeroU32) -> Self {
        self.cuts = Some(requests);
        self
    }

    /// Takes ten times as long for every Nth request.
    pub const fn with_slow_every(mut self, requests: NonZeroU32) -> Self {
        self.slow = Some(requests);
        self
    }

    /// Fails every Nth conversation of the queries, and answers the others of the query.
    pub const fn with_items_every(mut self, items: NonZeroU32) -> Self {
        self.items = Some(items);
        self
    }

    /// Returns the fault of the request with this number, counted from 1.
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

    /// Checks whether the conversation with this number fails, counted from 1 over all queries.
    pub(super) fn hits_item(&self, number: u64) -> bool {
        is_multiple(number, self.items)
    }
}

/// The fault of one request.
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
    fn first_of_several_faults_applies() {
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
