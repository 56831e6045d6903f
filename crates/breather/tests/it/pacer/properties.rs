//! Any events in any order.

use proptest::prelude::*;

use super::*;

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
                    let _ = pacer.on_outcome(now, permit, outcome, &hint);
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
                    let _ = pacer.on_outcome(now, permit, Outcome::success(), &said(now, 200, 9));
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
