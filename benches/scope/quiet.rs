//! Permits of a scope without a queue.

use std::hint::black_box;
use std::task::Waker;
use std::time::Duration;

use breather::{
    Breather, Hint, Outcome, Pacing,
    driver::{ActiveCall, Admission, Instant, NewCall, Pacer, Step, Timer, WaitLimits},
    hint::Window,
};
use breather_benches::{Case, Round};

use crate::manual_timer::ManualTimer;

pub(crate) fn cases() -> Vec<Case> {
    let each = [("silent answer", false), ("answer tells quota", true)];
    let mut cases = Vec::new();
    for (answer, tells) in each {
        let name = format!("pacer alone, {answer}");
        cases.push(Case::started(name, move || Alone::new(tells)));
    }
    for (answer, tells) in each {
        let name = format!("handle: asked for and returned, {answer}");
        cases.push(Case::started(name, move || Asked(Shared::new(tells))));
    }
    for (answer, tells) in each {
        let name = format!("handle: a call from start to drop, {answer}");
        cases.push(Case::started(name, move || Whole(Shared::new(tells))));
    }
    cases
}

/// Returns a server's response at `now`, either without headers or with plenty of quota left.
pub(crate) fn answer(now: Instant, tells: bool) -> Hint<'static> {
    let hint = Hint::new(now);
    if !tells {
        return hint;
    }
    let window = Window::new("").with_limit(300).with_remaining(200);
    hint.with_window(window.with_reset(Duration::from_secs(9)))
}

/// A pacer by itself.
struct Alone {
    pacer: Pacer,
    now: Instant,
    tells: bool,
    answer: Hint<'static>,
}

impl Alone {
    fn new(tells: bool) -> Self {
        Self {
            pacer: Pacer::new(Pacing::default()),
            now: Instant::ORIGIN,
            tells,
            answer: answer(Instant::ORIGIN, tells),
        }
    }
}

impl Round for Alone {
    type Input = ();
    type Output = bool;

    fn prepare(&mut self) {
        self.now = self.now + TICK;
        self.answer = answer(self.now, self.tells);
    }

    fn run(&mut self, (): ()) -> bool {
        let ticket = self.pacer.arrive();
        let turn = self.pacer.request(self.now, ticket, WaitLimits::endless());
        let Admission::Send(permit) = turn else {
            return false;
        };
        let outcome = Outcome::success();
        let _ = self
            .pacer
            .on_outcome(self.now, permit, outcome, &self.answer);
        true
    }

    fn check(&mut self, sent: bool) {
        assert!(sent && self.pacer.in_flight() == 0);
    }
}

/// A handle, and the response to its next call.
struct Shared {
    breather: Breather,
    timer: ManualTimer,
    tells: bool,
    answer: Hint<'static>,
}

type Active = ActiveCall<ManualTimer>;

impl Shared {
    fn new(tells: bool) -> Self {
        Self {
            breather: Breather::default(),
            timer: ManualTimer::new(),
            tells,
            answer: answer(Instant::ORIGIN, tells),
        }
    }

    fn tick(&mut self) {
        let now = self.timer.now() + TICK;
        self.timer.set(now);
        self.answer = answer(now, self.tells);
    }

    fn start(&self) -> Active {
        let scope = black_box(Some("api.example.com"));
        self.breather.start(
            NewCall::new().with_origin(scope).with_idempotent(true),
            self.timer,
            7,
        )
    }

    fn request(&self, call: &mut Active) -> bool {
        let sent = call.poll_step(Waker::noop()) == Step::Send;
        let _ = black_box(call.on_outcome(Outcome::success(), &self.answer));
        sent
    }

    fn check(&self, sent: bool) {
        let snapshot = self.breather.snapshot("api.example.com");
        assert!(sent && snapshot.is_some_and(|it| it.in_flight() == 0));
    }
}

/// The permit of a call that is created before and dropped after the count.
struct Asked(Shared);

impl Round for Asked {
    // Boxed, so that no move of the call is counted.
    type Input = Box<Active>;
    type Output = (bool, Box<Active>);

    fn prepare(&mut self) -> Box<Active> {
        self.0.tick();
        Box::new(self.0.start())
    }

    fn run(&mut self, mut call: Box<Active>) -> (bool, Box<Active>) {
        (self.0.request(&mut call), call)
    }

    fn check(&mut self, (sent, _): (bool, Box<Active>)) {
        self.0.check(sent);
    }
}

/// A whole call.
struct Whole(Shared);

impl Round for Whole {
    type Input = ();
    type Output = bool;

    fn prepare(&mut self) {
        self.0.tick();
    }

    fn run(&mut self, (): ()) -> bool {
        let mut call = self.0.start();
        self.0.request(&mut call)
    }

    fn check(&mut self, sent: bool) {
        self.0.check(sent);
    }
}

/// The time between two calls.
const TICK: Duration = Duration::from_micros(10);
