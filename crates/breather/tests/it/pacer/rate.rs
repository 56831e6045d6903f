//! Limits that no answer describes.

use super::*;

/// A server that answers at once. Its throttled responses state nothing, or whole seconds.
struct Server {
    limiter: Limiter,
    is_stated: bool,
}

/// All times count from [`START`].
enum Limiter {
    /// So many in each period.
    Window {
        number: u32,
        period: Duration,
        /// The current period and the attempts in it.
        used: (u128, u32),
    },
    /// A bucket of this size that gains one per interval.
    Bucket {
        size: u32,
        interval: Duration,
        /// When it will be full.
        full: Duration,
    },
    /// So many in each period. One that is too many locks all out for a time.
    LockOut {
        number: u32,
        period: Duration,
        lock: Duration,
        /// Whether each attempt begins that time anew.
        is_extended: bool,
        /// The current period and the attempts in it.
        used: (u128, u32),
        locked: Duration,
    },
}

impl Server {
    fn window(number: u32, period: Duration) -> Self {
        Self::of(Limiter::Window {
            number,
            period,
            used: (0, 0),
        })
    }

    fn bucket(size: u32, interval: Duration) -> Self {
        Self::of(Limiter::Bucket {
            size,
            interval,
            full: Duration::ZERO,
        })
    }

    /// Five a second, or else a lock-out of 30 s.
    fn lock_out(is_extended: bool) -> Self {
        Self::of(Limiter::LockOut {
            number: 5,
            period: SECOND,
            lock: 30 * SECOND,
            is_extended,
            used: (0, 0),
            locked: Duration::ZERO,
        })
    }

    const fn of(limiter: Limiter) -> Self {
        Self {
            limiter,
            is_stated: false,
        }
    }

    const fn stated(mut self) -> Self {
        self.is_stated = true;
        self
    }

    /// Accepts an attempt, or returns how long it would have to wait.
    fn answers(&mut self, now: Instant) -> Result<(), Duration> {
        let now = now.duration_since(START);
        match &mut self.limiter {
            Limiter::Window {
                number,
                period,
                used,
            } => {
                let at = now.as_nanos() / period.as_nanos();
                if used.0 != at {
                    *used = (at, 0);
                }
                if used.1 == *number {
                    let end = period.as_nanos() * (at + 1);
                    return Err(Duration::from_nanos(end as u64) - now);
                }
                used.1 += 1;
                Ok(())
            }
            Limiter::Bucket {
                size,
                interval,
                full,
            } => {
                let empties = now.max(*full) + *interval;
                let longest = *interval * *size;
                if empties > now + longest {
                    return Err(empties - now - longest);
                }
                *full = empties;
                Ok(())
            }
            Limiter::LockOut {
                number,
                period,
                lock,
                is_extended,
                used,
                locked,
            } => {
                if now < *locked {
                    *locked = if *is_extended { now + *lock } else { *locked };
                    return Err(*locked - now);
                }
                let at = now.as_nanos() / period.as_nanos();
                if used.0 != at {
                    *used = (at, 0);
                }
                used.1 += 1;
                if used.1 > *number {
                    *locked = now + *lock;
                    return Err(*lock);
                }
                Ok(())
            }
        }
    }
}

/// The attempts of calls that all wait: the times of those that were accepted, and of those that were throttled.
#[derive(Default)]
struct Played {
    accepted: Vec<Duration>,
    throttled: Vec<Duration>,
}

impl Played {
    /// Returns how many of `times` are within `range`, in seconds.
    fn count(times: &[Duration], range: std::ops::Range<u32>) -> usize {
        let range = range.start * SECOND..range.end * SECOND;
        times.iter().filter(|at| range.contains(at)).count()
    }

    fn accepted_in(&self, range: std::ops::Range<u32>) -> usize {
        Self::count(&self.accepted, range)
    }

    fn throttled_in(&self, range: std::ops::Range<u32>) -> usize {
        Self::count(&self.throttled, range)
    }

    /// Returns when each lock-out began.
    fn lock_outs(&self) -> Vec<Duration> {
        let is_first = |at: &&Duration| {
            let before = self.throttled.iter().filter(|other| other < at).max();
            before.is_none_or(|before| {
                let mut accepted = self.accepted.iter();
                accepted.any(|accepted| before < accepted && accepted < *at)
            })
        };
        self.throttled.iter().filter(is_first).copied().collect()
    }
}

/// Has calls wait at `pacer` from second `from` to second `until`.
fn play_on(pacer: &mut Pacer, server: &mut Server, seconds: std::ops::Range<u32>) -> Played {
    let mut played = Played::default();
    let (mut now, until) = (START + seconds.start * SECOND, START + seconds.end * SECOND);
    let mut ticket = pacer.arrive();
    loop {
        match pacer.request(now, ticket, WaitLimits::endless()) {
            Admission::Send(permit) => {
                let at = now.duration_since(START);
                match server.answers(now) {
                    Ok(()) => {
                        played.accepted.push(at);
                        let _ = pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now));
                    }
                    Err(wait) => {
                        played.throttled.push(at);
                        let seconds = wait.as_nanos().div_ceil(SECOND.as_nanos()) as u32;
                        let mut hint = Hint::new(now);
                        if server.is_stated {
                            hint = hint.with_retry_after(seconds * SECOND);
                        }
                        let _ = pacer.on_outcome(now, permit, throttled(), &hint);
                    }
                }
                ticket = pacer.arrive();
            }
            Admission::Wait { .. } => match pacer.next_wake() {
                Some(at) if at < until => {
                    now = at;
                    let _next = pacer.poll_offer(now);
                }
                _ => {
                    pacer.leave(ticket);
                    return played;
                }
            },
            Admission::QueueFull | Admission::Rejected { .. } => panic!("does not wait"),
        }
    }
}

fn play(server: &mut Server, seconds: u32) -> Played {
    play_on(&mut pacer_that_proved_two(), server, 0..seconds)
}

#[test]
fn window_is_filled_and_rarely_exceeded() {
    for server in [
        Server::window(10, SECOND),
        Server::window(10, SECOND).stated(),
        Server::window(100, 10 * SECOND),
        Server::window(100, 10 * SECOND).stated(),
        Server::window(300, 60 * SECOND),
        Server::window(300, 60 * SECOND).stated(),
    ] {
        let mut server = server;
        let Limiter::Window { number, period, .. } = server.limiter else {
            unreachable!();
        };
        let seconds = 100 * period.as_secs() as u32;
        let played = play(&mut server, seconds);
        // After the first three periods.
        let (from, all) = (seconds / 100 * 3, 97 * number as usize);
        let accepted = played.accepted_in(from..seconds);
        let throttled = played.throttled_in(from..seconds);
        let case = format!("{number} in {period:?}, stated: {}", server.is_stated);
        assert!(accepted * 100 >= all * 97, "{case}: {accepted} of {all}");
        // The search for more waits for 2, 4, 8, 16, 32 and 64 periods.
        assert!(
            throttled <= 10,
            "{case}: {throttled} throttled: {:?}",
            played.throttled
        );
    }
}

#[test]
fn period_that_is_not_usual_is_measured() {
    let mut server = Server::window(20, 7_300 * MS);
    let played = play(&mut server, 730);
    let accepted = played.accepted_in(73..730);
    assert!(accepted >= 1_800 * 95 / 100, "{accepted}");
    let throttled = played.throttled_in(73..730);
    assert!(throttled <= 20, "{throttled} throttled");
}

#[test]
fn bucket_is_used_as_fast_as_it_refills() {
    for server in [
        Server::bucket(300, SECOND / 5),
        Server::bucket(300, SECOND / 5).stated(),
        Server::bucket(20, SECOND / 10),
        Server::bucket(10, 5 * SECOND),
        Server::bucket(10, 10 * SECOND).stated(),
    ] {
        let mut server = server;
        let Limiter::Bucket { size, interval, .. } = server.limiter else {
            unreachable!();
        };
        let seconds = (1_000 * interval).as_secs() as u32;
        let played = play(&mut server, seconds);
        let accepted = played.accepted_in(seconds / 10..seconds);
        let throttled = played.throttled_in(seconds / 10..seconds);
        let case = format!("{size}, one in {interval:?}, stated: {}", server.is_stated);
        assert!(accepted >= 900 * 95 / 100, "{case}: {accepted} of 900");
        assert!(throttled <= 90, "{case}: {throttled} throttled");
    }
}

#[test]
fn delay_that_is_rounded_up_is_not_the_interval() {
    let mut server = Server::bucket(1, SECOND / 3).stated();
    let played = play(&mut server, 400);
    // One that is throttled costs a whole second, in which three more would have been accepted.
    let accepted = played.accepted_in(100..400);
    assert!(accepted >= 900 * 85 / 100, "{accepted} of 900");
}

#[test]
fn attempts_at_a_bucket_are_spaced_evenly() {
    let mut server = Server::bucket(300, SECOND / 5);
    let played = play(&mut server, 200);
    let late: Vec<_> = played
        .accepted
        .iter()
        .filter(|at| **at > 150 * SECOND)
        .collect();
    let apart = late.windows(2).map(|two| *two[1] - *two[0]);
    let longest = apart.max().unwrap();
    assert!(longest < SECOND, "{longest:?}");
}

#[test]
fn higher_limit_is_found() {
    let mut pacer = pacer_that_proved_two();
    let mut server = Server::window(50, 10 * SECOND);
    play_on(&mut pacer, &mut server, 0..200);
    let mut server = Server::window(200, 10 * SECOND);
    let played = play_on(&mut pacer, &mut server, 200..700);
    let accepted = played.accepted_in(500..700);
    assert!(accepted >= 20 * 200 * 97 / 100, "{accepted}");
}

#[test]
fn higher_limit_is_searched_for_ever_more_seldom_and_never_given_up() {
    let mut server = Server::window(20, SECOND);
    let played = play(&mut server, 1_000);
    let throttled = played.throttled_in(500..1_000);
    assert!((5..=12).contains(&throttled), "{throttled} throttled");
}

#[test]
fn lower_limit_is_learned_within_a_few_periods() {
    let mut pacer = pacer_that_proved_two();
    let mut server = Server::window(200, 10 * SECOND);
    play_on(&mut pacer, &mut server, 0..200);
    let mut server = Server::window(50, 10 * SECOND);
    let played = play_on(&mut pacer, &mut server, 200..500);
    let throttled = played.throttled_in(240..500);
    assert!(throttled <= 8, "{throttled} throttled");
    let accepted = played.accepted_in(240..500);
    assert!(accepted >= 26 * 50 * 95 / 100, "{accepted}");
}

#[test]
fn longer_period_is_learned_within_a_few_periods() {
    let mut pacer = pacer_that_proved_two();
    let mut server = Server::window(10, SECOND).stated();
    play_on(&mut pacer, &mut server, 0..60);
    let mut server = Server::window(10, 60 * SECOND).stated();
    let played = play_on(&mut pacer, &mut server, 60..1_200);
    let accepted = played.accepted_in(600..1_200);
    assert!(accepted >= 9 * 10, "{accepted}");
    let throttled = played.throttled_in(600..1_200);
    assert!(throttled <= 10, "{throttled} throttled");
}

#[test]
fn quiet_times_do_not_lower_the_limit() {
    let mut pacer = pacer_that_proved_two();
    let mut server = Server::window(100, 10 * SECOND);
    play_on(&mut pacer, &mut server, 0..100);
    // One call a second, for ten minutes.
    for second in 120..700 {
        let now = START + second * SECOND;
        let permit = granted(&mut pacer, now);
        assert_eq!(server.answers(now), Ok(()));
        let _ = pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now));
    }
    let played = play_on(&mut pacer, &mut server, 700..800);
    assert!(played.accepted_in(710..800) >= 9 * 100 * 97 / 100);
}

#[test]
fn nothing_that_is_learned_holds_calls_for_more_than_a_minute() {
    let mut pacer = pacer_that_proved_two();
    let hour = 3_600 * SECOND;
    let permit = granted(&mut pacer, START);
    let hint = Hint::new(START).with_retry_after(hour);
    let _ = pacer.on_outcome(START, permit, throttled(), &hint);
    let now = START + hour;
    let probe = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &Hint::new(now));
    // The server has accepted two in an hour. None of these is answered.
    let ticket = loop {
        let ticket = pacer.arrive();
        match pacer.request(now, ticket, WaitLimits::endless()) {
            Admission::Send(_) => {}
            Admission::Wait { .. } => break ticket,
            Admission::QueueFull | Admission::Rejected { .. } => panic!("does not wait"),
        }
    };
    assert_eq!(pacer.next_wake(), Some(now + 60 * SECOND));
    assert_eq!(pacer.poll_offer(now + 60 * SECOND), Some(ticket));
}

#[test]
fn outage_slows_nobody_down_for_long() {
    let mut pacer = pacer_that_proved_two();
    let mut now = START;
    // The server asks for a second again and again.
    for _ in 0..40 {
        let permit = granted(&mut pacer, now);
        let hint = Hint::new(now).with_retry_after(SECOND);
        let _ = pacer.on_outcome(now, permit, throttled(), &hint);
        now = pacer.snapshot().held_until().unwrap();
    }
    let mut server = Server::window(1_000, SECOND);
    let over = now.duration_since(START).as_secs() as u32 + 1;
    let played = play_on(&mut pacer, &mut server, over..over + 2);
    let accepted = played.accepted_in(over..over + 2);
    assert!(accepted >= 1_000, "{accepted}");
}

/// A pacer whose server accepted two attempts and so many `more`, and then stated a rest. Returns the end of the rest.
fn pacer_after_rest(more: u32) -> (Pacer, Instant) {
    let mut pacer = pacer_that_proved_two();
    for _ in 0..more {
        let permit = granted(&mut pacer, START);
        let _ = pacer.on_outcome(START, permit, Outcome::success(), &Hint::new(START));
    }
    let permit = granted(&mut pacer, START);
    let hint = Hint::new(START).with_retry_after(10 * SECOND);
    let _ = pacer.on_outcome(START, permit, throttled(), &hint);
    (pacer, START + 10 * SECOND)
}

#[test]
fn lost_probes_do_not_lower_the_limit() {
    let (mut pacer, now) = pacer_after_rest(10);
    for _ in 0..11 {
        let probe = granted(&mut pacer, now);
        let lost = Outcome::transient(Executed::Unknown, "connection reset");
        let _ = pacer.on_outcome(now, probe, lost, &Hint::new(now));
    }
    let probe = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &Hint::new(now));
    // The ten, and the two before them, less the probe, and one more is tried.
    assert_eq!(sent_with_answers(&mut pacer, now, 6).0, 12);
}

#[test]
fn first_period_ends_even_if_no_attempt_is_answered() {
    let (mut pacer, now) = pacer_after_rest(10);
    let probe = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &Hint::new(now));
    let _slow = [(); 3].map(|()| granted(&mut pacer, now));
    let (ticket, _) = waits(&mut pacer, now);
    let wake = pacer.next_wake().unwrap();
    assert!(wake <= now + 11 * SECOND, "{wake:?}");
    assert_eq!(pacer.poll_offer(wake), Some(ticket));
}

#[test]
fn lost_attempt_does_not_end_a_search_for_more() {
    let (mut pacer, now) = pacer_after_rest(0);
    let probe = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &Hint::new(now));
    let first = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, first, Outcome::success(), &Hint::new(now));
    // The third tells whether the server accepts more than the two before the rest.
    let third = granted(&mut pacer, now);
    let (ticket, _) = waits(&mut pacer, now);
    let lost = Outcome::transient(Executed::Unknown, "connection reset");
    let _ = pacer.on_outcome(now, third, lost, &Hint::new(now));
    assert_eq!(pacer.poll_offer(now), Some(ticket));
}

#[test]
fn windows_that_begin_anew_for_hours_leave_nothing_behind() {
    let mut pacer = pacer_that_proved_two();
    let mut now = START;
    for _ in 0..5_000 {
        answered(&mut pacer, now, 0, 1);
        now = now + 2 * SECOND;
    }
    answered(&mut pacer, now, 299, 1);
    let _many = [(); AT_START].map(|()| granted(&mut pacer, now));
}

#[test]
fn lost_attempts_of_an_epoch_allow_no_more_in_the_next() {
    let mut pacer = pacer_that_proved_two();
    let mut now = START;
    let sent: Vec<_> = (0..12).map(|_| granted(&mut pacer, now)).collect();
    for (index, permit) in sent.into_iter().enumerate() {
        if index < 4 {
            let _ = pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now));
        } else {
            let lost = Outcome::transient(Executed::Unknown, "connection reset");
            let _ = pacer.on_outcome(now, permit, lost, &Hint::new(now));
        }
    }
    let permit = granted(&mut pacer, now);
    let hint = Hint::new(now).with_retry_after(SECOND);
    let _ = pacer.on_outcome(now, permit, throttled(), &hint);
    now = now + SECOND;
    let probe = granted(&mut pacer, now);
    let _ = pacer.on_outcome(now, probe, Outcome::success(), &Hint::new(now));
    // Six were accepted, one is the probe, and one more is tried.
    assert_eq!(sent_with_answers(&mut pacer, now, 3).0, 6);
}

#[test]
fn assumed_limit_holds_for_a_period_and_is_then_searched_beyond() {
    let mut pacer = Pacer::new(Pacing::new().with_initial_limit(2, SECOND));
    for (period, expected) in [(0, 2), (1, 3)] {
        let now = START + period * SECOND;
        let sent: Vec<_> = (0..10).map_while(|_| is_granted(&mut pacer, now)).collect();
        assert_eq!(sent.len(), expected, "period {period}");
        for permit in sent {
            let _ = pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now));
        }
        drain(&mut pacer, now + SECOND / 2);
    }
}

/// If others used most of the first window, the number that it gave is too low.
#[test]
fn window_that_others_used_at_first_is_filled_later() {
    for others in [80, 90, 95, 97, 98] {
        let mut server = Server::of(Limiter::Window {
            number: 100,
            period: 60 * SECOND,
            used: (0, others),
        });
        let played = play(&mut server, 200 * 60);
        let accepted = played.accepted_in(100 * 60..200 * 60);
        assert!(accepted >= 9_900, "{others}: {accepted} of 10000");
        let throttled = played.throttled_in(100 * 60..200 * 60);
        assert!(throttled <= 500, "{others}: {throttled} throttled");
    }
}

#[test]
fn lock_outs_teach_the_rate_and_are_seldom_risked_again() {
    let played = play(&mut Server::lock_out(false), 400);
    let lock_outs = played.lock_outs();
    // The second one ends the search, and the next search is 64 periods away.
    assert!(lock_outs.len() <= 3, "{lock_outs:?}");
    let apart = lock_outs.get(2).map(|&third| third - lock_outs[1]);
    assert!(
        apart.is_none_or(|apart| apart > 120 * SECOND),
        "{lock_outs:?}"
    );
    // Five per 30 s would be 33 in that time.
    let accepted = played.accepted_in(200..400);
    assert!(accepted >= 200, "{accepted}");
}

#[test]
fn lock_out_that_attempts_extend_ends_once_probes_are_far_enough_apart() {
    let played = play(&mut Server::lock_out(true), 1_000);
    let first = played.throttled.first().unwrap();
    let opened = played
        .accepted
        .iter()
        .find(|accepted| *accepted > first)
        .unwrap();
    // After a minute, the pauses are half of the time so far.
    let length = *opened - *first;
    assert!(length <= 100 * SECOND, "{length:?}");
}
