//! How long the pacer holds a scope, and what it sends after a hold.

use breather::hint::Unit;

use super::*;

/// How late the server of a [`late_pacer`] opens.
const LATE: Duration = Duration::from_millis(100);

/// Waits for a permit.
fn granted_at_last(pacer: &mut Pacer, now: &mut Instant) -> Permit {
    let ticket = pacer.arrive();
    loop {
        match pacer.request(*now, ticket, WaitLimits::endless()) {
            Admission::Send(permit) => return permit,
            Admission::Wait { .. } => *now = pacer.next_wake().unwrap(),
            Admission::QueueFull | Admission::Rejected { .. } => panic!("crowded"),
        }
    }
}

/// Returns when a call that waits is to ask again.
fn wake(pacer: &mut Pacer, now: Instant) -> Option<Instant> {
    let ticket = pacer.arrive();
    let turn = pacer.request(now, ticket, WaitLimits::endless());
    assert!(matches!(turn, Admission::Wait { .. }), "{turn:?}");
    let wake = pacer.next_wake();
    pacer.leave(ticket);
    wake
}

fn window(remaining: u64) -> Window<'static> {
    Window::new("").with_limit(300).with_remaining(remaining)
}

fn accept(pacer: &mut Pacer, now: Instant, permit: Permit, hint: &Hint<'_>) {
    let _ = pacer.on_outcome(now, permit, Outcome::success(), hint);
}

fn throttle(pacer: &mut Pacer, now: Instant, permit: Permit, hint: &Hint<'_>) {
    let _ = pacer.on_outcome(now, permit, Outcome::throttled("status 429"), hint);
}

/// Returns a pacer that knows that two in flight are not too many.
fn pacer_that_proved_two(now: Instant) -> Pacer {
    let mut pacer = Pacer::new(Pacing::default());
    for permit in [(); 2].map(|()| granted(&mut pacer, now)) {
        accept(&mut pacer, now, permit, &Hint::new(now));
    }
    pacer
}

/// Returns a pacer that has learned that the server opens [`LATE`] after it says so, and the time.
fn late_pacer() -> (Pacer, Instant) {
    let mut pacer = pacer_that_proved_two(START);
    let permit = granted(&mut pacer, START);
    accept(&mut pacer, START, permit, &said(START, 0, 9));
    let stated = START + 9 * SECOND;
    let early = granted(&mut pacer, stated);
    throttle(&mut pacer, stated, early, &said(stated, 0, 1));
    let opened = stated + LATE;
    assert_eq!(wake(&mut pacer, stated), Some(opened));
    let probe = granted(&mut pacer, opened);
    // The answer tells no window, so the test can tell all of it.
    accept(&mut pacer, opened, probe, &Hint::new(opened));
    (pacer, opened)
}

/// Asserts that the pacer holds until `opens`, as the server said, and for [`LATE`] after that.
fn assert_held_until(pacer: &mut Pacer, now: Instant, reason: HoldReason, opens: Instant) {
    let snapshot = pacer.snapshot();
    assert_eq!(snapshot.hold_reason(), Some(reason));
    assert_eq!(snapshot.opens_at(), Some(opens));
    assert_eq!(snapshot.held_until(), Some(opens + LATE));
    assert_eq!(wake(pacer, now), Some(opens + LATE));
    let ticket = pacer.arrive();
    for at in [opens - MS, opens, opens + LATE - MS] {
        let turn = pacer.request(at, ticket, WaitLimits::endless());
        assert!(matches!(turn, Admission::Wait { .. }), "{turn:?} at {at}");
    }
    let turn = pacer.request(opens + LATE, ticket, WaitLimits::endless());
    assert!(matches!(turn, Admission::Send(_)), "{turn:?}");
}

#[test]
fn spent_window_is_held_as_late_as_the_server_opens() {
    let (mut pacer, now) = late_pacer();
    let permit = granted(&mut pacer, now);
    accept(&mut pacer, now, permit, &said(now, 0, 9));
    assert_held_until(&mut pacer, now, HoldReason::Spent, now + 9 * SECOND);
}

#[test]
fn hold_that_an_earlier_reset_moves_stays_as_late() {
    let (mut pacer, now) = late_pacer();
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, now));
    accept(&mut pacer, now, first, &said(now, 0, 9));
    accept(&mut pacer, now, second, &said(now, 0, 8));
    assert_held_until(&mut pacer, now, HoldReason::Spent, now + 8 * SECOND);
}

#[test]
fn hold_without_a_reset_is_as_late_once_an_answer_states_one() {
    let (mut pacer, now) = late_pacer();
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, now));
    let silent = Hint::new(now).with_window(window(0));
    accept(&mut pacer, now, first, &silent);
    assert_eq!(pacer.snapshot().hold_reason(), Some(HoldReason::Spent));
    assert_eq!(pacer.opens_at(), None);
    accept(&mut pacer, now, second, &said(now, 0, 9));
    assert_held_until(&mut pacer, now, HoldReason::Spent, now + 9 * SECOND);
}

#[test]
fn rejection_is_held_as_late_as_the_server_opens() {
    let (mut pacer, now) = late_pacer();
    let permit = granted(&mut pacer, now);
    let hint = Hint::new(now).with_retry_after(9 * SECOND);
    throttle(&mut pacer, now, permit, &hint);
    assert_held_until(&mut pacer, now, HoldReason::Throttled, now + 9 * SECOND);
}

#[test]
fn rejection_that_a_second_one_tightens_stays_as_late() {
    for (one, other) in [(9, 8), (8, 9)] {
        let (mut pacer, now) = late_pacer();
        let permits = [(); 2].map(|()| granted(&mut pacer, now));
        for (permit, delay) in permits.into_iter().zip([one, other]) {
            let hint = Hint::new(now).with_retry_after(delay * SECOND);
            throttle(&mut pacer, now, permit, &hint);
        }
        // Both name one instant, rounded up, so the earlier one is right.
        assert_held_until(&mut pacer, now, HoldReason::Throttled, now + 8 * SECOND);
    }
}

#[test]
fn rejection_that_a_reset_tightens_stays_as_late() {
    let (mut pacer, now) = late_pacer();
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, now));
    let hint = Hint::new(now).with_retry_after(9 * SECOND);
    throttle(&mut pacer, now, first, &hint);
    accept(&mut pacer, now, second, &said(now, 0, 8));
    assert_held_until(&mut pacer, now, HoldReason::Throttled, now + 8 * SECOND);
}

#[test]
fn later_of_two_rejections_holds_the_scope() {
    for (one, other) in [(10, 60), (60, 10)] {
        let mut pacer = pacer_that_proved_two(START);
        let permits = [(); 2].map(|()| granted(&mut pacer, START));
        for (permit, delay) in permits.into_iter().zip([one, other]) {
            let hint = Hint::new(START).with_retry_after(delay * SECOND);
            throttle(&mut pacer, START, permit, &hint);
        }
        assert_eq!(
            pacer.opens_at(),
            Some(START + 60 * SECOND),
            "{one} and {other}"
        );
        assert_eq!(wake(&mut pacer, START), Some(START + 60 * SECOND));
    }
}

#[test]
fn bucket_that_throttles_is_waited_for_longer() {
    let mut pacer = Pacer::new(Pacing::default());
    let answer = |pacer: &mut Pacer, now, remaining, reset| {
        let permit = granted(pacer, now);
        accept(pacer, now, permit, &said(now, remaining, reset));
    };
    // A bucket of 300 that gains five a second, and says when it will be full.
    for (remaining, reset) in [(299, 1), (250, 10), (0, 60)] {
        answer(&mut pacer, START, remaining, reset);
    }
    let mut per_call = SECOND / 5;
    let mut now = START;
    for _ in 0..3 {
        let next = wake(&mut pacer, now).unwrap();
        assert_eq!(next, now + per_call);
        // The bucket should have gained a call by now.
        let permit = granted(&mut pacer, next);
        throttle(&mut pacer, next, permit, &Hint::new(next));
        per_call = per_call + per_call / 16;
        now = next;
        let permit = granted_at_last(&mut pacer, &mut now);
        accept(&mut pacer, now, permit, &said(now, 0, 60));
        // An acceptance takes a little of that back.
        per_call -= (per_call - SECOND / 5) / 128;
    }
}

// When a hold begins and ends.

#[test]
fn rejection_with_another_window_spent_is_for_quota() {
    let mut pacer = Pacer::new(Pacing::default());
    let [first, _second] = [(); 2].map(|()| granted(&mut pacer, START));
    let tokens = Window::new("tokens")
        .with_unit(Unit::Tokens)
        .with_remaining(0)
        .with_reset(9 * SECOND);
    throttle(
        &mut pacer,
        START,
        first,
        &said(START, 5, 60).with_window(tokens),
    );
    assert_eq!(pacer.opens_at(), Some(START + 9 * SECOND));
    assert_eq!(pacer.snapshot().cap(), None);
}

#[test]
fn answer_of_an_earlier_epoch_ends_no_probe_and_begins_no_hold() {
    let mut pacer = pacer_that_proved_two(START);
    let [slow, throttled] = [(); 2].map(|()| granted(&mut pacer, START));
    let hint = Hint::new(START).with_retry_after(9 * SECOND);
    throttle(&mut pacer, START, throttled, &hint);
    let now = START + 9 * SECOND;
    let probe = granted(&mut pacer, now);
    // It tells of the window before the hold.
    accept(&mut pacer, now, slow, &said(START, 0, 60));
    assert!(pacer.snapshot().is_probing());
    assert_eq!(pacer.snapshot().remaining(), None);
    accept(&mut pacer, now, probe, &said(now, 299, 60));
    assert_eq!(pacer.snapshot().hold_reason(), None);
    assert_eq!(
        (pacer.snapshot().remaining(), pacer.in_flight()),
        (Some(299), 0)
    );
}

#[test]
fn spent_window_without_a_reset_waits_for_answers_in_flight() {
    let mut pacer = Pacer::new(Pacing::default());
    let [first, second, third] = [(); 3].map(|()| granted(&mut pacer, START));
    let spent = Hint::new(START).with_window(window(0));
    accept(&mut pacer, START, third, &spent);
    // The answers in flight will tell when it resets.
    assert_eq!(wake(&mut pacer, START), Some(START + SECOND));
    let now = START + 20 * MS;
    accept(&mut pacer, now, first, &Hint::new(now));
    assert_eq!(wake(&mut pacer, now), Some(START + SECOND));
    // None of them told, so the pacer stops waiting for answers.
    accept(&mut pacer, now, second, &Hint::new(now));
    assert_eq!(wake(&mut pacer, now), Some(now + 250 * MS));
}

#[test]
fn spent_window_without_a_reset_pauses_the_scope() {
    let mut pacer = Pacer::new(Pacing::default());
    let permit = granted(&mut pacer, START);
    let spent = Hint::new(START).with_window(window(0));
    accept(&mut pacer, START, permit, &spent);
    assert_eq!(pacer.opens_at(), None, "an estimate stops nobody");
    assert_eq!(wake(&mut pacer, START), Some(START + 250 * MS));
}

#[test]
fn spent_window_that_resets_now_is_probed_now() {
    let mut pacer = Pacer::new(Pacing::default());
    let permit = granted(&mut pacer, START);
    accept(&mut pacer, START, permit, &said(START, 0, 0));
    let _permit = granted(&mut pacer, START);
    assert!(pacer.snapshot().is_probing());
}

#[test]
fn reset_of_another_window_does_not_end_a_hold() {
    let mut pacer = Pacer::new(Pacing::default());
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, START));
    let named = |name, remaining, reset| {
        let window = Window::new(name).with_limit(300).with_remaining(remaining);
        Hint::new(START).with_window(window.with_reset(reset * SECOND))
    };
    accept(&mut pacer, START, first, &named("minute", 5, 9));
    accept(&mut pacer, START, second, &named("hour", 0, 10));
    assert_eq!(pacer.opens_at(), Some(START + 10 * SECOND));
}

#[test]
fn hold_that_was_moved_is_probed_again_soon_after_its_new_end() {
    let mut pacer = Pacer::new(Pacing::default());
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, START));
    accept(&mut pacer, START, first, &said(START, 0, 9));
    accept(&mut pacer, START, second, &said(START, 0, 8));
    let now = START + 8 * SECOND;
    let probe = granted(&mut pacer, now);
    throttle(&mut pacer, now, probe, &said(now, 0, 1));
    assert_eq!(wake(&mut pacer, now), Some(now + 100 * MS));
}

#[test]
fn guessed_rest_becomes_longer_if_probes_are_throttled() {
    let mut pacer = pacer_that_proved_two(START);
    let permit = granted(&mut pacer, START);
    throttle(&mut pacer, START, permit, &Hint::new(START));
    assert_eq!(pacer.snapshot().held_until(), Some(START + 250 * MS));
    // The server lets no call in for two seconds.
    let mut now = START;
    loop {
        let probe = granted_at_last(&mut pacer, &mut now);
        if now >= START + 2 * SECOND {
            accept(&mut pacer, now, probe, &Hint::new(now));
            break;
        }
        throttle(&mut pacer, now, probe, &Hint::new(now));
    }
    let permit = granted(&mut pacer, now);
    throttle(&mut pacer, now, permit, &Hint::new(now));
    let rest = pacer.snapshot().held_until().unwrap().duration_since(now);
    assert!(rest > 500 * MS && rest < 2 * SECOND, "{rest:?}");
}

// After a hold.

fn waiting(pacer: &mut Pacer, now: Instant) -> Ticket {
    let ticket = pacer.arrive();
    let turn = pacer.request(now, ticket, WaitLimits::endless());
    assert!(matches!(turn, Admission::Wait { .. }), "{turn:?}");
    ticket
}

#[test]
fn oldest_call_probes_first_although_its_probe_was_throttled_before_the_last_hold() {
    let mut pacer = Pacer::new(Pacing::default());
    let permit = granted(&mut pacer, START);
    accept(&mut pacer, START, permit, &said(START, 0, 9));
    let oldest = waiting(&mut pacer, START);
    let younger = waiting(&mut pacer, START);
    let mut now = START + 9 * SECOND;
    assert_eq!(drain(&mut pacer, now), [oldest]);
    let Admission::Send(probe) = pacer.request(now, oldest, WaitLimits::endless()) else {
        panic!("not granted")
    };
    throttle(&mut pacer, now, probe, &said(now, 0, 1));
    let turn = pacer.request(now, oldest, WaitLimits::endless());
    assert!(matches!(turn, Admission::Wait { .. }));

    // The next younger call probes, and uses up the window.
    now = pacer.next_wake().unwrap();
    assert_eq!(drain(&mut pacer, now), [younger]);
    let Admission::Send(probe) = pacer.request(now, younger, WaitLimits::endless()) else {
        panic!("not granted")
    };
    accept(&mut pacer, now, probe, &said(now, 0, 9));
    let youngest = waiting(&mut pacer, now);
    now = pacer.next_wake().unwrap();
    assert_eq!(drain(&mut pacer, now), [oldest], "and not {youngest:?}");
}

#[test]
fn time_of_a_hold_does_not_raise_the_limit_in_flight() {
    let mut pacer = Pacer::new(Pacing::default());
    let mut permits: Vec<_> = (0..30).map(|_| granted(&mut pacer, START)).collect();
    let tickets: Vec<_> = (0..60).map(|_| waiting(&mut pacer, START)).collect();
    let throttled = permits.pop().unwrap();
    throttle(&mut pacer, START, throttled, &said(START, 0, 9));
    for permit in permits {
        pacer.on_drop(permit);
    }
    let now = START + 9 * SECOND;
    assert_eq!(drain(&mut pacer, now), tickets[..1]);
    let Admission::Send(probe) = pacer.request(now, tickets[0], WaitLimits::endless()) else {
        panic!("not granted")
    };
    accept(&mut pacer, now, probe, &said(now, 299, 60));
    assert_eq!(drain(&mut pacer, now), tickets[1..=30]);
    assert_eq!(pacer.concurrency(), 30);
}

#[test]
fn counted_window_limits_no_silent_one() {
    let mut pacer = Pacer::new(Pacing::default());
    for remaining in (0..5).rev() {
        let permit = granted(&mut pacer, START);
        accept(&mut pacer, START, permit, &said(START, remaining, 9));
    }
    let now = START + 9 * SECOND;
    let probe = granted(&mut pacer, now);
    accept(&mut pacer, now, probe, &Hint::new(now));
    let _more: Vec<_> = (0..20).map(|_| granted(&mut pacer, now)).collect();
}

#[test]
fn silent_probe_lets_others_go_when_twice_the_time_of_a_rejection_is_over() {
    let mut pacer = Pacer::new(Pacing::default());
    let window = |now, remaining| {
        let window = Window::new("").with_limit(3).with_remaining(remaining);
        Hint::new(now).with_window(window.with_reset(9 * SECOND))
    };
    // A window gives three, and we use all of it.
    for remaining in [2, 1, 0] {
        let permit = granted(&mut pacer, START);
        accept(&mut pacer, START, permit, &window(START, remaining));
    }
    let mut now = START + 9 * SECOND;
    let late = granted(&mut pacer, now);
    now = now + 20 * MS;
    throttle(
        &mut pacer,
        now,
        late,
        &window(now, 0).with_retry_after(SECOND),
    );
    now = wake(&mut pacer, now).unwrap();
    let _probe = granted(&mut pacer, now);
    assert_eq!(wake(&mut pacer, now), Some(now + 40 * MS));
    wake(&mut pacer, now + 39 * MS);
    let _permit = granted(&mut pacer, now + 40 * MS);
}

#[test]
fn throttled_attempts_are_not_taken_for_a_share_of_the_window() {
    let mut pacer = Pacer::new(Pacing::default());
    let window = |remaining| {
        let window = Window::new("").with_limit(14).with_remaining(remaining);
        Hint::new(START).with_window(window.with_reset(9 * SECOND))
    };
    // The server throttles three because too many are in flight. Others use three of the fourteen.
    let mut sent: Vec<_> = (0..12).map(|_| granted(&mut pacer, START)).collect();
    for permit in sent.drain(9..) {
        throttle(&mut pacer, START, permit, &window(11));
    }
    for (permit, remaining) in sent.into_iter().zip((2..11).rev()) {
        accept(&mut pacer, START, permit, &window(remaining));
    }
    for remaining in [1, 0] {
        let permit = granted(&mut pacer, START);
        accept(&mut pacer, START, permit, &window(remaining));
    }
    let now = START + 9 * SECOND;
    let _probe = granted(&mut pacer, now);
    // The next window may leave fewer, so the pacer waits for the answer to the probe.
    waiting(&mut pacer, now + 100 * MS);
}

#[test]
fn silent_probe_lets_others_go_although_others_use_a_little_of_the_window() {
    let mut pacer = Pacer::new(Pacing::default());
    let permit = granted(&mut pacer, START);
    // Others use four of a hundred.
    let window = Window::new("").with_limit(100).with_remaining(95);
    let hint = Hint::new(START).with_window(window.with_reset(60 * SECOND));
    accept(&mut pacer, START, permit, &hint);
    let permit = granted(&mut pacer, START);
    let hint = Hint::new(START).with_retry_after(9 * SECOND);
    throttle(&mut pacer, START, permit, &hint);
    let now = START + 9 * SECOND;
    let _probe = granted(&mut pacer, now);
    assert_eq!(wake(&mut pacer, now), Some(now + 5 * MS));
    let _permit = granted(&mut pacer, now + 5 * MS);
}

#[test]
fn others_who_are_first_at_a_window_of_one_make_no_server_late() {
    let mut pacer = Pacer::new(Pacing::default());
    let window = |now| {
        let window = Window::new("").with_limit(1).with_remaining(0);
        Hint::new(now).with_window(window.with_reset(SECOND))
    };
    let permit = granted(&mut pacer, START);
    accept(&mut pacer, START, permit, &window(START));
    let mut now = START;
    for _ in 0..4 {
        let early = granted_at_last(&mut pacer, &mut now);
        throttle(&mut pacer, now, early, &window(now));
        let probe = granted_at_last(&mut pacer, &mut now);
        accept(&mut pacer, now, probe, &window(now));
    }
    let probe = granted_at_last(&mut pacer, &mut now);
    let hint = Hint::new(now).with_retry_after(9 * SECOND);
    throttle(&mut pacer, now, probe, &hint);
    assert_eq!(pacer.opens_at(), Some(now + 9 * SECOND));
    assert_eq!(pacer.snapshot().held_until(), Some(now + 9 * SECOND));
}

// Windows, and buckets that look like them.

/// Whether the pacer expects calls to come back one by one. Each answer says how many of 300 remain, and the reset.
fn is_bucket(answers: &[(u64, u32)]) -> bool {
    let mut pacer = Pacer::new(Pacing::default());
    for &(remaining, reset) in answers {
        let permit = granted(&mut pacer, START);
        accept(&mut pacer, START, permit, &said(START, remaining, reset));
    }
    let before = pacer.snapshot().remaining();
    let _later = granted(&mut pacer, START + SECOND);
    pacer.snapshot().remaining() > before
}

#[test]
fn window_that_begins_anew_is_no_bucket() {
    // The reset is later, although no more calls are used.
    assert!(!is_bucket(&[(290, 2), (290, 4)]));
    // Rounding explains the later reset.
    assert!(!is_bucket(&[(299, 1), (298, 2)]));
    assert!(is_bucket(&[(299, 1), (250, 10)]));
    // The last answer does not fit the bucket.
    assert!(!is_bucket(&[(299, 1), (250, 10), (240, 60)]));
}

#[test]
fn short_resets_of_a_bucket_make_no_call_come_back_earlier() {
    let mut pacer = Pacer::new(Pacing::default());
    // The third one is rounded down to a second.
    for (remaining, reset) in [(299, 1), (250, 10), (285, 1), (0, 60)] {
        let permit = granted(&mut pacer, START);
        accept(&mut pacer, START, permit, &said(START, remaining, reset));
    }
    assert_eq!(wake(&mut pacer, START), Some(START + SECOND / 5));
}
