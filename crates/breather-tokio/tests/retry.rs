//! Tests of retried closures under paused time.

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use breather::{
    AsOutcome, Backoff, Breather, EndReason, Executed, Hint, Jitter, Outcome, Policy, ReportSlot,
    WaitReason,
    driver::{Moment, UnixTime},
    hint::Window,
};
use breather_test::PausedClock;
use breather_tokio::{RetryError, hint_of_error, retry, retry_with};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(2);

/// An error that classifies itself.
#[derive(Clone, Debug, Eq, PartialEq)]
enum DbError {
    Busy(Duration),
    Lost,
    Refused,
    Syntax,
}

impl AsOutcome for DbError {
    fn as_outcome(&self) -> Outcome {
        match self {
            Self::Busy(_) => Outcome::throttled("busy"),
            Self::Lost => Outcome::transient(Executed::Unknown, "connection lost"),
            Self::Refused => Outcome::transient(Executed::No, "connection refused"),
            Self::Syntax => Outcome::permanent("syntax error"),
        }
    }

    fn hint(&self, received: Moment<'_>) -> Hint<'_> {
        let hint = Hint::new(received.instant());
        match self {
            Self::Busy(delay) => hint.with_retry_after(*delay),
            _ => hint,
        }
    }
}

/// A database that returns scripted errors, and then the number of the query.
#[derive(Default)]
struct Db {
    answers: RefCell<Vec<DbError>>,
    queries: RefCell<Vec<Instant>>,
    takes: Cell<Duration>,
}

impl Db {
    fn new(answers: impl IntoIterator<Item = DbError>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self {
            answers: RefCell::new(answers),
            ..Self::default()
        }
    }

    async fn query(&self) -> Result<usize, DbError> {
        self.queries.borrow_mut().push(Instant::now());
        if !self.takes.get().is_zero() {
            sleep(self.takes.get()).await;
        }
        match self.answers.borrow_mut().pop() {
            Some(error) => Err(error),
            None => Ok(self.queries()),
        }
    }

    fn queries(&self) -> usize {
        self.queries.borrow().len()
    }
}

fn exact(backoff: Duration) -> Policy {
    Policy::new()
        .with_backoff(Backoff::constant(backoff))
        .with_jitter(Jitter::none())
}

#[tokio::test(start_paused = true)]
async fn errors_own_classification_is_the_default() {
    let breather = Breather::new(exact(SECOND));
    for (error, queries, waited) in [
        (DbError::Refused, 2, 1),
        // Without a pacer, a call adds its own delay to the hint.
        (DbError::Busy(7 * SECOND), 2, 8),
        (DbError::Syntax, 1, 0),
        // The database may have processed it, and the call is not idempotent.
        (DbError::Lost, 1, 0),
    ] {
        let db = Db::new([error.clone()]);
        let start = Instant::now();
        let result = retry(&breather, || db.query()).await;
        assert_eq!(db.queries(), queries, "{error:?}");
        assert_eq!(start.elapsed().as_secs(), waited, "{error:?}");
        match queries {
            1 => assert_eq!(result, Err(RetryError::Failed(error))),
            _ => assert_eq!(result, Ok(queries)),
        }
    }
    let db = Db::new([DbError::Lost]);
    assert_eq!(
        retry(&breather, || db.query()).with_idempotent(true).await,
        Ok(2)
    );
}

#[tokio::test(start_paused = true)]
async fn constant_delay_is_not_cut() {
    let policy = Policy::new().with_backoff(Backoff::constant(60 * SECOND));
    let breather = Breather::new(policy);
    for _ in 0..20 {
        let db = Db::new([DbError::Refused, DbError::Refused, DbError::Refused]);
        assert_eq!(retry(&breather, || db.query()).await, Ok(4));
        for pair in db.queries.borrow().windows(2) {
            let waited = pair[1] - pair[0];
            let kept = 60 * SECOND..=66 * SECOND + TICK;
            assert!(kept.contains(&waited), "{waited:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_and_classifier_override_errors_own_classification() {
    let breather = Breather::default();
    let db = Db::new([DbError::Syntax, DbError::Lost]);
    assert_eq!(retry(&breather, || db.query()).when(|_| true).await, Ok(3));
    let db = Db::new([DbError::Refused]);
    let result = retry(&breather, || db.query())
        .when(|error| *error == DbError::Lost)
        .await;
    assert_eq!(result, Err(RetryError::Failed(DbError::Refused)));
    let db = Db::new([DbError::Syntax]);
    let lenient = |result: &Result<usize, DbError>| match result {
        Ok(_) => Outcome::success(),
        Err(_) => Outcome::transient(Executed::No, "another replica may know it"),
    };
    assert_eq!(
        retry(&breather, || db.query())
            .with_classifier(lenient)
            .await,
        Ok(2)
    );
}

#[tokio::test(start_paused = true)]
async fn promise_1_error_with_retry_after_is_a_rejection() {
    let breather = Breather::new(exact(Duration::ZERO));
    let db = Db::new([DbError::Busy(7 * SECOND)]);
    let slot = ReportSlot::new();
    let result = retry(&breather, || db.query())
        .when(|_| true)
        .with_hint(hint_of_error)
        .with_report_slot(slot.clone())
        .await;
    assert_eq!(result, Ok(2));
    let report = slot.report().unwrap();
    assert_eq!((report.throttled(), report.failures()), (1, 0));
    assert!(report.waited(WaitReason::Hint) >= 7 * SECOND);
    // The order of the two methods does not matter.
    let db = Db::new([DbError::Busy(7 * SECOND)]);
    let start = Instant::now();
    let hinted = retry(&breather, || db.query()).with_hint(hint_of_error);
    assert_eq!(hinted.when(|_| true).await, Ok(2));
    assert!(start.elapsed() >= 7 * SECOND);
    // `when` alone reads no hint.
    let db = Db::new([DbError::Busy(7 * SECOND)]);
    let start = Instant::now();
    assert_eq!(retry(&breather, || db.query()).when(|_| true).await, Ok(2));
    assert!(start.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn promise_2_wait_past_deadline_ends_call_immediately() {
    let breather = Breather::new(exact(Duration::ZERO).with_deadline(5 * SECOND));
    let db = Db::new([DbError::Busy(7 * SECOND)]);
    let start = Instant::now();
    let slot = ReportSlot::new();
    let result = retry(&breather, || db.query())
        .with_report_slot(slot.clone())
        .await;
    assert_eq!(result, Err(RetryError::Failed(DbError::Busy(7 * SECOND))));
    assert_eq!(start.elapsed(), Duration::ZERO);
    let report = slot.report().unwrap();
    assert_eq!(report.end().unwrap().reason(), EndReason::Deadline);
    assert_eq!(report.end().unwrap().retry_after(), Some(7 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn promise_2_and_3_held_scope_uses_no_retries_and_ends_calls_past_deadline() {
    let breather = Breather::new(Policy::new().with_max_retries(0).with_deadline(9 * SECOND));
    let db = Db::new([DbError::Busy(3 * SECOND), DbError::Busy(3 * SECOND)]);
    let slot = ReportSlot::new();
    let call = || retry(&breather, || db.query()).with_scope("db");
    assert_eq!(call().with_report_slot(slot.clone()).await, Ok(3));
    assert_eq!(slot.report().unwrap().throttled(), 2);

    db.answers.borrow_mut().push(DbError::Busy(60 * SECOND));
    let error = call().await.unwrap_err();
    assert_eq!(error.stopped(), None);
    assert_eq!(error.into_failed(), Some(DbError::Busy(60 * SECOND)));
    let error = call().await.unwrap_err();
    assert_eq!(error.stopped().unwrap().end().reason(), EndReason::Deadline);
    assert_eq!(db.queries(), 4);
    // A call without a scope is not held. A call with several scopes is held if one of them is.
    assert_eq!(retry(&breather, || db.query()).await, Ok(5));
    let call = |tenant| retry(&breather, || db.query()).with_scope([tenant, "db"]);
    let error = call("tenant 7").await.unwrap_err();
    assert!(error.stopped().is_some());
    assert_eq!(breather.snapshot("tenant 7").unwrap().queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn call_stopped_in_queue_returns_last_error() {
    let breather = Breather::new(exact(SECOND).with_deadline(9 * SECOND));
    let db = Db::new([DbError::Refused]);
    let busy = Db::new([DbError::Busy(60 * SECOND)]);
    let failing = retry(&breather, || db.query()).with_scope("db");
    let throttled = async {
        sleep(TICK).await;
        retry(&breather, || busy.query()).with_scope("db").await
    };
    let (failed, throttled) = tokio::join!(failing, throttled);
    assert_eq!(failed, Err(RetryError::Failed(DbError::Refused)));
    assert!(throttled.is_err());
    assert_eq!(db.queries(), 1);
}

#[tokio::test(start_paused = true)]
async fn promise_5_and_6_calls_draw_different_delays_unless_seeded() {
    let breather = Breather::default();
    let delay = async |seed: Option<u64>| {
        let db = Db::new([DbError::Refused, DbError::Refused, DbError::Refused]);
        let slot = ReportSlot::new();
        let call = retry(&breather, || db.query()).with_report_slot(slot.clone());
        match seed {
            Some(seed) => call.with_seed(seed).await.unwrap(),
            None => call.await.unwrap(),
        };
        slot.report().unwrap().waited(WaitReason::Backoff)
    };
    assert_ne!(delay(None).await, delay(None).await);
    assert_eq!(delay(Some(7)).await, delay(Some(7)).await);
}

#[tokio::test(start_paused = true)]
async fn promise_9_call_dropped_at_any_await_releases_everything() {
    for (what, answers, takes, is_in_flight) in [
        ("in flight", vec![], 60 * SECOND, true),
        (
            "waiting for its backoff",
            vec![DbError::Refused],
            Duration::ZERO,
            false,
        ),
        (
            "waiting for its hint",
            vec![DbError::Busy(60 * SECOND)],
            Duration::ZERO,
            false,
        ),
    ] {
        let breather = Breather::new(exact(60 * SECOND));
        let db = Db::new(answers);
        db.takes.set(takes);
        let in_flight = Cell::new(0);
        let call = retry(&breather, || async {
            in_flight.set(in_flight.get() + 1);
            let _guard = Guard(&in_flight);
            db.query().await
        });
        let mut call = Box::pin(call.with_scope("db"));
        assert!(timeout(SECOND, &mut call).await.is_err(), "{what}");
        assert_eq!(in_flight.get() > 0, is_in_flight, "{what}");
        let held = || {
            let snapshot = breather.snapshot("db").unwrap();
            (snapshot.in_flight(), snapshot.queued())
        };
        assert_eq!(held().0 > 0, is_in_flight, "{what}");
        drop(call);
        assert_eq!((in_flight.get(), held()), (0, (0, 0)), "{what}");
    }
}

struct Guard<'a>(&'a Cell<u32>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn promise_9_panicking_closure_releases_its_permit() {
    let breather = Breather::default();
    let held = || breather.snapshot("db").unwrap().in_flight();
    let before = retry(&breather, || -> std::future::Ready<Result<(), DbError>> {
        panic!("before the future is created")
    });
    assert!(
        AssertUnwindSafe(before.with_scope("db"))
            .catch_unwind()
            .await
            .is_err()
    );
    assert_eq!(held(), 0);
    let within = retry(&breather, || async {
        if held() > 0 {
            panic!("in flight");
        }
        Err::<(), _>(DbError::Syntax)
    });
    assert!(
        AssertUnwindSafe(within.with_scope("db"))
            .catch_unwind()
            .await
            .is_err()
    );
    assert_eq!(held(), 0);
    let db = Db::default();
    assert_eq!(
        retry(&breather, || db.query()).with_scope("db").await,
        Ok(1)
    );
}

#[tokio::test(start_paused = true)]
async fn notify_gets_each_error_and_the_wait_after_it() {
    let breather = Breather::new(exact(SECOND).with_max_retries(1));
    let db = Db::new([DbError::Refused, DbError::Busy(3 * SECOND), DbError::Syntax]);
    let mut told = Vec::new();
    let result = retry(&breather, || db.query())
        .notify(|error, wait| told.push((error.clone(), wait.delay(), wait.reason())))
        .await;
    assert_eq!(result, Err(RetryError::Failed(DbError::Syntax)));
    let expected = [
        (DbError::Refused, SECOND, WaitReason::Backoff),
        (DbError::Busy(3 * SECOND), 4 * SECOND, WaitReason::Hint),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn pending_result_is_polled_until_deadline_and_then_returned() {
    let policy = exact(Duration::ZERO)
        .with_polling(Backoff::constant(SECOND))
        .with_max_retries(0)
        .with_deadline(19 * SECOND / 2);
    let breather = Breather::new(policy);
    let mut asked = 0;
    let slot = ReportSlot::new();
    let result = retry(&breather, || {
        asked += 1;
        std::future::ready(Ok::<_, DbError>(asked))
    })
    .with_classifier(|_| Outcome::pending("not done"))
    .with_idempotent(true)
    .with_report_slot(slot.clone())
    .await;
    // Each wait takes 1 s, and no wait may pass 9.5 s.
    assert_eq!(result, Ok(10));
    assert_eq!(
        slot.report().unwrap().end().unwrap().reason(),
        EndReason::Deadline
    );
}

#[tokio::test(start_paused = true)]
async fn success_with_spent_quota_holds_the_next_call() {
    let breather = Breather::default();
    let call = || {
        retry(&breather, || async { Ok::<_, DbError>(()) })
            .with_scope("db")
            .with_hint(|_, received| {
                let spent = Window::new("rows").with_remaining(0).with_reset(7 * SECOND);
                Hint::new(received.instant()).with_window(spent)
            })
    };
    call().await.unwrap();
    let start = Instant::now();
    call().await.unwrap();
    assert!(
        start.elapsed() >= 7 * SECOND - TICK,
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn closure_gets_attempt_number_and_time_left() {
    let breather = Breather::new(exact(2 * SECOND).with_deadline(7 * SECOND));
    let mut seen = Vec::new();
    let result = retry_with(&breather, |attempt| {
        seen.push((
            attempt.number(),
            attempt.time_left().map(|left| left.as_secs_f64().round()),
        ));
        async { Err::<(), _>(DbError::Refused) }
    })
    .await;
    assert_eq!(result, Err(RetryError::Failed(DbError::Refused)));
    assert_eq!(
        seen,
        [
            (1, Some(7.0)),
            (2, Some(5.0)),
            (3, Some(3.0)),
            (4, Some(1.0))
        ]
    );
    let endless = retry_with(&Breather::default(), |attempt| async move {
        Err::<(), _>(attempt)
    });
    let attempt = endless
        .when(|_| false)
        .await
        .unwrap_err()
        .into_failed()
        .unwrap();
    assert_eq!((attempt.number(), attempt.time_left()), (1, None));
}

#[tokio::test(start_paused = true)]
async fn rejection_holds_only_calls_of_its_scope() {
    let breather = Breather::default();
    let db = Db::new([DbError::Busy(5 * SECOND)]);
    let start = Instant::now();
    let calls = join_all((0..10).map(|_| retry(&breather, || db.query()).with_scope("db")));
    assert!(calls.await.into_iter().all(|result| result.is_ok()));
    assert_eq!(db.queries(), 11);
    let late = db
        .queries
        .borrow()
        .iter()
        .filter(|&&at| at - start >= 5 * SECOND)
        .count();
    // The first call was throttled before any other was sent.
    assert_eq!(late, 10);
    db.answers.borrow_mut().push(DbError::Busy(5 * SECOND));
    let throttled = retry(&breather, || db.query()).with_scope("db");
    let other = async {
        sleep(TICK).await;
        retry(&breather, || db.query()).with_scope("db").await
    };
    let elsewhere = async {
        sleep(TICK).await;
        let start = Instant::now();
        let result = retry(&breather, || db.query()).with_scope("another").await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        result
    };
    let start = Instant::now();
    let (throttled, other, elsewhere) = tokio::join!(throttled, other, elsewhere);
    assert!(throttled.is_ok() && other.is_ok() && elsewhere.is_ok());
    assert!(start.elapsed() >= 5 * SECOND);
    let queries = db.queries.borrow();
    let [.., second_last, last] = queries[..] else {
        panic!()
    };
    assert!(second_last - start >= 5 * SECOND && last - start >= 5 * SECOND);
}

#[test]
fn retry_is_send_and_outlives_its_handle() {
    fn is_static_and_send<T: Send + 'static>(value: T) -> T {
        value
    }
    let breather = Breather::default();
    let call = retry(&breather, || async { Ok::<_, DbError>(()) }).with_scope("db");
    drop(is_static_and_send(call));
}

#[tokio::test(start_paused = true)]
async fn year_long_hold_is_probed_by_idempotent_closures_and_can_be_forgotten() {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    let held = async |breather: &Breather| {
        let db = Db::new([DbError::Busy(YEAR)]);
        let error = retry(breather, || db.query()).with_scope("db").await;
        assert_eq!(error.unwrap_err().into_failed(), Some(DbError::Busy(YEAR)));
        db
    };
    let ends = |error: RetryError<DbError>| error.stopped().unwrap().end().reason();

    let breather = Breather::default();
    let db = held(&breather).await;
    tokio::time::advance(301 * SECOND).await;
    let unsafe_call = retry(&breather, || db.query()).with_scope("db").await;
    assert_eq!(ends(unsafe_call.unwrap_err()), EndReason::RetryAfterTooLong);
    let probe = retry(&breather, || db.query())
        .with_scope("db")
        .with_idempotent(true);
    assert!(probe.await.is_ok());
    assert!(
        retry(&breather, || db.query())
            .with_scope("db")
            .await
            .is_ok()
    );

    let breather = Breather::default();
    let db = held(&breather).await;
    let held = retry(&breather, || db.query()).with_scope("db").await;
    assert_eq!(ends(held.unwrap_err()), EndReason::RetryAfterTooLong);
    assert!(breather.forget("db"));
    assert!(
        retry(&breather, || db.query())
            .with_scope("db")
            .await
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn dates_use_the_injected_clock() {
    // The clock shows 08:00:00, and the response has no Date.
    let clock = PausedClock::new(UnixTime::from_secs(1_800_000_000));
    let breather = Breather::builder().with_wall_clock(clock).build();
    let start = Instant::now();
    let mut results = [Err("throttled"), Ok("rows")].into_iter();
    let rows = retry(&breather, || std::future::ready(results.next().unwrap()))
        .when(|_| true)
        .with_hint(|result, received| match result {
            Ok(_) => Hint::new(received.instant()),
            Err(_) => Hint::read(
                [("Retry-After", &b"Fri, 15 Jan 2027 08:00:20 GMT"[..])],
                received,
            ),
        })
        .await;
    assert_eq!(rows, Ok("rows"));
    let waited = start.elapsed().as_secs();
    assert!((19..=21).contains(&waited), "{waited} s");
}
