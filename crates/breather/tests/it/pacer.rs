//! What a scope's pacer learns, and what it then does.

use std::cell::Cell;
use std::iter;
use std::time::Duration;

use breather::{
    Executed, Hint, HoldReason, Outcome, Pace, Pacing,
    driver::{Admission, Instant, Pacer, Permit, Ticket, WaitLimits},
    hint::Window,
};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// How many a pacer that knows nothing lets be in flight.
const AT_START: usize = 30;

const START: Instant = Instant::from_nanos(1_000_000_000);

fn pacer() -> Pacer {
    Pacer::new(Pacing::default())
}

fn granted(pacer: &mut Pacer, now: Instant) -> Permit {
    let ticket = pacer.arrive();
    match pacer.request(now, ticket, WaitLimits::endless()) {
        Admission::Send(permit) => permit,
        other => panic!("not granted: {other:?}"),
    }
}

fn waits(pacer: &mut Pacer, now: Instant) -> (Ticket, Option<Instant>) {
    let ticket = pacer.arrive();
    match pacer.request(now, ticket, WaitLimits::endless()) {
        Admission::Wait { opens } => (ticket, opens),
        other => panic!("does not wait: {other:?}"),
    }
}

fn said(now: Instant, remaining: u64, reset: u32) -> Hint<'static> {
    let window = Window::new("").with_limit(300).with_remaining(remaining);
    Hint::new(now).with_window(window.with_reset(reset * SECOND))
}

fn throttled() -> Outcome {
    Outcome::throttled("status 429")
}

/// Grants as many as there is room for, through the order of waiting.
fn drain(pacer: &mut Pacer, now: Instant) -> Vec<Ticket> {
    iter::from_fn(|| pacer.poll_offer(now)).collect()
}

#[test]
fn no_more_is_sent_than_remains() {
    let mut pacer = pacer();
    let first = granted(&mut pacer, START);
    let now = START + 200 * MS;
    pacer.on_outcome(now, first, Outcome::success(), &said(now, 3, 9));
    let permits = [(); 3].map(|()| granted(&mut pacer, now));
    // By our own count nothing remains, although no answer said so yet. Resets are counted from the
    // sending.
    let (_, opens) = waits(&mut pacer, now);
    assert_eq!(opens, Some(START + 9 * SECOND));
    let later = now + 200 * MS;
    for (left, permit) in [2, 1, 0].into_iter().zip(permits) {
        pacer.on_outcome(later, permit, Outcome::success(), &said(later, left, 9));
    }
    // Of several resets the earliest is right.
    assert_eq!(pacer.opens_at(), Some(START + 9 * SECOND));
    assert_eq!(pacer.next_wake(), Some(START + 9 * SECOND));
}

#[test]
fn what_is_dropped_in_flight_stays_spent_until_a_later_answer_covers_it() {
    let mut pacer = pacer();
    let first = granted(&mut pacer, START);
    pacer.on_outcome(START, first, Outcome::success(), &said(START, 3, 9));
    let [dropped, second] = [(); 2].map(|()| granted(&mut pacer, START));
    pacer.on_drop(dropped);
    assert_eq!(pacer.in_flight(), 1);
    let last = granted(&mut pacer, START);
    let (ticket, opens) = waits(&mut pacer, START);
    assert!(opens.is_some());
    // Sent later than what was dropped, so that it would be counted by now.
    pacer.on_outcome(START + MS, last, Outcome::success(), &said(START, 1, 9));
    assert_eq!(drain(&mut pacer, START + MS), [ticket]);
    pacer.on_drop(second);
}

#[test]
fn answers_out_of_order_count_by_what_was_sent_last() {
    let mut pacer = pacer();
    let early = granted(&mut pacer, START);
    let late = granted(&mut pacer, START);
    pacer.on_outcome(
        START + 100 * MS,
        late,
        Outcome::success(),
        &said(START, 1, 9),
    );
    pacer.on_outcome(
        START + 200 * MS,
        early,
        Outcome::success(),
        &said(START, 2, 9),
    );
    let _last = granted(&mut pacer, START + 200 * MS);
    waits(&mut pacer, START + 200 * MS);
}

#[test]
fn after_a_reset_one_goes_first_and_the_others_follow_its_answer() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
    let waiting = [(); 5].map(|()| waits(&mut pacer, START).0);
    assert_eq!(drain(&mut pacer, START + 9 * SECOND - MS), []);

    let now = START + 9 * SECOND;
    assert_eq!(drain(&mut pacer, now), [waiting[0]]);
    let Admission::Send(probe) = pacer.request(now, waiting[0], WaitLimits::endless()) else {
        panic!()
    };
    assert_eq!(drain(&mut pacer, now), []);

    let now = now + 200 * MS;
    pacer.on_outcome(now, probe, Outcome::success(), &said(now, 3, 60));
    assert_eq!(drain(&mut pacer, now), waiting[1..4]);
}

#[test]
fn a_throttled_probe_is_repeated_shortly_and_the_lateness_is_learned() {
    let mut pacer = pacer();
    let mut now = START;
    let mut stated = START + 9 * SECOND;
    let permit = granted(&mut pacer, now);
    pacer.on_outcome(now, permit, Outcome::success(), &said(now, 0, 9));
    // The server opens 250 ms after it says so.
    let mut rejections = Vec::new();
    for _ in 0..3 {
        waits(&mut pacer, now);
        let mut throttled_probes = 0;
        loop {
            now = pacer.next_wake().unwrap();
            let ticket = pacer.poll_offer(now).unwrap();
            let Admission::Send(probe) = pacer.request(now, ticket, WaitLimits::endless()) else {
                panic!()
            };
            if now < stated + 250 * MS {
                throttled_probes += 1;
                assert!(throttled_probes < 10);
                pacer.on_outcome(now, probe, throttled(), &said(now, 0, 1));
                waits(&mut pacer, now);
            } else {
                pacer.on_outcome(now, probe, Outcome::success(), &said(now, 0, 9));
                stated = now + 9 * SECOND;
                break;
            }
        }
        rejections.push(throttled_probes);
        for ticket in drain(&mut pacer, now) {
            pacer.leave(ticket);
        }
    }
    assert!(rejections[0] >= 1, "{rejections:?}");
    assert_eq!(rejections[1..], [0, 0]);
}

#[test]
fn a_lost_probe_is_sent_again() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
    let now = START + 9 * SECOND;
    let lost = granted(&mut pacer, now);
    let (next, _) = waits(&mut pacer, now);
    assert_eq!(pacer.poll_offer(now), None);
    let broken = Outcome::transient(Executed::Unknown, "connection reset");
    pacer.on_outcome(now + MS, lost, broken, &Hint::new(now + MS));
    assert_eq!(pacer.poll_offer(now + MS), Some(next));

    let Admission::Send(dropped) = pacer.request(now + MS, next, WaitLimits::endless()) else {
        panic!()
    };
    let (last, _) = waits(&mut pacer, now + MS);
    pacer.on_drop(dropped);
    assert_eq!(pacer.poll_offer(now + MS), Some(last));
}

#[test]
fn a_rejection_that_leaves_quota_is_for_concurrency_and_holds_nobody_else() {
    let mut pacer = pacer();
    let permits: Vec<_> = (0..12).map(|_| granted(&mut pacer, START)).collect();
    let now = START + 20 * MS;
    // The server takes 10 at a time. Its rejections carry a reset and a Retry-After.
    for (index, permit) in permits.into_iter().enumerate().skip(10) {
        let hint = said(now, 290, 55).with_retry_after(SECOND);
        pacer.on_outcome(now, permit, throttled(), &hint);
        assert_eq!(pacer.opens_at(), None, "rejection {index}");
    }
    assert_eq!(pacer.concurrency(), 10);
    waits(&mut pacer, now);
    assert_eq!(
        pacer.next_wake(),
        Some(now + SECOND),
        "the next probe upward"
    );
}

#[test]
fn what_was_throttled_alone_was_not_throttled_for_company() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    let hint = said(START, 14, 55).with_retry_after(30 * SECOND);
    pacer.on_outcome(START, permit, throttled(), &hint);
    let (_, opens) = waits(&mut pacer, START);
    assert!(opens.is_some_and(|opens| opens >= START + 30 * SECOND));
}

#[test]
fn a_bare_rejection_pauses_the_scope_for_a_guess_that_stops_nobody() {
    let mut pacer = pacer();
    let good = granted(&mut pacer, START);
    pacer.on_outcome(START, good, Outcome::success(), &Hint::new(START));
    let permit = granted(&mut pacer, START);
    pacer.on_outcome(START, permit, throttled(), &Hint::new(START));
    let (_, opens) = waits(&mut pacer, START);
    assert_eq!(opens, None);
    assert_eq!(pacer.next_wake(), Some(START + 250 * MS));
}

#[test]
fn an_answer_that_shows_quota_lifts_a_hold_that_rests_on_our_own_count() {
    let mut pacer = pacer();
    let permits = [(); 3].map(|()| granted(&mut pacer, START));
    let [first, second, third] = permits;
    pacer.on_outcome(START, first, Outcome::success(), &said(START, 2, 9));
    // Two were sent after it, so nothing is left.
    let (ticket, opens) = waits(&mut pacer, START);
    assert!(opens.is_some());
    // But the second was throttled for another reason and not counted.
    pacer.on_outcome(START + MS, third, Outcome::success(), &said(START, 1, 9));
    assert_eq!(drain(&mut pacer, START + MS), [ticket]);
    pacer.on_drop(second);
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
        pacer.on_outcome(START, permit, Outcome::success(), &window(START, remaining));
    }
    let mut now = START + 9 * SECOND;
    let late = granted(&mut pacer, now);
    now = now + 20 * MS;
    pacer.on_outcome(
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
    pacer.on_outcome(now, probe, Outcome::success(), &hint);
    assert_eq!(drain(&mut pacer, now), [ticket]);
}

#[test]
fn the_oldest_call_goes_first_retries_included() {
    let mut pacer = pacer();
    let old = pacer.arrive();
    let Admission::Send(permit) = pacer.request(START, old, WaitLimits::endless()) else {
        panic!()
    };
    pacer.on_outcome(START, permit, throttled(), &said(START, 0, 9));
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
    pacer.on_outcome(now, probe, Outcome::success(), &said(now, 2, 60));
    assert_eq!(drain(&mut pacer, now), young[..2]);
}

#[test]
fn an_offer_that_nobody_takes_passes_on_and_its_call_keeps_its_place() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
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
    pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
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
                pacer.on_outcome(now, permit, Outcome::success(), &said(now, 200, 9));
            }
        }
    }
}

#[test]
fn a_healthy_window_moves_no_hold_that_a_rejection_asked_for() {
    // The rejection comes first.
    let mut pacer = pacer_that_proved_two();
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, START));
    let later = START + 20 * MS;
    let secondary = Hint::new(later).with_retry_after(60 * SECOND);
    pacer.on_outcome(later, first, throttled(), &secondary);
    let healthy = said(later, 3_999, 1_800);
    pacer.on_outcome(later, second, Outcome::success(), &healthy);
    assert_eq!(pacer.opens_at(), Some(later + 60 * SECOND));

    // The healthy answer comes first, and belongs to what was sent later.
    for reset in [3, 1_800] {
        let mut pacer = pacer_that_proved_two();
        let [first, second] = [(); 2].map(|()| granted(&mut pacer, START));
        let healthy = said(later, 3_999, reset);
        pacer.on_outcome(later, second, Outcome::success(), &healthy);
        let hint = Hint::new(later).with_retry_after(10 * SECOND);
        pacer.on_outcome(later, first, throttled(), &hint);
        assert_eq!(
            pacer.opens_at(),
            Some(later + 10 * SECOND),
            "reset in {reset} s"
        );
    }
}

/// A pacer that knows that two in flight are not too many.
fn pacer_that_proved_two() -> Pacer {
    let mut pacer = pacer();
    for permit in [(); 2].map(|()| granted(&mut pacer, START)) {
        pacer.on_outcome(START, permit, Outcome::success(), &Hint::new(START));
    }
    pacer
}

#[test]
fn a_rejection_that_took_long_counts_from_its_receipt() {
    let mut pacer = pacer_that_proved_two();
    let permit = granted(&mut pacer, START);
    let later = START + 5 * SECOND;
    let hint = Hint::new(later).with_retry_after(3 * SECOND);
    pacer.on_outcome(later, permit, throttled(), &hint);
    assert_eq!(pacer.opens_at(), Some(later + 3 * SECOND));
}

#[test]
fn a_stated_instant_replaces_a_guess() {
    let mut pacer = pacer_that_proved_two();
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, START));
    pacer.on_outcome(START, first, throttled(), &Hint::new(START));
    assert_eq!(pacer.opens_at(), None);
    let hint = Hint::new(START).with_retry_after(30 * SECOND);
    pacer.on_outcome(START, second, throttled(), &hint);
    assert_eq!(pacer.opens_at(), Some(START + 30 * SECOND));
}

#[test]
fn a_server_that_goes_on_throttling_is_taken_at_its_word() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
    waits(&mut pacer, START);
    let mut sends = 0;
    let mut now = START;
    while now < START + 69 * SECOND {
        now = pacer.next_wake().unwrap().max(now);
        let Some(ticket) = pacer.poll_offer(now) else {
            continue;
        };
        let Admission::Send(probe) = pacer.request(now, ticket, WaitLimits::endless()) else {
            panic!()
        };
        sends += 1;
        pacer.on_outcome(now, probe, throttled(), &said(now, 0, 1));
        waits(&mut pacer, now);
        // What we add to its word is no reason to stop anybody.
        assert_eq!(pacer.opens_at(), None);
    }
    assert!((5..20).contains(&sends), "{sends} sends in a minute");
}

#[test]
fn a_long_queue_is_not_woken_by_each_hold_that_it_outlasts() {
    let mut pacer = pacer();
    let mut now = START;
    let limits = WaitLimits::endless().with_longest(300 * SECOND);
    let permit = granted(&mut pacer, now);
    pacer.on_outcome(now, permit, Outcome::success(), &said(now, 0, 60));
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
        pacer.on_outcome(now, permit, Outcome::success(), &said(now, 0, 60));
        assert_eq!(drain(&mut pacer, now), []);
    }
}

#[test]
fn the_limit_grows_while_what_becomes_free_is_wanted_at_once() {
    // A server that answers in 5 ms: each answer frees a place, which is taken at once.
    let mut pacer = pacer();
    let mut now = START;
    let mut in_flight = std::collections::VecDeque::new();
    for _ in 0..AT_START {
        in_flight.push_back((now + 5 * MS, granted(&mut pacer, now)));
    }
    for _ in 0..5_000 {
        waits(&mut pacer, now);
    }
    while now < START + 50 * MS {
        let done = in_flight.front().map(|(at, _)| *at);
        now = done
            .into_iter()
            .chain(pacer.next_wake())
            .min()
            .unwrap()
            .max(now);
        if in_flight.front().is_some_and(|(at, _)| *at <= now) {
            let (_, permit) = in_flight.pop_front().unwrap();
            pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now));
        }
        for ticket in drain(&mut pacer, now) {
            if let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) {
                in_flight.push_back((now + 5 * MS, permit));
            }
        }
    }
    // As with a slow server: 400 a second.
    assert!(
        (48..=52).contains(&pacer.concurrency()),
        "{}",
        pacer.concurrency()
    );
}

#[test]
fn a_slow_rejection_tells_the_cap_by_what_was_in_flight_with_it() {
    let mut pacer = pacer();
    let mut permits: Vec<_> = (0..20).map(|_| granted(&mut pacer, START)).collect();
    let late = permits.split_off(18);
    for permit in permits {
        let now = START + 200 * MS;
        pacer.on_outcome(now, permit, Outcome::success(), &said(now, 280, 9));
    }
    // The server takes 18 at a time, and is slow to say so.
    for permit in late {
        let now = START + 300 * MS;
        pacer.on_outcome(now, permit, throttled(), &said(now, 280, 9));
    }
    assert_eq!(pacer.concurrency(), 18);
}

#[test]
fn requests_that_overtake_one_another_do_not_hide_the_cap() {
    let mut pacer = pacer();
    let mut permits: Vec<_> = (0..AT_START).map(|_| granted(&mut pacer, START)).collect();
    // The server takes 20, and the first ten that were sent came last.
    for permit in permits.drain(..10) {
        let now = START + 2 * MS;
        pacer.on_outcome(
            now,
            permit,
            throttled(),
            &said(now, 80, 5).with_retry_after(SECOND),
        );
    }
    assert_eq!((pacer.concurrency(), pacer.opens_at()), (20, None));
}

#[test]
fn a_call_that_is_throttled_for_itself_is_not_the_probe_each_time() {
    let mut pacer = pacer();
    let locked = pacer.arrive();
    let endless = WaitLimits::endless();
    let Admission::Send(permit) = pacer.request(START, locked, endless) else {
        panic!()
    };
    let hint = |now| Hint::new(now).with_retry_after(3 * SECOND);
    pacer.on_outcome(START, permit, throttled(), &hint(START));
    let (other, _) = waits(&mut pacer, START);
    // The throttled call comes back in time, is the oldest, probes, and is throttled again.
    let now = START + 3 * SECOND;
    let Admission::Send(probe) = pacer.request(now, locked, endless) else {
        panic!()
    };
    pacer.on_outcome(now, probe, throttled(), &hint(now));
    let now = now + 3 * SECOND;
    assert!(matches!(
        pacer.request(now, locked, endless),
        Admission::Wait { .. }
    ));
    assert_eq!(drain(&mut pacer, now), [other]);
    let Admission::Send(probe) = pacer.request(now, other, endless) else {
        panic!()
    };
    pacer.on_outcome(now, probe, Outcome::success(), &Hint::new(now));
    assert_eq!(drain(&mut pacer, now), [locked]);
}

#[test]
fn a_scope_whose_old_attempts_hang_goes_on() {
    let mut pacer = pacer();
    let mut permits: Vec<_> = (0..AT_START).map(|_| granted(&mut pacer, START)).collect();
    // One is throttled for concurrency, one says that nothing remains, and the others never come back.
    let rejection = said(START, 200, 9);
    pacer.on_outcome(START, permits.pop().unwrap(), throttled(), &rejection);
    let spent = said(START, 0, 9);
    pacer.on_outcome(START, permits.pop().unwrap(), throttled(), &spent);
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
    pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
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
        pacer.on_outcome(START, permit, Outcome::success(), &Hint::new(START));
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
        pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
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

/// Has `pacer` send one, which is accepted and answered at once: `remaining` of 300 are left, and the reset is
/// in `reset` seconds.
fn answered(pacer: &mut Pacer, now: Instant, remaining: u64, reset: u32) {
    let permit = granted(pacer, now);
    let hint = said(now, remaining, reset);
    pacer.on_outcome(now, permit, Outcome::success(), &hint);
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
fn a_bucket_that_throttles_without_end_and_without_a_word_is_asked_all_the_same() {
    let mut pacer = pacer();
    let mut now = Instant::ORIGIN;
    for (remaining, reset) in [(299, 1), (250, 10), (200, 20)] {
        answered(&mut pacer, now, remaining, reset);
    }
    let mut rejections = 0;
    while rejections < 5_000 {
        for outcome in [Outcome::success(), throttled()] {
            let sent: Vec<_> = iter::from_fn(|| is_granted(&mut pacer, now)).collect();
            rejections += if outcome == throttled() {
                sent.len()
            } else {
                0
            };
            for permit in sent {
                pacer.on_outcome(now, permit, outcome, &Hint::new(now));
            }
        }
        let (ticket, _) = waits(&mut pacer, now);
        now = pacer.next_wake().unwrap();
        pacer.leave(ticket);
    }
}

#[test]
fn where_rejections_alone_tell_a_hold_is_expected_to_give_what_the_one_before_gave() {
    let mut pacer = pacer();
    let mut now = START;
    let silent = |now| Hint::new(now);
    let sent: Vec<_> = (0..6).map(|_| granted(&mut pacer, now)).collect();
    for permit in sent {
        pacer.on_outcome(now, permit, Outcome::success(), &silent(now));
    }
    let permit = granted(&mut pacer, now);
    let hint = Hint::new(now).with_retry_after(SECOND);
    pacer.on_outcome(now, permit, throttled(), &hint);
    now = now + SECOND;
    let probe = granted(&mut pacer, now);
    pacer.on_outcome(now, probe, Outcome::success(), &silent(now));
    let others: Vec<_> = (0..6).map_while(|_| is_granted(&mut pacer, now)).collect();
    assert_eq!(
        others.len(),
        6,
        "as many as before, and one to see whether there are more"
    );
    let (_, opens) = waits(&mut pacer, now);
    assert_eq!(opens, None, "an estimate stops nobody");
    for permit in others {
        pacer.on_outcome(now, permit, Outcome::success(), &silent(now));
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
    pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now));
    let permit = granted(&mut pacer, now);
    pacer.on_outcome(
        now,
        permit,
        throttled(),
        &Hint::new(now).with_retry_after(SECOND),
    );
    now = now + SECOND;
    let probe = granted(&mut pacer, now);
    pacer.on_outcome(now, probe, Outcome::success(), &Hint::new(now));
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
    pacer.on_outcome(START, permit, Outcome::success(), &said(START, 3, 0));
    let now = START + 20 * MS;
    assert_eq!(
        is_granted(&mut pacer, now).map(drop),
        None,
        "five are in flight"
    );
    for permit in sent {
        pacer.on_outcome(now, permit, throttled(), &said(now, 3, 0));
    }
    assert_eq!(
        pacer.concurrency(),
        1,
        "all of them were throttled, and none was forgotten"
    );
}

#[test]
fn what_is_accepted_shows_that_there_is_no_outage() {
    let mut pacer = pacer();
    let mut permits: Vec<_> = (0..20).map(|_| granted(&mut pacer, START)).collect();
    let good = permits.pop().unwrap();
    for permit in permits {
        pacer.on_outcome(
            START,
            permit,
            Outcome::overloaded("status 503"),
            &Hint::new(START),
        );
    }
    assert_eq!(
        is_granted(&mut pacer, START).map(drop),
        None,
        "nineteen in a row may be an outage"
    );
    pacer.on_outcome(START, good, Outcome::success(), &Hint::new(START));
    assert!(is_granted(&mut pacer, START).is_some());
}

#[test]
fn a_look_upward_that_is_throttled_tells_of_the_cap_and_not_of_quota() {
    let mut pacer = pacer();
    let _slow = granted(&mut pacer, START);
    let crowded: Vec<_> = (0..3).map(|_| granted(&mut pacer, START)).collect();
    for permit in crowded {
        pacer.on_outcome(START, permit, throttled(), &Hint::new(START));
    }
    assert_eq!(pacer.concurrency(), 1);
    let (ticket, _) = waits(&mut pacer, START);
    // Nothing was accepted yet.
    let now = pacer.next_wake().unwrap();
    let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else {
        panic!()
    };
    pacer.on_outcome(now, permit, throttled(), &Hint::new(now));
    assert_eq!(pacer.concurrency(), 1);
    waits(&mut pacer, now);
    let next = pacer.next_wake().unwrap();
    assert_eq!(next, now + 2 * SECOND, "the next look, and no hold");
}

#[test]
fn an_even_pace_spreads_what_remains_over_the_time_to_the_reset() {
    let mut pacer = Pacer::new(Pacing::new().with_pace(Pace::Even));
    let first = granted(&mut pacer, START);
    // Nothing is known yet: one goes alone.
    let (second, _) = waits(&mut pacer, START);
    let now = START + 100 * MS;
    pacer.on_outcome(now, first, Outcome::success(), &said(START, 9, 10));
    // Nine are left for ten seconds.
    assert_eq!(drain(&mut pacer, now), []);
    let due = START + SECOND;
    assert_eq!(pacer.next_wake(), Some(due));
    assert_eq!(drain(&mut pacer, due - MS), []);
    assert_eq!(drain(&mut pacer, due), [second]);
    let Admission::Send(permit) = pacer.request(due, second, WaitLimits::endless()) else {
        panic!()
    };
    // What was not used in time is spread anew.
    pacer.on_outcome(due, permit, Outcome::success(), &said(due, 8, 9));
    let late = due + 5 * SECOND;
    let _third = granted(&mut pacer, late);
    waits(&mut pacer, late);
    assert_eq!(pacer.next_wake(), Some(late + 4 * SECOND / 8));
}

#[test]
fn an_even_pace_is_a_burst_where_nothing_tells_what_remains() {
    let mut pacer = Pacer::new(Pacing::new().with_pace(Pace::Even));
    let first = granted(&mut pacer, START);
    let (second, _) = waits(&mut pacer, START);
    pacer.leave(second);
    let now = START + 100 * MS;
    pacer.on_outcome(now, first, Outcome::success(), &Hint::new(now));
    let more = (0..AT_START).map_while(|_| is_granted(&mut pacer, now));
    assert!(more.count() > 1);
}

#[test]
fn a_snapshot_tells_what_is_known() {
    let mut pacer = pacer();
    let unknown = pacer.snapshot();
    assert_eq!(unknown.to_string(), "0 in flight of at most 30, 0 queued");
    assert_eq!(
        (unknown.limit(), unknown.reset(), unknown.cap()),
        (None, None, None)
    );

    let sent: Vec<_> = (0..4).map(|_| granted(&mut pacer, START)).collect();
    let mut sent = sent.into_iter();
    let hint = said(START, 3, 9);
    pacer.on_outcome(START, sent.next().unwrap(), Outcome::success(), &hint);
    let known = pacer.snapshot();
    assert_eq!((known.limit(), known.remaining()), (Some(300), Some(0)));
    assert_eq!(known.reset(), Some(START + 9 * SECOND));
    assert_eq!(known.hold_reason(), Some(HoldReason::Spent));
    assert_eq!(known.in_flight(), 3);

    // Too many in flight, with quota left.
    pacer.on_outcome(START, sent.next().unwrap(), throttled(), &said(START, 7, 9));
    let crowded = pacer.snapshot();
    assert_eq!((crowded.cap(), crowded.hold_reason()), (Some(2), None));

    let hint = said(START, 0, 2);
    pacer.on_outcome(START, sent.next().unwrap(), throttled(), &hint);
    let throttled = pacer.snapshot();
    assert_eq!(throttled.held_until(), Some(START + 2 * SECOND));
    assert_eq!(throttled.hold_reason(), Some(HoldReason::Throttled));
    let (ticket, _) = waits(&mut pacer, START);
    assert_eq!(drain(&mut pacer, START + 2 * SECOND), [ticket]);
    let probing = pacer.snapshot();
    assert!(probing.is_probing());
    assert!(
        probing.to_string().ends_with("probing: throttled"),
        "{probing}"
    );
}

fn is_granted(pacer: &mut Pacer, now: Instant) -> Option<Permit> {
    let mut sent = Vec::new();
    waits_or_is_sent(pacer, now, &mut sent);
    sent.pop()
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

/// How many of `calls`, one after the other, a window of one throttles that is open when `is_open`, and says each time
/// that it resets in a second.
fn throttled_by_a_window_of_one(calls: u32, is_open: impl Fn(Duration) -> bool) -> u32 {
    let mut pacer = pacer();
    let mut now = START;
    let mut rejections = 0;
    for _ in 0..calls {
        let ticket = pacer.arrive();
        loop {
            let permit = match pacer.request(now, ticket, WaitLimits::endless()) {
                Admission::Send(permit) => permit,
                Admission::Wait { .. } => {
                    now = pacer.next_wake().unwrap();
                    continue;
                }
                Admission::QueueFull | Admission::Rejected { .. } => panic!("crowded"),
            };
            let is_accepted = is_open(now.duration_since(START));
            now = now + 20 * MS;
            let window = Window::new("").with_limit(1).with_remaining(0);
            let hint = Hint::new(now).with_window(window.with_reset(SECOND));
            if is_accepted {
                pacer.on_outcome(now, permit, Outcome::success(), &hint);
                break;
            }
            rejections += 1;
            let hint = hint.with_retry_after(SECOND);
            pacer.on_outcome(now, permit, throttled(), &hint);
        }
    }
    rejections
}

#[test]
fn a_window_of_one_is_asked_again_at_the_interval_at_which_others_left_it_open() {
    // Others come each 269 ms and take what has come back 186 ms after that.
    let is_left = |at: Duration| at.as_millis() % 269 >= 186;
    let rejections = throttled_by_a_window_of_one(100, is_left);
    // Asked when it says, it throttles 333.
    assert!(rejections <= 100, "{rejections}");
    // Without others, nothing is waited for in addition.
    assert_eq!(throttled_by_a_window_of_one(100, |_| true), 0);
}

#[test]
fn an_interval_that_let_in_a_window_of_one_is_given_up_once_the_reset_is_right_again() {
    // For half a minute it opens 2.5 s after it should.
    let slow = Cell::new(Duration::ZERO);
    let latest = Cell::new(Duration::ZERO);
    throttled_by_a_window_of_one(60, |at| {
        let since = at - latest.get();
        let is_open = at > 30 * SECOND || at.is_zero() || since >= 3 * SECOND + 500 * MS;
        if is_open {
            slow.set(since);
            latest.set(at);
        }
        is_open
    });
    assert_eq!(slow.get(), SECOND);
}

#[test]
fn a_cap_that_has_risen_is_found_in_ever_larger_steps() {
    let mut pacer = pacer();
    let mut now = Instant::ORIGIN;
    let mut in_flight: Vec<_> = (0..10).map(|_| granted(&mut pacer, now)).collect();
    // The cap is 9.
    let permit = in_flight.pop().unwrap();
    let hint = said(now, 200, 60);
    pacer.on_outcome(now, permit, throttled(), &hint);
    assert_eq!(pacer.concurrency(), 9);
    let mut limits = Vec::new();
    // From here on all is accepted, 200 ms after it was sent.
    while pacer.concurrency() < 60 && limits.len() < 100 {
        for _ in 0..80 {
            let _ = waits_or_is_sent(&mut pacer, now, &mut in_flight);
        }
        now = now + SECOND / 5;
        for permit in std::mem::take(&mut in_flight) {
            pacer.on_outcome(now, permit, Outcome::success(), &said(now, 200, 60));
        }
        limits.push(pacer.concurrency());
    }
    // A first probe after a second, and then 2, 4, 8, … more at a time.
    limits.dedup();
    assert!(limits.len() < 12, "{limits:?}");
    assert!(now < Instant::ORIGIN + 10 * SECOND, "{now}");
}

#[test]
fn an_overload_is_no_rejection_but_one_too_many() {
    let mut pacer = pacer();
    let now = Instant::ORIGIN;
    let mut in_flight: Vec<_> = (0..10).map(|_| granted(&mut pacer, now)).collect();
    let silent = Hint::new(now);
    pacer.on_outcome(now, in_flight.remove(0), Outcome::success(), &silent);
    let overloaded = Outcome::overloaded("status 503");
    pacer.on_outcome(now, in_flight.pop().unwrap(), overloaded, &silent);
    // Nine were in flight with it.
    assert_eq!(pacer.concurrency(), 9);
    assert_eq!(pacer.opens_at(), None);
    // What fails for another reason tells nothing.
    let lost = Outcome::transient(Executed::Unknown, "the connection broke");
    pacer.on_outcome(now, in_flight.pop().unwrap(), lost, &silent);
    assert_eq!(pacer.concurrency(), 9);
}

#[test]
fn what_overloads_alone_does_not_for_company() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    let before = pacer.concurrency();
    pacer.on_outcome(
        START,
        permit,
        Outcome::overloaded("status 503"),
        &Hint::new(START),
    );
    assert_eq!(pacer.concurrency(), before);
}

#[test]
fn a_server_that_is_overloaded_by_anything_is_probed_for_as_long_as_it_may_restart() {
    let mut pacer = pacer();
    let mut now = Instant::ORIGIN;
    let overloaded = Outcome::overloaded("status 503");
    let mut sends = 0;
    let mut waiting = waits_at_last(&mut pacer, now, overloaded, &mut sends);
    assert_eq!(sends, 8);
    let (held_since, mut probes) = (now, 0);
    while let Some(ticket) = waiting.take() {
        now = pacer.next_wake().unwrap();
        assert!(drain(&mut pacer, now).contains(&ticket));
        let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else {
            panic!()
        };
        probes += 1;
        pacer.on_outcome(now, permit, overloaded, &Hint::new(now));
        sends = 0;
        waiting = waits_at_last(&mut pacer, now, overloaded, &mut sends).filter(|_| sends == 0);
    }
    // It goes on failing; from here on, so do the calls.
    assert!((20..80).contains(&probes), "{probes}");
    let held = now.duration_since(held_since);
    assert!(held > 15 * SECOND && held < 20 * SECOND, "{held:?}");
}

/// Has calls sent and answered with `outcome` at once, until one has to wait, or for a hundred.
fn waits_at_last(
    pacer: &mut Pacer,
    now: Instant,
    outcome: Outcome,
    sends: &mut u32,
) -> Option<Ticket> {
    while *sends < 100 {
        let ticket = pacer.arrive();
        match pacer.request(now, ticket, WaitLimits::endless()) {
            Admission::Send(permit) => pacer.on_outcome(now, permit, outcome, &Hint::new(now)),
            Admission::Wait { .. } => return Some(ticket),
            Admission::QueueFull | Admission::Rejected { .. } => panic!(),
        }
        *sends += 1;
    }
    None
}

fn waits_or_is_sent(pacer: &mut Pacer, now: Instant, sent: &mut Vec<Permit>) -> Option<Ticket> {
    let ticket = pacer.arrive();
    match pacer.request(now, ticket, WaitLimits::endless()) {
        Admission::Send(permit) => {
            sent.push(permit);
            None
        }
        Admission::Wait { .. } => {
            pacer.leave(ticket);
            Some(ticket)
        }
        Admission::QueueFull | Admission::Rejected { .. } => panic!(),
    }
}

#[test]
fn the_limit_grows_with_time_while_it_is_full() {
    let mut pacer = pacer();
    let mut held: Vec<_> = (0..AT_START).map(|_| granted(&mut pacer, START)).collect();
    for _ in 0..100 {
        waits(&mut pacer, START);
    }
    let mut now = START;
    while now < START + 50 * MS {
        now = pacer.next_wake().unwrap();
        while let Some(ticket) = pacer.poll_offer(now) {
            let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else {
                panic!()
            };
            held.push(permit);
        }
    }
    // 400 a second.
    assert!((49..=51).contains(&held.len()), "{}", held.len());
}

#[derive(Clone, Debug)]
enum Event {
    Arrive,
    Ask(usize),
    Leave(usize),
    Answer(usize, u8, Option<(u64, Duration)>, Option<Duration>),
    Drop(usize),
    Offers,
}

/// What a server says that means "unlimited", or "never", or nothing that was thought of.
const EXTREMES: [u64; 4] = [1 << 60, i64::MAX as u64, u64::MAX - 1, u64::MAX];

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0..4_u64, 1 => prop::sample::select(&EXTREMES)]
}

fn delay() -> impl Strategy<Value = Duration> {
    let extreme = prop::sample::select(&EXTREMES).prop_map(Duration::from_secs);
    prop_oneof![20 => (0..20_u32).prop_map(|secs| secs * SECOND), 1 => extreme]
}

/// How long nothing happens: mostly not for years.
fn later() -> impl Strategy<Value = Duration> {
    let years = Just(Duration::from_nanos(EXTREMES[0]));
    prop_oneof![200 => (0..3_000_u32).prop_map(|millis| millis * MS), 1 => years]
}

fn event() -> impl Strategy<Value = Event> {
    let window = proptest::option::of((count(), delay()));
    let retry_after = proptest::option::weighted(0.3, delay());
    prop_oneof![
        3 => Just(Event::Arrive),
        2 => any::<usize>().prop_map(Event::Ask),
        1 => any::<usize>().prop_map(Event::Leave),
        4 => (any::<usize>(), 0..4_u8, window, retry_after)
            .prop_map(|(who, how, window, after)| Event::Answer(who, how, window, after)),
        1 => any::<usize>().prop_map(Event::Drop),
        2 => Just(Event::Offers),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, at whatever time: nothing panics, no permit is lost, and
    /// when everything was given back, whoever waits is served.
    #[test]
    fn promise_9_what_is_given_back_is_given_on(
        pace in prop::sample::select(&[Pace::Burst, Pace::Even]),
        events in prop::collection::vec((event(), later()), 1..120),
    ) {
        let mut pacer = Pacer::new(Pacing::new().with_pace(pace));
        let mut now = START;
        let mut waiting: Vec<Ticket> = Vec::new();
        let mut held: Vec<Permit> = Vec::new();
        for (event, later) in events {
            now = now + later;
            match event {
                Event::Arrive => {
                    let ticket = pacer.arrive();
                    match pacer.request(now, ticket, WaitLimits::endless().with_deadline(now + 30 * SECOND)) {
                        Admission::Send(permit) => held.push(permit),
                        Admission::Wait { .. } => waiting.push(ticket),
                        Admission::QueueFull | Admission::Rejected { .. } => unreachable!("no more than 120 wait"),
                    }
                }
                Event::Ask(who) if !waiting.is_empty() => {
                    let index = who % waiting.len();
                    let ticket = waiting[index];
                    if let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless().with_deadline(now + 30 * SECOND)) {
                        waiting.swap_remove(index);
                        held.push(permit);
                    }
                }
                Event::Leave(who) if !waiting.is_empty() => {
                    let index = who % waiting.len();
                    pacer.leave(waiting.swap_remove(index));
                }
                Event::Answer(who, how, window, after) if !held.is_empty() => {
                    let permit = held.swap_remove(who % held.len());
                    let mut hint = Hint::new(now);
                    if let Some((remaining, reset)) = window {
                        let window = Window::new("").with_limit(remaining.max(300));
                        hint = hint.with_window(window.with_remaining(remaining).with_reset(reset));
                    }
                    if let Some(after) = after {
                        hint = hint.with_retry_after(after);
                    }
                    let outcome = match how {
                        0 => Outcome::success(),
                        1 | 2 => throttled(),
                        _ => Outcome::transient(Executed::Unknown, "lost"),
                    };
                    pacer.on_outcome(now, permit, outcome, &hint);
                }
                Event::Drop(who) if !held.is_empty() => {
                    pacer.on_drop(held.swap_remove(who % held.len()));
                }
                Event::Offers => {
                    drain(&mut pacer, now);
                }
                _ => {}
            }
            prop_assert_eq!(pacer.in_flight() as usize, held.len());
            prop_assert_eq!(pacer.queued(), waiting.len());
        }
        for permit in held.drain(..) {
            pacer.on_drop(permit);
        }
        // From here on the server is well. Driven by nothing but its own wake-ups and the offers that
        // it makes, the pacer serves everyone.
        for _ in 0..10_000 {
            // The wakers of those that were offered a permit have run, and all of them ask.
            drain(&mut pacer, now);
            let before = waiting.len();
            for ticket in waiting.clone() {
                if let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) {
                    pacer.on_outcome(now, permit, Outcome::success(), &said(now, 200, 9));
                    waiting.retain(|&waiting| waiting != ticket);
                }
            }
            if waiting.is_empty() {
                break;
            }
            if waiting.len() == before && drain(&mut pacer, now).is_empty() {
                let wake = pacer.next_wake();
                prop_assert!(wake.is_some(), "{before} wait for nothing: {pacer:?}");
                now = wake.unwrap().max(now);
            }
        }
        prop_assert_eq!(pacer.queued(), 0);
        prop_assert_eq!(pacer.in_flight(), 0);
    }
}
