//! Calls that are throttled although the server accepts others.

use breather::driver::{Call, CallSpec, Decision};
use breather::{EndReason, Policy};

use super::*;

/// Has `pacer` send the call at `ticket`, which is answered at once.
fn ends(
    pacer: &mut Pacer,
    now: Instant,
    ticket: Ticket,
    outcome: Outcome,
    hint: &Hint<'_>,
) -> Outcome {
    let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else {
        panic!("not granted");
    };
    pacer.on_outcome(now, permit, outcome, hint)
}

/// Has a call throttled again and again, with others accepted between. Returns how often, and the reason for its end.
fn rejections_until_end(hint: impl Fn(Instant) -> Hint<'static>) -> (u32, EndReason) {
    let mut pacer = pacer();
    let mut now = START;
    let mut call = Call::new(
        Policy::default(),
        CallSpec::new().with_paced(true),
        1,
        START,
    );
    let ticket = pacer.arrive();
    loop {
        call.on_sent(now);
        let hint = hint(now);
        let outcome = ends(&mut pacer, now, ticket, throttled(), &hint);
        let opens = pacer.opens_at();
        let wait = match call.on_outcome(now, outcome, &hint, opens) {
            Decision::Retry(wait) => wait,
            Decision::End(end) => return (call.report().throttled(), end.reason()),
        };
        now = wait
            .until()
            .max(pacer.next_wake().unwrap_or(now))
            .max(now + 30 * SECOND);
        for _ in 0..6 {
            let other = pacer.arrive();
            let accepted = Outcome::success();
            let _ = ends(&mut pacer, now, other, accepted, &said(now, 250, 60));
        }
    }
}

#[test]
fn call_that_is_throttled_alone_although_quota_is_left_ends_early() {
    let left = |now| said(now, 250, 60).with_retry_after(SECOND);
    let (rejections, reason) = rejections_until_end(left);
    // The first one may have been for another reason.
    assert_eq!((rejections, reason), (5, EndReason::ThrottledAlone));
}

#[test]
fn call_that_is_throttled_alone_without_a_word_of_quota_goes_on() {
    let silent = |now| Hint::new(now).with_retry_after(SECOND);
    let (rejections, reason) = rejections_until_end(silent);
    let most = Policy::default().max_throttles();
    assert_eq!((rejections, reason), (most + 1, EndReason::MaxThrottles));
}

#[test]
fn call_does_not_test_the_hold_that_it_caused() {
    let mut pacer = pacer();
    let ticket = pacer.arrive();
    let mut now = START;
    for _ in 0..2 {
        let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else {
            panic!("the call is alone")
        };
        let _ = pacer.on_outcome(now, permit, throttled(), &Hint::new(now));
        let turn = pacer.request(now, ticket, WaitLimits::endless());
        assert!(matches!(turn, Admission::Wait { .. }), "{turn:?}");
        let opens = pacer.next_wake().unwrap();
        pacer.leave(ticket);
        if now > START {
            assert!(is_granted(&mut pacer, now).is_some(), "another call may");
        }
        now = opens;
    }
}
