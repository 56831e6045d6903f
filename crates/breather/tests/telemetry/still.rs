//! Calls that are not waited for.

use std::task::Waker;

use breather::{
    Breather, Hint, Outcome,
    driver::{ActiveCall, Alarm, Instant, Moment, NewCall, Timer, UnixTime, WallClock},
};

/// A clock that stands still, for calls that are not waited for.
#[derive(Clone)]
pub(crate) struct Still;

impl WallClock for Still {
    fn unix_time(&self) -> UnixTime {
        UnixTime::from_secs(1_800_000_000)
    }
}

impl Timer for Still {
    type Sleep = std::future::Pending<()>;

    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        std::future::pending()
    }

    fn set_alarm(&self, _: Alarm) {}
}

pub(crate) fn sent(breather: &Breather) -> ActiveCall<Still> {
    let mut call = breather.start(
        NewCall::new().with_origin("api").with_idempotent(true),
        Still,
        1,
    );
    let _ = call.poll_step(Waker::noop());
    call
}

/// Throttled with a header that is nobody's business, and waiting.
pub(crate) fn throttle(call: &mut ActiveCall<Still>) {
    let headers: [(&str, &[u8]); 1] = [("retry-after", b"7")];
    let hint = Hint::read(headers, Moment::new(Instant::ORIGIN));
    let _ = call.on_outcome(Outcome::throttled("status 429"), &hint);
}
