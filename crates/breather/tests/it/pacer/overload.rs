//! Answers that report overload.

use super::*;

#[test]
fn what_is_accepted_shows_that_there_is_no_outage() {
    let mut pacer = pacer();
    let mut permits: Vec<_> = (0..20).map(|_| granted(&mut pacer, START)).collect();
    let good = permits.pop().unwrap();
    for permit in permits {
        let _ = pacer.on_outcome(
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
    let _ = pacer.on_outcome(START, good, Outcome::success(), &Hint::new(START));
    assert!(is_granted(&mut pacer, START).is_some());
}

/// Has `pacer` send one, which is answered at once.
fn ends(pacer: &mut Pacer, now: Instant, outcome: Outcome) -> Outcome {
    let permit = granted(pacer, now);
    pacer.on_outcome(now, permit, outcome, &Hint::new(now))
}

#[test]
fn share_of_overloads_shows_that_too_many_were_in_flight() {
    let mut pacer = pacer();
    let now = Instant::ORIGIN;
    let mut in_flight: Vec<_> = (0..20).map(|_| granted(&mut pacer, now)).collect();
    let silent = Hint::new(now);
    let overloaded = Outcome::overloaded("status 503");
    let mut left = Vec::new();
    for _ in 0..5 {
        let _ = pacer.on_outcome(now, in_flight.pop().unwrap(), overloaded, &silent);
        left.push(pacer.concurrency());
    }
    // The first three may be bad luck.
    assert_eq!(left, [30, 30, 30, 16, 15]);
    assert_eq!(pacer.opens_at(), None);
    // What fails for another reason tells nothing.
    let lost = Outcome::transient(Executed::Unknown, "the connection broke");
    let _ = pacer.on_outcome(now, in_flight.pop().unwrap(), lost, &silent);
    assert_eq!(pacer.concurrency(), 15);
}

#[test]
fn one_overload_among_a_hundred_changes_nothing() {
    let mut pacer = pacer();
    for _ in 0..20 {
        for _ in 0..99 {
            let _ = ends(&mut pacer, START, Outcome::success());
        }
        let failed = ends(&mut pacer, START, Outcome::overloaded("status 503"));
        assert_eq!(failed.kind(), OutcomeKind::Transient);
    }
    assert_eq!(pacer.concurrency(), AT_START as u32);
    assert_eq!(pacer.snapshot().hold_reason(), None);
}

#[test]
fn overloads_among_acceptances_are_a_limit() {
    let mut pacer = pacer();
    let mut kinds = Vec::new();
    for _ in 0..9 {
        let _ = ends(&mut pacer, START, Outcome::success());
        kinds.push(ends(&mut pacer, START, Outcome::overloaded("status 503")).kind());
        if is_granted(&mut pacer, START)
            .map(|permit| pacer.on_drop(permit))
            .is_none()
        {
            break;
        }
    }
    let throttled = OutcomeKind::Throttled;
    assert_eq!(kinds[..2], [OutcomeKind::Transient; 2]);
    assert!(
        kinds[2..].iter().all(|&kind| kind == throttled),
        "{kinds:?}"
    );
    assert_eq!(kinds.len(), 5);
    // The scope waits, as after a bare 429.
    assert!(pacer.snapshot().hold_reason().is_some());
}

#[test]
fn what_overloads_alone_does_not_for_company() {
    let mut pacer = pacer();
    let permit = granted(&mut pacer, START);
    let before = pacer.concurrency();
    let _ = pacer.on_outcome(
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
        let _ = pacer.on_outcome(now, permit, overloaded, &Hint::new(now));
        sends = 0;
        waiting = waits_at_last(&mut pacer, now, overloaded, &mut sends).filter(|_| sends == 0);
    }
    // It goes on failing; from here on, so do the calls, several at once.
    let _both = [granted(&mut pacer, now), granted(&mut pacer, now)];
    assert!((20..80).contains(&probes), "{probes}");
    let held = now.duration_since(held_since);
    assert!(held > 15 * SECOND && held < 20 * SECOND, "{held:?}");
}
