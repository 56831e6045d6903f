//! Several windows of a scope, in requests and in other units.

use breather::driver::Costs;
use breather::hint::Unit;

use super::*;

fn window(name: &str, limit: u64, remaining: u64, reset: u32) -> Window<'_> {
    let window = Window::new(name).with_limit(limit);
    window.with_remaining(remaining).with_reset(reset * SECOND)
}

fn tokens(remaining: u64, reset: u32) -> Window<'static> {
    window("tokens", 200_000, remaining, reset).with_unit(Unit::Tokens)
}

/// Sends one that is accepted at once, with these windows.
fn accepted<const N: usize>(pacer: &mut Pacer, now: Instant, windows: [Window<'static>; N]) {
    let permit = granted(pacer, now);
    let hint = windows.into_iter().fold(Hint::new(now), Hint::with_window);
    let _ = pacer.on_outcome(now, permit, Outcome::success(), &hint);
}

fn left(pacer: &Pacer) -> (Option<u64>, Option<u64>) {
    let snapshot = pacer.snapshot();
    (snapshot.remaining(), snapshot.limit())
}

#[test]
fn attempt_needs_room_in_every_window() {
    let mut pacer = pacer();
    let both = |second, minute| [window("s", 10, second, 1), window("m", 300, minute, 60)];
    accepted(&mut pacer, START, both(1, 299));
    accepted(&mut pacer, START, both(0, 298));
    assert_eq!(waits(&mut pacer, START).1, Some(START + SECOND));
    // The minute goes on when the second is over.
    let now = START + SECOND;
    let ticket = pacer.poll_offer(now).unwrap();
    pacer.leave(ticket);
    accepted(&mut pacer, now, both(9, 1));
    accepted(&mut pacer, now, both(8, 0));
    // Its reset was stated twice, and the earlier one is right.
    assert_eq!(waits(&mut pacer, now).1, Some(START + 60 * SECOND));
}

#[test]
fn spent_window_is_not_hidden_by_a_fuller_one() {
    let mut pacer = pacer();
    let day = window("day", 1_000, 0, 280);
    accepted(&mut pacer, START, [window("s", 10, 9, 1), day]);
    assert_eq!(waits(&mut pacer, START).1, Some(START + 280 * SECOND));
}

#[test]
fn healthy_long_window_delays_nobody() {
    let mut pacer = pacer();
    let both = |second| {
        [
            window("s", 10, second, 1),
            window("day", 9_000, 5_000, 80_000),
        ]
    };
    accepted(&mut pacer, START, both(0));
    assert_eq!(waits(&mut pacer, START).1, Some(START + SECOND));
}

#[test]
fn windows_told_one_at_a_time_both_count() {
    let mut pacer = pacer();
    // The server reports whichever is tighter, under one name.
    accepted(&mut pacer, START, [window("", 300, 3, 60)]);
    accepted(&mut pacer, START, [window("", 10, 1, 1)]);
    accepted(&mut pacer, START, [window("", 10, 0, 1)]);
    let (_, opens) = waits(&mut pacer, START);
    assert_eq!(opens, Some(START + SECOND));
    // The second resets, and the probe takes the last of the minute.
    let now = START + SECOND;
    let ticket = pacer.poll_offer(now).unwrap();
    pacer.leave(ticket);
    let _probe = granted(&mut pacer, now);
    assert_eq!(left(&pacer), (Some(0), Some(300)));
}

#[test]
fn new_limit_replaces_the_old_one() {
    for (limit, remaining) in [(150, 100), (600, 500)] {
        let mut pacer = pacer();
        accepted(&mut pacer, START, [window("", 300, 200, 60)]);
        accepted(&mut pacer, START, [window("", limit, remaining, 60)]);
        assert_eq!(left(&pacer), (Some(remaining), Some(limit)));
    }
}

#[test]
fn limit_on_attempts_in_flight_is_no_quota() {
    let mut pacer = pacer();
    let cap = window("", 5, 0, 60).with_unit(Unit::Concurrency);
    accepted(&mut pacer, START, [cap]);
    let _more = [(); 20].map(|()| granted(&mut pacer, START));
}

/// Returns a pacer that knows a bucket of 200,000 tokens, which fills in a minute, and that a call
/// costs 1,000. So many tokens are left.
fn with_tokens(remaining: u64) -> Pacer {
    let mut pacer = pacer();
    for used in (1_000..=200_000 - remaining).step_by(1_000) {
        let seconds = (used * 60).div_ceil(200_000) as u32;
        accepted(&mut pacer, START, [tokens(200_000 - used, seconds)]);
    }
    pacer
}

#[test]
fn cost_is_learned_from_remaining() {
    let mut pacer = pacer();
    // In a window, two and a half times the mean of 1,000 have to be left.
    for left in (3..=20).rev() {
        accepted(&mut pacer, START, [tokens(left * 1_000, 60)]);
    }
    accepted(&mut pacer, START, [tokens(2_000, 60)]);
    assert_eq!(waits(&mut pacer, START).1, Some(START + 60 * SECOND));
}

#[test]
fn call_that_is_throttled_for_its_cost_goes_first() {
    let mut pacer = with_tokens(100_000);
    let large = pacer.arrive();
    let Admission::Send(permit) = pacer.request(START, large, WaitLimits::endless()) else {
        panic!("not granted");
    };
    let other = granted(&mut pacer, START);
    let hint = Hint::new(START).with_window(tokens(5_000, 59));
    let now = START + 20 * MS;
    let _ = pacer.on_outcome(now, permit, throttled(), &hint.with_retry_after(3 * SECOND));
    // It is no matter of concurrency, and the scope waits, so that the tokens are kept for it.
    let (ticket, opens) = waits(&mut pacer, now);
    assert_eq!(opens, Some(START + 3 * SECOND));
    pacer.on_drop(other);
    let now = START + 3 * SECOND;
    assert!(matches!(
        pacer.request(now, large, WaitLimits::endless()),
        Admission::Send(_)
    ));
    assert_eq!(drain(&mut pacer, now), []);
    pacer.leave(ticket);
}

#[test]
fn throttled_call_with_many_tokens_left_is_a_matter_of_concurrency() {
    let mut pacer = with_tokens(150_000);
    let [first, second] = [(); 2].map(|()| granted(&mut pacer, START));
    let hint = Hint::new(START).with_window(tokens(150_000, 15));
    let _ = pacer.on_outcome(
        START + MS,
        second,
        throttled(),
        &hint.with_retry_after(SECOND),
    );
    assert_eq!(pacer.snapshot().cap(), Some(1));
    pacer.on_drop(first);
}

#[test]
fn bucket_of_tokens_is_waited_for_by_its_refill() {
    let mut pacer = with_tokens(8_000);
    let _permit = granted(&mut pacer, START);
    let (_, opens) = waits(&mut pacer, START);
    let opens = opens.unwrap();
    // The bucket is full in 58 s, and has enough for one more call at once.
    assert!(opens < START + SECOND, "{opens:?}");
    assert_eq!(pacer.next_wake(), Some(opens));
}

#[test]
fn reports_of_many_windows_are_bounded() {
    let mut pacer = pacer();
    for limit in 1..2_000 {
        let name: &'static str = Box::leak(limit.to_string().into_boxed_str());
        accepted(&mut pacer, START, [window(name, 9_000, 5_000, 60)]);
    }
    assert!(pacer.snapshot().limit().is_some());
}

#[test]
fn absurd_figures_cause_no_panic() {
    for limit in [0, 1, u64::MAX] {
        for remaining in [0, 1, u64::MAX] {
            for unit in [Unit::Requests, Unit::Tokens, Unit::Other] {
                let mut pacer = pacer();
                for number in 0..40 {
                    let window = Window::new("").with_limit(limit).with_unit(unit);
                    let window = window.with_remaining(remaining.wrapping_sub(number % 3));
                    let hint = Hint::new(START).with_window(window.with_reset(Duration::MAX));
                    let ticket = pacer.arrive();
                    if let Admission::Send(permit) =
                        pacer.request(START, ticket, WaitLimits::endless())
                    {
                        let outcome = [Outcome::success(), throttled()][number as usize % 2];
                        let _ = pacer.on_outcome(START, permit, outcome, &hint);
                    }
                }
                let _ = (
                    pacer.snapshot(),
                    pacer.next_wake(),
                    pacer.poll_offer(Instant::MAX),
                );
            }
        }
    }
}

#[test]
fn refill_is_waited_for_although_the_latest_answer_came_before_the_charges() {
    let mut pacer = pacer();
    let mut permits: Vec<_> = (0..10).map(|_| granted(&mut pacer, START)).collect();
    // The server charges at the response, and throttles the latest attempt for its cap.
    let latest = permits.pop().unwrap();
    let hint = Hint::new(START + MS).with_window(tokens(200_000, 1));
    let _ = pacer.on_outcome(START + MS, latest, throttled(), &hint);
    for (permit, used) in permits.into_iter().zip((1..).map(|number| number * 22_000)) {
        let reset = (used * 60_u64).div_ceil(200_000) as u32;
        let hint = Hint::new(START + MS).with_window(tokens(200_000 - used, reset));
        let _ = pacer.on_outcome(START + MS, permit, Outcome::success(), &hint);
    }
    waits(&mut pacer, START + MS);
    let wake = pacer.next_wake().unwrap();
    assert!(wake < START + 61 * SECOND, "{wake:?}");
    assert_eq!(drain(&mut pacer, wake).len(), 1);
}

#[test]
fn empty_window_holds_before_any_cost_is_known() {
    let mut pacer = pacer();
    accepted(&mut pacer, START, [tokens(0, 60)]);
    assert_eq!(waits(&mut pacer, START).1, Some(START + 60 * SECOND));
    let snapshot = pacer.snapshot();
    assert_eq!(
        (snapshot.remaining(), snapshot.unit()),
        (Some(0), Unit::Tokens)
    );
    let text = snapshot.to_string();
    assert!(text.contains("0 of 200000 tokens left"), "{text}");
}

#[test]
fn new_limit_keeps_the_learned_cost() {
    let mut pacer = pacer();
    for left in (3..=20).rev() {
        accepted(&mut pacer, START, [tokens(left * 1_000, 60)]);
    }
    // The limit of the tier has changed, and two calls are left.
    let window = window("tokens", 300_000, 2_000, 60).with_unit(Unit::Tokens);
    accepted(&mut pacer, START, [window]);
    assert_eq!(waits(&mut pacer, START).1, Some(START + 60 * SECOND));
}

/// Sends one that is accepted at once by a limit of two in 60 s, which resets in so many seconds.
fn accepted_of_two(pacer: &mut Pacer, now: Instant, remaining: u64, reset: u32) {
    accepted(pacer, now, [window("", 2, remaining, reset)]);
}

/// Sends the probe of a hold that is over, and it is accepted.
fn probed_of_two(pacer: &mut Pacer, now: Instant, remaining: u64, reset: u32) {
    let ticket = pacer.poll_offer(now).unwrap();
    pacer.leave(ticket);
    accepted_of_two(pacer, now, remaining, reset);
}

#[test]
fn sliding_log_opens_when_its_oldest_attempt_stops_counting() {
    let mut pacer = pacer();
    accepted_of_two(&mut pacer, START, 1, 60);
    accepted_of_two(&mut pacer, START + 400 * MS, 0, 60);
    assert_eq!(
        waits(&mut pacer, START + 400 * MS).1,
        Some(START + 60 * SECOND)
    );
    // Of the next one, the server says "in 1 s", and means 400 ms.
    let now = START + 60 * SECOND;
    probed_of_two(&mut pacer, now, 0, 1);
    assert_eq!(waits(&mut pacer, now).1, Some(now + 400 * MS));
    let now = now + 400 * MS;
    probed_of_two(&mut pacer, now, 0, 60);
    assert_eq!(waits(&mut pacer, now).1, Some(START + 120 * SECOND));
}

#[test]
fn sliding_log_that_others_use_opens_when_the_server_says() {
    let mut pacer = pacer();
    let of_four = |remaining, reset| [window("", 4, remaining, reset)];
    // Others sent two before us, 20 s ago.
    accepted(&mut pacer, START, of_four(1, 60));
    accepted(&mut pacer, START, of_four(0, 40));
    assert_eq!(waits(&mut pacer, START).1, Some(START + 40 * SECOND));
    // One of theirs comes back first, and a second one half a second later.
    let now = START + 40 * SECOND;
    let ticket = pacer.poll_offer(now).unwrap();
    pacer.leave(ticket);
    accepted(&mut pacer, now, of_four(0, 21));
    assert_eq!(waits(&mut pacer, now).1, Some(now + 21 * SECOND));
}

#[test]
fn fixed_window_does_not_open_before_it_resets() {
    let mut pacer = pacer();
    let of_three = |remaining, reset| [window("", 3, remaining, reset)];
    // The first window began 59 s ago.
    accepted(&mut pacer, START, of_three(2, 1));
    let now = START + 1_500 * MS;
    accepted(&mut pacer, now, of_three(2, 60));
    accepted(&mut pacer, now, of_three(1, 60));
    accepted(&mut pacer, now, of_three(0, 60));
    assert_eq!(waits(&mut pacer, now).1, Some(now + 60 * SECOND));
}

#[test]
fn call_that_costs_more_than_is_left_probes_again() {
    let mut pacer = pacer();
    let limits = WaitLimits::endless().with_costs(Costs::new().with(Unit::Tokens, 50_000));
    let (costly, cheap) = (pacer.arrive(), pacer.arrive());
    let mut now = START;
    for _ in 0..3 {
        let Admission::Send(permit) = pacer.request(now, costly, limits) else {
            panic!()
        };
        let hint = Hint::new(now).with_window(tokens(10_000, 9));
        let hint = hint.with_retry_after(9 * SECOND);
        let _ = pacer.on_outcome(now, permit, throttled(), &hint);
        for (ticket, limits) in [(costly, limits), (cheap, WaitLimits::endless())] {
            let asked = pacer.request(now, ticket, limits);
            assert!(matches!(asked, Admission::Wait { .. }));
        }
        now = pacer.next_wake().unwrap();
        assert_eq!(pacer.poll_offer(now), Some(costly));
    }
}

#[test]
fn reset_is_that_of_the_latest_sent_attempt() {
    let mut pacer = pacer();
    let (first, second) = (granted(&mut pacer, START), granted(&mut pacer, START));
    // The window began anew between the two, and their answers are back in the wrong order.
    let hint = Hint::new(START).with_window(window("", 300, 0, 20));
    let _ = pacer.on_outcome(START, second, Outcome::success(), &hint);
    let hint = Hint::new(START).with_window(window("", 300, 0, 1));
    let _ = pacer.on_outcome(START, first, Outcome::success(), &hint);
    assert_eq!(waits(&mut pacer, START).1, Some(START + 20 * SECOND));
}

#[test]
fn call_that_costs_less_than_is_left_was_throttled_for_the_cap() {
    let mut pacer = pacer();
    let limits = WaitLimits::endless().with_costs(Costs::new().with(Unit::Tokens, 100));
    accepted(&mut pacer, START, [tokens(10_100, 9)]);
    let mut send = || {
        let ticket = pacer.arrive();
        pacer.request(START, ticket, limits)
    };
    let (Admission::Send(_other), Admission::Send(permit)) = (send(), send()) else {
        panic!()
    };
    // Other calls may cost more than the 10,000 tokens that are left.
    let hint = Hint::new(START).with_window(tokens(10_000, 9));
    let _ = pacer.on_outcome(START, permit, throttled(), &hint);
    assert_eq!(pacer.snapshot().held_until(), None);
    assert_eq!(pacer.concurrency(), 1);
}

#[test]
fn last_reset_of_several_spent_windows_counts() {
    let mut pacer = pacer();
    let both = [window("s", 10, 0, 5), window("m", 300, 0, 50)];
    accepted(&mut pacer, START, both);
    assert_eq!(waits(&mut pacer, START).1, Some(START + 50 * SECOND));
}

#[test]
fn window_that_waits_for_attempts_in_flight_is_not_spent() {
    let mut pacer = pacer();
    let (first, second) = (granted(&mut pacer, START), granted(&mut pacer, START));
    // The second request overtook the first.
    for (permit, remaining) in [(second, 3), (first, 2)] {
        let hint = Hint::new(START).with_window(window("", 5, remaining, 60));
        let _ = pacer.on_outcome(START, permit, Outcome::success(), &hint);
    }
    let _in_flight = [granted(&mut pacer, START), granted(&mut pacer, START)];
    // The server may count both of them after the first one. If not, one is left.
    let (_, opens) = waits(&mut pacer, START);
    assert_eq!((opens, pacer.snapshot().held_until()), (None, None));
}

#[test]
fn late_rejection_of_a_probe_of_a_window_of_one_is_not_a_new_window() {
    let mut pacer = pacer();
    let one = || window("", 1, 0, 10);
    let (first, second) = (granted(&mut pacer, START), granted(&mut pacer, START));
    let hint = Hint::new(START).with_window(one());
    let _ = pacer.on_outcome(START, second, throttled(), &hint);
    let _ = pacer.on_outcome(START, first, Outcome::success(), &hint);
    let (ticket, _) = waits(&mut pacer, START);
    let (_other, _) = waits(&mut pacer, START);

    let opens = START + 10 * SECOND;
    assert_eq!(pacer.poll_offer(opens), Some(ticket));
    let Admission::Send(probe) = pacer.request(opens, ticket, WaitLimits::endless()) else {
        panic!("not granted");
    };
    // A rejection usually comes back at once, and this one takes longer.
    let now = opens + 100 * MS;
    assert_eq!(pacer.poll_offer(now), None);
    let hint = Hint::new(now).with_window(window("", 1, 0, 1));
    let _ = pacer.on_outcome(now, probe, throttled(), &hint.with_retry_after(SECOND));
    // The server rounds up. The pacer probes again before the whole second is over.
    assert_eq!(pacer.next_wake(), Some(now + 100 * MS));
}

#[test]
fn bucket_that_was_left_alone_gives_no_more_than_it_holds() {
    let mut pacer = pacer();
    // It holds 20 and gains one a second.
    for (remaining, reset) in [(19, 1), (18, 2), (17, 3), (16, 4), (15, 5), (14, 6)] {
        accepted(&mut pacer, START, [window("", 20, remaining, reset)]);
    }
    let mut now = START;
    for _ in 0..3 {
        now = now + 3_600 * SECOND;
        let mut sent = Vec::new();
        while waits_or_is_sent(&mut pacer, now, &mut sent).is_none() {
            now = now + 10 * MS;
        }
        assert_eq!(sent.len(), 20);
        assert!(left(&pacer).0 < Some(20));
        // Their answers are lost.
        sent.into_iter().for_each(|permit| pacer.on_drop(permit));
    }
}

#[test]
fn while_much_is_left_others_are_noticed_within_eight_answers() {
    let mut pacer = pacer();
    for remaining in (200..300).rev() {
        accepted(&mut pacer, START, [window("", 300, remaining, 60)]);
        // Our own attempts are counted in any case.
        assert_eq!(left(&pacer).0, Some(remaining));
    }
    for remaining in (92..100).rev() {
        accepted(&mut pacer, START, [window("", 300, remaining, 60)]);
    }
    assert!(left(&pacer).0 <= Some(92), "{:?}", left(&pacer));
}

#[test]
fn window_that_has_little_left_is_noticed_at_once() {
    let mut pacer = pacer();
    for remaining in (250..300).rev() {
        accepted(&mut pacer, START, [window("", 300, remaining, 60)]);
    }
    accepted(&mut pacer, START, [window("", 300, 0, 60)]);
    assert_eq!(waits(&mut pacer, START).1, Some(START + 60 * SECOND));
}

#[test]
fn debt_of_a_bucket_is_waited_for() {
    let mut pacer = with_tokens(100_000);
    // Costs are charged at the response. 400,000 too many were used, which come back in two minutes.
    accepted(&mut pacer, START, [tokens(0, 180)]);
    let (ticket, opens) = waits(&mut pacer, START);
    assert!(opens >= Some(START + 120 * SECOND), "{opens:?}");
    assert_eq!(pacer.poll_offer(START + 119 * SECOND), None);
    // A call costs as much as before.
    let now = START + 123 * SECOND;
    assert_eq!(pacer.poll_offer(now), Some(ticket));
}

#[test]
fn bucket_is_waited_for_although_no_cost_is_known() {
    let mut pacer = pacer();
    let small = |remaining, reset| window("t", 1_573, remaining, reset).with_unit(Unit::Tokens);
    accepted(&mut pacer, START, [small(1_000, 1)]);
    // The second one used it up. It may have cost more than was left.
    accepted(&mut pacer, START, [small(0, 3)]);
    let (ticket, _) = waits(&mut pacer, START);
    let wake = pacer.next_wake().expect("waits for ever");
    assert_eq!(pacer.poll_offer(wake), Some(ticket));
}

#[test]
fn attempt_in_flight_may_be_charged_when_it_ends() {
    let mut pacer = pacer();
    for left in (10..=20).rev() {
        accepted(&mut pacer, START, [tokens(left * 1_000, 60)]);
    }
    // Of 9,000 that it states, one may be missing when the slow attempt ends.
    let _slow = granted(&mut pacer, START);
    for left in (3..=9).rev() {
        accepted(&mut pacer, START, [tokens(left * 1_000, 60)]);
    }
    waits(&mut pacer, START);
}

#[test]
fn bucket_shows_no_more_than_it_holds() {
    let mut pacer = with_tokens(100_000);
    let _slow = [granted(&mut pacer, START), granted(&mut pacer, START)];
    let now = START + 3_600 * SECOND;
    let _late = granted(&mut pacer, now);
    assert_eq!(left(&pacer), (Some(200_000), Some(200_000)));
}
