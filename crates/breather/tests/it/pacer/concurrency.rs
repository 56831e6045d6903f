//! The cap on attempts in flight.

use super::*;

#[test]
fn a_rejection_that_leaves_quota_is_for_concurrency_and_holds_nobody_else() {
    let mut pacer = pacer();
    let permits: Vec<_> = (0..12).map(|_| granted(&mut pacer, START)).collect();
    let now = START + 20 * MS;
    // The server takes 10 at a time. Its rejections carry a reset and a Retry-After.
    for (index, permit) in permits.into_iter().enumerate().skip(10) {
        let hint = said(now, 290, 55).with_retry_after(SECOND);
        let _ = pacer.on_outcome(now, permit, throttled(), &hint);
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
    let _ = pacer.on_outcome(START, permit, throttled(), &hint);
    let (_, opens) = waits(&mut pacer, START);
    assert!(opens.is_some_and(|opens| opens >= START + 30 * SECOND));
}

/// Returns the limit after 50 ms of a server that answers in 5 ms with `hint`. Each answer frees a place, which is taken
/// at once.
fn grown(hint: impl Fn(Instant) -> Hint<'static>) -> u32 {
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
            let _ = pacer.on_outcome(now, permit, Outcome::success(), &hint(now));
        }
        for ticket in drain(&mut pacer, now) {
            if let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) {
                in_flight.push_back((now + 5 * MS, permit));
            }
        }
    }
    pacer.concurrency()
}

#[test]
fn limit_grows_while_what_becomes_free_is_wanted_at_once() {
    // As with a slow server: 400 a second.
    let window = Window::new("").with_limit(9_000).with_remaining(5_000);
    let told = grown(|now| Hint::new(now).with_window(window.with_reset(60 * SECOND)));
    assert!((48..=52).contains(&told), "{told}");
    // A server that states no window is likely to have none.
    let silent = grown(Hint::new);
    assert!((85..=100).contains(&silent), "{silent}");
}

#[test]
fn a_slow_rejection_tells_the_cap_by_what_was_in_flight_with_it() {
    let mut pacer = pacer();
    let mut permits: Vec<_> = (0..20).map(|_| granted(&mut pacer, START)).collect();
    let late = permits.split_off(18);
    for permit in permits {
        let now = START + 200 * MS;
        let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 280, 9));
    }
    // The server takes 18 at a time, and is slow to say so.
    for permit in late {
        let now = START + 300 * MS;
        let _ = pacer.on_outcome(now, permit, throttled(), &said(now, 280, 9));
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
        let _ = pacer.on_outcome(
            now,
            permit,
            throttled(),
            &said(now, 80, 5).with_retry_after(SECOND),
        );
    }
    assert_eq!((pacer.concurrency(), pacer.opens_at()), (20, None));
}

#[test]
fn a_look_upward_that_is_throttled_tells_of_the_cap_and_not_of_quota() {
    let mut pacer = pacer();
    let _slow = granted(&mut pacer, START);
    let crowded: Vec<_> = (0..3).map(|_| granted(&mut pacer, START)).collect();
    for permit in crowded {
        let _ = pacer.on_outcome(START, permit, throttled(), &Hint::new(START));
    }
    assert_eq!(pacer.concurrency(), 1);
    let (ticket, _) = waits(&mut pacer, START);
    // Nothing was accepted yet.
    let now = pacer.next_wake().unwrap();
    let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else {
        panic!()
    };
    let _ = pacer.on_outcome(now, permit, throttled(), &Hint::new(now));
    assert_eq!(pacer.concurrency(), 1);
    waits(&mut pacer, now);
    let next = pacer.next_wake().unwrap();
    assert_eq!(next, now + 2 * SECOND, "the next look, and no hold");
}

#[test]
fn a_cap_that_has_risen_is_found_in_ever_larger_steps() {
    let mut pacer = pacer();
    let mut now = Instant::ORIGIN;
    let mut in_flight: Vec<_> = (0..10).map(|_| granted(&mut pacer, now)).collect();
    // The cap is 9.
    let permit = in_flight.pop().unwrap();
    let hint = said(now, 200, 60);
    let _ = pacer.on_outcome(now, permit, throttled(), &hint);
    assert_eq!(pacer.concurrency(), 9);
    let mut limits = Vec::new();
    // From here on all is accepted, 200 ms after it was sent.
    while pacer.concurrency() < 60 && limits.len() < 100 {
        for _ in 0..80 {
            let _ = waits_or_is_sent(&mut pacer, now, &mut in_flight);
        }
        now = now + SECOND / 5;
        for permit in std::mem::take(&mut in_flight) {
            let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 200, 60));
        }
        limits.push(pacer.concurrency());
    }
    // A first probe after a second, and then 2, 4, 8, … more at a time.
    limits.dedup();
    assert!(limits.len() < 12, "{limits:?}");
    assert!(now < Instant::ORIGIN + 10 * SECOND, "{now}");
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

#[test]
fn limit_at_most_doubles_after_a_pause() {
    let mut pacer = pacer();
    let _in_flight: Vec<_> = (0..AT_START).map(|_| granted(&mut pacer, START)).collect();
    for _ in 0..200 {
        waits(&mut pacer, START);
    }
    // Nobody asked for a minute, in which the limit would have grown to thousands.
    let offered = drain(&mut pacer, START + 60 * SECOND);
    assert_eq!(offered.len(), AT_START);
}

#[test]
fn late_rejection_does_not_raise_the_limit() {
    let mut pacer = pacer();
    let mut permits: Vec<_> = (0..12).map(|_| granted(&mut pacer, START)).collect();
    let (late, early) = (permits.pop().unwrap(), permits.remove(1));
    let hint = said(START, 280, 9);
    for permit in permits {
        let _ = pacer.on_outcome(START, permit, Outcome::success(), &hint);
    }
    // One was in flight with the first of them, and eleven with the other.
    for permit in [early, late] {
        let _ = pacer.on_outcome(START, permit, throttled(), &hint);
        assert_eq!(pacer.concurrency(), 1);
    }
}

#[test]
fn probe_that_exceeds_the_cap_ends_the_hold() {
    let mut pacer = pacer();
    let (slow, rejected) = (granted(&mut pacer, START), granted(&mut pacer, START));
    let _ = pacer.on_outcome(START, rejected, throttled(), &said(START, 0, 9));
    let (ticket, _) = waits(&mut pacer, START);
    let now = pacer.next_wake().unwrap();
    assert_eq!(drain(&mut pacer, now), [ticket]);
    let Admission::Send(probe) = pacer.request(now, ticket, WaitLimits::endless()) else {
        panic!()
    };
    // The slow one is still in flight.
    let _ = pacer.on_outcome(now, probe, throttled(), &said(now, 290, 9));
    let _ = pacer.on_outcome(now, slow, Outcome::success(), &Hint::new(now));
    assert!(is_granted(&mut pacer, now).is_some());
}

/// Has a call try one more in flight, as soon as the pacer permits that. Returns its permit, and the time until
/// then.
fn tried(pacer: &mut Pacer, now: &mut Instant) -> (Permit, Duration) {
    let (ticket, _) = waits(pacer, *now);
    let next = pacer.next_wake().unwrap();
    let apart = next.duration_since(*now);
    *now = next;
    match pacer.request(next, ticket, WaitLimits::endless()) {
        Admission::Send(permit) => (permit, apart),
        other => panic!("not granted: {other:?}"),
    }
}

/// A pacer that knows that one in flight is enough, and has it in flight.
fn pacer_with_cap_of_one() -> Pacer {
    let mut pacer = pacer();
    let _slow = granted(&mut pacer, START);
    for permit in [(); 3].map(|()| granted(&mut pacer, START)) {
        let _ = pacer.on_outcome(START, permit, throttled(), &said(START, 290, 900));
    }
    pacer
}

#[test]
fn tries_upward_are_at_most_32_seconds_apart() {
    let mut pacer = pacer_with_cap_of_one();
    let mut now = START;
    for seconds in [1, 2, 4, 8, 16, 32, 32] {
        let (permit, apart) = tried(&mut pacer, &mut now);
        assert_eq!(apart, seconds * SECOND);
        let _ = pacer.on_outcome(now, permit, throttled(), &said(now, 290, 900));
    }
}

#[test]
fn accepted_try_upward_makes_the_next_ones_more_frequent() {
    let mut pacer = pacer_with_cap_of_one();
    let mut now = START;
    for _ in 0..3 {
        let (permit, _) = tried(&mut pacer, &mut now);
        let _ = pacer.on_outcome(now, permit, throttled(), &said(now, 290, 900));
    }
    let (permit, apart) = tried(&mut pacer, &mut now);
    assert_eq!(apart, 8 * SECOND);
    let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 290, 900));
    let _second = granted(&mut pacer, now);
    let (permit, apart) = tried(&mut pacer, &mut now);
    assert_eq!(apart, SECOND / 2);
    let _ = pacer.on_outcome(now, permit, throttled(), &said(now, 290, 900));
    let (_, apart) = tried(&mut pacer, &mut now);
    assert_eq!(apart, 8 * SECOND, "not 16 s");
}

#[test]
fn stated_ceilings_hold_for_probes_too() {
    let pacing = Pacing::new().with_limit(1, 600 * SECOND);
    let mut pacer = Pacer::new(pacing.with_max_in_flight(1));
    let permit = granted(&mut pacer, START);
    // One answer asks for a year, which a call may probe after a minute.
    let hint = Hint::new(START).with_retry_after(365 * 86_400 * SECOND);
    let _ = pacer.on_outcome(START, permit, throttled(), &hint);
    let impatient = WaitLimits::endless().with_longest(60 * SECOND);
    let impatient = impatient.with_early_probe(true);
    let sent_after = |pacer: &mut Pacer, seconds: u32| {
        let ticket = pacer.arrive();
        let admission = pacer.request(START + seconds * SECOND, ticket, impatient);
        pacer.leave(ticket);
        matches!(admission, Admission::Send(_))
    };
    assert!(!sent_after(&mut pacer, 300));
    assert!(sent_after(&mut pacer, 610));
}

#[test]
fn stated_limit_outlives_forgetting() {
    let mut pacer = Pacer::new(Pacing::new().with_limit(2, 60 * SECOND));
    let _sent = [granted(&mut pacer, START), granted(&mut pacer, START)];
    pacer.forget();
    waits(&mut pacer, START);
}
