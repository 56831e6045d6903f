//! What remains of a window, and when it resets.

use super::*;

#[test]
fn no_more_is_sent_than_remains() {
    let mut pacer = pacer();
    let first = granted(&mut pacer, START);
    let now = START + 200 * MS;
    let _ = pacer.on_outcome(now, first, Outcome::success(), &said(now, 3, 9));
    let permits = [(); 3].map(|()| granted(&mut pacer, now));
    // By our own count nothing remains, although no answer said so yet. Resets are counted from the
    // sending.
    let (_, opens) = waits(&mut pacer, now);
    assert_eq!(opens, Some(START + 9 * SECOND));
    let later = now + 200 * MS;
    for (left, permit) in [2, 1, 0].into_iter().zip(permits) {
        let _ = pacer.on_outcome(later, permit, Outcome::success(), &said(later, left, 9));
    }
    // Of several resets the earliest is right.
    assert_eq!(pacer.opens_at(), Some(START + 9 * SECOND));
    assert_eq!(pacer.next_wake(), Some(START + 9 * SECOND));
}

#[test]
fn what_is_dropped_in_flight_stays_spent_until_a_later_answer_covers_it() {
    let mut pacer = pacer();
    let first = granted(&mut pacer, START);
    let _ = pacer.on_outcome(START, first, Outcome::success(), &said(START, 3, 9));
    let [dropped, second] = [(); 2].map(|()| granted(&mut pacer, START));
    pacer.on_drop(dropped);
    assert_eq!(pacer.in_flight(), 1);
    let last = granted(&mut pacer, START);
    let (ticket, opens) = waits(&mut pacer, START);
    assert!(opens.is_some());
    // Sent later than what was dropped, so that it would be counted by now.
    let _ = pacer.on_outcome(START + MS, last, Outcome::success(), &said(START, 1, 9));
    pacer.on_drop(second);
    assert_eq!(drain(&mut pacer, START + MS), [ticket]);
}

#[test]
fn answers_out_of_order_count_by_what_was_sent_last() {
    let mut pacer = pacer();
    let early = granted(&mut pacer, START);
    let late = granted(&mut pacer, START);
    let _ = pacer.on_outcome(
        START + 100 * MS,
        late,
        Outcome::success(),
        &said(START, 1, 9),
    );
    let _ = pacer.on_outcome(
        START + 200 * MS,
        early,
        Outcome::success(),
        &said(START, 2, 9),
    );
    let _last = granted(&mut pacer, START + 200 * MS);
    waits(&mut pacer, START + 200 * MS);
}

#[test]
fn a_window_that_gives_more_than_the_one_before_is_not_waited_for() {
    let mut pacer = pacer();
    let window = |now, remaining| {
        let window = Window::new("").with_limit(3).with_remaining(remaining);
        Hint::new(now).with_window(window.with_reset(9 * SECOND))
    };
    // Three a window, all of it ours; and a rejection takes 20 ms.
    for (remaining, permit) in [2, 1, 0]
        .into_iter()
        .zip([(); 3].map(|()| granted(&mut pacer, START)))
    {
        let _ = pacer.on_outcome(START, permit, Outcome::success(), &window(START, remaining));
    }
    let mut now = START + 9 * SECOND;
    let late = granted(&mut pacer, now);
    now = now + 20 * MS;
    let _ = pacer.on_outcome(
        now,
        late,
        throttled(),
        &window(now, 0).with_retry_after(SECOND),
    );
    now = pacer.next_wake().unwrap_or(now + 100 * MS);

    // The probe is not throttled in time, so that two more are sent blindly, and then no more.
    let probe = granted(&mut pacer, now);
    now = now + 50 * MS;
    let _blind = [(); 2].map(|()| granted(&mut pacer, now));
    let (ticket, opens) = waits(&mut pacer, now);
    assert_eq!((drain(&mut pacer, now), opens), (vec![], None));

    // But the new window gives six.
    now = now + 150 * MS;
    let six = Window::new("").with_limit(6).with_remaining(5);
    let hint = Hint::new(now).with_window(six.with_reset(9 * SECOND));
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &hint);
    assert_eq!(drain(&mut pacer, now), [ticket]);
}

#[test]
fn quota_that_comes_back_call_by_call_is_waited_for_call_by_call() {
    let mut pacer = pacer();
    let mut now = Instant::ORIGIN;
    // A bucket of 300 that gains 5 a second and says when it will be full.
    for (remaining, reset) in [(299, 1), (250, 10), (0, 60)] {
        answered(&mut pacer, now, remaining, reset);
    }
    let (ticket, opens) = waits(&mut pacer, now);
    let wake = pacer.next_wake().unwrap();
    assert_eq!(wake, now + SECOND / 5);
    assert_eq!(opens, Some(wake), "the server's words say so");
    now = wake;
    assert_eq!(drain(&mut pacer, now), [ticket]);
    let permit = pacer.request(now, ticket, WaitLimits::endless());
    assert!(matches!(permit, Admission::Send(_)));
    // And no more than one.
    waits(&mut pacer, now);
}

#[test]
fn where_rejections_alone_tell_a_hold_is_expected_to_give_what_the_one_before_gave() {
    let mut pacer = pacer();
    let mut now = START;
    let silent = |now| Hint::new(now);
    let sent: Vec<_> = (0..6).map(|_| granted(&mut pacer, now)).collect();
    for permit in sent {
        let _ = pacer.on_outcome(now, permit, Outcome::success(), &silent(now));
    }
    let permit = granted(&mut pacer, now);
    let hint = Hint::new(now).with_retry_after(SECOND);
    let _ = pacer.on_outcome(now, permit, throttled(), &hint);
    now = now + SECOND;
    let probe = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &silent(now));
    // Each answer permits two.
    let (sends, others) = sent_with_answers(&mut pacer, now, 3);
    assert_eq!(
        sends, 6,
        "as many as before, and one to see whether there are more"
    );
    let (_, opens) = waits(&mut pacer, now);
    assert_eq!(opens, None, "an estimate stops nobody");
    for permit in others {
        let _ = pacer.on_outcome(now, permit, Outcome::success(), &silent(now));
    }
    // None was throttled: two more may go, the one that waits and another.
    assert_eq!(drain(&mut pacer, now).len(), 1);
    let more = (0..20).map_while(|_| is_granted(&mut pacer, now)).count();
    assert_eq!(more, 1);
}

#[test]
fn what_an_epoch_is_expected_to_give_holds_nobody_up_if_answers_are_slow() {
    let mut pacer = pacer();
    let mut now = START;
    let permit = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now));
    let permit = granted(&mut pacer, now);
    let _ = pacer.on_outcome(
        now,
        permit,
        throttled(),
        &Hint::new(now).with_retry_after(SECOND),
    );
    now = now + SECOND;
    let probe = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &Hint::new(now));
    let _slow = granted(&mut pacer, now);
    let (ticket, _) = waits(&mut pacer, now);
    assert_eq!(pacer.next_wake(), Some(now + SECOND));
    now = now + SECOND;
    assert_eq!(pacer.poll_offer(now), Some(ticket));
}

#[test]
fn a_bucket_that_has_some_left_does_not_reset_now() {
    let mut pacer = pacer();
    // Its next token comes at once, since three are there.
    let permit = granted(&mut pacer, START);
    let sent: Vec<_> = (0..5).map(|_| granted(&mut pacer, START)).collect();
    let _ = pacer.on_outcome(START, permit, Outcome::success(), &said(START, 3, 0));
    let now = START + 20 * MS;
    assert_eq!(
        is_granted(&mut pacer, now).map(drop),
        None,
        "five are in flight"
    );
    for permit in sent {
        let _ = pacer.on_outcome(now, permit, throttled(), &said(now, 3, 0));
    }
    assert_eq!(
        pacer.concurrency(),
        1,
        "all of them were throttled, and none was forgotten"
    );
}

#[test]
fn others_who_use_the_quota_are_reckoned_with() {
    let mut pacer = pacer();
    let now = Instant::ORIGIN;
    // Each of ours costs two.
    for ours in 0..145 {
        answered(&mut pacer, now, 298 - 2 * ours, 60);
    }
    // Ten remain, and five of ours use them up.
    let in_flight: Vec<_> = (0..5).map(|_| granted(&mut pacer, now)).collect();
    waits(&mut pacer, now);
    drop(in_flight);
}
