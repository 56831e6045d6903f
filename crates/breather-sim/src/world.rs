//! Drives breather's state machines with discrete events.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use breather::{
    Hint, Outcome, OutcomeKind, Report, RetryBudget,
    driver::{
        Call, CallSpec, Decision, Instant, JointAdmission, Pacer, Permit, ScopeRequest, Ticket,
    },
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::callers::{Admission, Callers, Failure, Retries};
use crate::client::Client;
use crate::load::Load;
use crate::run::{Fate, Run};
use crate::server::{Server, wall_clock};
use crate::state::{Answer, State, Verdict};
use crate::watch::{Happening, Watch, Watcher};

/// Plays `load` against `server` with breather until every call has ended.
///
/// The same seed gives the same run, and the same service times as in [`Server::ideal`]. A request
/// reaches the server half a rejection's time after it was sent.
#[must_use]
pub fn run(server: &Server, load: &Load, seed: u64) -> Run {
    run_client(server, load, &Client::Breather, seed)
}

/// Plays `load` against `server` with any client until every call has ended.
///
/// All clients get the same service times. The n-th accepted call takes the same time, whichever
/// client makes it.
#[must_use]
pub fn run_client(server: &Server, load: &Load, client: &Client, seed: u64) -> Run {
    run_client_watched(server, load, client, seed, &mut |_| ())
}

/// Plays like [`run_client`] and reports progress.
///
/// It calls `watch` with the number of ended calls after each call, because a run of millions of
/// calls takes a while.
#[must_use]
pub fn run_client_watched(
    server: &Server,
    load: &Load,
    client: &Client,
    seed: u64,
    watch: &mut dyn FnMut(usize),
) -> Run {
    World::new(server, load, client, seed, watch, None).run()
}

/// Plays like [`run`] and lets `watch` observe.
///
/// If `watch` ends the run, the result covers the time until then.
#[must_use]
pub fn run_watched(server: &Server, load: &Load, seed: u64, watch: &mut dyn Watch) -> Run {
    let client = Client::Breather;
    World::new(server, load, &client, seed, &mut |_| (), Some(watch)).run()
}

struct World<'w> {
    /// Receives the number of ended calls.
    progress: &'w mut dyn FnMut(usize),
    over: usize,
    watcher: Watcher<'w>,
    /// When the watcher is next told whether the server is open.
    next_second: Instant,
    load: Load,
    seed: u64,
    now: Instant,
    events: BinaryHeap<Reverse<(Instant, u64, Event)>>,
    scheduled: u64,
    server: State,
    network: Network,
    processes: Vec<Process>,
    calls: Vec<Option<Box<Active>>>,
    /// How many calls have started by themselves.
    started: usize,
    run: Run,
}

/// The callers of a process and their shared state.
enum Process {
    /// Callers that share a pacer.
    Paced(Paced),
    /// Callers that share nothing and follow their policy only.
    Unpaced,
    /// Callers of any other client.
    Others(Box<dyn Callers>),
}

struct Paced {
    /// One for each token, and one for all calls.
    lines: Vec<Line>,
    alarm: Option<Instant>,
}

/// A pacer with its retry budget and its calls by ticket.
struct Line {
    pacer: Pacer,
    budget: RetryBudget,
    tickets: BTreeMap<Ticket, usize>,
}

/// A value for each pacer that a call passes, its token's pacer if any and that of all calls.
type Each<T> = [Option<T>; 2];

/// A call that has started and has not ended.
struct Active {
    caller: Caller,
    attempt: Option<Attempt>,
}

/// The state that decides on a call.
enum Caller {
    Paced {
        call: Call,
        tickets: Each<Ticket>,
    },
    Unpaced {
        call: Call,
    },
    Other {
        retries: Box<dyn Retries>,
        retry: u32,
    },
}

struct Attempt {
    /// Set if there is a pacer.
    permits: Each<Permit>,
    answer: Option<Answer>,
}

/// The delays of requests and responses.
struct Network {
    one_way: Duration,
    jitter: Duration,
    connect: Duration,
    /// How many connections carry no request.
    idle: usize,
    random: Xoshiro256PlusPlus,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Event {
    /// The call starts because the one before it has ended.
    Start(usize),
    /// The wait before the call asks to be sent is over.
    Ask(usize),
    /// The time at which the call may be sent has come.
    Send(usize),
    /// The call's deadline is reached.
    Deadline(usize),
    /// The call's caller gives up.
    GiveUp(usize),
    /// The call's request reaches the server.
    Arrive(usize),
    /// The server has processed the call's request.
    Done(usize),
    /// The call's response is back.
    Answer(usize),
    /// The pacer of a process is due to be woken.
    Wake(usize),
}

impl<'w> World<'w> {
    fn run(mut self) -> Run {
        while !self.watcher.has_ended() {
            let event = self.events.peek().map(|&Reverse((at, ..))| at);
            let arrival = (self.started < self.load.starters())
                .then(|| Instant::ORIGIN + self.load.arrival(self.started));
            let next = arrival.into_iter().chain(event).min();
            if self.watcher.is_there()
                && self.over < self.load.calls()
                && next.is_none_or(|at| at > self.next_second)
            {
                self.second();
                continue;
            }
            match (arrival, event) {
                (Some(arrival), event) if event.is_none_or(|event| arrival <= event) => {
                    self.now = arrival;
                    self.start_all();
                }
                (_, Some(_)) => self.step(),
                (_, None) => break,
            }
        }
        let leaks = self.processes.iter().map(|process| match process {
            Process::Paced(paced) => (paced.held(), paced.waiting()),
            Process::Unpaced | Process::Others(_) => (0, 0),
        });
        self.run.leaks = leaks.collect();
        self.run
    }

    /// Handles the passing of a second.
    fn second(&mut self) {
        self.now = self.next_second;
        self.next_second = self.now + Duration::from_secs(1);
        let is_open = self.server.is_open(since_start(self.now));
        self.watcher.tell(self.now, Happening::Second { is_open });
    }

    /// Starts all calls that are due.
    fn start_all(&mut self) {
        let mut touched = Vec::new();
        while self.started < self.load.starters()
            && Instant::ORIGIN + self.load.arrival(self.started) <= self.now
        {
            let call = self.started;
            self.started += 1;
            self.start(call);
            touched.push(self.load.process(call));
        }
        // With thousands of processes, most of them have no call among these.
        touched.sort_unstable();
        touched.dedup();
        for process in touched {
            self.pump(process);
        }
    }

    /// Handles the next event.
    fn step(&mut self) {
        let Some(Reverse((at, _, event))) = self.events.pop() else {
            return;
        };
        self.now = at;
        let process = match event {
            Event::Wake(process) => {
                if let Process::Paced(Paced { alarm, .. }) = &mut self.processes[process] {
                    *alarm = alarm.filter(|&alarm| alarm > at);
                }
                process
            }
            Event::Start(call)
            | Event::Ask(call)
            | Event::Send(call)
            | Event::Deadline(call)
            | Event::GiveUp(call)
            | Event::Arrive(call)
            | Event::Done(call)
            | Event::Answer(call) => self.load.process(call),
        };
        match event {
            Event::Start(call) => self.start(call),
            Event::Ask(call) => self.ask(call),
            Event::Send(call) => self.send(call, [None, None]),
            Event::Deadline(call) => self.deadline(call),
            Event::GiveUp(call) => self.give_up(call),
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
        // The seeds of calls are far from each other and from the server's seed.
        let seed = (self.seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index as u64;
        let call = |paced| {
            let spec = CallSpec::new().with_paced(paced);
            Call::new(self.load.policy(), spec, seed, self.now)
        };
        let caller = match &mut self.processes[self.load.process(index)] {
            Process::Paced(paced) => {
                let token = self.load.token(index);
                paced.line(token, 0).budget.on_call(self.now);
                Caller::Paced {
                    call: call(true),
                    tickets: paced.arrive(index, token),
                }
            }
            Process::Unpaced => Caller::Unpaced { call: call(false) },
            Process::Others(callers) => {
                let retries = callers.call(seed);
                Caller::Other { retries, retry: 0 }
            }
        };
        let deadline = caller.call().and_then(Call::deadline);
        if let Some(deadline) = deadline {
            self.at(deadline, Event::Deadline(index));
        }
        let started = Happening::Started {
            call: index,
            process: self.load.process(index),
            deadline,
        };
        self.watcher.tell(self.now, started);
        if let Some(after) = self.load.gives_up_after(seed) {
            self.at(self.now + after, Event::GiveUp(index));
        }
        let attempt = None;
        self.calls[index] = Some(Box::new(Active { caller, attempt }));
        self.ask(index);
    }

    /// Asks whether the call may be sent.
    fn ask(&mut self, index: usize) {
        let now = self.now;
        // A retry and a deadline at the same instant ask twice.
        let active = self.calls[index].as_mut();
        let Some(active) = active.filter(|active| active.attempt.is_none()) else {
            return;
        };
        let process = &mut self.processes[self.load.process(index)];
        match (&mut active.caller, process) {
            (Caller::Paced { call, tickets }, Process::Paced(paced)) => {
                if call.on_asking(now).is_some() {
                    return self.end(index);
                }
                let token = self.load.token(index);
                let mut requests = paced.requests(token, tickets, [None, None]);
                let costs = self.load.stated_costs(index, self.seed);
                let (priority, share) = self.load.order(index);
                let limits = call.wait_limits().with_costs(costs);
                let limits = limits.with_priority(priority).with_share(share);
                match ScopeRequest::request_all(now, &mut requests, limits) {
                    JointAdmission::Send => {
                        let permits = permits(&mut requests);
                        self.send(index, permits);
                    }
                    JointAdmission::Wait { at, opens } => {
                        let pacer = &mut paced.line(token, at).pacer;
                        call.on_limited(pacer.stated_limit());
                        let evidence = pacer.evidence();
                        if call.on_waiting(now, opens, evidence).is_some() {
                            return self.end(index);
                        }
                        let ends = call.waits_until().filter(|&at| Some(at) != call.deadline());
                        let waits = Happening::Waits { call: index, opens };
                        self.watcher.tell(now, waits);
                        if let Some(ends) = ends {
                            self.at(ends, Event::Deadline(index));
                        }
                    }
                    JointAdmission::QueueFull { .. } => {
                        let _ = call.on_queue_full(now);
                        self.end(index);
                    }
                    JointAdmission::Rejected { at, opens } => {
                        let evidence = paced.line(token, at).pacer.evidence();
                        let _ = call.on_rejected(now, opens, evidence);
                        self.end(index);
                    }
                }
            }
            (Caller::Other { .. }, Process::Others(callers)) => {
                match callers.admit(since_start(now)) {
                    Admission::At(at) if at <= since_start(now) => self.send(index, [None, None]),
                    Admission::At(at) => self.at(Instant::ORIGIN + at, Event::Send(index)),
                    // A caller that asks again at the same instant would ask forever.
                    Admission::AskAgain(at) => {
                        let at = (Instant::ORIGIN + at).max(now + Duration::from_nanos(1));
                        self.at(at, Event::Ask(index));
                    }
                }
            }
            (Caller::Unpaced { call }, _) => {
                if call.on_asking(now).is_some() {
                    return self.end(index);
                }
                self.send(index, [None, None]);
            }
            // Each process has callers of its own kind.
            (Caller::Paced { .. } | Caller::Other { .. }, _) => {}
        }
    }

    /// Sends the call's request.
    fn send(&mut self, index: usize, permits: Each<Permit>) {
        let Some(active) = &mut self.calls[index] else {
            return;
        };
        if let Some(call) = active.caller.call_mut() {
            call.on_sent(self.now);
        }
        self.watcher.tell(self.now, Happening::Sent { call: index });
        let answer = None;
        active.attempt = Some(Attempt { permits, answer });
        let arrives = self.now + self.network.connect() + self.network.delay();
        self.at(arrives, Event::Arrive(index));
    }

    /// Tells a call that waits for a permit that its deadline is reached.
    fn deadline(&mut self, index: usize) {
        let is_queued = self.calls[index].as_ref().is_some_and(|active| {
            let not_before = active.caller.call().and_then(Call::not_before);
            active.attempt.is_none() && not_before.is_none_or(|at| at <= self.now)
        });
        if is_queued {
            self.ask(index);
        }
    }

    /// Drops the call. The server does not learn of it.
    fn give_up(&mut self, index: usize) {
        let Some(active) = &mut self.calls[index] else {
            return;
        };
        let process = &mut self.processes[self.load.process(index)];
        if let (Process::Paced(paced), Some(attempt)) = (process, active.attempt.take()) {
            paced.on_drop(self.load.token(index), attempt.permits);
        }
        self.run.given_up += 1;
        self.over(index, true);
    }

    /// Handles the arrival of the request at the server.
    fn arrive(&mut self, index: usize) {
        let demand = self.load.demand(index, self.seed);
        let reply = self.server.on_request(since_start(self.now), demand);
        self.run.sends.push(self.now);
        self.run.fates.push(match reply.verdict {
            Verdict::Accepted(_) => Fate::Accepted,
            Verdict::ThrottledQuota => Fate::ThrottledQuota,
            Verdict::ThrottledCap => Fate::ThrottledCap,
            Verdict::Failed => Fate::Failed,
        });
        match reply.verdict {
            Verdict::Accepted(time) => self.at(self.now + time, Event::Done(index)),
            Verdict::ThrottledQuota => self.run.throttled_quota += 1,
            Verdict::ThrottledCap => self.run.throttled_cap += 1,
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

    /// Handles the end of the request at the server.
    fn done(&mut self, index: usize) {
        // A call that was given up does not read its response.
        let mut unread = Answer::default();
        let attempt = self.calls[index]
            .as_mut()
            .and_then(|it| it.attempt.as_mut());
        let answer = attempt.and_then(|attempt| attempt.answer.as_mut());
        let answer = answer.unwrap_or(&mut unread);
        let demand = self.load.demand(index, self.seed);
        self.server.on_done(since_start(self.now), demand, answer);
        let back = self.now + self.network.delay();
        self.at(back, Event::Answer(index));
    }

    fn attempt(&mut self, index: usize) -> Option<&mut Attempt> {
        self.calls[index].as_mut()?.attempt.as_mut()
    }

    /// Handles the arrival of the response.
    fn answer(&mut self, index: usize) {
        let now = self.now;
        self.network.idle += 1;
        let Some(active) = &mut self.calls[index] else {
            return;
        };
        let Some(Attempt {
            permits,
            answer: Some(answer),
        }) = active.attempt.take()
        else {
            return;
        };
        let clock = wall_clock(since_start(now));
        let hint = answer.hint(now, &clock);
        let mut outcome = answer.outcome(&hint);
        let succeeded = outcome.kind() == OutcomeKind::Success;
        let process = &mut self.processes[self.load.process(index)];
        let mut opens = None;
        let mut budget = None;
        if let (Process::Paced(paced), Caller::Paced { tickets, .. }) = (process, &active.caller) {
            let token = self.load.token(index);
            (outcome, opens) = paced.on_outcome(now, token, tickets, permits, outcome, &hint);
            budget = Some(&mut paced.line(token, 0).budget);
        }
        let next = match &mut active.caller {
            Caller::Paced { call, .. } | Caller::Unpaced { call } => {
                let decision = match budget {
                    Some(budget) => call.on_outcome_within(now, outcome, &hint, opens, budget),
                    None => call.on_outcome(now, outcome, &hint, opens),
                };
                let answered = Happening::Answered {
                    call: index,
                    outcome,
                    hint: &hint,
                    decision,
                };
                self.watcher.tell(now, answered);
                match decision {
                    Decision::Retry(wait) => Some(wait.until()),
                    Decision::End(_) => None,
                }
            }
            Caller::Other { retries, .. } if succeeded => {
                retries.on_success(since_start(now));
                None
            }
            Caller::Other { retries, retry } => {
                let retry_after = hint.retry_after().map(|at| at.duration_since(now));
                let delay = retries.on_failure(&Failure {
                    now: since_start(now),
                    retry: *retry,
                    status: answer.status(),
                    retry_after,
                });
                *retry = retry.saturating_add(1);
                delay
                    .filter(|_| since_start(now) < LONGEST)
                    .map(|it| now + it)
            }
        };
        if let Some(at) = next {
            return self.at(at, Event::Ask(index));
        }
        if succeeded {
            self.run.completed.push(since_start(now));
        }
        self.end(index);
    }

    /// Ends the call.
    fn end(&mut self, index: usize) {
        self.over(index, false);
    }

    fn over(&mut self, index: usize, gave_up: bool) {
        let Some(active) = self.calls[index].take() else {
            return;
        };
        if let Some(call) = active.caller.call() {
            self.run.reports[index] = *call.report();
        }
        let ended = Happening::Ended {
            call: index,
            report: &self.run.reports[index],
            gave_up,
        };
        self.watcher.tell(self.now, ended);
        let process = &mut self.processes[self.load.process(index)];
        if let (Process::Paced(paced), Caller::Paced { tickets, .. }) = (process, active.caller) {
            paced.leave(self.load.token(index), tickets);
        }
        self.over += 1;
        (self.progress)(self.over);
        if let Some(next) = self.load.follower(index) {
            self.at(self.now, Event::Start(next));
        }
    }

    /// Lets all calls that the pacers name ask again, and schedules the next wakeup.
    fn pump(&mut self, index: usize) {
        while let Some(call) = self.offered(index) {
            self.watcher.tell(self.now, Happening::Offered { call });
            self.ask(call);
        }
        if let Process::Paced(paced) = &mut self.processes[index] {
            let settled = Happening::Settled {
                process: index,
                opens: paced.opens(),
                in_flight: paced.in_flight(),
                waiting: paced.waiting(),
                concurrency: paced.concurrency(),
            };
            self.watcher.tell(self.now, settled);
            if let Some(wake) = paced.next_wake() {
                let wake = wake.max(self.now);
                if paced.alarm.is_none_or(|alarm| wake < alarm) {
                    paced.alarm = Some(wake);
                    self.at(wake, Event::Wake(index));
                }
            }
        }
    }

    /// Returns a call that a pacer of the process names.
    fn offered(&mut self, index: usize) -> Option<usize> {
        let Process::Paced(paced) = &mut self.processes[index] else {
            return None;
        };
        if self.watcher.has_ended() {
            return None;
        }
        let mut lines = paced.lines.iter_mut();
        lines.find_map(|line| {
            let ticket = line.pacer.poll_offer(self.now)?;
            Some(line.tickets[&ticket])
        })
    }

    fn new(
        server: &Server,
        load: &Load,
        client: &Client,
        seed: u64,
        progress: &'w mut dyn FnMut(usize),
        watch: Option<&'w mut dyn Watch>,
    ) -> Self {
        let process = || match client.callers() {
            Some(callers) => Process::Others(callers),
            None if matches!(client, Client::Unpaced) => Process::Unpaced,
            None => Process::Paced(Paced::new(load)),
        };
        Self {
            progress,
            over: 0,
            watcher: Watcher::new(watch),
            next_second: Instant::ORIGIN,
            load: *load,
            seed,
            now: Instant::ORIGIN,
            events: BinaryHeap::new(),
            scheduled: 0,
            server: State::new(server, seed),
            network: Network {
                one_way: server.one_way(),
                jitter: server.jitter,
                connect: server.connect,
                idle: 0,
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

impl Paced {
    fn new(load: &Load) -> Self {
        let line = || Line {
            pacer: Pacer::new(load.pacing()),
            budget: RetryBudget::new(),
            tickets: BTreeMap::new(),
        };
        Self {
            lines: (0..=load.tokens()).map(|_| line()).collect(),
            alarm: None,
        }
    }

    /// Returns the lines that a call with `token` passes, the most specific first.
    fn lines(&mut self, token: Option<usize>) -> impl Iterator<Item = &mut Line> {
        let (all, tokens) = self.lines.split_last_mut().unzip();
        let own = token.and_then(|token| tokens?.get_mut(token));
        own.into_iter().chain(all)
    }

    fn line(&mut self, token: Option<usize>, at: usize) -> &mut Line {
        let index = if at == 0 { token } else { None };
        let last = self.lines.len() - 1;
        &mut self.lines[index.unwrap_or(last)]
    }

    fn arrive(&mut self, call: usize, token: Option<usize>) -> Each<Ticket> {
        let mut tickets = [None, None];
        for (slot, line) in tickets.iter_mut().zip(self.lines(token)) {
            let ticket = line.pacer.arrive();
            line.tickets.insert(ticket, call);
            *slot = Some(ticket);
        }
        tickets
    }

    fn leave(&mut self, token: Option<usize>, tickets: Each<Ticket>) {
        for (ticket, line) in tickets.iter().flatten().zip(self.lines(token)) {
            line.pacer.leave(*ticket);
            line.tickets.remove(ticket);
        }
    }

    /// Returns the scope requests of a call, with its permits.
    fn requests(
        &mut self,
        token: Option<usize>,
        tickets: &Each<Ticket>,
        permits: Each<Permit>,
    ) -> Vec<ScopeRequest<'_>> {
        // Tokens are identified by their numbers. The shared scope needs a single key.
        let keys = [token.map_or(0, |token| token as u64 + 1), 0];
        let held = tickets.iter().flatten().zip(permits).zip(keys);
        let lines = self.lines(token).zip(held);
        let requests = lines.map(|(line, ((ticket, permit), key))| {
            ScopeRequest::new(&mut line.pacer, *ticket, key).with_permit(permit)
        });
        requests.collect()
    }

    fn on_drop(&mut self, token: Option<usize>, permits: Each<Permit>) {
        for (line, permit) in self.lines(token).zip(permits) {
            if let Some(permit) = permit {
                line.pacer.on_drop(permit);
            }
        }
    }

    /// Handles the end of an attempt. Returns the outcome as it is for the call, and when the pacers open, if a server
    /// stated it.
    fn on_outcome(
        &mut self,
        now: Instant,
        token: Option<usize>,
        tickets: &Each<Ticket>,
        permits: Each<Permit>,
        outcome: Outcome,
        hint: &Hint<'_>,
    ) -> (Outcome, Option<Instant>) {
        let mut requests = self.requests(token, tickets, permits);
        let outcome = ScopeRequest::tell_all(now, &mut requests, outcome, hint);
        let lines = self.lines(token);
        let opens = lines.filter_map(|line| line.pacer.opens_at()).max();
        (outcome, opens)
    }

    /// Returns when the shared scope opens, if its server stated it.
    fn opens(&self) -> Option<Instant> {
        self.lines.last()?.pacer.opens_at()
    }

    fn in_flight(&self) -> u32 {
        self.lines.last().map_or(0, |line| line.pacer.in_flight())
    }

    fn concurrency(&self) -> u32 {
        self.lines.last().map_or(0, |line| line.pacer.concurrency())
    }

    /// Returns how many attempts all lines count as in flight.
    fn held(&self) -> u32 {
        self.lines.iter().map(|line| line.pacer.in_flight()).sum()
    }

    fn waiting(&self) -> usize {
        self.lines.iter().map(|line| line.pacer.queued()).sum()
    }

    fn next_wake(&self) -> Option<Instant> {
        let wakes = self.lines.iter();
        wakes.filter_map(|line| line.pacer.next_wake()).min()
    }
}

/// Takes the permits out of the requests.
fn permits(requests: &mut [ScopeRequest<'_>]) -> Each<Permit> {
    let mut permits = [None, None];
    for (slot, request) in permits.iter_mut().zip(requests) {
        *slot = request.take_permit();
    }
    permits
}

impl Caller {
    fn call(&self) -> Option<&Call> {
        match self {
            Self::Paced { call, .. } | Self::Unpaced { call } => Some(call),
            Self::Other { .. } => None,
        }
    }

    fn call_mut(&mut self) -> Option<&mut Call> {
        match self {
            Self::Paced { call, .. } | Self::Unpaced { call } => Some(call),
            Self::Other { .. } => None,
        }
    }
}

impl Network {
    /// Takes a connection, and returns the time until it can carry a request.
    fn connect(&mut self) -> Duration {
        let is_new = self.idle == 0;
        self.idle = self.idle.saturating_sub(1);
        if is_new { self.connect } else { Duration::ZERO }
    }

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

/// Unbounded calls give up after a day, so that every run ends.
const LONGEST: Duration = Duration::from_secs(86_400);
