//! Snapshots.

use super::*;

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
    let _ = pacer.on_outcome(START, sent.next().unwrap(), Outcome::success(), &hint);
    let known = pacer.snapshot();
    assert_eq!((known.limit(), known.remaining()), (Some(300), Some(0)));
    assert_eq!(known.reset(), Some(START + 9 * SECOND));
    assert_eq!(known.hold_reason(), Some(HoldReason::Spent));
    assert_eq!(known.in_flight(), 3);

    // Too many in flight, with quota left.
    let _ = pacer.on_outcome(START, sent.next().unwrap(), throttled(), &said(START, 7, 9));
    let crowded = pacer.snapshot();
    assert_eq!((crowded.cap(), crowded.hold_reason()), (Some(2), None));

    let hint = said(START, 0, 2);
    let _ = pacer.on_outcome(START, sent.next().unwrap(), throttled(), &hint);
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
