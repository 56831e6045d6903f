//! A list of answers that takes the place of a server.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::answer::Answer;
use crate::received::Received;

/// Returns scripted answers like a server, and records the requests.
///
/// After the last answer it returns status 200. Clones share the answers and the record. You can
/// use a script as:
///
/// - a middleware at the end of a reqwest-middleware chain, with the feature `reqwest`
/// - a tower service for `http::Request` with any body, with the feature `tower`
/// - the answers of a [`TestServer`](crate::TestServer), with the feature `server`
///
/// The tower service panics if you call it before `poll_ready` has returned `Ok`.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "tower")]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_test::BoxError> {
/// use breather_test::Script;
/// use breather_tower::RetryLayer;
/// use tower::{Layer, ServiceExt};
///
/// let server = Script::new(["503", "429 retry-after: 7", "200"]);
/// let service = RetryLayer::default().layer(server.clone());
/// let request = http::Request::get("https://api.example.com/rows").body(String::new())?;
/// assert_eq!(service.oneshot(request).await?.status(), 200);
/// assert_eq!(server.requests().len(), 3);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tower"))]
/// # fn main() {}
/// ```
#[derive(Debug, Default)]
pub struct Script {
    state: Arc<Mutex<State>>,
    is_readied: bool,
}

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Answer>,
    rest: Option<Answer>,
    /// How long all requests are throttled, counted from the first one.
    closed: Duration,
    requests: Vec<Received>,
    readied: usize,
    readiness: VecDeque<Result<(), io::ErrorKind>>,
}

impl Script {
    /// Creates a script that returns `answers` in order, and then status 200.
    ///
    /// # Panics
    ///
    /// Panics if an answer is a text that [`Answer`] cannot parse.
    pub fn new<A: Into<Answer>>(answers: impl IntoIterator<Item = A>) -> Self {
        let script = Self::default();
        script.lock().answers = answers.into_iter().map(Into::into).collect();
        script
    }

    /// Creates a script that returns the same answer to all requests.
    ///
    /// # Panics
    ///
    /// Panics if the answer is a text that [`Answer`] cannot parse.
    pub fn always(answer: impl Into<Answer>) -> Self {
        let script = Self::default();
        script.lock().rest = Some(answer.into());
        script
    }

    /// Creates a script that throttles all requests for `closed` after the first one.
    ///
    /// It returns status 429 with the remaining seconds in `Retry-After`, like a quota that another
    /// client has spent. Then it returns status 200.
    #[must_use]
    pub fn closed_for(closed: Duration) -> Self {
        let script = Self::default();
        script.lock().closed = closed;
        script
    }

    /// Sets the results of `poll_ready`. After the last one, the service is ready.
    #[must_use]
    pub fn with_readiness(
        self,
        readiness: impl IntoIterator<Item = Result<(), io::ErrorKind>>,
    ) -> Self {
        self.lock().readiness = readiness.into_iter().collect();
        self
    }

    /// Returns the requests that arrived, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.lock().requests.clone()
    }

    /// Returns when each request arrived, counted from the first one.
    #[must_use]
    pub fn times(&self) -> Vec<Duration> {
        let state = self.lock();
        let requests = &state.requests;
        requests.iter().map(|it| it.at - requests[0].at).collect()
    }

    /// Returns how many clones are ready but neither called nor dropped.
    #[must_use]
    pub fn readied(&self) -> usize {
        self.lock().readied
    }

    /// Records a request and returns its answer.
    pub(crate) fn receive(&self, request: Received) -> Answer {
        let mut state = self.lock();
        state.requests.push(request);
        let first = state.requests[0].at;
        let closed = state.closed.saturating_sub(Instant::now() - first);
        if !closed.is_zero() {
            let seconds = closed.as_millis().div_ceil(1_000);
            return Answer::status(429).with_header("retry-after", seconds);
        }
        let next = state.answers.pop_front();
        next.or_else(|| state.rest.clone())
            .unwrap_or_else(|| Answer::status(200))
    }

    #[cfg(feature = "tower")]
    pub(crate) fn ready(&mut self) -> io::Result<()> {
        if self.is_readied {
            return Ok(());
        }
        let mut state = self.lock();
        if let Some(Err(kind)) = state.readiness.pop_front() {
            return Err(kind.into());
        }
        state.readied += 1;
        drop(state);
        self.is_readied = true;
        Ok(())
    }

    #[cfg(feature = "tower")]
    pub(crate) fn take_readiness(&mut self) {
        assert!(self.is_readied, "called without having been readied");
        self.unready();
    }

    fn unready(&mut self) {
        if std::mem::take(&mut self.is_readied) {
            self.lock().readied -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A script may panic on purpose. Its record stays consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Script {
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            is_readied: false,
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.unready();
    }
}
