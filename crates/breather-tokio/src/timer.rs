//! Tokio's clock and timer.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use breather::driver::{Alarm, Instant, Timer, UnixTime, WallClock};
use tokio::runtime::Handle;
use tokio::time;

/// Tokio's clock and timer.
///
/// All of a process read one clock with one origin, so that any number of runtimes and adapters can
/// share a [`Breather`](breather::Breather).
///
/// # Panics
///
/// Waiting needs a tokio runtime with its time driver on, as tokio's own `sleep` does; outside of one,
/// `sleep_until` panics. Reading the clock does not.
///
/// # Example
///
/// ```
/// use breather::driver::Timer;
/// use breather_tokio::TokioTimer;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let start = TokioTimer.now();
/// TokioTimer.sleep_until(start + Duration::from_millis(2)).await;
/// assert!(TokioTimer.now().duration_since(start) >= Duration::from_millis(2));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is its only value, and has nothing to configure"
)]
pub struct TokioTimer;

impl WallClock for TokioTimer {
    fn unix_time(&self) -> UnixTime {
        UnixTime::from(SystemTime::now())
    }
}

impl Timer for TokioTimer {
    type Sleep = time::Sleep;

    fn now(&self) -> Instant {
        let now = time::Instant::now().into_std();
        Instant::ORIGIN + now.saturating_duration_since(*ORIGIN)
    }

    fn sleep_until(&self, at: Instant) -> time::Sleep {
        // Counted from now, so that both clocks need not share an origin; capped, since tokio's own
        // arithmetic is bounded too.
        let now = time::Instant::now();
        let wait = at.duration_since(self.now()).min(LONGEST_SLEEP);
        time::sleep_until(now + wait)
    }

    fn domain(&self) -> u64 {
        let runtime = Handle::try_current().map(|runtime| runtime.id());
        let mut hasher = DefaultHasher::new();
        runtime.ok().hash(&mut hasher);
        hasher.finish()
    }

    fn set_alarm(&self, mut alarm: Alarm) {
        // A call may be dropped outside of any runtime. The alarm is then dropped too, and whoever waits
        // sets another.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
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

/// Paused clocks of different runtimes are set apart from one another; the origin lies long before the
/// first reading, if the system's clock goes so far back, so that none is cut off.
static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(|| {
    let now = std::time::Instant::now();
    now.checked_sub(BEFORE).unwrap_or(now)
});

const BEFORE: Duration = Duration::from_secs(86_400);

const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 86_400);
