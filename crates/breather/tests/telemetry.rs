//! What calls tell `tracing` and `metrics`.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::task::Waker;

use breather::{
    ActiveCall, Alarm, Breather, CallSpec, Executed, Hint, Instant, Metrics, Moment, Outcome,
    Policy, Timer, UnixTime, WallClock,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// A clock that stands still, for calls that are not waited for.
#[derive(Clone)]
struct Still;

impl WallClock for Still {
    fn unix_time(&self) -> UnixTime {
        UnixTime::from_secs(1_800_000_000)
    }
}

impl Timer for Still {
    type Sleep = std::future::Pending<()>;

    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        std::future::pending()
    }

    fn set_alarm(&self, _: Alarm) {}
}

fn sent(breather: &Breather) -> ActiveCall<Still> {
    let mut call = breather.start(Some("api"), CallSpec::new(), Still, 1);
    let _ = call.poll_step(Waker::noop());
    call
}

/// Refused with a header that is nobody's business, and waiting.
fn refuse(call: &mut ActiveCall<Still>) {
    let headers: [(&str, &[u8]); 1] = [("retry-after", b"7")];
    let hint = Hint::read(headers, Moment::new(Instant::ORIGIN));
    let _ = call.on_outcome(Outcome::throttled("status 429"), &hint);
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'p> MakeWriter<'p> for Page {
    type Writer = Self;

    fn make_writer(&'p self) -> Self {
        self.clone()
    }
}

#[test]
fn a_call_has_a_span_and_an_event_for_its_wait_and_its_stop() {
    let page = Page::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(page.clone())
        .with_ansi(false)
        .without_time()
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_max_level(tracing::Level::INFO)
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let breather = Breather::new(Policy::new().with_retries(0));
        let mut call = sent(&breather);
        call.in_span(|| tracing::info!("of the attempt"));
        refuse(&mut call);
        drop(call);
        let mut failed = breather.start(Some("other"), CallSpec::new(), Still, 1);
        let _ = failed.poll_step(Waker::noop());
        let outcome = Outcome::transient(Executed::Unknown, "reset");
        let _ = failed.on_outcome(outcome, &Hint::new(Instant::ORIGIN));
    });
    let page = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    let mut lines: Vec<_> = page.lines().map(str::trim_start).collect();
    lines.retain(|line| !line.contains("close"));
    assert_eq!(
        lines,
        [
            r#"INFO call{scope="api"}: breather: new"#,
            r#"INFO call{scope="api"}: telemetry: of the attempt"#,
            r#"INFO call{scope="api"}: breather: waits to be sent again wait_s=7.0 origin="hint" header="retry-after""#,
            r#"INFO call{scope="other"}: breather: new"#,
            r#"WARN call{scope="other" http.request.resend_count=0 stop="retries"}: breather: stopped stop="retries" reason="reset" refusals=0 failures=1 waited_s=0.0"#,
        ]
    );
    let closed = r#"call{scope="api" http.request.resend_count=0 stop="dropped"}"#;
    assert!(page.contains(closed), "{page}");
}

#[test]
fn metrics_count_what_happened() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let breather = Breather::builder()
            .with_observer(Metrics::new().by_scope())
            .build();
        let mut call = sent(&breather);
        refuse(&mut call);
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
            "breather_refusals_total scope=api: 1",
            "breather_stops_total reason=dropped: 1",
            "breather_stops_total scope=api reason=dropped: 1",
            "breather_wait_seconds origin=backoff: 1 values",
            "breather_wait_seconds scope=api origin=hint: 1 values",
        ]
    );
}
