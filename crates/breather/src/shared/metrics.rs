//! What calls come to, in numbers, by the `metrics` facade.

use metrics::{counter, gauge, histogram};

use crate::call::OutcomeKind;
use crate::shared::observer::{Event, EventKind, Observer};

/// Counts what happens to the calls of a handle, by the [`metrics`] facade.
///
/// | name | kind | labels | what |
/// |---|---|---|---|
/// | `breather_attempts_total` | counter | | attempts that had their permit to be sent; also those few that were not, since their transport was not ready until a rejection or the deadline came first |
/// | `breather_retries_total` | counter | | of these, those after a call's first |
/// | `breather_rejections_total` | counter | | attempts that a server would not take for now |
/// | `breather_failures_total` | counter | | attempts that failed in a way that may pass |
/// | `breather_elsewhere_total` | counter | | attempts that another server answered than the one that was asked, after a redirect |
/// | `breather_permits_in_flight` | gauge | | attempts that are sent and not answered |
/// | `breather_queued` | gauge | | calls that wait for a permit |
/// | `breather_wait_seconds` | histogram | `origin`: `backoff`, `hint`, `pacer` | waits between attempts, as they were decided; and in a scope's queue, once they are over |
/// | `breather_holds_total` | counter | | answers that had all calls of their scope wait |
/// | `breather_stops_total` | counter | `reason`: as [`EndReason::as_str`](crate::EndReason::as_str), or `dropped` | calls that are over |
///
/// With [`with_scope_label`](Self::with_scope_label), each has the label `scope` as well.
///
/// # Example
///
/// ```
/// use breather::{Breather, Metrics};
///
/// let breather = Breather::builder()
///     .with_observer(Metrics::new().with_scope_label())
///     .build();
/// # let _ = breather;
/// assert_ne!(Metrics::new().with_scope_label(), Metrics::default());
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[must_use]
pub struct Metrics {
    with_scope_label: bool,
}

impl Metrics {
    /// Without the label `scope`.
    pub const fn new() -> Self {
        Self {
            with_scope_label: false,
        }
    }

    /// Adds the label `scope`, for handles whose scopes are few and no secret: what a process has seen of labels, it keeps
    /// for as long as it runs.
    pub const fn with_scope_label(mut self) -> Self {
        self.with_scope_label = true;
        self
    }
}

impl Observer for Metrics {
    fn on_event(&self, event: &Event<'_>) {
        let labels = match event.scope.filter(|_| self.with_scope_label) {
            Some(scope) => vec![metrics::Label::new("scope", scope.to_owned())],
            None => Vec::new(),
        };
        let with = |key: &'static str, value: &'static str| {
            let mut labels = labels.clone();
            labels.push(metrics::Label::new(key, value));
            labels
        };
        match event.kind {
            EventKind::Queued => gauge!("breather_queued", labels).increment(1),
            EventKind::Sent { attempt, queued } => {
                if let Some(queued) = queued {
                    gauge!("breather_queued", labels.clone()).decrement(1);
                    histogram!("breather_wait_seconds", with("origin", "pacer")).record(queued);
                }
                if attempt > 1 {
                    counter!("breather_retries_total", labels.clone()).increment(1);
                }
                counter!("breather_attempts_total", labels.clone()).increment(1);
                gauge!("breather_permits_in_flight", labels).increment(1);
            }
            EventKind::Answered(outcome) => {
                gauge!("breather_permits_in_flight", labels.clone()).decrement(1);
                match outcome.kind() {
                    OutcomeKind::Throttled => {
                        counter!("breather_rejections_total", labels).increment(1)
                    }
                    OutcomeKind::Transient => {
                        counter!("breather_failures_total", labels).increment(1)
                    }
                    OutcomeKind::Success | OutcomeKind::Pending | OutcomeKind::Permanent => {}
                }
            }
            EventKind::AnsweredElsewhere => {
                counter!("breather_elsewhere_total", labels).increment(1)
            }
            EventKind::Abandoned => gauge!("breather_permits_in_flight", labels).decrement(1),
            EventKind::Held(_) => counter!("breather_holds_total", labels).increment(1),
            EventKind::Waiting(wait) => {
                let origin = with("origin", wait.reason().as_str());
                histogram!("breather_wait_seconds", origin).record(wait.delay());
            }
            EventKind::Ended { report, queued } => {
                if queued {
                    gauge!("breather_queued", labels.clone()).decrement(1);
                }
                let reason = report.end().map_or("dropped", |end| end.reason().as_str());
                counter!("breather_stops_total", with("reason", reason)).increment(1);
            }
        }
    }
}
