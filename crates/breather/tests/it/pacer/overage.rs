//! Quotas whose overage is billed instead of throttled.

use super::*;

const DAYS: u32 = 22 * 86_400;

/// Accepts a call that leaves `remaining` of the month's quota.
fn accepts(pacer: &mut Pacer, now: Instant, remaining: u64) {
    answered(pacer, now, remaining, DAYS);
}

fn rejects(pacer: &mut Pacer, now: Instant) {
    let permit = granted(pacer, now);
    let _ = pacer.on_outcome(now, permit, throttled(), &said(now, 0, DAYS));
}

#[test]
fn two_acceptances_end_pacing_by_a_spent_window() {
    let mut pacer = pacer();
    accepts(&mut pacer, START, 0);
    // One probe at a time, and no call learns of the month.
    let probe = granted(&mut pacer, START);
    let (ticket, opens) = waits(&mut pacer, START);
    assert_eq!((opens, pacer.snapshot().is_probing()), (None, true));
    let _ = pacer.on_outcome(START + MS, probe, Outcome::success(), &said(START, 0, DAYS));
    assert_eq!(drain(&mut pacer, START + MS), [ticket]);
    let Admission::Send(probe) = pacer.request(START + MS, ticket, WaitLimits::endless()) else {
        panic!("not granted");
    };
    let (ticket, _) = waits(&mut pacer, START + MS);
    let hint = said(START, 0, DAYS);
    let _ = pacer.on_outcome(START + 2 * MS, probe, Outcome::success(), &hint);
    assert_eq!(drain(&mut pacer, START + 2 * MS), [ticket]);
    pacer.leave(ticket);
    let _many = [(); 20].map(|()| granted(&mut pacer, START + 3 * MS));
}

#[test]
fn one_rejection_restores_the_hold() {
    let mut pacer = pacer();
    for _ in 0..9 {
        accepts(&mut pacer, START, 0);
    }
    let late = granted(&mut pacer, START);
    rejects(&mut pacer, START);
    let (_, opens) = waits(&mut pacer, START);
    assert_eq!(opens, Some(START + DAYS * SECOND));
    assert_eq!(pacer.snapshot().remaining(), Some(0), "it counts again");
    // It was sent before the rejection was known.
    let _ = pacer.on_outcome(START + MS, late, Outcome::success(), &said(START, 0, DAYS));
    waits(&mut pacer, START + MS);
}

#[test]
fn rejected_probe_holds_until_the_reset_and_is_repeated_ever_later() {
    let mut pacer = pacer();
    let hour = 3_600;
    let mut now = START;
    let mut probed = Vec::new();
    for window in 0..40 {
        answered(&mut pacer, now, 0, hour);
        let ticket = pacer.arrive();
        if let Admission::Send(probe) = pacer.request(now, ticket, WaitLimits::endless()) {
            probed.push(window);
            let _ = pacer.on_outcome(now, probe, throttled(), &said(now, 0, hour));
        } else {
            pacer.leave(ticket);
        }
        assert!(pacer.snapshot().held_until().is_some(), "{window}");
        now = now + hour * SECOND + SECOND;
    }
    assert_eq!(probed, [0, 1, 3, 7, 15, 31]);
}

#[test]
fn short_windows_are_not_probed() {
    let mut pacer = pacer();
    answered(&mut pacer, START, 0, 60);
    assert_eq!(waits(&mut pacer, START).1, Some(START + 60 * SECOND));
}

#[test]
fn acceptance_of_an_attempt_that_was_in_flight_is_no_evidence() {
    let mut pacer = pacer();
    let early = [(); 5].map(|()| granted(&mut pacer, START));
    accepts(&mut pacer, START, 0);
    for permit in early {
        let _ = pacer.on_outcome(
            START + MS,
            permit,
            Outcome::success(),
            &said(START, 0, DAYS),
        );
    }
    let _probe = granted(&mut pacer, START + MS);
    waits(&mut pacer, START + MS);
}
