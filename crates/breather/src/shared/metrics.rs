//! Counts attempts, waits and calls with the `metrics` facade.

use metrics::{
    Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::call::Report;
use crate::shared::observer::{Event, EventKind, Observer};

/// Counts attempts, waits and calls with the [`metrics`] facade.
///
/// Names and labels follow OpenTelemetry's [naming conventions], which define no metrics for
/// retries or pacing. Durations are in seconds. A Prometheus exporter writes `breather.attempts` as
/// `breather_attempts`.
///
/// | name | kind | labels | counts or measures |
/// |---|---|---|---|
/// | `breather.attempts` | counter | `breather.outcome` | attempts that ended |
/// | `breather.attempts.in_flight` | gauge | | attempts that were sent and have not ended |
/// | `breather.retries` | counter | | attempts after a call's first one |
/// | `breather.calls` | counter | `breather.end_reason` | calls that ended |
/// | `breather.calls.queued` | gauge | | calls that wait for a permit |
/// | `breather.wait.duration` | histogram | `breather.wait_reason` | each wait before an attempt, or in a queue |
/// | `breather.holds` | counter | | throttled responses that held their whole scope |
/// | `breather.answered_elsewhere` | counter | | attempts that another server answered, after a redirect |
///
/// | label | values | number of values |
/// |---|---|---|
/// | `breather.outcome` | [`OutcomeKind::as_str`](crate::OutcomeKind::as_str), or `dropped` | 6 |
/// | `breather.end_reason` | [`EndReason::as_str`](crate::EndReason::as_str), or `dropped` | 14 |
/// | `breather.wait_reason` | [`WaitReason::as_str`](crate::WaitReason::as_str) | 3 |
/// | `breather.scope` | the scope's name, only [if you ask for it](Self::with_scope_label) | one for each scope ever used |
///
/// Without the scope label this makes at most 27 series, of which 3 are histograms. With it, the number is multiplied by
/// the number of scopes.
///
/// # Example
///
/// Give the handle to an adapter, and install an exporter of the facade, such as
/// `metrics-exporter-prometheus`.
///
/// ```
/// use breather::{Breather, Metrics};
///
/// let breather = Breather::builder().with_observer(Metrics::new()).build();
/// # let _ = breather;
/// // After the exporter is installed:
/// Metrics::new().describe();
/// assert_ne!(Metrics::new().with_scope_label(), Metrics::default());
/// ```
///
/// [naming conventions]: https://opentelemetry.io/docs/specs/semconv/general/naming/
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[must_use]
pub struct Metrics {
    has_scope_label: bool,
}

impl Metrics {
    /// Creates an observer that sets no scope label.
    pub const fn new() -> Self {
        Self {
            has_scope_label: false,
        }
    }

    /// Adds the label `breather.scope` to every metric.
    ///
    /// Exporters keep every label value for the life of the process. Use this only if you have few
    /// scopes and their names are not secret.
    pub const fn with_scope_label(mut self) -> Self {
        self.has_scope_label = true;
        self
    }

    /// Tells the installed recorder the unit and a description of each metric.
    ///
    /// Call it once, after you installed the recorder.
    pub fn describe(self) {
        describe_counter!(ATTEMPTS, Unit::Count, "Attempts that ended");
        describe_gauge!(IN_FLIGHT, Unit::Count, "Attempts in flight");
        describe_counter!(RETRIES, Unit::Count, "Attempts after a call's first one");
        describe_counter!(CALLS, Unit::Count, "Calls that ended");
        describe_gauge!(QUEUED, Unit::Count, "Calls that wait for a permit");
        describe_histogram!(WAIT, Unit::Seconds, "Waits before an attempt or in a queue");
        describe_counter!(HOLDS, Unit::Count, "Throttled responses that held a scope");
        describe_counter!(
            ELSEWHERE,
            Unit::Count,
            "Attempts that another server answered"
        );
    }

    fn on_end(report: &Report, labels: Vec<Label>) {
        let reason = report.end().map_or("dropped", |end| end.reason().as_str());
        counter!(CALLS, with(labels, "breather.end_reason", reason)).increment(1);
    }
}

impl Observer for Metrics {
    fn on_event(&self, event: &Event<'_>) {
        let labels = match event.scope.filter(|_| self.has_scope_label) {
            Some(scope) => vec![Label::new("breather.scope", scope.to_owned())],
            None => Vec::new(),
        };
        match event.kind {
            EventKind::Queued => gauge!(QUEUED, labels).increment(1),
            EventKind::Sent { attempt, queued } => {
                if let Some(queued) = queued {
                    gauge!(QUEUED, labels.clone()).decrement(1);
                    let labels = with(labels.clone(), "breather.wait_reason", "pacer");
                    histogram!(WAIT, labels).record(queued);
                }
                if attempt > 1 {
                    counter!(RETRIES, labels.clone()).increment(1);
                }
                gauge!(IN_FLIGHT, labels).increment(1);
            }
            EventKind::Answered(outcome) => {
                gauge!(IN_FLIGHT, labels.clone()).decrement(1);
                let labels = with(labels, "breather.outcome", outcome.kind().as_str());
                counter!(ATTEMPTS, labels).increment(1);
            }
            EventKind::Abandoned => {
                gauge!(IN_FLIGHT, labels.clone()).decrement(1);
                counter!(ATTEMPTS, with(labels, "breather.outcome", "dropped")).increment(1);
            }
            EventKind::AnsweredElsewhere => counter!(ELSEWHERE, labels).increment(1),
            EventKind::Held(_) => counter!(HOLDS, labels).increment(1),
            EventKind::Waiting(wait) => {
                let labels = with(labels, "breather.wait_reason", wait.reason().as_str());
                histogram!(WAIT, labels).record(wait.delay());
            }
            EventKind::Ended { report, queued } => {
                if queued {
                    gauge!(QUEUED, labels.clone()).decrement(1);
                }
                Self::on_end(report, labels);
            }
        }
    }
}

fn with(mut labels: Vec<Label>, key: &'static str, value: &'static str) -> Vec<Label> {
    labels.push(Label::new(key, value));
    labels
}

const ATTEMPTS: &str = "breather.attempts";
const IN_FLIGHT: &str = "breather.attempts.in_flight";
const RETRIES: &str = "breather.retries";
const CALLS: &str = "breather.calls";
const QUEUED: &str = "breather.calls.queued";
const WAIT: &str = "breather.wait.duration";
const HOLDS: &str = "breather.holds";
const ELSEWHERE: &str = "breather.answered_elsewhere";
