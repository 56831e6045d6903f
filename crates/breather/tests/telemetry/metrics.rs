//! What calls tell `metrics`.

mod still;

use std::collections::BTreeMap;
use std::task::Waker;

use breather::{Breather, CallSpec, Executed, Hint, Instant, Metrics, Outcome};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::still::{Still, sent, throttle};

#[test]
fn metrics_count_what_happened() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let breather = Breather::builder()
            .with_observer(Metrics::new().with_scope_label())
            .build();
        let mut call = sent(&breather);
        throttle(&mut call);
        let mut queued = breather.start(Some("api"), CallSpec::new(), Still, 1);
        let _ = queued.poll_step(Waker::noop());
        drop(sent(&breather));
        // Still waiting; of the others, one is queued too, and dropped.
        std::mem::forget((call, queued));
        let other = Breather::builder().with_observer(Metrics::new()).build();
        let mut twice = other.start(None, CallSpec::new(), Still, 1);
        let _ = twice.poll_step(Waker::noop());
        let outcome = Outcome::transient(Executed::No, "refused");
        let _ = twice.on_outcome(outcome, &Hint::new(Instant::ORIGIN));
        drop(twice);
    });
    let mut seen = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<_> = key
            .key()
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let value = match value {
            DebugValue::Counter(count) => count.to_string(),
            DebugValue::Gauge(level) => format!("now {level}"),
            DebugValue::Histogram(values) => format!("{} values", values.len()),
        };
        seen.insert(format!("{} {}", key.key().name(), labels.join(" ")), value);
    }
    let seen: Vec<_> = seen
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(
        seen,
        [
            "breather_attempts_total : 1",
            "breather_attempts_total scope=api: 1",
            "breather_failures_total : 1",
            "breather_holds_total scope=api: 1",
            "breather_permits_in_flight : now 0",
            "breather_permits_in_flight scope=api: now 0",
            "breather_queued scope=api: now 1",
            "breather_rejections_total scope=api: 1",
            "breather_stops_total reason=dropped: 1",
            "breather_stops_total scope=api reason=dropped: 1",
            "breather_wait_seconds origin=backoff: 1 values",
            "breather_wait_seconds scope=api origin=hint: 1 values",
        ]
    );
}
