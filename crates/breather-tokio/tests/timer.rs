//! Tests of the timer with paused time, several runtimes, and runtimes that end.

use std::time::Duration;

use breather::{
    Breather, Hint, Outcome,
    driver::{NewCall, Timer},
    hint::Window,
};
use breather_tokio::{TokioTimer, random_seeds};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// A hold that the policy obeys, and that is longer than the difference of two paused clocks.
const HOLD: Duration = Duration::from_secs(200);

/// Returns a runtime with paused time, which passes only while the runtime is driven and idle.
fn paused() -> Runtime {
    let mut runtime = Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap()
}

/// Teaches `breather` that the quota is spent for `reset`.
async fn spend(breather: &Breather, reset: Duration) {
    let mut call = breather.start(
        NewCall::new().with_origin("api").with_idempotent(true),
        TokioTimer,
        1,
    );
    call.ready().await.unwrap();
    let window = Window::new("").with_remaining(0).with_reset(reset);
    let hint = Hint::new(TokioTimer.now()).with_window(window);
    let _ = call.on_outcome(Outcome::success(), &hint);
}

async fn send(breather: &Breather) {
    let seed = random_seeds().draw();
    let mut call = breather.start(
        NewCall::new().with_origin("api").with_idempotent(true),
        TokioTimer,
        seed,
    );
    call.ready().await.unwrap();
    let hint = Hint::new(TokioTimer.now());
    let _ = call.on_outcome(Outcome::success(), &hint);
}

#[tokio::test(start_paused = true)]
async fn paused_time_passes_while_calls_wait() {
    let breather = Breather::default();
    spend(&breather, 120 * SECOND).await;
    let start = Instant::now();
    send(&breather).await;
    let waited = start.elapsed();
    assert!(
        waited >= 120 * SECOND && waited < 121 * SECOND,
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn clock_follows_tokios_clock() {
    let before = TokioTimer.now();
    tokio::time::advance(7 * SECOND).await;
    assert_eq!(TokioTimer.now().duration_since(before), 7 * SECOND);
}

#[tokio::test]
async fn sleep_never_ends_before_its_instant() {
    for micros in [0, 1, 999, 1_000, 1_001, 2_500] {
        let at = TokioTimer.now() + Duration::from_micros(micros);
        TokioTimer.sleep_until(at).await;
        assert!(TokioTimer.now() >= at, "after {micros} µs");
    }
}

#[tokio::test(start_paused = true)]
async fn longest_sleep_exceeds_a_day() {
    let never = TokioTimer.sleep_until(breather::driver::Instant::MAX);
    assert!(timeout(86_400 * SECOND, never).await.is_err());
}

#[test]
fn queued_call_continues_if_runtime_of_alarm_ends() {
    let breather = Breather::default();
    let [first, second] = [paused(), paused()];
    first.block_on(spend(&breather, HOLD));
    // A call on the first runtime sets the alarm.
    let on_first = breather.clone();
    first.spawn(async move { send(&on_first).await });
    first.block_on(yield_now());
    assert_eq!(breather.snapshot("api").unwrap().queued(), 1);
    let on_second = breather.clone();
    let waiting = second.spawn(async move { send(&on_second).await });
    second.block_on(yield_now());
    assert_eq!(breather.snapshot("api").unwrap().queued(), 2);
    first.shutdown_background();
    let done = second.block_on(async { timeout(2 * HOLD, waiting).await });
    done.expect("its own alarm wakes the call").unwrap();
    let snapshot = breather.snapshot("api").unwrap();
    assert_eq!((snapshot.in_flight(), snapshot.queued()), (0, 0));
}

#[test]
fn queued_call_continues_if_runtime_of_alarm_stalls() {
    let breather = Breather::default();
    let [first, second] = [paused(), paused()];
    first.block_on(spend(&breather, HOLD));
    let on_first = breather.clone();
    // The call waits on a runtime that still exists, but that is not driven again.
    let stuck = first.spawn(async move { send(&on_first).await });
    first.block_on(yield_now());
    assert_eq!(breather.snapshot("api").unwrap().queued(), 1);

    let done = second.block_on(async { timeout(2 * HOLD, send(&breather)).await });
    done.expect("its own alarm wakes the call");
    stuck.abort();
}

#[test]
fn call_dropped_outside_any_runtime_wakes_the_next() {
    let breather = Breather::default();
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let mut held = Vec::new();
    for _ in 0..30 {
        let mut call = breather.start(
            NewCall::new().with_origin("api").with_idempotent(true),
            TokioTimer,
            1,
        );
        runtime.block_on(call.ready()).unwrap();
        held.push(call);
    }
    drop(held);
    runtime.block_on(send(&breather));
    assert_eq!(breather.snapshot("api").unwrap().in_flight(), 0);
}
