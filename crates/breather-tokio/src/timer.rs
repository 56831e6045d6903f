//! The clock and timer of tokio.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use breather::driver::{Alarm, Instant, Timer, UnixTime, WallClock};
use tokio::runtime::Handle;
use tokio::time;

/// The clock and timer of tokio.
///
/// All timers of a process use the same origin, so any number of runtimes and adapters can share a
/// [`Breather`](breather::Breather).
///
/// # Panics
///
/// `sleep_until` panics outside of a tokio runtime with an enabled time driver, like tokio's own
/// `sleep`. You can read the clock anywhere.
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
    reason = "the type has one value and nothing to configure"
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
        // Count from now, because both clocks may have different origins. Cap the wait, because
        // tokio's own arithmetic is bounded too.
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
        // A call can be dropped outside of any runtime. This also drops the alarm, and a waiting
        // call sets another.
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

/// The origin of all readings.
///
/// Paused clocks of different runtimes can differ. The origin lies a day before the first reading,
/// if the system's clock goes back that far, so that no reading is before the origin.
static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(|| {
    let now = std::time::Instant::now();
    now.checked_sub(BEFORE).unwrap_or(now)
});

const BEFORE: Duration = Duration::from_secs(86_400);

const LONGEST_SLEEP: Duration = Duration::from_secs(365 * 86_400);
