//! The clock and timer of a browser.

use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use breather::driver::{Alarm, Instant, Timer, UnixTime, WallClock};
use gloo_timers::future::TimeoutFuture;
use web_time::SystemTime;
use web_time::web::SystemTimeExt as _;

/// The clock and timer of a browser.
///
/// It uses `performance.now()`, `Date.now()` and `setTimeout`. Pages, workers, Node and Deno have
/// these functions.
///
/// # Example
///
/// ```no_run
/// use breather_reqwest::BrowserTimer;
/// use breather_reqwest::breather::driver::Timer;
/// use std::time::Duration;
///
/// # async fn example() {
/// let start = BrowserTimer.now();
/// BrowserTimer.sleep_until(start + Duration::from_millis(2)).await;
/// assert!(BrowserTimer.now().duration_since(start) >= Duration::from_millis(2));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the type has one value and nothing to configure"
)]
pub struct BrowserTimer;

impl WallClock for BrowserTimer {
    fn unix_time(&self) -> UnixTime {
        UnixTime::from(SystemTime::now().to_std())
    }
}

impl Timer for BrowserTimer {
    type Sleep = BrowserSleep;

    fn now(&self) -> Instant {
        let now = web_time::Instant::now();
        Instant::ORIGIN + now.saturating_duration_since(*ORIGIN)
    }

    fn sleep_until(&self, at: Instant) -> BrowserSleep {
        BrowserSleep { at, timeout: None }
    }

    fn domain(&self) -> u64 {
        // A worker's timeouts end with the worker. Workers that share memory are threads.
        let mut hasher = DefaultHasher::new();
        thread::current().id().hash(&mut hasher);
        hasher.finish()
    }

    fn set_alarm(&self, mut alarm: Alarm) {
        wasm_bindgen_futures::spawn_local(async move {
            let mut at = alarm.at();
            loop {
                Self.sleep_until(at).await;
                match alarm.ring(Self.now()) {
                    Some(next) => at = next,
                    None => break,
                }
            }
        });
    }
}

/// A sleep of a [`BrowserTimer`].
///
/// Dropping it clears its timeout. It is not `Send`, because a timeout belongs to the page or
/// worker that set it.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct BrowserSleep {
    at: Instant,
    timeout: Option<TimeoutFuture>,
}

impl Future for BrowserSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(timeout) = &mut self.timeout {
                ready!(Pin::new(timeout).poll(cx));
                self.timeout = None;
            }
            // Check the clock after each timeout. Browsers coarsen the clock, some to a tenth of a
            // second, so a timeout can end before the clock shows it. A long sleep takes several
            // timeouts.
            let left = self.at.duration_since(BrowserTimer.now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            self.timeout = Some(TimeoutFuture::new(timeout_ms(left)));
        }
    }
}

/// Returns the delay for `setTimeout`, rounded up. A delay of 0 ms would make the sleep spin.
fn timeout_ms(left: Duration) -> u32 {
    let ms = left.as_nanos().div_ceil(1_000_000);
    u32::try_from(ms).map_or(LONGEST_TIMEOUT_MS, |ms| ms.min(LONGEST_TIMEOUT_MS))
}

/// The longest delay that `setTimeout` accepts. It treats longer ones as 0.
const LONGEST_TIMEOUT_MS: u32 = i32::MAX as u32;

static ORIGIN: LazyLock<web_time::Instant> = LazyLock::new(web_time::Instant::now);
