//! Calls that wait for a permit. Each round releases one of them.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use breather::{
    Breather, Hint, Outcome, Pacing,
    driver::{
        ActiveCall, Admission, Instant, NewCall, Pacer, Permit, Step, Ticket, Timer, WaitLimits,
    },
};
use breather_benches::{Case, Round};

use crate::manual_timer::ManualTimer;
use crate::quiet::answer;

/// Cases that differ only in the length of the queue.
pub(crate) struct Queue {
    pub(crate) name: &'static str,
    /// One for each of [`LENGTHS`].
    pub(crate) cases: Vec<Case>,
}

pub(crate) fn queues() -> Vec<Queue> {
    vec![
        Queue::new("pacer alone", Alone::new),
        Queue::new("through the handle", Shared::new),
    ]
}

impl Queue {
    fn new<R: Round + 'static>(name: &'static str, start: fn(usize) -> R) -> Self {
        let case = |length: usize| {
            let name = format!("{name}, {length} waiting");
            Case::started(name, move || start(length)).weighed()
        };
        Self {
            name,
            cases: LENGTHS.map(case).into(),
        }
    }
}

/// A pacer, and the permits of its attempts in flight.
struct Alone {
    pacer: Pacer,
    now: Instant,
    answer: Hint<'static>,
    sent: VecDeque<Permit>,
    waiting: usize,
}

impl Alone {
    fn new(waiting: usize) -> Self {
        let now = Instant::ORIGIN;
        let mut alone = Self {
            pacer: Pacer::new(Pacing::default()),
            now,
            answer: answer(now, true),
            sent: VecDeque::with_capacity(CAP + 2),
            waiting,
        };
        for _ in 0..=CAP {
            let ticket = alone.pacer.arrive();
            assert!(alone.ask(ticket), "the pacer does not know the cap yet");
        }
        let last = alone.sent.pop_back().expect("some permits are in flight");
        let throttled = Outcome::throttled("status 429");
        let _ = alone.pacer.on_outcome(now, last, throttled, &alone.answer);
        (0..waiting).for_each(|_| assert!(alone.come(), "the call waits"));
        alone
    }

    /// Returns whether the call at `ticket` was sent.
    fn ask(&mut self, ticket: Ticket) -> bool {
        match self.pacer.request(self.now, ticket, WaitLimits::endless()) {
            Admission::Send(permit) => {
                self.sent.push_back(permit);
                true
            }
            Admission::Wait { .. } | Admission::QueueFull | Admission::Rejected { .. } => false,
        }
    }

    /// Returns whether a new call waits.
    fn come(&mut self) -> bool {
        let ticket = self.pacer.arrive();
        !self.ask(ticket)
    }
}

impl Round for Alone {
    type Input = ();
    type Output = (usize, bool);

    fn prepare(&mut self) {
        self.now = self.now + TICK;
        self.answer = answer(self.now, true);
    }

    fn run(&mut self, (): ()) -> (usize, bool) {
        if let Some(permit) = self.sent.pop_front() {
            let outcome = Outcome::success();
            let _ = self
                .pacer
                .on_outcome(self.now, permit, outcome, &self.answer);
        }
        let mut sent = 0;
        while let Some(ticket) = self.pacer.poll_offer(self.now) {
            sent += usize::from(self.ask(ticket));
        }
        // Every driver has to ask for the next wakeup.
        black_box(self.pacer.next_wake());
        (sent, self.come())
    }

    fn check(&mut self, (sent, waits): (usize, bool)) {
        let queue = (self.pacer.queued(), self.pacer.in_flight() as usize);
        assert_eq!((sent, waits, queue), (1, true, (self.waiting, CAP)));
    }
}

type Active = ActiveCall<ManualTimer>;

/// A handle, its calls, and their wakers.
struct Shared {
    breather: Breather,
    timer: ManualTimer,
    answer: Hint<'static>,
    sent: VecDeque<Active>,
    waiting: VecDeque<Active>,
    bell: Arc<Bell>,
    waker: Waker,
}

impl Shared {
    fn new(waiting: usize) -> Self {
        let bell = Arc::new(Bell::default());
        let timer = ManualTimer::new();
        let mut shared = Self {
            breather: Breather::default(),
            timer,
            answer: answer(timer.now(), true),
            sent: VecDeque::with_capacity(CAP + 2),
            waiting: VecDeque::with_capacity(waiting + 1),
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        };
        (0..=CAP).for_each(|_| shared.come());
        let mut last = shared.sent.pop_back().expect("some calls are in flight");
        let _ = last.on_outcome(Outcome::throttled("status 429"), &shared.answer);
        drop(last);
        (0..waiting).for_each(|_| shared.come());
        assert_eq!(shared.waiting.len(), waiting);
        shared
    }

    /// Starts a new call, which is sent or waits.
    fn come(&mut self) {
        let scope = Some("api.example.com");
        let call = self.breather.start(
            NewCall::new().with_origin(scope).with_idempotent(true),
            self.timer,
            7,
        );
        self.step(call);
    }

    fn step(&mut self, mut call: Active) {
        match call.poll_step(&self.waker) {
            Step::Send => self.sent.push_back(call),
            Step::Wait { .. } => self.waiting.push_back(call),
            Step::End(stopped) => panic!("{stopped}"),
        }
    }
}

impl Round for Shared {
    type Input = ();
    type Output = usize;

    fn prepare(&mut self) {
        let now = self.timer.now() + TICK;
        self.timer.set(now);
        self.answer = answer(now, true);
    }

    fn run(&mut self, (): ()) -> usize {
        self.timer.ring();
        if let Some(mut call) = self.sent.pop_front() {
            let _ = black_box(call.on_outcome(Outcome::success(), &self.answer));
        }
        let woken = self.bell.rang();
        // The woken call is the oldest.
        for _ in 0..woken {
            if let Some(call) = self.waiting.pop_front() {
                self.step(call);
            }
        }
        self.come();
        woken
    }

    fn check(&mut self, woken: usize) {
        let queue = self.breather.snapshot("api.example.com");
        let queue = queue.map(|it| (it.queued(), it.in_flight() as usize));
        let queue = queue.expect("the scope is in use");
        assert_eq!(woken, 1);
        assert_eq!(queue, (self.waiting.len(), self.sent.len()));
        assert_eq!(queue.1, CAP);
    }
}

/// Counts how often it was woken.
#[derive(Debug, Default)]
struct Bell(AtomicUsize);

impl Bell {
    /// Returns how often it rang since the last call.
    fn rang(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The numbers of waiting calls. The bytes of the other lengths are counted relative to the first.
pub(crate) const LENGTHS: [usize; 4] = [1, 1_000, 10_000, 100_000];

/// The number of calls in flight.
const CAP: usize = 20;

/// The time between two rounds. It is short enough that the pacer does not look for a higher cap in
/// all rounds, and long enough that some alarms ring.
const TICK: Duration = Duration::from_micros(5);
