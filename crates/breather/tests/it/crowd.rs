//! Thousands of calls in one scope.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use breather::{
    Breather, Hint, Outcome,
    driver::{ActiveCall, Instant, NewCall, Step, Timer},
    hint::Window,
};
use breather_test::{VirtualTimer, WakeCounter};

use crate::server::Server;
use crate::world::{Conduct, End, World};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Draws a random number by Marsaglia, "Xorshift RNGs", 2003.
fn below(state: &mut u64, bound: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % bound
}

#[test]
fn promise_9_dropping_half_of_10_000_calls_leaks_nothing() {
    for mut state in [0x9e37_79b9_7f4a_7c15, 0x2545_f491_4f6c_dd1d] {
        let server = Server::new(1_000, 10 * SECOND, 50, 100 * MS);
        let mut world = World::new(Breather::default(), vec![server]);
        let mut stay = 0;
        for seed in 0..MANY as u64 {
            // The remaining calls take about a minute.
            let at = Instant::ORIGIN + MS * below(&mut state, 60_000) as u32;
            let conduct = match below(&mut state, 6) {
                0 => Conduct::LeavesAt(at),
                1 => Conduct::LeavesOffered,
                2 => Conduct::LeavesInFlight,
                _ => Conduct::Stays,
            };
            stay += usize::from(conduct == Conduct::Stays);
            world.call(0, conduct, seed);
        }
        assert!(world.counted(0).is_some_and(|(_, waiting)| waiting > 9_900));
        world.run();
        assert_eq!(world.counted(0), Some((0, 0)));
        let ends = world.callers().iter().filter_map(|caller| caller.end);
        let mut ended = BTreeMap::<End, usize>::new();
        ends.for_each(|end| *ended.entry(end).or_default() += 1);
        assert!(ended[&End::Succeeded] >= stay, "{ended:?}");
        assert_eq!(ended.values().sum::<usize>(), MANY);
        for end in [End::LeftWaiting, End::LeftOffered, End::LeftInFlight] {
            assert!(ended[&end] > 500, "{ended:?}");
        }
    }
}

#[test]
fn promise_9_dropped_queued_calls_delay_no_other() {
    // Calls that leave while they wait don't delay the others.
    let last = |leave: bool| {
        let server = Server::new(1_000, 10 * SECOND, 50, 100 * MS);
        let mut world = World::new(Breather::default(), vec![server]);
        for seed in 0..MANY as u64 {
            let is_leaving = seed >= 50 && seed % 2 == 0;
            match is_leaving {
                true if leave => {
                    let at = Instant::ORIGIN + MS;
                    world.call(0, Conduct::LeavesAt(at), seed);
                }
                true => {}
                false => world.call(0, Conduct::Stays, seed),
            }
        }
        world.run();
        let sent = world.callers().iter().flat_map(|it| it.sent.last());
        sent.max().copied().unwrap()
    };
    assert_eq!(last(true), last(false));
}

#[test]
fn unpolled_calls_do_not_block_the_queue() {
    let server = Server::new(100_000, 10 * SECOND, 50, 100 * MS);
    let mut world = World::new(Breather::default(), vec![server]);
    // Every third call is never polled again once it waits, starting with the oldest.
    let conduct = |index| match index % 3 {
        0 => Conduct::Sleeps,
        _ => Conduct::Stays,
    };
    (0..50).for_each(|seed| world.call(0, Conduct::Stays, seed));
    (50..3_050).for_each(|seed| world.call(0, conduct(seed - 50), seed));
    let asleep = |world: &World| {
        let asleep = world.callers().iter().filter(|it| it.end.is_none());
        asleep
            .map(|it| (it.polls, it.sent.len()))
            .collect::<Vec<_>>()
    };
    world.run();
    assert_eq!(world.ended(End::Succeeded), 2_050);
    assert_eq!(asleep(&world), vec![(1, 0); 1_000]);
    let counted = world.counted(0);
    assert!(
        counted.is_some_and(|(_, waiting)| waiting == 1_000),
        "{counted:?}"
    );
    // 50 calls in flight take 0.1 s each. An unclaimed offer blocks one permit for a millisecond.
    let took = world.timer.now().duration_since(Instant::ORIGIN);
    assert!(
        took < 2_050 / 50 * 100 * MS + 1_000 * MS + SECOND,
        "{took:?}"
    );
}

type Active = ActiveCall<VirtualTimer>;

/// Queued calls, oldest first. Each has its own wake counter.
struct Queue {
    breather: Breather,
    timer: VirtualTimer,
    calls: Vec<Option<Active>>,
    bells: Vec<Arc<WakeCounter>>,
}

impl Queue {
    /// Returns `MANY` queued calls, and the calls in flight before them, as many as permitted.
    fn new() -> (Self, Vec<Active>) {
        let mut queue = Self {
            breather: Breather::default(),
            timer: VirtualTimer::default(),
            calls: Vec::new(),
            bells: Vec::new(),
        };
        let mut sent: Vec<_> = (0..AT_START).map(|_| queue.start()).collect();
        for call in &mut sent {
            assert_eq!(call.poll_step(Waker::noop()), Step::Send);
        }
        // A rejection keeps the concurrency from growing over time.
        let mut throttled = sent.remove(0);
        let _ = throttled.on_outcome(Outcome::throttled("status 429"), &queue.hint(200_000));
        drop(throttled);
        queue.fill();
        (queue, sent)
    }

    fn start(&self) -> Active {
        let timer = self.timer.clone();
        self.breather.start(
            NewCall::new().with_origin("api").with_idempotent(true),
            timer,
            1,
        )
    }

    fn fill(&mut self) {
        for _ in 0..MANY {
            let (mut call, bell) = (self.start(), WakeCounter::new());
            let waker = Waker::from(Arc::clone(&bell));
            assert!(matches!(call.poll_step(&waker), Step::Wait { .. }));
            self.calls.push(Some(call));
            self.bells.push(bell);
        }
    }

    /// Returns the calls woken since the last check, and how often each was woken.
    fn woken(&self) -> Vec<(usize, usize)> {
        let rang = self.bells.iter().map(|bell| bell.take()).enumerate();
        rang.filter(|&(_, times)| times > 0).collect()
    }

    fn ask(&mut self, index: usize) -> Step {
        let call = self.calls[index].as_mut().unwrap();
        call.poll_step(Waker::noop())
    }

    fn hint(&self, remaining: u64) -> Hint<'static> {
        let window = Window::new("").with_remaining(remaining);
        Hint::new(self.timer.now()).with_window(window.with_reset(9 * SECOND))
    }
}

#[test]
fn returned_permit_wakes_only_the_oldest_call() {
    let (mut queue, mut sent) = Queue::new();
    assert_eq!(queue.woken(), []);
    let mut next = 0;
    // The permit comes back with an outcome or from a call dropped in flight.
    for index in 0..10 {
        let mut call = sent.pop().unwrap();
        if index % 2 == 0 {
            let _ = call.on_outcome(Outcome::success(), &queue.hint(200_000));
            assert_eq!(queue.woken(), [(next, 1)]);
        }
        drop(call);
        let woken = if index % 2 == 0 {
            vec![]
        } else {
            vec![(next, 1)]
        };
        assert_eq!(queue.woken(), woken);
        assert_eq!(queue.ask(next), Step::Send);
        assert_eq!(queue.woken(), []);
        next += 1;
    }
    // The permit passes on when a call with an offer is dropped.
    drop(sent.pop());
    for _ in 0..10 {
        assert_eq!(queue.woken(), [(next, 1)]);
        queue.calls[next] = None;
        next += 1;
    }
    assert_eq!(queue.woken(), [(next, 1)]);
    // The permit passes on when an offer is not taken in time.
    for _ in 0..10 {
        queue.timer.advance(MS);
        next += 1;
        assert_eq!(queue.woken(), [(next, 1)]);
    }
    let counted = queue.breather.snapshot("api").unwrap();
    assert_eq!(counted.queued(), MANY - 20);
}

#[test]
fn leaving_the_queue_wakes_no_call() {
    let (mut queue, _sent) = Queue::new();
    for index in (0..MANY).step_by(100) {
        queue.calls[index] = None;
        assert_eq!(queue.woken(), []);
    }
}

#[test]
fn end_of_hold_wakes_one_call() {
    let (mut queue, sent) = Queue::new();
    for mut call in sent {
        let _ = call.on_outcome(Outcome::success(), &queue.hint(0));
    }
    assert_eq!(queue.woken(), []);
    queue.timer.advance(9 * SECOND - MS);
    assert_eq!(queue.woken(), []);
    queue.timer.advance(MS);
    assert_eq!(queue.woken(), [(0, 1)]);
    assert_eq!(queue.ask(0), Step::Send);
    // While the probe is in flight, no other call is woken.
    queue.timer.advance(500 * MS);
    assert_eq!(queue.woken(), []);
}

/// The number of queued calls.
const MANY: usize = 10_000;

/// The concurrency that a new pacer permits.
const AT_START: usize = 30;
