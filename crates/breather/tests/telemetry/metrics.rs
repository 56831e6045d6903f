//! The metrics that calls record.

mod calls;

use std::collections::BTreeMap;
use std::task::Waker;

use breather::{
    Breather, Executed, Hint, Metrics, Outcome,
    driver::{ActiveCall, Instant, NewCall},
};
use breather_test::VirtualTimer;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::calls::{sent, throttle};

#[test]
fn metrics_count_attempts_calls_and_waits() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let breather = Breather::builder()
            .with_observer(Metrics::new().with_scope_label())
            .build();
        let mut call = sent(&breather);
        throttle(&mut call);
        let mut queued = breather.start(
            NewCall::new().with_origin("api").with_idempotent(true),
            VirtualTimer::default(),
            1,
        );
        let _ = queued.poll_step(Waker::noop());
        drop(sent(&breather));
        // These two calls keep waiting. The dropped call was also queued.
        std::mem::forget((call, queued));
        let other = Breather::builder().with_observer(Metrics::new()).build();
        let mut twice = sent_unpaced(&other);
        let outcome = Outcome::transient(Executed::No, "refused");
        let _ = twice.on_outcome(outcome, &Hint::new(Instant::ORIGIN));
        drop(twice);
        drop(sent_unpaced(&other));
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
            "breather.attempts breather.outcome=dropped: 1",
            "breather.attempts breather.outcome=transient: 1",
            "breather.attempts breather.scope=api breather.outcome=throttled: 1",
            "breather.attempts.in_flight : now 0",
            "breather.attempts.in_flight breather.scope=api: now 0",
            "breather.calls breather.end_reason=dropped: 2",
            "breather.calls breather.scope=api breather.end_reason=dropped: 1",
            "breather.calls.queued breather.scope=api: now 1",
            "breather.holds breather.scope=api: 1",
            "breather.wait.duration breather.scope=api breather.wait_reason=hint: 1 values",
            "breather.wait.duration breather.wait_reason=backoff: 1 values",
        ]
    );
}

fn sent_unpaced(breather: &Breather) -> ActiveCall<VirtualTimer> {
    let mut call = breather.start(
        NewCall::new().with_idempotent(true),
        VirtualTimer::default(),
        1,
    );
    let _ = call.poll_step(Waker::noop());
    call
}
