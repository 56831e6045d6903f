//! The spans and events that calls write with `tracing`.
//!
//! This test has its own process, because `tracing` can disable a callsite for one thread if two
//! threads reach it at the same time.

mod calls;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::task::Waker;

use breather::{
    Breather, Executed, Hint, Outcome, Policy,
    driver::{Instant, NewCall},
};
use breather_test::VirtualTimer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::calls::{sent, throttle};

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
fn call_has_span_and_events_for_wait_and_end() {
    let page = Page::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(page.clone())
        .with_ansi(false)
        .without_time()
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_max_level(tracing::Level::INFO)
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let breather = Breather::new(Policy::new().with_max_retries(0));
        let mut call = sent(&breather);
        call.in_span(|| tracing::info!("of the attempt"));
        throttle(&mut call);
        drop(call);
        let mut failed = breather.start(
            NewCall::new().with_origin("other").with_idempotent(true),
            VirtualTimer::default(),
            1,
        );
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
            r#"INFO call{breather.scope="api"}: breather: new"#,
            r#"INFO call{breather.scope="api"}: tracing: of the attempt"#,
            r#"INFO call{breather.scope="api"}: breather: waiting to retry wait_s=7.0 reason="hint" header="retry-after""#,
            r#"INFO call{breather.scope="other"}: breather: new"#,
            r#"WARN call{breather.scope="other" http.request.resend_count=0 breather.end_reason="max_retries"}: breather: gave up error.type="max_retries" detail="reset" throttled=0 failures=1 waited_s=0.0"#,
        ]
    );
    let closed =
        r#"call{breather.scope="api" http.request.resend_count=0 breather.end_reason="dropped"}"#;
    assert!(page.contains(closed), "{page}");
}
