//! Faults of other crates, which this one does not have.
//!
//! `docs/faults.md` has the table of all.

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
async fn backon_241_tokio_retry_34_and_opendal_8110_a_deadline_counts_what_attempts_take() {
    // Where only the sleeps count, attempts of 2 s go on for as long as there are retries.
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
    // The third was given what was left, and no more.
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
async fn iceberg_rust_2455_an_attempt_that_hangs_is_dropped_and_made_again() {
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
async fn backon_242_a_success_tells_whether_there_were_retries() {
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
async fn backoff_a_retry_after_passes_no_deadline() {
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
async fn backoff_an_operation_is_not_begun_before_its_delay() {
    // What a closure does before its first await was done before the wait, and was old after it.
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
async fn tokio_retry2_the_time_of_a_call_begins_when_it_does() {
    // And not when it is made, which may be long before.
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
async fn backon_no_two_calls_draw_the_same_delays_unless_told_to() {
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
async fn reessaie_two_calls_of_one_task_have_nothing_of_one_another() {
    // What the server said was kept by the task, in which many calls may be under way.
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
