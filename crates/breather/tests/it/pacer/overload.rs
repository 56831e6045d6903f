//! Answers that report overload.

use super::*;

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
    // It goes on failing; from here on, so do the calls, several at once.
    let _both = [granted(&mut pacer, now), granted(&mut pacer, now)];
    assert!((20..80).contains(&probes), "{probes}");
    let held = now.duration_since(held_since);
    assert!(held > 15 * SECOND && held < 20 * SECOND, "{held:?}");
}
