//! An even pace.

use super::*;

#[test]
fn an_even_pace_spreads_what_remains_over_the_time_to_the_reset() {
    let mut pacer = Pacer::new(Pacing::new().with_pace(Pace::Even));
    let first = granted(&mut pacer, START);
    // Nothing is known yet: one goes alone.
    let (second, _) = waits(&mut pacer, START);
    let now = START + 100 * MS;
    let _ = pacer.on_outcome(now, first, Outcome::success(), &said(START, 9, 10));
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
    let _ = pacer.on_outcome(due, permit, Outcome::success(), &said(due, 8, 9));
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
    let _ = pacer.on_outcome(now, first, Outcome::success(), &Hint::new(now));
    let more = (0..AT_START).map_while(|_| is_granted(&mut pacer, now));
    assert!(more.count() > 1);
}
