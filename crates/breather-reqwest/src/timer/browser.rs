//! A browser's clock and timer.

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

/// A browser's clock and timer: `performance.now()`, `Date.now()` and `setTimeout`.
///
/// Pages, workers, Node and Deno have them.
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
    reason = "it is its only value, and has nothing to configure"
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
        // The timeouts of a worker end with it. Where workers share memory, they are threads.
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

/// A wait of a [`BrowserTimer`]. Dropped, it clears its timeout.
///
/// It is not `Send`: a timeout belongs to the page or worker that set it.
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
            // The clock has the last word. Browsers coarsen it, some to a tenth of a second, and a timeout
            // may then be over before the clock shows it; and a long wait takes several.
            let left = self.at.duration_since(BrowserTimer.now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            self.timeout = Some(TimeoutFuture::new(timeout_ms(left)));
        }
    }
}

/// The delay for `setTimeout`: rounded up, so that what is left is no wait of zero, again and again.
fn timeout_ms(left: Duration) -> u32 {
    let ms = left.as_nanos().div_ceil(1_000_000);
    u32::try_from(ms).map_or(LONGEST_TIMEOUT_MS, |ms| ms.min(LONGEST_TIMEOUT_MS))
}

/// What is longer, `setTimeout` takes for zero.
const LONGEST_TIMEOUT_MS: u32 = i32::MAX as u32;

static ORIGIN: LazyLock<web_time::Instant> = LazyLock::new(web_time::Instant::now);
