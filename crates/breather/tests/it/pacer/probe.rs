//! Probes at the end of a hold.

use std::iter;

use super::*;

#[test]
fn after_a_reset_one_goes_first_and_the_others_follow_its_answer() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    let _ = pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
    let waiting = [(); 5].map(|()| waits(&mut pacer, START).0);
    assert_eq!(drain(&mut pacer, START + 9 * SECOND - MS), []);

    let now = START + 9 * SECOND;
    assert_eq!(drain(&mut pacer, now), [waiting[0]]);
    let Admission::Send(probe) = pacer.request(now, waiting[0], WaitLimits::endless()) else {
        panic!()
    };
    assert_eq!(drain(&mut pacer, now), []);

    let now = now + 200 * MS;
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &said(now, 3, 60));
    assert_eq!(drain(&mut pacer, now), waiting[1..4]);
}

#[test]
fn a_throttled_probe_is_repeated_shortly_and_the_lateness_is_learned() {
    let mut pacer = pacer();
    let mut now = START;
    let mut stated = START + 9 * SECOND;
    let permit = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 0, 9));
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
                let _ = pacer.on_outcome(now, probe, throttled(), &said(now, 0, 1));
                waits(&mut pacer, now);
            } else {
                let _ = pacer.on_outcome(now, probe, Outcome::success(), &said(now, 0, 9));
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
    let _ = pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
    let now = START + 9 * SECOND;
    let lost = granted(&mut pacer, now);
    let (next, _) = waits(&mut pacer, now);
    assert_eq!(pacer.poll_offer(now), None);
    let broken = Outcome::transient(Executed::Unknown, "connection reset");
    let _ = pacer.on_outcome(now + MS, lost, broken, &Hint::new(now + MS));
    assert_eq!(pacer.poll_offer(now + MS), Some(next));

    let Admission::Send(dropped) = pacer.request(now + MS, next, WaitLimits::endless()) else {
        panic!()
    };
    let (last, _) = waits(&mut pacer, now + MS);
    pacer.on_drop(dropped);
    assert_eq!(pacer.poll_offer(now + MS), Some(last));
}

#[test]
fn a_bare_rejection_pauses_the_scope_for_a_guess_that_stops_nobody() {
    let mut pacer = pacer();
    let good = granted(&mut pacer, START);
    let _ = pacer.on_outcome(START, good, Outcome::success(), &Hint::new(START));
    let permit = granted(&mut pacer, START);
    let _ = pacer.on_outcome(START, permit, throttled(), &Hint::new(START));
    let (_, opens) = waits(&mut pacer, START);
    assert_eq!(opens, None);
    assert_eq!(pacer.next_wake(), Some(START + 250 * MS));
}

#[test]
fn an_answer_that_shows_quota_lifts_a_hold_that_rests_on_our_own_count() {
    let mut pacer = pacer();
    let permits = [(); 3].map(|()| granted(&mut pacer, START));
    let [first, second, third] = permits;
    let _ = pacer.on_outcome(START, first, Outcome::success(), &said(START, 2, 9));
    // Two were sent after it, so nothing is left.
    let (ticket, opens) = waits(&mut pacer, START);
    assert!(opens.is_some());
    // But the second was throttled for another reason and not counted.
    let _ = pacer.on_outcome(START + MS, third, Outcome::success(), &said(START, 1, 9));
    assert_eq!(drain(&mut pacer, START + MS), [ticket]);
    pacer.on_drop(second);
}

#[test]
fn a_healthy_window_moves_no_hold_that_a_rejection_asked_for() {
    // The rejection comes first.
    let mut pacer = pacer_that_proved_two();
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, START));
    let later = START + 20 * MS;
    let secondary = Hint::new(later).with_retry_after(60 * SECOND);
    let _ = pacer.on_outcome(later, first, throttled(), &secondary);
    let healthy = said(later, 3_999, 1_800);
    let _ = pacer.on_outcome(later, second, Outcome::success(), &healthy);
    assert_eq!(pacer.opens_at(), Some(later + 60 * SECOND));

    // The healthy answer comes first, and belongs to what was sent later.
    for reset in [3, 1_800] {
        let mut pacer = pacer_that_proved_two();
        let [first, second] = [(); 2].map(|()| granted(&mut pacer, START));
        let healthy = said(later, 3_999, reset);
        let _ = pacer.on_outcome(later, second, Outcome::success(), &healthy);
        let hint = Hint::new(later).with_retry_after(10 * SECOND);
        let _ = pacer.on_outcome(later, first, throttled(), &hint);
        assert_eq!(
            pacer.opens_at(),
            Some(later + 10 * SECOND),
            "reset in {reset} s"
        );
    }
}

#[test]
fn a_rejection_that_took_long_counts_from_its_receipt() {
    let mut pacer = pacer_that_proved_two();
    let permit = granted(&mut pacer, START);
    let later = START + 5 * SECOND;
    let hint = Hint::new(later).with_retry_after(3 * SECOND);
    let _ = pacer.on_outcome(later, permit, throttled(), &hint);
    assert_eq!(pacer.opens_at(), Some(later + 3 * SECOND));
}

#[test]
fn a_stated_instant_replaces_a_guess() {
    let mut pacer = pacer_that_proved_two();
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, START));
    let _ = pacer.on_outcome(START, first, throttled(), &Hint::new(START));
    assert_eq!(pacer.opens_at(), None);
    let hint = Hint::new(START).with_retry_after(30 * SECOND);
    let _ = pacer.on_outcome(START, second, throttled(), &hint);
    assert_eq!(pacer.opens_at(), Some(START + 30 * SECOND));
}

#[test]
fn a_server_that_goes_on_throttling_is_taken_at_its_word() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    let _ = pacer.on_outcome(START, permit, Outcome::success(), &said(START, 0, 9));
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
        let _ = pacer.on_outcome(now, probe, throttled(), &said(now, 0, 1));
        waits(&mut pacer, now);
        // What we add to its word is no reason to stop anybody.
        assert_eq!(pacer.opens_at(), None);
    }
    assert!((5..20).contains(&sends), "{sends} sends in a minute");
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
                let _ = pacer.on_outcome(now, permit, outcome, &Hint::new(now));
            }
        }
        let (ticket, _) = waits(&mut pacer, now);
        now = pacer.next_wake().unwrap();
        pacer.leave(ticket);
    }
}
