//! Many calls to many servers through one handle, in virtual time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;

use breather::{
    Breather, EndReason,
    driver::{ActiveCall, Decision, Instant, NewCall, Step, Timer},
};
use breather_test::VirtualTimer;

use crate::server::{Answer, Server};

/// Servers and their callers. Each server is a separate scope.
///
/// A call is polled only when it is woken and at the times that it asks for.
pub(crate) struct World {
    pub(crate) breather: Breather,
    pub(crate) timer: VirtualTimer,
    servers: Vec<Server>,
    callers: Vec<Caller>,
    woken: Arc<Woken>,
    events: BinaryHeap<Reverse<(Instant, u64, Event)>>,
    scheduled: u64,
    /// The number of callers that have neither succeeded nor left.
    at_work: usize,
}

/// A caller, its call, and the end of that call.
pub(crate) struct Caller {
    server: usize,
    conduct: Conduct,
    call: Option<ActiveCall<VirtualTimer>>,
    waker: Waker,
    is_waiting: bool,
    is_in_flight: bool,
    /// The times at which its attempts were sent.
    pub(crate) sent: Vec<Instant>,
    /// The number of polls.
    pub(crate) polls: usize,
    pub(crate) end: Option<End>,
}

/// The behavior of a caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Conduct {
    /// Drives its call to the end.
    Stays,
    /// Polls its call once, and never again.
    Sleeps,
    /// Drops its call at that time, in any state.
    LeavesAt(Instant),
    /// Drops its call when it is woken, without polling.
    LeavesOffered,
    /// Drops its call before the response to the first attempt.
    LeavesInFlight,
}

/// The end of a call.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum End {
    Succeeded,
    LeftWaiting,
    LeftOffered,
    LeftInFlight,
    /// The caller left between two attempts.
    LeftElsewhere,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Event {
    /// The caller polls, because the call asked for this time.
    Poll(usize),
    /// The caller drops its call.
    Leave(usize),
    /// The server finishes a request.
    Done(usize),
    /// The caller receives the response.
    Answer(usize, Answer),
}

impl World {
    pub(crate) fn new(breather: Breather, servers: Vec<Server>) -> Self {
        Self {
            breather,
            timer: VirtualTimer::default(),
            servers,
            callers: Vec::new(),
            woken: Arc::default(),
            events: BinaryHeap::new(),
            scheduled: 0,
            at_work: 0,
        }
    }

    /// Returns the scope of a server.
    pub(crate) fn scope(server: usize) -> String {
        format!("{server}.example.com")
    }

    /// Starts a call and polls it once. Give each call a different `seed`.
    pub(crate) fn call(&mut self, server: usize, conduct: Conduct, seed: u64) {
        let index = self.callers.len();
        let scope = Self::scope(server);
        let new = NewCall::new().with_origin(&*scope).with_idempotent(true);
        let call = self.breather.start(new, self.timer.clone(), seed);
        self.callers.push(Caller {
            server,
            conduct,
            call: Some(call),
            waker: Waker::from(Arc::new(Ring {
                index,
                woken: Arc::clone(&self.woken),
            })),
            is_waiting: false,
            is_in_flight: false,
            sent: Vec::new(),
            polls: 0,
            end: None,
        });
        self.at_work += usize::from(conduct != Conduct::Sleeps);
        if let Conduct::LeavesAt(at) = conduct {
            self.at(at, Event::Leave(index));
        }
        self.poll(index);
    }

    /// Lets time pass until all callers that drive their calls are done.
    pub(crate) fn run(&mut self) {
        while self.at_work > 0 {
            // Poll woken callers before other events, so that servers don't affect each other's
            // calls.
            if let Some(index) = self.woken.next() {
                self.on_woken(index);
                continue;
            }
            let event = self.events.peek().map(|&Reverse((at, ..))| at);
            let next = event.into_iter().chain(self.timer.next_due()).min();
            let next = next.expect("a caller waits although no event is due");
            assert!(
                next < Instant::ORIGIN + LONGEST,
                "{} calls wait",
                self.at_work
            );
            if self.timer.next_due() == Some(next) {
                self.timer.advance_to(next);
            } else if let Some(Reverse((at, _, event))) = self.events.pop() {
                self.timer.advance_to(at);
                self.on_event(event);
            }
        }
    }

    pub(crate) fn callers(&self) -> &[Caller] {
        &self.callers
    }

    /// Returns the number of calls with this end.
    pub(crate) fn ended(&self, end: End) -> usize {
        let ended = self.callers.iter().filter(|it| it.end == Some(end));
        ended.count()
    }

    /// Returns the numbers of calls in flight and queued, if the server's scope is known.
    pub(crate) fn counted(&self, server: usize) -> Option<(u32, usize)> {
        let snapshot = self.breather.snapshot(&Self::scope(server))?;
        Some((snapshot.in_flight(), snapshot.queued()))
    }

    fn at(&mut self, at: Instant, event: Event) {
        self.scheduled += 1;
        self.events.push(Reverse((at, self.scheduled, event)));
    }

    fn on_woken(&mut self, index: usize) {
        let caller = &self.callers[index];
        if !caller.is_waiting {
            return;
        }
        match caller.conduct {
            Conduct::Sleeps => {}
            Conduct::LeavesOffered => self.leave(index, End::LeftOffered),
            _ => self.poll(index),
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Poll(index) => self.poll(index),
            Event::Leave(index) => {
                let caller = &self.callers[index];
                let end = match (caller.is_waiting, caller.is_in_flight) {
                    (true, _) => End::LeftWaiting,
                    (_, true) => End::LeftInFlight,
                    (false, false) => End::LeftElsewhere,
                };
                self.leave(index, end);
            }
            Event::Done(server) => self.servers[server].leave(),
            Event::Answer(index, answer) => self.on_answer(index, answer),
        }
    }

    fn poll(&mut self, index: usize) {
        let now = self.timer.now();
        let caller = &mut self.callers[index];
        let Some(call) = &mut caller.call else {
            return;
        };
        caller.polls += 1;
        let step = call.poll_step(&caller.waker);
        caller.is_waiting = step == Step::Wait { until: None };
        match step {
            Step::Send => {
                caller.is_in_flight = true;
                caller.sent.push(now);
                let (server, conduct) = (caller.server, caller.conduct);
                let answer = self.servers[server].on_request(now);
                if answer.is_accepted {
                    self.at(now + answer.takes, Event::Done(server));
                }
                self.at(now + answer.takes, Event::Answer(index, answer));
                if conduct == Conduct::LeavesInFlight {
                    self.at(now + answer.takes / 2, Event::Leave(index));
                }
            }
            Step::Wait { until: Some(until) } => self.at(until, Event::Poll(index)),
            Step::Wait { until: None } => {}
            Step::End(stopped) => panic!("{stopped}"),
        }
    }

    fn on_answer(&mut self, index: usize, answer: Answer) {
        let now = self.timer.now();
        let caller = &mut self.callers[index];
        let Some(call) = &mut caller.call else {
            return;
        };
        caller.is_in_flight = false;
        match call.on_outcome(answer.outcome(), &answer.hint(now)) {
            Decision::Retry(_) => self.poll(index),
            Decision::End(end) => {
                assert_eq!(end.reason(), EndReason::Success);
                self.leave(index, End::Succeeded);
            }
        }
    }

    fn leave(&mut self, index: usize, end: End) {
        let caller = &mut self.callers[index];
        if caller.call.take().is_some() {
            caller.is_waiting = false;
            caller.end = Some(end);
            self.at_work -= usize::from(caller.conduct != Conduct::Sleeps);
        }
    }
}

/// The callers that were woken and not polled since.
#[derive(Debug, Default)]
struct Woken(Mutex<VecDeque<usize>>);

impl Woken {
    fn next(&self) -> Option<usize> {
        self.0.lock().unwrap().pop_front()
    }
}

/// The waker of one caller.
#[derive(Debug)]
struct Ring {
    index: usize,
    woken: Arc<Woken>,
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.woken.0.lock().unwrap().push_back(self.index);
    }
}

/// A test that takes longer is stuck.
const LONGEST: Duration = Duration::from_secs(3_600);
