//! Unfinished calls for tests.

use std::task::Waker;

use breather::{
    Breather, Hint, Outcome,
    driver::{ActiveCall, Instant, Moment, NewCall},
};
use breather_test::VirtualTimer;

pub(crate) fn sent(breather: &Breather) -> ActiveCall<VirtualTimer> {
    let mut call = breather.start(
        NewCall::new().with_origin("api").with_idempotent(true),
        VirtualTimer::default(),
        1,
    );
    let _ = call.poll_step(Waker::noop());
    call
}

/// Throttles the call with a header whose value must stay private, so that the call waits.
pub(crate) fn throttle(call: &mut ActiveCall<VirtualTimer>) {
    let headers: [(&str, &[u8]); 1] = [("retry-after", b"7")];
    let hint = Hint::read(headers, Moment::new(Instant::ORIGIN));
    let _ = call.on_outcome(Outcome::throttled("status 429"), &hint);
}
