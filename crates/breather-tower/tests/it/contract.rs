//! Tower's contract between a service and its callers.
//!
//! [`Script`] panics if it is called before it is ready, so each test here also checks that.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breather_test::{Answer, Script};
use breather_tower::RetryLayer;
use breather_tower::breather::{Backoff, Breather, EndReason, ErrorKind, Jitter, Policy, Stopped};
use futures_util::future::join_all;
use http::{Method, Request, Response};
use tokio::time::{Instant, timeout};
use tower::{BoxError, Layer as _, Service, ServiceBuilder, ServiceExt as _};

use crate::script::{SCOPE, call, get, request};
use crate::way::{Way, each_way};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn at_once() -> Policy {
    Policy::new()
        .with_backoff(Backoff::constant(Duration::ZERO))
        .with_jitter(Jitter::none())
}

/// Returns the number of attempts in flight and of queued calls in the scope.
fn held(breather: &Breather) -> (u32, usize) {
    let snapshot = breather.snapshot(SCOPE).unwrap();
    (snapshot.in_flight(), snapshot.queued())
}

/// A rejection that holds the whole scope.
fn spent(seconds: u64) -> Answer {
    Answer::throttled(seconds)
        .with_header("x-ratelimit-remaining", 0)
        .with_header("x-ratelimit-reset", seconds)
}

each_way! {
    each_attempt_polls_ready_and_uses_it,
    unpolled_future_is_sent_or_holds_no_readiness,
    waiting_calls_hold_no_inner_concurrency_slot,
    hold_starting_before_readiness_is_respected,
    concurrency_limit_inside_or_outside_uses_whole_window,
    stopped_call_holds_no_readiness,
    deadline_limits_wait_for_readiness,
    call_stopped_in_queue_returns_last_error,
    works_with_buffer_inside_and_outside,
    load_shed_inside_fails_attempt_outside_fails_call,
    timeout_inside_ends_attempt_outside_ends_call,
    readiness_error_before_call_is_returned_unchanged,
    readiness_error_between_attempts_is_unexecuted_attempt,
    panicking_service_returns_permit,
    call_dropped_before_readiness_returns_permit,
    call_dropped_at_any_time_releases_everything,
}

async fn each_attempt_polls_ready_and_uses_it(way: Way) {
    let script = Script::new([
        Answer::status(503),
        Answer::throttled(3),
        Answer::error(io::ErrorKind::TimedOut),
    ]);
    let (status, report) = get(&way.retry(Breather::default()).layer(script.clone())).await;
    assert_eq!((status, report.attempts()), (200, 4));
    assert_eq!((script.requests().len(), script.readied()), (4, 0));
}

async fn unpolled_future_is_sent_or_holds_no_readiness(way: Way) {
    let breather = Breather::default();
    let script = Script::new([spent(9)]);
    let service = way.retry(breather.clone()).layer(script.clone());
    let throttled = tokio::spawn(service.clone().oneshot(request(Method::GET)));
    tokio::time::sleep(MS).await;

    let mut waiting = service.clone();
    let unpolled = waiting.ready().await.unwrap().call(request(Method::GET));
    assert_eq!((script.requests().len(), script.readied()), (1, 0));
    // It doesn't delay a later call.
    assert_eq!(get(&service).await.0, 200);
    assert_eq!(throttled.await.unwrap().unwrap().status(), 200);
    assert_eq!(held(&breather), (0, 1));

    let mut idle = service.clone();
    let sent = idle.ready().await.unwrap().call(request(Method::GET));
    assert_eq!((script.requests().len(), script.readied()), (4, 0));
    drop((unpolled, sent));
    assert_eq!(held(&breather), (0, 0));
}

async fn waiting_calls_hold_no_inner_concurrency_slot(way: Way) {
    let breather = Breather::default();
    // The only slot must be free while the scope is held, or the oldest call could never be
    // retried.
    let script = Script::new([spent(5).after(MS)]);
    let service = ServiceBuilder::new()
        .layer(way.retry(breather.clone()))
        .concurrency_limit(1)
        .service(script.clone());
    let start = Instant::now();
    let all = join_all((0..20).map(|_| get(&service)));
    for (status, _) in timeout(60 * SECOND, all).await.expect("no deadlock") {
        assert_eq!(status, 200);
    }
    assert!(start.elapsed() < 7 * SECOND, "{:?}", start.elapsed());
    assert_eq!(held(&breather), (0, 0));
}

async fn hold_starting_before_readiness_is_respected(way: Way) {
    let breather = Breather::new(at_once());
    let script = Script::new([Answer::status(503).after(MS)]);
    let limited = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(script.clone());
    let mut elsewhere = limited.clone();
    let retry = way.retry(breather.clone());
    let throttling = retry.layer(Script::new([spent(5)]));
    let start = Instant::now();
    let service = retry.layer(limited.clone());
    let first = tokio::spawn(async move { get(&service).await });
    tokio::task::yield_now().await;

    // Another caller takes the slot as soon as the first attempt gives it back.
    let slot = tower::ServiceExt::<Request<String>>::ready(&mut elsewhere)
        .await
        .unwrap();
    tokio::time::sleep(MS).await;
    assert_eq!(held(&breather), (1, 0), "the second attempt has a permit");
    let throttled = tokio::spawn(async move { get(&throttling).await });
    tokio::time::sleep(MS).await;
    let hold_ends = start + 5 * SECOND;
    // The slot is free now, but the scope is held, so the call gives both the permit and the slot
    // back.
    drop(slot.call(request(Method::GET)));
    drop(elsewhere);
    tokio::time::sleep(SECOND).await;
    assert_eq!(
        script.requests().len(),
        2,
        "the first call sent only one of them"
    );
    let mut elsewhere = limited.clone();
    let free = timeout(
        MS,
        tower::ServiceExt::<Request<String>>::ready(&mut elsewhere),
    )
    .await;
    assert!(free.expect("the waiting call holds no slot").is_ok());
    drop(elsewhere);

    let (status, report) = first.await.unwrap();
    assert_eq!(
        (status, report.attempts()),
        (200, 2),
        "an unsent attempt does not count"
    );
    assert_eq!(throttled.await.unwrap().0, 200);
    assert!(script.requests()[2].at >= hold_ends);
    assert_eq!(held(&breather), (0, 0));
}

/// A server that accepts 30 calls in 10 s, takes 200 ms for each, and reports its quota.
fn windowed()
-> impl Service<Request<String>, Response = Response<String>, Error = BoxError, Future: Send>
+ Clone
+ Send
+ 'static {
    const WINDOW: Duration = Duration::from_secs(10);
    let start = Instant::now();
    let used = Arc::new(Mutex::new((0, 0)));
    tower::service_fn(move |_: Request<String>| {
        let since = start.elapsed();
        let window = (since.as_nanos() / WINDOW.as_nanos()) as u32;
        let reset = (WINDOW * (window + 1) - since).as_secs_f64().ceil() as u64;
        let (status, remaining) = {
            let mut used = used.lock().unwrap();
            if used.0 != window {
                *used = (window, 0);
            }
            if used.1 < 30 {
                used.1 += 1;
                (200, 30 - used.1)
            } else {
                (429, 0)
            }
        };
        let mut response = Response::builder()
            .status(status)
            .header("x-ratelimit-limit", 30)
            .header("x-ratelimit-remaining", remaining)
            .header("x-ratelimit-reset", reset);
        if status == 429 {
            response = response.header("retry-after", reset);
        }
        async move {
            tokio::time::sleep(200 * MS).await;
            Ok(response.body(String::new())?)
        }
    })
}

async fn concurrency_limit_inside_or_outside_uses_whole_window(way: Way) {
    for limit in [2, 5, 10] {
        let retry = || way.retry(Breather::default());
        let inside = ServiceBuilder::new()
            .layer(retry())
            .concurrency_limit(limit)
            .service(windowed());
        let start = Instant::now();
        let calls = join_all((0..90).map(|_| get(&inside))).await;
        assert!(calls.iter().all(|(status, _)| *status == 200));
        let sends: u32 = calls.iter().map(|(_, report)| report.attempts()).sum();
        let took = start.elapsed();
        assert!(took < 24 * SECOND, "{limit} inside: {took:?}");
        assert!(sends <= 94, "{limit} inside: {sends}");

        let outside = ServiceBuilder::new()
            .concurrency_limit(limit)
            .layer(retry())
            .service(windowed());
        let start = Instant::now();
        join_all((0..90).map(|_| get(&outside))).await;
        let took = start.elapsed();
        assert!(took < 24 * SECOND, "{limit} outside: {took:?}");
    }
}

async fn stopped_call_holds_no_readiness(way: Way) {
    let policy = Policy::new().with_deadline(2 * SECOND);
    let breather = Breather::new(policy);
    let limited = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(Script::new([spent(60)]));
    let mut service = way.retry(breather.clone()).layer(limited.clone());
    get(&service).await;
    // The call stops immediately and holds no slot, although the service and the future still
    // exist.
    let mut stopped = Box::pin(service.ready().await.unwrap().call(request(Method::GET)));
    assert!(stopped.as_mut().await.unwrap_err().is::<Stopped>());
    let mut elsewhere = limited.clone();
    let slot = timeout(
        SECOND,
        tower::ServiceExt::<Request<String>>::ready(&mut elsewhere),
    )
    .await;
    assert!(slot.expect("the slot is free").is_ok());
}

async fn deadline_limits_wait_for_readiness(way: Way) {
    let breather = Breather::new(at_once().with_deadline(2 * SECOND));
    let script = Script::new([Answer::status(500).after(MS)]);
    let limited = ServiceBuilder::new().concurrency_limit(1).service(script);
    let service = way.retry(breather.clone()).layer(limited.clone());
    let mut elsewhere = limited.clone();
    let start = Instant::now();
    let late = tokio::spawn(async move { call(&service, request(Method::GET)).await });
    tokio::task::yield_now().await;
    let slot: Result<_, BoxError> =
        tower::ServiceExt::<Request<String>>::ready(&mut elsewhere).await;
    let (result, report) = late.await.unwrap();
    assert!(result.unwrap_err().is::<Stopped>());
    let took = start.elapsed();
    assert!(took >= 2 * SECOND && took < 3 * SECOND, "{took:?}");
    assert_eq!(report.attempts(), 1, "an unsent attempt does not count");
    assert_eq!(report.end().unwrap().reason(), EndReason::Deadline);
    assert_eq!(held(&breather), (0, 0));
    drop(slot);
}

#[tokio::test(start_paused = true)]
async fn readiness_error_is_retried_with_send_once() {
    let script = Script::default().with_readiness([Ok(()), Err(io::ErrorKind::ConnectionReset)]);
    let held_scope = RetryLayer::new(Breather::default());
    get(&held_scope.layer(Script::new([Answer::status(200)
        .with_header("x-ratelimit-remaining", 0)
        .with_header("x-ratelimit-reset", 1)])))
    .await;
    // The call gives up its readiness while it waits for its turn. The next readiness check fails.
    let service = held_scope.clone().send_once().layer(script.clone());
    let (result, report) = call(&service, request(Method::POST)).await;
    assert_eq!(result.unwrap().status(), 200);
    assert_eq!((script.requests().len(), report.failures()), (1, 1));
}

async fn call_stopped_in_queue_returns_last_error(way: Way) {
    let policy = Policy::new()
        .with_deadline(9 * SECOND)
        .with_backoff(Backoff::constant(SECOND))
        .with_jitter(Jitter::none());
    let retry = way.retry(Breather::new(policy));
    let throttling = retry.layer(Script::new([spent(60)]));
    let reset = Script::new([Answer::error(io::ErrorKind::ConnectionReset)]);
    let service = retry.layer(reset.clone());
    let failing = tokio::spawn(async move { call(&service, request(Method::GET)).await });
    tokio::task::yield_now().await;
    assert_eq!(get(&throttling).await.0, 429);
    let (result, report) = failing.await.unwrap();
    let error = result.unwrap_err().downcast::<io::Error>().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(report.end().unwrap().reason(), EndReason::Deadline);
    assert_eq!(reset.requests().len(), 1);
}

async fn works_with_buffer_inside_and_outside(way: Way) {
    let breather = Breather::default();
    let script = Script::new([spent(5).after(MS), Answer::status(503)]);
    let service = ServiceBuilder::new()
        .buffer(3)
        .layer(way.retry(breather.clone()))
        .buffer(1)
        .service(script.clone());
    let all = join_all((0..40).map(|_| get(&service)));
    for (status, _) in timeout(60 * SECOND, all).await.expect("no deadlock") {
        assert_eq!(status, 200);
    }
    assert_eq!(script.requests().len(), 42);
    assert_eq!((held(&breather), script.readied()), ((0, 0), 0));
}

async fn load_shed_inside_fails_attempt_outside_fails_call(way: Way) {
    let slow = || Script::new([Answer::status(200).after(50 * MS)]);
    let backoff = Policy::new()
        .with_backoff(Backoff::constant(SECOND))
        .with_jitter(Jitter::none());
    let retry = way.retry(Breather::new(backoff));
    let inside = ServiceBuilder::new()
        .layer(retry.clone())
        .load_shed()
        .concurrency_limit(1)
        .service(slow());
    let ((one, _), (other, report)) = tokio::join!(get(&inside), get(&inside));
    assert_eq!((one, other, report.failures()), (200, 200, 1));

    let outside = ServiceBuilder::new()
        .load_shed()
        .layer(retry)
        .concurrency_limit(1)
        .service(slow());
    let one = outside.clone().oneshot(request(Method::GET));
    let other = outside.oneshot(request(Method::GET));
    let (one, other) = tokio::join!(one, other);
    assert_eq!(one.unwrap().status(), 200);
    assert!(
        other
            .unwrap_err()
            .is::<tower::load_shed::error::Overloaded>()
    );
}

async fn timeout_inside_ends_attempt_outside_ends_call(way: Way) {
    let breather = Breather::new(at_once());
    let slow = Answer::status(200).after(60 * SECOND);
    let script = Script::new([slow.clone(), slow]);
    let service = ServiceBuilder::new()
        .timeout(30 * SECOND)
        .layer(way.retry(breather.clone()))
        .timeout(2 * SECOND)
        .service(script.clone());
    let start = Instant::now();
    let (status, report) = get(&service).await;
    assert_eq!((status, report.attempts(), report.failures()), (200, 3, 2));
    assert_eq!(start.elapsed().as_secs(), 4);

    let script = Script::new([Answer::throttled(60)]);
    let service = ServiceBuilder::new()
        .timeout(30 * SECOND)
        .layer(way.retry(breather.clone()))
        .service(script);
    let (result, report) = call(&service, request(Method::GET)).await;
    assert!(result.unwrap_err().is::<tower::timeout::error::Elapsed>());
    assert_eq!((report.attempts(), report.end()), (1, None));
    assert_eq!(held(&breather), (0, 0));
}

async fn readiness_error_before_call_is_returned_unchanged(way: Way) {
    let script = Script::default().with_readiness([Err(io::ErrorKind::ConnectionReset)]);
    let mut service = way.retry(Breather::default()).layer(script.clone());
    let error = service.ready().await.map(drop).unwrap_err();
    let kind = error.downcast::<io::Error>().unwrap().kind();
    assert_eq!(
        (kind, script.requests().len()),
        (io::ErrorKind::ConnectionReset, 0)
    );
}

async fn readiness_error_between_attempts_is_unexecuted_attempt(way: Way) {
    let breather = Breather::default();
    let script = Script::new([Answer::throttled(1)]).with_readiness([
        Ok(()),
        Err(io::ErrorKind::ConnectionReset),
        Ok(()),
    ]);
    let service = way.retry(breather.clone()).layer(script.clone());
    // A POST that was sent could not be retried after an error.
    let (result, report) = call(&service, request(Method::POST)).await;
    assert_eq!(result.unwrap().status(), 200);
    assert_eq!(
        (report.attempts(), report.throttled(), report.failures()),
        (3, 1, 1)
    );
    assert_eq!(script.requests().len(), 2);

    let broken = Script::new([Answer::throttled(1)]).with_readiness(
        [Ok(())]
            .into_iter()
            .chain([Err(io::ErrorKind::BrokenPipe); 9]),
    );
    let service = way.retry(breather.clone()).layer(broken);
    let (result, report) = call(&service, request(Method::GET)).await;
    let kind = result.unwrap_err().downcast::<io::Error>().unwrap().kind();
    assert_eq!((kind, report.failures()), (io::ErrorKind::BrokenPipe, 4));
    assert_eq!(report.end().unwrap().reason(), EndReason::MaxRetries);
    assert_eq!(held(&breather), (0, 0));
}

async fn panicking_service_returns_permit(way: Way) {
    let breather = Breather::new(at_once());
    for answers in [
        vec![Answer::panic_in_call()],
        vec![Answer::panic_in_flight()],
        vec![Answer::status(503), Answer::panic_in_call()],
        vec![Answer::status(503), Answer::panic_in_flight().after(SECOND)],
    ] {
        let service = way.retry(breather.clone()).layer(Script::new(answers));
        let doomed = tokio::spawn(service.clone().oneshot(request(Method::GET)));
        assert!(doomed.await.unwrap_err().is_panic());
        assert_eq!(held(&breather), (0, 0));
        assert_eq!(get(&service).await.0, 200);
    }
}

async fn call_dropped_before_readiness_returns_permit(way: Way) {
    let breather = Breather::new(at_once());
    let script = Script::new([Answer::status(503).after(MS)]);
    let limited = ServiceBuilder::new().concurrency_limit(1).service(script);
    let service = way.retry(breather.clone()).layer(limited.clone());
    let mut elsewhere = limited.clone();

    let mut call = Box::pin(service.oneshot(request(Method::GET)));
    // Another caller takes the slot as soon as the first attempt gives it back.
    let (pending, slot) = tokio::join!(
        timeout(SECOND, &mut call),
        tower::ServiceExt::<Request<String>>::ready(&mut elsewhere)
    );
    let slot: Result<_, BoxError> = slot;
    assert!(slot.is_ok() && pending.is_err());
    assert_eq!(held(&breather), (1, 0));
    drop(call);
    assert_eq!(held(&breather), (0, 0));
}

async fn call_dropped_at_any_time_releases_everything(way: Way) {
    for after in (0..60).map(|n| n * n) {
        let breather = Breather::new(at_once());
        let answers = [
            Answer::status(503).after(2 * MS),
            spent(1).after(2 * MS),
            Answer::error(io::ErrorKind::ConnectionReset).after(2 * MS),
            Answer::status(200).after(2 * SECOND),
        ];
        let script = Script::new(answers);
        let service = ServiceBuilder::new()
            .layer(way.retry(breather.clone()))
            .concurrency_limit(1)
            .service(script.clone());
        let mut others = service.clone();
        let call = timeout(after * MS, get(&service)).await;
        assert_eq!(call.is_ok(), after > 3_010, "{after} ms");
        assert_eq!(
            (held(&breather), script.readied()),
            ((0, 0), 0),
            "{after} ms"
        );
        assert!(timeout(MS, others.ready()).await.is_ok(), "{after} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn custom_error_type_can_hold_stopped() {
    #[derive(Debug)]
    enum ApiError {
        Stopped(Stopped),
    }
    impl From<Stopped> for ApiError {
        fn from(stopped: Stopped) -> Self {
            Self::Stopped(stopped)
        }
    }
    impl breather_tower::HttpError for ApiError {
        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }
    let spent = tower::service_fn(|_: Request<String>| async {
        let response = Response::builder()
            .header("x-ratelimit-remaining", 0)
            .header("x-ratelimit-reset", 60);
        Ok::<_, ApiError>(response.body(()).unwrap())
    });
    let breather = Breather::new(Policy::new().with_deadline(SECOND));
    let service = RetryLayer::new(breather).layer(spent);
    service.clone().oneshot(request(Method::GET)).await.unwrap();
    let ApiError::Stopped(stopped) = service.oneshot(request(Method::GET)).await.unwrap_err();
    assert_eq!(stopped.end().retry_after(), Some(60 * SECOND));
}
