//! Discrete events over the state machines of breather.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use breather::{Call, CallSpec, Decision, Instant, Kind, Outcome, Pacer, Permit, Place, Turn};

use crate::load::Load;
use crate::run::Run;
use crate::server::{Said, Server, State, Verdict};

/// Runs `load` against `server` until every call is over.
///
/// The same seed gives the same service times as in [`Server::ideal`], and the same run. A
/// request arrives at the server half a refusal's time after it was sent.
#[must_use]
pub fn run(server: &Server, load: &Load, seed: u64) -> Run {
    World::new(server, load, seed).run()
}

struct World {
    now: Instant,
    events: BinaryHeap<Reverse<(Instant, u64, Event)>>,
    scheduled: u64,
    alarm: Option<Instant>,
    server: State,
    one_way: Duration,
    pacer: Pacer,
    callers: Vec<Caller>,
    places: BTreeMap<Place, usize>,
    run: Run,
}

struct Caller {
    call: Call,
    place: Place,
    permit: Option<Permit>,
    answer: Option<(Said, Verdict)>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Event {
    /// The caller's wait between two attempts is over.
    Ask(usize),
    /// The caller's request reaches the server.
    Arrive(usize),
    /// The server is done with the caller's request.
    Done(usize),
    /// The caller receives its answer.
    Answer(usize),
    /// The pacer wanted to be looked at.
    Wake,
}

impl World {
    fn run(mut self) -> Run {
        for caller in 0..self.callers.len() {
            self.ask(caller);
        }
        self.pump();
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            self.now = at;
            match event {
                Event::Ask(caller) => self.ask(caller),
                Event::Arrive(caller) => self.arrive(caller),
                Event::Done(_) => self.server.on_done(),
                Event::Answer(caller) => self.answer(caller),
                Event::Wake => self.alarm = self.alarm.filter(|&alarm| alarm > at),
            }
            self.pump();
        }
        self.run.in_flight_after = self.pacer.in_flight();
        self.run.waiting_after = self.pacer.waiting();
        self.run.reports = self.callers.iter().map(|c| *c.call.report()).collect();
        self.run
    }

    fn at(&mut self, at: Instant, event: Event) {
        self.scheduled += 1;
        self.events.push(Reverse((at, self.scheduled, event)));
    }

    /// The caller wants a permit.
    fn ask(&mut self, index: usize) {
        let now = self.now;
        let caller = &mut self.callers[index];
        match self
            .pacer
            .request(now, caller.place, caller.call.patience())
        {
            Turn::Send(permit) => {
                caller.call.on_sent(now);
                caller.permit = Some(permit);
                self.at(now + self.one_way, Event::Arrive(index));
            }
            Turn::Wait { opens } => {
                if caller
                    .call
                    .on_waiting(now, opens, self.pacer.evidence())
                    .is_some()
                {
                    self.pacer.leave(caller.place);
                }
            }
            Turn::Crowded => {
                let _ = caller.call.on_crowded(now);
            }
        }
    }

    /// The request reaches the server.
    fn arrive(&mut self, index: usize) {
        self.run.sends.push(self.now);
        let since_start = self.now.duration_since(Instant::ORIGIN);
        let reply = self.server.on_request(since_start);
        let round_trip = match reply.verdict {
            Verdict::Accepted(service) => service.max(self.one_way * 2),
            Verdict::RefusedQuota | Verdict::RefusedCap => self.one_way * 2,
        };
        match reply.verdict {
            Verdict::Accepted(_) => {
                // The server is done half a round trip before its answer is back.
                self.at(
                    self.now + (round_trip - self.one_way * 2),
                    Event::Done(index),
                );
            }
            Verdict::RefusedQuota => self.run.refused_quota += 1,
            Verdict::RefusedCap => self.run.refused_cap += 1,
        }
        self.callers[index].answer = Some((reply.said, reply.verdict));
        self.at(self.now + (round_trip - self.one_way), Event::Answer(index));
    }

    /// The caller receives its answer.
    fn answer(&mut self, index: usize) {
        let now = self.now;
        let caller = &mut self.callers[index];
        let (Some(permit), Some((said, verdict))) = (caller.permit.take(), caller.answer.take())
        else {
            return;
        };
        let outcome = match verdict {
            Verdict::Accepted(_) => Outcome::success(),
            Verdict::RefusedQuota | Verdict::RefusedCap => Outcome::throttled("status 429"),
        };
        let hint = said.hint(now);
        self.pacer.on_outcome(now, permit, outcome, &hint);
        let opens = self.pacer.opens();
        match caller.call.on_outcome(now, outcome, &hint, opens) {
            Decision::Retry(wait) => self.at(wait.until(), Event::Ask(index)),
            Decision::Stop(_) if outcome.kind() == Kind::Success => {
                self.run.completed.push(now.duration_since(Instant::ORIGIN));
            }
            Decision::Stop(_) => {}
        }
    }

    /// Lets whoever the pacer names ask again, and sees to it that it is looked at in time.
    fn pump(&mut self) {
        while let Some(place) = self.pacer.poll_offer(self.now) {
            self.ask(self.places[&place]);
        }
        if let Some(wake) = self.pacer.next_wake() {
            let wake = wake.max(self.now);
            if self.alarm.is_none_or(|alarm| wake < alarm) {
                self.alarm = Some(wake);
                self.at(wake, Event::Wake);
            }
        }
    }

    fn new(server: &Server, load: &Load, seed: u64) -> Self {
        let mut pacer = Pacer::new(load.pacing());
        let mut places = BTreeMap::new();
        let callers = (0..load.calls()).map(|index| {
            let place = pacer.arrive();
            places.insert(place, index);
            // Seeds of calls are far from one another and from the server's.
            let seed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index as u64;
            Caller {
                call: Call::new(
                    load.policy(),
                    CallSpec::new().paced(true),
                    seed,
                    Instant::ORIGIN,
                ),
                place,
                permit: None,
                answer: None,
            }
        });
        Self {
            now: Instant::ORIGIN,
            events: BinaryHeap::new(),
            scheduled: 0,
            alarm: None,
            server: State::new(*server, seed),
            one_way: server.refusal / 2,
            callers: callers.collect(),
            pacer,
            places,
            run: Run::default(),
        }
    }
}
