//! Tests for faults of other crates. `docs/faults.md` lists them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::pending;
use std::time::Duration;

use breather::{
    Backoff, Breather, CallOptions, EndReason, Hint, Jitter, Policy, ReportSlot, WaitReason,
};
use breather_tokio::{RetryError, retry};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(2);

#[derive(Debug, Eq, PartialEq)]
struct Failed;

fn exact(backoff: Duration) -> Policy {
    Policy::new()
        .with_backoff(Backoff::constant(backoff))
        .with_jitter(Jitter::none())
}

#[tokio::test(start_paused = true)]
async fn backon_241_tokio_retry_34_and_opendal_8110_deadline_includes_time_of_attempts() {
    // If only the sleeps counted, these attempts of 2 s would go on until the retry limit.
    let policy = exact(Duration::ZERO)
        .with_max_retries(100)
        .with_deadline(5 * SECOND);
    let breather = Breather::new(policy);
    let (start, slot) = (Instant::now(), ReportSlot::new());
    let result = retry(&breather, || async {
        sleep(2 * SECOND).await;
        Err::<(), _>(Failed)
    })
    .when(|_| true)
    .with_report_slot(slot.clone())
    .await;
    // The third attempt had only the remaining time.
    assert!(
        start.elapsed() <= 5 * SECOND + TICK,
        "{:?}",
        start.elapsed()
    );
    assert!(result.unwrap_err().stopped().is_some());
    let report = slot.report().unwrap();
    assert_eq!(report.attempts(), 3);
    assert_eq!(report.end().unwrap().reason(), EndReason::Deadline);
}

#[tokio::test(start_paused = true)]
async fn iceberg_rust_2455_hanging_attempt_is_dropped_and_retried() {
    let breather = Breather::new(exact(Duration::ZERO).with_attempt_timeout(SECOND));
    let attempts = Cell::new(0);
    let start = Instant::now();
    let result = retry(&breather, || async {
        attempts.set(attempts.get() + 1);
        if attempts.get() < 3 {
            pending::<()>().await;
        }
        Ok::<_, Failed>(attempts.get())
    })
    .with_idempotent(true)
    .when(|_| true);
    let result = timeout(60 * SECOND, result).await;
    assert_eq!(result, Ok(Ok(3)));
    assert!(start.elapsed() < 3 * SECOND, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn backon_242_report_of_success_counts_retries() {
    let breather = Breather::new(exact(SECOND));
    for failures in [0, 2] {
        let (slot, mut left) = (ReportSlot::new(), failures);
        let operation = || {
            let fails = left > 0;
            left = u32::saturating_sub(left, 1);
            async move { if fails { Err(Failed) } else { Ok(()) } }
        };
        let result = retry(&breather, operation).when(|_| true);
        assert_eq!(result.with_report_slot(slot.clone()).await, Ok(()));
        let report = slot.report().unwrap();
        assert_eq!(
            (report.attempts(), report.failures()),
            (failures + 1, failures)
        );
        assert_eq!(report.waited(WaitReason::Backoff), failures * SECOND);
        assert_eq!(report.end().unwrap().reason(), EndReason::Success);
    }
}

#[tokio::test(start_paused = true)]
async fn backoff_retry_after_does_not_outlast_deadline() {
    let breather = Breather::new(exact(Duration::ZERO).with_deadline(5 * SECOND));
    let start = Instant::now();
    let attempts = Cell::new(0);
    let result = retry(&breather, || {
        attempts.set(attempts.get() + 1);
        async { Err::<(), _>(Failed) }
    })
    .when(|_| true)
    .with_hint(|_, received| Hint::new(received.instant()).with_retry_after(2 * SECOND))
    .await;
    assert_eq!(result, Err(RetryError::Failed(Failed)));
    assert_eq!(attempts.get(), 3);
    assert!(start.elapsed() < 5 * SECOND, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn backoff_operation_starts_after_its_delay() {
    // In backoff, the code before the closure's first await ran before the wait.
    let breather = Breather::new(exact(2 * SECOND));
    let begun = RefCell::new(Vec::new());
    let start = Instant::now();
    let result = retry(&breather, || {
        begun.borrow_mut().push(start.elapsed());
        async { Err::<(), _>(Failed) }
    })
    .when(|_| true)
    .await;
    assert_eq!(result, Err(RetryError::Failed(Failed)));
    let begun = begun.into_inner();
    assert_eq!(begun.len(), 4);
    for (number, at) in (0..).zip(begun) {
        assert!(at >= number * 2 * SECOND, "attempt {number} at {at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn tokio_retry2_deadline_starts_at_first_poll() {
    // The call may be created long before it is polled.
    let breather = Breather::default();
    let options = CallOptions::new().with_deadline(5 * SECOND);
    let mut left = 1;
    let call = retry(&breather, || {
        let fails = left > 0;
        left = u32::saturating_sub(left, 1);
        async move { if fails { Err(Failed) } else { Ok(()) } }
    })
    .when(|_| true)
    .with_options(options);
    sleep(60 * SECOND).await;
    assert_eq!(call.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn backon_calls_draw_different_delays_unless_seeded() {
    let breather = Breather::default();
    let waited = |seed: Option<u64>| {
        let slot = ReportSlot::new();
        let call = retry(&breather, || async { Err::<(), _>(Failed) });
        let call = call.when(|_| true).with_report_slot(slot.clone());
        let call = match seed {
            Some(seed) => call.with_seed(seed),
            None => call,
        };
        async move {
            let _ = call.await;
            slot.report().unwrap().waited(WaitReason::Backoff)
        }
    };
    let mut all = BTreeSet::new();
    for _ in 0..10 {
        all.insert(waited(None).await);
    }
    assert_eq!(all.len(), 10, "{all:?}");
    assert_eq!(waited(Some(7)).await, waited(Some(7)).await);
}

#[tokio::test(start_paused = true)]
async fn reessaie_two_calls_of_one_task_have_separate_hints() {
    // In reessaie, the hint belonged to the task, and one task can run many calls.
    let breather = Breather::new(exact(Duration::ZERO));
    let start = Instant::now();
    let call = |seconds: u32| {
        let mut left = 1;
        let call = retry(&breather, move || {
            let fails = left > 0;
            left = u32::saturating_sub(left, 1);
            async move { if fails { Err(Failed) } else { Ok(()) } }
        })
        .when(|_| true)
        .with_hint(move |result, received| match result {
            Ok(()) => Hint::new(received.instant()),
            Err(_) => Hint::new(received.instant()).with_retry_after(seconds * SECOND),
        });
        async move { call.await.map(|()| start.elapsed()) }
    };
    let (one, other) = tokio::join!(call(1), call(7));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one >= SECOND && one < 2 * SECOND, "{one:?}");
    assert!(other >= 7 * SECOND && other < 8 * SECOND, "{other:?}");
}
