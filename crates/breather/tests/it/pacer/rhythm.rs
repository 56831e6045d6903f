//! Windows of one call that others use, too.

use std::cell::Cell;

use super::*;

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
                let _ = pacer.on_outcome(now, permit, Outcome::success(), &hint);
                break;
            }
            rejections += 1;
            let hint = hint.with_retry_after(SECOND);
            let _ = pacer.on_outcome(now, permit, throttled(), &hint);
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
fn one_late_reset_alone_makes_no_interval() {
    // The third window opens 3 s late.
    let opened = Cell::new((0, Duration::ZERO));
    throttled_by_a_window_of_one(4, |at| {
        let (count, latest) = opened.get();
        let needed = match count {
            0 => Duration::ZERO,
            2 => 4 * SECOND,
            _ => SECOND,
        };
        let is_open = at >= latest + needed;
        if is_open {
            opened.set((count + 1, at));
        }
        is_open
    });
    // The next one is asked at its reset, and the late one was found within a second.
    let (count, latest) = opened.get();
    assert_eq!(count, 4);
    assert!(latest < 7 * SECOND, "{latest:?}");
}
