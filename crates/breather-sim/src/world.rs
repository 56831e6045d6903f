//! Discrete events over the state machines of breather.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use breather::{Call, CallSpec, Decision, Instant, Kind, Pacer, Permit, Place, Report, Turn};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::load::Load;
use crate::run::Run;
use crate::server::{Server, wall_clock};
use crate::state::{Answer, State, Verdict};

/// Runs `load` against `server` until every call is over.
///
/// The same seed gives the same service times as in [`Server::ideal`], and the same run. A
/// request arrives at the server half a refusal's time after it was sent.
#[must_use]
pub fn run(server: &Server, load: &Load, seed: u64) -> Run {
    World::new(server, load, seed).run()
}

struct World {
    load: Load,
    seed: u64,
    now: Instant,
    events: BinaryHeap<Reverse<(Instant, u64, Event)>>,
    scheduled: u64,
    server: State,
    network: Network,
    processes: Vec<Process>,
    calls: Vec<Option<Box<Active>>>,
    /// How many calls have started of themselves.
    started: usize,
    run: Run,
}

/// Some callers that share a pacer.
struct Process {
    pacer: Pacer,
    places: BTreeMap<Place, usize>,
    alarm: Option<Instant>,
}

/// A call that has started and is not over.
struct Active {
    call: Call,
    place: Place,
    attempt: Option<Attempt>,
}

struct Attempt {
    permit: Permit,
    answer: Option<Answer>,
}

/// How long requests and answers are under way.
struct Network {
    one_way: Duration,
    jitter: Duration,
    random: Xoshiro256PlusPlus,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Event {
    /// The call starts, since the one before is over.
    Start(usize),
    /// The call's wait between two attempts is over.
    Ask(usize),
    /// The call's time is up.
    Deadline(usize),
    /// The call's request reaches the server.
    Arrive(usize),
    /// The server is done with the call's request.
    Done(usize),
    /// The call's answer is back.
    Answer(usize),
    /// The pacer of a process wanted to be looked at.
    Wake(usize),
}

impl World {
    fn run(mut self) -> Run {
        loop {
            let event = self.events.peek().map(|&Reverse((at, ..))| at);
            let arrival = (self.started < self.load.starters())
                .then(|| Instant::ORIGIN + self.load.arrival(self.started));
            match (arrival, event) {
                (Some(arrival), event) if event.is_none_or(|event| arrival <= event) => {
                    self.now = arrival;
                    self.start_all();
                }
                (_, Some(_)) => self.step(),
                (_, None) => break,
            }
        }
        let pacers = self.processes.iter().map(|process| &process.pacer);
        self.run.leaks = pacers
            .map(|pacer| (pacer.in_flight(), pacer.waiting()))
            .collect();
        self.run
    }

    /// All calls start that start now.
    fn start_all(&mut self) {
        while self.started < self.load.starters()
            && Instant::ORIGIN + self.load.arrival(self.started) <= self.now
        {
            self.started += 1;
            self.start(self.started - 1);
        }
        for process in 0..self.processes.len() {
            self.pump(process);
        }
    }

    /// The next event happens.
    fn step(&mut self) {
        let Some(Reverse((at, _, event))) = self.events.pop() else {
            return;
        };
        self.now = at;
        let process = match event {
            Event::Wake(process) => {
                let alarm = &mut self.processes[process].alarm;
                *alarm = alarm.filter(|&alarm| alarm > at);
                process
            }
            Event::Start(call)
            | Event::Ask(call)
            | Event::Deadline(call)
            | Event::Arrive(call)
            | Event::Done(call)
            | Event::Answer(call) => self.load.process(call),
        };
        match event {
            Event::Start(call) => self.start(call),
            Event::Ask(call) => self.ask(call),
            Event::Deadline(call) => self.deadline(call),
            Event::Arrive(call) => return self.arrive(call),
            Event::Done(call) => return self.done(call),
            Event::Answer(call) => self.answer(call),
            Event::Wake(_) => {}
        }
        self.pump(process);
    }

    fn at(&mut self, at: Instant, event: Event) {
        self.scheduled += 1;
        self.events.push(Reverse((at, self.scheduled, event)));
    }

    fn start(&mut self, index: usize) {
        // Seeds of calls are far from one another and from the server's.
        let seed = (self.seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index as u64;
        let spec = CallSpec::new().paced(true);
        let call = Call::new(self.load.policy(), spec, seed, self.now);
        if let Some(deadline) = call.deadline() {
            self.at(deadline, Event::Deadline(index));
        }
        let process = &mut self.processes[self.load.process(index)];
        let place = process.pacer.arrive();
        process.places.insert(place, index);
        self.calls[index] = Some(Box::new(Active {
            call,
            place,
            attempt: None,
        }));
        self.ask(index);
    }

    /// The call wants a permit.
    fn ask(&mut self, index: usize) {
        let now = self.now;
        let Some(active) = &mut self.calls[index] else {
            return;
        };
        let pacer = &mut self.processes[self.load.process(index)].pacer;
        let call = &mut active.call;
        if call.on_asking(now).is_some() {
            return self.end(index);
        }
        match pacer.request(now, active.place, call.patience()) {
            Turn::Send(permit) => {
                call.on_sent(now);
                active.attempt = Some(Attempt {
                    permit,
                    answer: None,
                });
                let arrives = now + self.network.delay();
                self.at(arrives, Event::Arrive(index));
            }
            Turn::Wait { opens } => {
                if call.on_waiting(now, opens, pacer.evidence()).is_some() {
                    self.end(index);
                }
            }
            Turn::Crowded => {
                let _ = call.on_crowded(now);
                self.end(index);
            }
        }
    }

    /// Who waits for a permit learns that its time is up.
    fn deadline(&mut self, index: usize) {
        let is_queued = self.calls[index].as_ref().is_some_and(|active| {
            let not_before = active.call.not_before();
            active.attempt.is_none() && not_before.is_none_or(|at| at <= self.now)
        });
        if is_queued {
            self.ask(index);
        }
    }

    /// The request reaches the server.
    fn arrive(&mut self, index: usize) {
        let reply = self.server.on_request(since_start(self.now));
        self.run.sends.push(self.now);
        match reply.verdict {
            Verdict::Accepted(time) => self.at(self.now + time, Event::Done(index)),
            Verdict::RefusedQuota => self.run.refused_quota += 1,
            Verdict::RefusedCap => self.run.refused_cap += 1,
            Verdict::Failed => self.run.failed += 1,
        }
        if !matches!(reply.verdict, Verdict::Accepted(_)) {
            let back = self.now + self.network.delay();
            self.at(back, Event::Answer(index));
        }
        if let Some(attempt) = self.attempt(index) {
            attempt.answer = Some(reply.answer);
        }
    }

    /// The server is done with the request.
    fn done(&mut self, index: usize) {
        let attempt = self.calls[index]
            .as_mut()
            .and_then(|it| it.attempt.as_mut());
        if let Some(answer) = attempt.and_then(|attempt| attempt.answer.as_mut()) {
            self.server.on_done(since_start(self.now), answer);
        }
        let back = self.now + self.network.delay();
        self.at(back, Event::Answer(index));
    }

    fn attempt(&mut self, index: usize) -> Option<&mut Attempt> {
        self.calls[index].as_mut()?.attempt.as_mut()
    }

    /// The answer is back.
    fn answer(&mut self, index: usize) {
        let now = self.now;
        let Some(active) = &mut self.calls[index] else {
            return;
        };
        let Some(Attempt {
            permit,
            answer: Some(answer),
        }) = active.attempt.take()
        else {
            return;
        };
        let pacer = &mut self.processes[self.load.process(index)].pacer;
        let clock = wall_clock(since_start(now));
        let hint = answer.hint(now, &clock);
        let outcome = answer.outcome(&hint);
        pacer.on_outcome(now, permit, outcome, &hint);
        match active.call.on_outcome(now, outcome, &hint, pacer.opens()) {
            Decision::Retry(wait) => self.at(wait.until(), Event::Ask(index)),
            Decision::Stop(_) => {
                if outcome.kind() == Kind::Success {
                    self.run.completed.push(since_start(now));
                }
                self.end(index);
            }
        }
    }

    /// The call is over.
    fn end(&mut self, index: usize) {
        let Some(active) = self.calls[index].take() else {
            return;
        };
        self.run.reports[index] = *active.call.report();
        let process = &mut self.processes[self.load.process(index)];
        process.pacer.leave(active.place);
        process.places.remove(&active.place);
        if let Some(next) = self.load.follower(index) {
            self.at(self.now, Event::Start(next));
        }
    }

    /// Lets whoever the pacer names ask again, and sees to it that it is looked at in time.
    fn pump(&mut self, index: usize) {
        loop {
            let process = &mut self.processes[index];
            let Some(place) = process.pacer.poll_offer(self.now) else {
                break;
            };
            let call = process.places[&place];
            self.ask(call);
        }
        let process = &mut self.processes[index];
        if let Some(wake) = process.pacer.next_wake() {
            let wake = wake.max(self.now);
            if process.alarm.is_none_or(|alarm| wake < alarm) {
                process.alarm = Some(wake);
                self.at(wake, Event::Wake(index));
            }
        }
    }

    fn new(server: &Server, load: &Load, seed: u64) -> Self {
        let process = || Process {
            pacer: Pacer::new(load.pacing()),
            places: BTreeMap::new(),
            alarm: None,
        };
        Self {
            load: *load,
            seed,
            now: Instant::ORIGIN,
            events: BinaryHeap::new(),
            scheduled: 0,
            server: State::new(server, seed),
            network: Network {
                one_way: server.one_way(),
                jitter: server.jitter,
                random: Xoshiro256PlusPlus::seed_from_u64(!seed),
            },
            processes: (0..load.processes()).map(|_| process()).collect(),
            calls: (0..load.calls()).map(|_| None).collect(),
            started: 0,
            run: Run {
                reports: vec![Report::default(); load.calls()],
                ..Run::default()
            },
        }
    }
}

impl Network {
    fn delay(&mut self) -> Duration {
        if self.jitter.is_zero() {
            return self.one_way;
        }
        self.one_way + self.jitter.mul_f64(self.random.random::<f64>())
    }
}

fn since_start(now: Instant) -> Duration {
    now.duration_since(Instant::ORIGIN)
}
