//! Who is served next.

use super::*;

#[test]
fn the_oldest_call_goes_first_retries_included() {
    let mut pacer = pacer();
    let old = pacer.arrive();
    let Admission::Send(permit) = pacer.request(START, old, WaitLimits::endless()) else {
        panic!()
    };
    let _ = pacer.on_outcome(START, permit, throttled(), &said(START, 0, 9));
    let young: Vec<_> = (0..3).map(|_| waits(&mut pacer, START).0).collect();
    // The old call comes back last, and is served first.
    assert!(matches!(
        pacer.request(START + SECOND, old, WaitLimits::endless()),
        Admission::Wait { .. }
    ));
    let now = START + 9 * SECOND;
    assert_eq!(drain(&mut pacer, now), [old]);
    let Admission::Send(probe) = pacer.request(now, old, WaitLimits::endless()) else {
        panic!()
    };
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &said(now, 2, 60));
    assert_eq!(drain(&mut pacer, now), young[..2]);
}

#[test]
fn an_offer_that_nobody_takes_passes_on_and_its_call_keeps_its_place() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    let _ = pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
    let waiting = [(); 3].map(|()| waits(&mut pacer, START).0);
    let now = START + 9 * SECOND;
    assert_eq!(drain(&mut pacer, now), waiting[..1]);
    assert_eq!(pacer.next_wake(), Some(now + MS));
    assert_eq!(drain(&mut pacer, now + MS), waiting[1..2]);
    // The oldest asks after all: it is there, and of the younger one nobody knows.
    let turn = pacer.request(now + MS, waiting[0], WaitLimits::endless());
    assert!(matches!(turn, Admission::Send(_)));
    let turn = pacer.request(now + MS, waiting[1], WaitLimits::endless());
    assert!(matches!(turn, Admission::Wait { .. }));
}

#[test]
fn calls_that_need_longer_than_an_offer_stands_are_served_all_the_same() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    let _ = pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
    let mut waiting: Vec<_> = (0..50).map(|_| waits(&mut pacer, START).0).collect();
    // Whoever is named asks 2 ms later, and is done at once. The window is large enough for all.
    let mut asking: Vec<(Instant, Ticket)> = Vec::new();
    let mut now = START + 9 * SECOND;
    while !waiting.is_empty() {
        assert!(now < START + 10 * SECOND, "{} wait", waiting.len());
        while let Some(ticket) = pacer.poll_offer(now) {
            asking.push((now + 2 * MS, ticket));
        }
        let wake = pacer.next_wake();
        let next = asking.iter().map(|(at, _)| *at).chain(wake).min().unwrap();
        now = now.max(next);
        let due: Vec<_> = asking
            .iter()
            .copied()
            .filter(|(at, _)| *at <= now)
            .collect();
        asking.retain(|(at, _)| *at > now);
        for (_, ticket) in due {
            if !waiting.contains(&ticket) {
                continue;
            }
            if let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) {
                waiting.retain(|&waiting| waiting != ticket);
                let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 200, 9));
            }
        }
    }
}

#[test]
fn a_long_queue_is_not_woken_by_each_hold_that_it_outlasts() {
    let mut pacer = pacer();
    let mut now = START;
    let limits = WaitLimits::endless().with_longest(300 * SECOND);
    let permit = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 0, 60));
    for _ in 0..500 {
        let ticket = pacer.arrive();
        assert!(matches!(
            pacer.request(now, ticket, limits),
            Admission::Wait { .. }
        ));
    }
    // Windows of one call each: one is named a window, however long the others wait already.
    for window in 0..10 {
        now = pacer.next_wake().unwrap();
        let named = drain(&mut pacer, now);
        assert_eq!(named.len(), 1, "window {window}");
        let Admission::Send(permit) = pacer.request(now, named[0], limits) else {
            panic!()
        };
        let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 0, 60));
        assert_eq!(drain(&mut pacer, now), []);
    }
}

#[test]
fn call_that_was_throttled_does_not_probe_if_another_can() {
    let mut pacer = pacer();
    let locked = pacer.arrive();
    let endless = WaitLimits::endless();
    let Admission::Send(permit) = pacer.request(START, locked, endless) else {
        panic!()
    };
    let hint = |now| Hint::new(now).with_retry_after(3 * SECOND);
    let _ = pacer.on_outcome(START, permit, throttled(), &hint(START));
    let (other, _) = waits(&mut pacer, START);
    // The throttled call comes back in time, and is the oldest.
    let now = START + 3 * SECOND;
    assert!(matches!(
        pacer.request(now, locked, endless),
        Admission::Wait { .. }
    ));
    assert_eq!(drain(&mut pacer, now), [other]);
    let Admission::Send(probe) = pacer.request(now, other, endless) else {
        panic!()
    };
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &Hint::new(now));
    assert_eq!(drain(&mut pacer, now), [locked]);
    // It is throttled again, although the other one was accepted. Others need not wait.
    let Admission::Send(again) = pacer.request(now, locked, endless) else {
        panic!()
    };
    let _ = pacer.on_outcome(now, again, throttled(), &hint(now));
    let _free = granted(&mut pacer, now);
}

#[test]
fn a_scope_whose_old_attempts_hang_goes_on() {
    let mut pacer = pacer();
    let mut permits: Vec<_> = (0..AT_START).map(|_| granted(&mut pacer, START)).collect();
    // One is throttled for concurrency, one says that nothing remains, and the others never come back.
    let rejection = said(START, 200, 9);
    let _ = pacer.on_outcome(START, permits.pop().unwrap(), throttled(), &rejection);
    let spent = said(START, 0, 9);
    let _ = pacer.on_outcome(START, permits.pop().unwrap(), throttled(), &spent);
    let (ticket, _) = waits(&mut pacer, START);
    let mut now = START;
    while now < START + 60 * SECOND {
        now = pacer.next_wake().expect("it waits for something").max(now);
        if pacer.poll_offer(now) == Some(ticket) {
            return;
        }
    }
    panic!("the waiting call is never named");
}

#[test]
fn a_thousand_calls_that_are_never_polled_hold_up_nobody() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    let _ = pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
    for _ in 0..1_000 {
        waits(&mut pacer, START);
    }
    let (alive, _) = waits(&mut pacer, START);
    let mut now = START + 9 * SECOND;
    while pacer.poll_offer(now) != Some(alive) {
        now = pacer.next_wake().unwrap().max(now);
    }
    assert!(matches!(
        pacer.request(now, alive, WaitLimits::endless()),
        Admission::Send(_)
    ));
    // Only one may go before the window is known, so that each offer was made alone.
    assert_eq!(now, START + 9 * SECOND + 1_000 * MS);
}

#[test]
fn no_more_are_named_than_there_is_room_for() {
    let mut pacer = pacer();
    let permits: Vec<_> = (0..AT_START).map(|_| granted(&mut pacer, START)).collect();
    let waiting: Vec<_> = (0..100).map(|_| waits(&mut pacer, START).0).collect();
    assert_eq!(drain(&mut pacer, START), []);
    for permit in permits.into_iter().take(3) {
        let _ = pacer.on_outcome(START, permit, Outcome::success(), &Hint::new(START));
    }
    assert_eq!(drain(&mut pacer, START), waiting[..3]);
}

#[test]
fn a_waiter_hears_of_a_hold_beyond_its_patience() {
    let mut pacer = pacer();
    let permits: Vec<_> = (0..AT_START).map(|_| granted(&mut pacer, START)).collect();
    let [patient, hasty] = [(); 2].map(|()| pacer.arrive());
    let hasty_patience = WaitLimits::endless().with_longest(5 * SECOND);
    let _ = pacer.request(
        START,
        patient,
        WaitLimits::endless().with_deadline(START + 60 * SECOND),
    );
    let _ = pacer.request(START, hasty, hasty_patience);
    for permit in permits {
        let _ = pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
    }
    assert_eq!(drain(&mut pacer, START), [hasty]);
    let turn = pacer.request(START, hasty, hasty_patience);
    assert!(matches!(turn, Admission::Wait { opens: Some(_) }));
}

#[test]
fn no_more_wait_than_may() {
    let mut pacer = Pacer::new(Pacing::new().with_max_queued(2));
    let _held: Vec<_> = (0..AT_START).map(|_| granted(&mut pacer, START)).collect();
    let (first, _) = waits(&mut pacer, START);
    waits(&mut pacer, START);
    let third = pacer.arrive();
    assert!(matches!(
        pacer.request(START, third, WaitLimits::endless()),
        Admission::QueueFull
    ));
    // Whoever waits already may ask again, and who leaves makes room.
    assert!(matches!(
        pacer.request(START, first, WaitLimits::endless()),
        Admission::Wait { .. }
    ));
    pacer.leave(first);
    assert!(matches!(
        pacer.request(START, third, WaitLimits::endless()),
        Admission::Wait { .. }
    ));
}

/// Asks for a call with these limits, which has to wait.
fn waits_with(pacer: &mut Pacer, now: Instant, limits: WaitLimits) -> Ticket {
    let ticket = pacer.arrive();
    let turn = pacer.request(now, ticket, limits);
    assert!(matches!(turn, Admission::Wait { .. }), "{turn:?}");
    ticket
}

const BATCH: WaitLimits = WaitLimits::endless().with_priority(Priority::Batch);
const URGENT: WaitLimits = WaitLimits::endless().with_priority(Priority::Interactive);

#[test]
fn urgent_call_goes_before_a_batch_that_came_first() {
    let mut pacer = pacer();
    answered(&mut pacer, START, 0, 9);
    let batch = [(); 3].map(|()| waits_with(&mut pacer, START, BATCH));
    let (normal, _) = waits(&mut pacer, START);
    let urgent = waits_with(&mut pacer, START, URGENT);
    let now = START + 9 * SECOND;
    assert_eq!(drain(&mut pacer, now), [urgent]);
    let Admission::Send(probe) = pacer.request(now, urgent, URGENT) else {
        panic!()
    };
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &said(now, 3, 60));
    assert_eq!(drain(&mut pacer, now), [normal, batch[0], batch[1]]);
}

#[test]
fn offer_to_a_batch_call_is_revoked_for_an_urgent_one() {
    let mut pacer = pacer();
    answered(&mut pacer, START, 0, 9);
    let batch = waits_with(&mut pacer, START, BATCH);
    let now = START + 9 * SECOND;
    assert_eq!(drain(&mut pacer, now), [batch]);
    // The batch call does not ask within the next microsecond, but an urgent one does.
    let urgent = pacer.arrive();
    let turn = pacer.request(now, urgent, URGENT);
    assert!(matches!(turn, Admission::Send(_)), "{turn:?}");
    let turn = pacer.request(now, batch, BATCH);
    assert!(matches!(turn, Admission::Wait { .. }), "{turn:?}");
}

/// Lets a scope with a window of one in 10 s serve its queue for `windows`. More urgent calls never run out.
/// Returns how many batch calls are sent.
fn batch_calls_sent(windows: u32) -> usize {
    let mut pacer = pacer();
    answered(&mut pacer, START, 0, 10);
    let mut batch: Vec<_> = (0..10)
        .map(|_| waits_with(&mut pacer, START, BATCH))
        .collect();
    let all = batch.len();
    for window in 1..=windows {
        let now = START + window * 10 * SECOND;
        let _urgent = [(); 2].map(|()| waits_with(&mut pacer, now - SECOND, URGENT));
        let next = pacer.poll_offer(now).unwrap();
        let is_batch = batch.contains(&next);
        batch.retain(|&ticket| ticket != next);
        let limits = if is_batch { BATCH } else { URGENT };
        let turn = pacer.request(now, next, limits);
        let Admission::Send(permit) = turn else {
            panic!("{window} {is_batch} {turn:?} {pacer:?}")
        };
        let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 0, 10));
    }
    all - batch.len()
}

#[test]
fn batch_gets_one_in_sixteen_while_urgent_calls_wait() {
    assert_eq!(batch_calls_sent(15), 0);
    assert_eq!(batch_calls_sent(16), 1);
    assert_eq!(batch_calls_sent(64), 4);
}

#[test]
fn the_share_of_a_batch_is_not_revoked() {
    let mut pacer = pacer();
    answered(&mut pacer, START, 0, 10);
    let batch = waits_with(&mut pacer, START, BATCH);
    for window in 1..=16 {
        let now = START + window * 10 * SECOND;
        let urgent = waits_with(&mut pacer, now - SECOND, URGENT);
        let next = pacer.poll_offer(now).unwrap();
        if next == batch {
            assert_eq!(window, 16);
            let turn = pacer.request(now, urgent, URGENT);
            assert!(matches!(turn, Admission::Wait { .. }), "{turn:?}");
            let turn = pacer.request(now, batch, BATCH);
            assert!(matches!(turn, Admission::Send(_)), "{turn:?}");
            return;
        }
        let Admission::Send(permit) = pacer.request(now, next, URGENT) else {
            panic!()
        };
        let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 0, 10));
    }
    panic!("the batch got no share");
}

#[test]
fn retry_keeps_its_place_in_its_class_and_share() {
    let mut pacer = pacer();
    let of = |key| WaitLimits::endless().with_share(key);
    let old = pacer.arrive();
    let Admission::Send(permit) = pacer.request(START, old, of(1)) else {
        panic!()
    };
    let _ = pacer.on_outcome(START, permit, throttled(), &said(START, 0, 9));
    let others = [2, 2, 3, 1, 1].map(|key| waits_with(&mut pacer, START, of(key)));
    let turn = pacer.request(START + SECOND, old, of(1).with_retry(true));
    assert!(matches!(turn, Admission::Wait { .. }), "{turn:?}");
    let now = START + 9 * SECOND;
    assert_eq!(drain(&mut pacer, now), [old]);
    let Admission::Send(probe) = pacer.request(now, old, of(1)) else {
        panic!()
    };
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &said(now, 4, 60));
    let [a, b, c, d, _] = others;
    // The first key has had its turn in this round.
    assert_eq!(drain(&mut pacer, now), [a, c, b, d]);
}

#[test]
fn probe_that_may_be_throttled_is_of_the_batch() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    let _ = pacer.on_outcome(START, permit, throttled(), &Hint::new(START));
    waits_with(&mut pacer, START, URGENT);
    let batch = waits_with(&mut pacer, START, BATCH);
    let wake = pacer.next_wake().unwrap();
    assert_eq!(pacer.poll_offer(wake), Some(batch));
}
