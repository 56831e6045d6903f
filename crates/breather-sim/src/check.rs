//! The rules that every run must follow.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use breather::{
    EndReason, Hint, Outcome, OutcomeKind, Pacing, Policy, Report, WaitReason,
    driver::{Decision, Instant},
};

use crate::load::Load;
use crate::run::Run;
use crate::scenario::Scenario;
use crate::watch::{Happening, Watch};
use crate::world::{run, run_watched};

/// Plays a scenario and checks its run against every [`Rule`].
///
/// # Errors
///
/// Returns the first violation.
///
/// # Example
///
/// ```
/// use breather_sim::{Scenario, check};
///
/// let run = check(&Scenario::drawn(1)).unwrap();
/// assert_eq!(run.leaked(), (0, 0));
/// ```
pub fn check(scenario: &Scenario) -> Result<Run, Violation> {
    let (server, load, seed) = (scenario.server(), scenario.load(), scenario.seed());
    let mut checker = Checker::new(scenario);
    let watched = run_watched(&server, &load, seed, &mut checker);
    if let Some(violation) = checker.violation {
        return Err(violation);
    }
    checker.at_end(scenario, &watched)?;
    let again = run(&server, &load, seed);
    let is_same = again.reports() == watched.reports()
        && again.send_times() == watched.send_times()
        && again.completions() == watched.completions();
    if !is_same {
        return Err(violation(Rule::Deterministic, checker.now, "another run"));
    }
    Ok(watched)
}

/// A rule that every run must follow.
///
/// # Example
///
/// ```
/// use breather_sim::{Rule, Scenario, check};
/// use std::collections::BTreeSet;
///
/// let violations = (1..=20).filter_map(|seed| check(&Scenario::drawn(seed)).err());
/// let violated: BTreeSet<Rule> = violations.map(|violation| violation.rule()).collect();
/// assert!(violated.is_empty(), "{violated:?}");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Rule {
    /// A pacer's counts of attempts in flight and waiting calls are right at any time, and zero in
    /// the end.
    Counted,
    /// A throttled call is not retried earlier than its rejection said (promise 1).
    NotBefore,
    /// breather neither sends nor waits past a deadline, nor longer for permits than the policy permits (promise 2).
    ///
    /// If a response's hint lies past the deadline, or is longer than the policy obeys, the call
    /// ends immediately.
    Deadline,
    /// No call waits for a hold that outlasts its deadline or limit (promise 2).
    ///
    /// This applies to holds whose end the server stated.
    WaitsInVain,
    /// An estimate never stops a call (promise 2).
    ///
    /// A call that stops early names an instant that the server stated.
    StoppedByGuess,
    /// Only real failures use up retries, and only real rejections use up throttles (promise 3).
    UsedUp,
    /// A call without a reason to fail succeeds.
    Succeeds,
    /// Every call ends.
    Ends,
    /// While the server is open, a call is sent or ends within twice the longest hint plus 10 s, and twice the time of
    /// a limit that the caller states, and the longest time between two attempts of a call that the server always throttles.
    ///
    /// - A hint that the server could have given and did not give counts as well, because no client
    ///   can know better without it.
    /// - If no call waits for a permit, the longest backoff of the policy is added.
    /// - While an attempt is in flight, the rule is suspended because the server has to respond
    ///   first.
    Stuck,
    /// The run ends within a bound.
    Endless,
    /// The number of events is bounded, both at one instant and in all.
    Busy,
    /// Honest headers keep the run at 1.5 sends a call or fewer.
    ///
    /// A pacer may send some more, once, before the first rejection is back. See
    /// [`Pacing`].
    Sends,
    /// The limits that the caller states are never exceeded.
    Stated,
    /// A call that the server always throttles delays each other call by at most one of its waits (promise 11).
    ///
    /// This applies if the server has no other limits and no faults.
    Neighbours,
    /// The same seed gives the same run (promise 6).
    Deterministic,
}

/// A violation of a [`Rule`] in a run.
///
/// # Example
///
/// Report the seed with the violation, because the seed reproduces the run:
///
/// ```
/// use breather_sim::{Scenario, check};
///
/// let violation = (1..=20).find_map(|seed| {
///     let violation = check(&Scenario::drawn(seed)).err()?;
///     Some(format!("seed {seed}: {violation}"))
/// });
/// assert_eq!(violation, None);
/// ```
#[derive(Clone, Debug)]
pub struct Violation {
    rule: Rule,
    at: Instant,
    detail: String,
}

impl Violation {
    /// Returns the violated rule.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// Returns when the violation was found.
    #[must_use]
    pub const fn at(&self) -> Instant {
        self.at
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.duration_since(Instant::ORIGIN);
        write!(f, "{:?} at {at:?}: {}", self.rule, self.detail)
    }
}

impl std::error::Error for Violation {}

fn violation(rule: Rule, at: Instant, detail: impl Into<String>) -> Violation {
    let detail = detail.into();
    Violation { rule, at, detail }
}

/// Checks a run against the rules while it is played.
struct Checker {
    load: Load,
    policy: Policy,
    pacing: Pacing,
    /// The time by which stated limits may delay a call.
    stated_delay: Duration,
    calls: Vec<Seen>,
    processes: Vec<Process>,
    now: Instant,
    /// The number of events at `now`, and in all.
    at_once: usize,
    happened: usize,
    most_in_all: usize,
    ends_by: Instant,
    longest_hint: Duration,
    /// Since when the server has been open without any progress of the calls.
    open_since: Option<Instant>,
    violation: Option<Violation>,
}

/// The observed state of a call.
#[derive(Clone, Default)]
struct Seen {
    process: usize,
    /// Whether the server always throttles it.
    is_barred: bool,
    started: bool,
    started_at: Instant,
    ended: bool,
    deadline: Option<Instant>,
    in_flight: bool,
    /// The instant that its latest rejection stated.
    not_before: Option<Instant>,
    answered: Option<(Instant, OutcomeKind)>,
    sends: u32,
    rejections: u32,
    failures: u32,
    /// Since when it waits for a permit, and for how long it did before.
    asked: Option<Instant>,
    queued: Duration,
    /// The longest wait that a response or the policy asked for, and the longest time between two attempts.
    longest_wait: Duration,
    longest_pause: Duration,
}

#[derive(Clone, Default)]
struct Process {
    in_flight: u32,
    /// The calls that wait for a permit, by their deadlines.
    waiting: BTreeSet<(Instant, usize)>,
    /// The latest instant that any response stated.
    stated: Instant,
    /// The time of the latest accepted call.
    accepted: Instant,
    /// The times of the latest attempts, as many as the stated limit permits.
    sends: VecDeque<Instant>,
}

impl Checker {
    fn new(scenario: &Scenario) -> Self {
        let load = scenario.load();
        let ideal = scenario.server().ideal(&load, scenario.seed());
        let (stated_delay, in_all) = scenario.stated_delays();
        Self {
            load,
            policy: scenario.policy(),
            pacing: load.pacing(),
            stated_delay,
            calls: vec![Seen::default(); load.calls()],
            processes: vec![Process::default(); load.processes()],
            now: Instant::ORIGIN,
            at_once: 0,
            happened: 0,
            most_in_all: MOST_IN_ALL.0 + MOST_IN_ALL.1 * load.calls(),
            ends_by: Instant::ORIGIN + ideal.makespan() * LONGEST.1 + LONGEST.0 + in_all,
            longest_hint: scenario.longest_untold(),
            open_since: None,
            violation: None,
        }
    }

    fn on_happening(&mut self, now: Instant, happening: Happening<'_>) -> Result<(), Violation> {
        if now > self.now {
            (self.now, self.at_once) = (now, 0);
        }
        self.at_once += 1;
        self.happened += 1;
        if self.at_once > MOST_AT_ONCE.0 + MOST_AT_ONCE.1 * self.calls.len() {
            return self.fails(Rule::Busy, format!("{} things at once", self.at_once));
        }
        if self.happened > self.most_in_all {
            return self.fails(Rule::Busy, format!("{} things", self.happened));
        }
        match happening {
            Happening::Started {
                call,
                process,
                deadline,
            } => {
                self.calls[call] = Seen {
                    process,
                    is_barred: self.load.is_barred(call),
                    deadline,
                    started: true,
                    started_at: now,
                    ..Seen::default()
                };
                Ok(())
            }
            Happening::Waits { call, opens } => self.on_waits(call, opens),
            Happening::Offered { .. } => Ok(()),
            Happening::Sent { call } => self.on_sent(call),
            Happening::Answered {
                call,
                outcome,
                hint,
                decision,
            } => self.on_answered(call, outcome, hint, &decision),
            Happening::Ended {
                call,
                report,
                gave_up,
            } => self.on_ended(call, report, gave_up),
            Happening::Settled {
                process,
                opens,
                in_flight,
                waiting,
                ..
            } => self.on_settled(process, opens, in_flight, waiting),
            Happening::Second { is_open } => self.on_second(is_open),
        }
    }

    fn on_waits(&mut self, call: usize, opens: Option<Instant>) -> Result<(), Violation> {
        self.calls[call].asked.get_or_insert(self.now);
        let deadline = self.calls[call].deadline.unwrap_or(Instant::MAX);
        if self.processes.iter().all(|it| it.waiting.is_empty()) {
            // Until now, the policy delayed all calls.
            self.open_since = None;
        }
        let process = &mut self.processes[self.calls[call].process];
        process.waiting.insert((deadline, call));
        if deadline <= self.now {
            return self.fails(
                Rule::Deadline,
                format!("call {call} waits past its deadline"),
            );
        }
        self.waits_in_vain(opens, deadline)
    }

    /// Fails if a call waits for a hold that ends too late for it.
    fn waits_in_vain(&self, opens: Option<Instant>, deadline: Instant) -> Result<(), Violation> {
        let Some(opens) = opens else {
            return Ok(());
        };
        let is_long = opens.duration_since(self.now) > self.policy.max_retry_after();
        if is_long || opens > deadline {
            let wait = opens.duration_since(self.now);
            let left = deadline.duration_since(self.now);
            let detail = format!("waits {wait:?}, with {left:?} left");
            return self.fails(Rule::WaitsInVain, detail);
        }
        Ok(())
    }

    fn on_sent(&mut self, call: usize) -> Result<(), Violation> {
        self.on_progress();
        self.stops_waiting(call);
        let now = self.now;
        let seen = &mut self.calls[call];
        let process = &mut self.processes[seen.process];
        if let Some((at, _)) = seen.answered {
            seen.longest_pause = seen.longest_pause.max(now.duration_since(at));
        }
        seen.sends += 1;
        seen.in_flight = true;
        process.in_flight += 1;
        let is_over = |max| process.in_flight > max;
        let mut exceeds = self.pacing.max_in_flight().is_some_and(is_over);
        if let Some((number, per)) = self.pacing.limit() {
            process.sends.push_back(now);
            if process.sends.len() as u64 > number {
                let oldest = process.sends.pop_front();
                exceeds |= oldest.is_some_and(|at| now.duration_since(at) < per);
            }
        }
        if exceeds {
            return self.fails(Rule::Stated, format!("call {call} is one too many"));
        }
        if let Some(early) = seen.not_before.filter(|&at| at > now) {
            let early = early.duration_since(now);
            return self.fails(
                Rule::NotBefore,
                format!("call {call} is sent {early:?} early"),
            );
        }
        if let Some(late) = seen.deadline.filter(|&deadline| deadline < now) {
            let late = now.duration_since(late);
            return self.fails(Rule::Deadline, format!("call {call} is sent {late:?} late"));
        }
        Ok(())
    }

    fn on_answered(
        &mut self,
        call: usize,
        outcome: Outcome,
        hint: &Hint<'_>,
        decision: &Decision,
    ) -> Result<(), Violation> {
        let now = self.now;
        let not_before = hint.not_before();
        let resets = hint.windows().filter_map(|window| window.reset());
        let resets = resets.map(|delay| now + delay);
        let latest = resets.chain(not_before).max();
        if let Some(latest) = latest {
            self.longest_hint = self.longest_hint.max(latest.duration_since(now));
        }
        let seen = &mut self.calls[call];
        let process = &mut self.processes[seen.process];
        process.stated = process.stated.max(latest.unwrap_or_default());
        process.in_flight -= 1;
        if matches!(
            outcome.kind(),
            OutcomeKind::Success | OutcomeKind::Pending | OutcomeKind::Permanent
        ) {
            process.accepted = now;
        }
        seen.in_flight = false;
        seen.answered = Some((now, outcome.kind()));
        let is_rejection = outcome.kind() == OutcomeKind::Throttled;
        seen.not_before = not_before.filter(|_| is_rejection);
        seen.rejections += u32::from(is_rejection);
        seen.failures += u32::from(outcome.kind() == OutcomeKind::Transient);
        let deadline = seen.deadline.unwrap_or(Instant::MAX);
        let Decision::Retry(wait) = decision else {
            return Ok(());
        };
        seen.longest_wait = seen.longest_wait.max(wait.delay());
        let is_long =
            not_before.is_some_and(|at| at.duration_since(now) > self.policy.max_retry_after());
        if is_long || wait.until() > deadline {
            return self.fails(Rule::Deadline, format!("call {call} {wait} all the same"));
        }
        if not_before.is_some_and(|at| wait.until() < at) {
            return self.fails(Rule::NotBefore, format!("call {call} {wait} only"));
        }
        Ok(())
    }

    fn on_ended(&mut self, call: usize, report: &Report, gave_up: bool) -> Result<(), Violation> {
        self.on_progress();
        self.stops_waiting(call);
        let now = self.now;
        let seen = &mut self.calls[call];
        let process = &mut self.processes[seen.process];
        process.in_flight -= u32::from(seen.in_flight);
        seen.in_flight = false;
        seen.ended = true;
        let stated = process.stated;
        let seen = seen.clone();
        let told = (report.attempts(), report.throttled(), report.failures());
        if told != (seen.sends, seen.rejections, seen.failures) {
            let detail = format!("call {call} tells of {told:?}: {report}");
            return self.fails(Rule::UsedUp, detail);
        }
        if gave_up {
            return Ok(());
        }
        let longest = self.policy.max_queue_time().unwrap_or(Duration::MAX);
        if seen.queued > longest {
            let detail = format!("call {call} waited {:?}: {report}", seen.queued);
            return self.fails(Rule::Deadline, detail);
        }
        let left = longest - seen.queued;
        let answer = seen.answered.filter(|&(at, _)| at == now);
        let answer = answer.map(|(_, kind)| kind);
        let late = seen.deadline.filter(|&deadline| deadline < now);
        if late.is_some() && answer.is_none() {
            return self.fails(
                Rule::Deadline,
                format!("call {call} waited past it: {report}"),
            );
        }
        let Some(end) = report.end() else {
            return self.fails(Rule::Ends, format!("call {call} has no stop"));
        };
        let is_right = match end.reason() {
            EndReason::Success => answer == Some(OutcomeKind::Success),
            EndReason::MaxRetries => seen.failures == self.policy.max_retries() + 1,
            EndReason::MaxThrottles => seen.rejections == self.policy.max_throttles() + 1,
            EndReason::QueueFull => true,
            EndReason::MaxQueueTime => {
                let is_stated = |at| at > now + left && at <= stated;
                left.is_zero() || end.retry_at().is_some_and(is_stated)
            }
            EndReason::ThrottledAlone => seen.rejections > 3,
            EndReason::ScopeThrottled => {
                let since = process.accepted.max(seen.started_at);
                now.duration_since(since) > REJECTED_FOR
            }
            EndReason::Deadline | EndReason::RetryAfterTooLong => {
                let by_guess = match end.retry_at() {
                    // Without a stated instant, the call must have reached its deadline, possibly
                    // in the queue.
                    None => seen.deadline.is_none_or(|deadline| deadline > now),
                    // The call's own backoff may be too long.
                    Some(_) if answer.is_some() => false,
                    Some(retry_at) => retry_at > stated,
                };
                if by_guess {
                    return self.fails(Rule::StoppedByGuess, format!("call {call}: {report}"));
                }
                true
            }
            _ => false,
        };
        if !is_right {
            return self.fails(Rule::UsedUp, format!("call {call}: {report}"));
        }
        Ok(())
    }

    fn on_settled(
        &mut self,
        index: usize,
        opens: Option<Instant>,
        in_flight: u32,
        waiting: usize,
    ) -> Result<(), Violation> {
        let process = &self.processes[index];
        let seen = (process.in_flight, process.waiting.len());
        if seen != (in_flight, waiting) {
            let detail = format!(
                "(in flight, waiting) are {seen:?}, not {:?}",
                (in_flight, waiting)
            );
            return self.fails(Rule::Counted, detail);
        }
        match process.waiting.first() {
            // A call whose deadline is at this very instant is told next.
            Some(&(deadline, _)) if deadline > self.now => self.waits_in_vain(opens, deadline),
            _ => Ok(()),
        }
    }

    fn on_second(&mut self, is_open: bool) -> Result<(), Violation> {
        let hints = self.longest_hint * self.calls.len() as u32 * LONGEST.2;
        if self.now > self.ends_by + hints {
            return self.fails(Rule::Endless, "calls are still under way");
        }
        let may_go_on = |seen: &Seen| seen.started && !seen.ended && !seen.is_barred;
        let in_flight: u32 = self.processes.iter().map(|it| it.in_flight).sum();
        if !is_open || in_flight > 0 || !self.calls.iter().any(may_go_on) {
            self.open_since = None;
            return Ok(());
        }
        let since = *self.open_since.get_or_insert(self.now);
        let waiting: usize = self.processes.iter().map(|it| it.waiting.len()).sum();
        // A call that the server always throttles may delay all others once.
        let barred = self.calls.iter().filter(|seen| seen.is_barred);
        let barred = barred.map(|seen| seen.longest_pause).max();
        let mut patience = self.longest_hint * 2 + Duration::from_secs(10) + self.stated_delay;
        patience += barred.unwrap_or_default();
        if waiting == 0 {
            // The policy's backoff may have no cap. Then any wait is acceptable.
            patience = patience.saturating_add(self.policy.backoff().cap());
        }
        if self.now.duration_since(since) > patience {
            let detail = format!(
                "open for {:?}, longest hint {:?}, {waiting} waiting",
                self.now.duration_since(since),
                self.longest_hint
            );
            return self.fails(Rule::Stuck, detail);
        }
        Ok(())
    }

    fn at_end(&self, scenario: &Scenario, run: &Run) -> Result<(), Violation> {
        if let Some(left) = self.calls.iter().position(|seen| !seen.ended) {
            return self.fails(Rule::Ends, format!("call {left} does not"));
        }
        if run.leaked() != (0, 0) {
            return self.fails(Rule::Counted, format!("{:?} in the end", run.leaked()));
        }
        if scenario.is_harmless() && run.ok() < run.reports().len() {
            let failed = run.reports().iter().find(|report| {
                let end = report.end();
                end.is_none_or(|end| end.reason() != EndReason::Success)
            });
            let failed = failed.map(ToString::to_string).unwrap_or_default();
            return self.fails(Rule::Succeeds, failed);
        }
        self.delays_neighbours(scenario, run)?;
        let (sends, calls) = (run.sends(), run.reports().len());
        let most = 1.5 * calls as f64;
        if scenario.is_honest() && sends > most as usize + start_up(scenario.round_trip()) {
            let (quota, cap) = (run.throttled_quota(), run.throttled_cap());
            let detail =
                format!("{sends} sends of {calls} calls, throttled: {quota} quota, {cap} cap");
            return self.fails(Rule::Sends, detail);
        }
        Ok(())
    }

    fn delays_neighbours(&self, scenario: &Scenario, run: &Run) -> Result<(), Violation> {
        let Some(answer) = scenario.only_barred() else {
            return Ok(());
        };
        let barred = self.calls.iter().filter(|seen| seen.is_barred);
        // Those that queued meanwhile need two answers more, because a few go first.
        let waits: Duration = barred.map(|seen| seen.longest_wait + answer * 3).sum();
        let most = waits + GROWTH;
        for (call, report) in run.reports().iter().enumerate() {
            let waited = report.waited(WaitReason::Pacer);
            if waited > most && !self.load.is_barred(call) {
                let detail = format!("call {call} waits {waited:?}, more than {most:?}");
                return self.fails(Rule::Neighbours, detail);
            }
        }
        Ok(())
    }

    fn on_progress(&mut self) {
        self.open_since = None;
    }

    fn stops_waiting(&mut self, call: usize) {
        let seen = &mut self.calls[call];
        if let Some(asked) = seen.asked.take() {
            seen.queued += self.now.duration_since(asked);
        }
        let deadline = seen.deadline.unwrap_or(Instant::MAX);
        self.processes[seen.process]
            .waiting
            .remove(&(deadline, call));
    }

    fn fails(&self, rule: Rule, detail: impl Into<String>) -> Result<(), Violation> {
        Err(violation(rule, self.now, detail))
    }
}

impl Watch for Checker {
    fn on(&mut self, now: Instant, happening: Happening<'_>) -> ControlFlow<()> {
        match self.on_happening(now, happening) {
            Ok(()) => ControlFlow::Continue(()),
            Err(violation) => {
                self.violation = Some(violation);
                ControlFlow::Break(())
            }
        }
    }
}

/// Returns how many attempts a pacer may send to an unknown server before a first rejection is
/// back.
///
/// That takes one `round_trip`. The pacer starts with 30 attempts. It adds 400 a second, or 8 times
/// the number already sent if that is more. Another 10 are allowed for attempts that are throttled
/// later.
fn start_up(round_trip: Duration) -> usize {
    let seconds = round_trip.as_secs_f64();
    let grown = if seconds <= 0.05 {
        30.0 + 400.0 * seconds
    } else {
        50.0 * (8.0 * (seconds - 0.05)).exp()
    };
    grown as usize + 10
}

/// An unknown server gets ever more attempts at once, from 30 on. The last of 150 calls are sent within this time.
const GROWTH: Duration = Duration::from_secs(1);

/// A scope must reject every probe for at least this long before its queued calls end together.
const REJECTED_FOR: Duration = Duration::from_secs(3_600);

/// The most events at one instant, as a constant plus a number for each call. The end of a hold is
/// told to all calls that wait.
const MOST_AT_ONCE: (usize, usize) = (200, 12);

/// The most events in all, in the same form.
const MOST_IN_ALL: (usize, usize) = (5_000, 1_000);

/// The longest run, as a constant, a multiple of the ideal, and a number of the longest hints for
/// each call. Other users may take the quota first at most
/// resets.
const LONGEST: (Duration, u32, u32) = (Duration::from_secs(1_200), 20, 4);
