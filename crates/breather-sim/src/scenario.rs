//! A server and a load, drawn from a seed.

use std::fmt;
use std::time::Duration;

use breather::{Pacing, Policy, Priority, Unit};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::limiter::Limiter;
use crate::load::Load;
use crate::server::{Headers, Outage, ResetForm, Rounding, Server};

/// A server with its faults and a load, all drawn from one seed.
///
/// Scenarios have servers of every kind that the simulator knows. They are small, so a run takes a
/// minute or so of virtual time.
///
/// # Example
///
/// ```
/// use breather_sim::{Scenario, check, run};
///
/// let scenario = Scenario::drawn(7);
/// let checked = check(&scenario).unwrap_or_else(|violation| panic!("{scenario}: {violation}"));
///
/// // The scenario's seed gives the same run again.
/// let run = run(&scenario.server(), &scenario.load(), scenario.seed());
/// assert_eq!(run.send_times(), checked.send_times());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Scenario {
    seed: u64,
    limiters: Vec<(Kind, Limiter)>,
    cap: Option<u32>,
    cap_retry_after: Option<u64>,
    cap_status: u16,
    quota_status: u16,
    /// The share of requests that fail by chance.
    faults: f64,
    /// The limits and the hold that the caller states.
    stated_limit: Option<(u64, Duration)>,
    stated_cap: Option<u32>,
    silent_hold: Duration,
    service: Duration,
    rejection: Duration,
    jitter: Duration,
    headers: Headers,
    rounding: Rounding,
    reset_form: ResetForm,
    skew: i64,
    early: Duration,
    counts_throttled: bool,
    counts_at_response: bool,
    others: f64,
    quota_changes: Vec<(Duration, u64)>,
    cap_changes: Vec<(Duration, Option<u32>)>,
    closed: Vec<(Duration, Duration)>,
    outages: Vec<(Duration, Duration, Outage)>,
    brownouts: Vec<(Duration, Duration, f64)>,
    shape: Shape,
    calls: usize,
    processes: usize,
    deadline: Option<Duration>,
    longest_hint: Option<Duration>,
    retries: Option<u32>,
    rejections: Option<u32>,
    waiters: Option<usize>,
    gives_up: Option<(f64, Duration)>,
    connect: Duration,
    costs: Option<Costs>,
    permits_overage: bool,
    queue_time: Option<Duration>,
    has_priorities: bool,
    tenants: Tenants,
    barred: Option<Barred>,
    lock_out: Option<LockOut>,
}

/// A limit that locks callers out if they exceed it.
#[derive(Clone, Copy, Debug)]
struct LockOut {
    limiter: Limiter,
    lock: Duration,
}

/// The calls of a route that the server always throttles.
#[derive(Clone, Copy, Debug)]
struct Barred {
    /// One in so many.
    nth: usize,
    retry_after: Option<u64>,
}

/// Whose calls share a turn in the queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tenants {
    One,
    Three,
    /// Each call has its own key.
    Many,
}

/// The tokens that calls cost, and the limit on them.
#[derive(Clone, Copy, Debug)]
struct Costs {
    kind: Kind,
    limiter: Limiter,
    median: u64,
    p99: u64,
    are_stated: bool,
    at_response: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Fixed,
    Log,
    Counter,
    Tokens { says_next: bool },
    Leaky,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    Spike,
    Ramp { over: Duration },
    Open { over: Duration },
    Sequential { callers: usize },
}

impl Scenario {
    /// Draws the scenario of a seed.
    pub fn drawn(seed: u64) -> Self {
        let mut draw = Draw {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            is_plain: false,
        };
        let draw = &mut draw;
        // The first limiter is the tightest.
        let count = draw.one_of(&[0, 1, 1, 1, 1, 1, 1, 1, 2, 3]);
        let quota = draw.between(1, 60);
        let window = draw.millis(500, 20_000);
        let limiters: Vec<_> = (0..count)
            .map(|nth| draw.limiter(quota * (1 + 2 * nth), window * (1 + nth as u32)))
            .collect();
        let first = limiters.first().map(|&(_, limiter)| limiter);
        // A few windows' worth at most, to keep runs short.
        let most = first.map_or(150, |first| (first.quota() * 6 + 5).min(150));
        let calls = draw.between(1, most) as usize;
        let cap = draw.maybe(0.6).then(|| draw.between(1, 40) as u32);
        let span = first.map_or(Duration::from_secs(10), |first| first.window() * 3);
        let spell = |draw: &mut Draw| {
            let from = span.mul_f64(draw.share());
            (from, from + draw.millis(10, 10_000))
        };
        let headers = draw.one_of(&[
            Headers::All,
            Headers::All,
            Headers::All,
            Headers::RetryAfter,
            Headers::None,
        ]);
        draw.is_plain = draw.maybe(0.3);
        Self {
            seed,
            cap,
            cap_retry_after: draw.one_of(&[None, Some(0), Some(1), Some(1), Some(3)]),
            cap_status: if draw.odd(0.2) { 503 } else { 429 },
            service: draw.millis(5, 2_000),
            rejection: Duration::from_millis(draw.one_of(&[0, 2, 20, 20, 200])),
            jitter: if draw.odd(0.3) {
                draw.millis(1, 300)
            } else {
                Duration::ZERO
            },
            headers,
            rounding: if draw.odd(0.2) {
                Rounding::Down
            } else {
                Rounding::Up
            },
            reset_form: draw.one_of(&[
                ResetForm::Delta,
                ResetForm::Delta,
                ResetForm::Epoch { date: true },
                ResetForm::Epoch { date: false },
            ]),
            skew: if draw.odd(0.3) {
                draw.between(0, 20) as i64 - 10
            } else {
                0
            },
            early: if draw.odd(0.15) {
                draw.millis(100, 5_000)
            } else {
                Duration::ZERO
            },
            counts_throttled: draw.odd(0.2),
            counts_at_response: draw.odd(0.15),
            others: if draw.odd(0.2) {
                0.7 * draw.share()
            } else {
                0.0
            },
            quota_changes: draw.some(0.2, |draw| {
                (span.mul_f64(draw.share()), draw.between(1, 60))
            }),
            cap_changes: draw.some(0.2, |draw| {
                let cap = draw.maybe(0.9).then(|| draw.between(1, 40) as u32);
                (span.mul_f64(draw.share()), cap)
            }),
            closed: draw.some(0.1, spell),
            outages: draw.some(0.2, |draw| {
                let (from, until) = spell(draw);
                let outage = draw.one_of(&[
                    Outage::Lost,
                    Outage::Unavailable(None),
                    Outage::Unavailable(Some(1)),
                    Outage::Unavailable(Some(5)),
                ]);
                (from, until, outage)
            }),
            brownouts: draw.some(0.15, |draw| {
                let (from, until) = spell(draw);
                (from, until, draw.one_of(&[2.0, 5.0, 10.0]))
            }),
            shape: match draw.between(0, 5) {
                0 => Shape::Ramp {
                    over: span.mul_f64(draw.share()),
                },
                1 => Shape::Open {
                    over: span.mul_f64(draw.share()),
                },
                2 => Shape::Sequential {
                    callers: draw.between(1, 20) as usize,
                },
                _ => Shape::Spike,
            },
            calls,
            processes: if draw.odd(0.2) {
                draw.between(2, 4) as usize
            } else {
                1
            },
            deadline: draw.odd(0.25).then(|| draw.millis(100, 30_000)),
            longest_hint: draw.odd(0.15).then(|| draw.millis(500, 10_000)),
            retries: draw.odd(0.2).then(|| draw.between(0, 8) as u32),
            rejections: draw.odd(0.1).then(|| draw.between(0, 5) as u32),
            waiters: draw.odd(0.05).then(|| draw.between(0, 30) as usize),
            gives_up: draw
                .odd(0.25)
                .then(|| (draw.share(), draw.millis(1, 20_000))),
            connect: if draw.odd(0.2) {
                draw.millis(1, 300)
            } else {
                Duration::ZERO
            },
            costs: draw.maybe(0.15).then(|| draw.costs(window)),
            permits_overage: draw.odd(0.1),
            quota_status: if draw.odd(0.1) { 503 } else { 429 },
            faults: if draw.odd(0.1) {
                0.1 * draw.share()
            } else {
                0.0
            },
            stated_limit: draw
                .odd(0.1)
                .then(|| (draw.between(1, 40), draw.millis(500, 10_000))),
            stated_cap: draw.odd(0.1).then(|| draw.between(1, 30) as u32),
            silent_hold: if draw.odd(0.05) {
                draw.millis(100, 5_000)
            } else {
                Duration::ZERO
            },
            limiters,
            queue_time: draw.odd(0.1).then(|| draw.millis(10, 20_000)),
            has_priorities: draw.odd(0.2),
            tenants: match draw.odd(0.2) {
                true => draw.one_of(&[Tenants::Three, Tenants::Three, Tenants::Many]),
                false => Tenants::One,
            },
            barred: draw.odd(0.1).then(|| Barred {
                nth: draw.between(40, 200) as usize,
                retry_after: draw.one_of(&[None, Some(1), Some(3), Some(20)]),
            }),
            lock_out: draw.odd(0.05).then(|| {
                let (quota, window) = (draw.between(2, 20), draw.millis(500, 5_000));
                let lock = draw.millis(1_000, 30_000);
                let limiter = Limiter::lock_out(quota, window, lock, draw.maybe(0.3));
                LockOut { limiter, lock }
            }),
        }
        .with_headers_for_costs(draw)
        .without_starving()
        .without_hopeless()
    }

    /// Reports tokens in the headers of a provider of language models. They report one limiter of
    /// requests.
    fn with_headers_for_costs(mut self, draw: &mut Draw) -> Self {
        if self.costs.is_some() {
            self.limiters.truncate(1);
            // A new quota would be one of tokens.
            if self.limiters.is_empty() {
                self.quota_changes.clear();
                self.others = 0.0;
            }
            self.permits_overage = false;
            if self.headers == Headers::All {
                self.headers = draw.one_of(&[Headers::OpenAi, Headers::Anthropic]);
            }
        }
        // Overage of a short window is never noticed.
        if let Some((kind, limiter)) = self.limiters.first_mut().filter(|_| self.permits_overage) {
            *kind = Kind::Fixed;
            *limiter = Limiter::fixed_window(limiter.quota(), OVERAGE_WINDOW).with_overage();
            self.others = 0.0;
        }
        self
    }

    /// Drops what would make a run endless without a fault of the pacer.
    fn without_hopeless(mut self) -> Self {
        if self.lock_out.is_some() {
            // Others would be locked out, too.
            self.others = 0.0;
        }
        if !self.silent_hold.is_zero() {
            // Each rejection of the route holds all others, as stated.
            self.barred = None;
        }
        self
    }

    /// Drops quota cuts that would let other users take nearly all of the quota.
    fn without_starving(mut self) -> Self {
        let quota = self.limiters.first().map_or(0, |(_, it)| it.quota());
        let others = quota as f64 * self.others;
        self.quota_changes
            .retain(|&(_, changed)| others <= 0.7 * changed as f64);
        self
    }

    /// Returns the seed that the scenario was drawn from, which is also the seed of its run.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the server.
    pub fn server(&self) -> Server {
        let mut server = Server::unlimited()
            .with_cap(self.cap)
            .with_cap_retry_after(self.cap_retry_after)
            .with_cap_status(self.cap_status)
            .with_quota_status(self.quota_status)
            .with_faults(self.faults)
            .with_service(self.service)
            .with_rejection(self.rejection)
            .with_jitter(self.jitter)
            .with_headers(self.headers)
            .with_rounding(self.rounding)
            .with_reset_form(self.reset_form)
            .with_skew(self.skew)
            .with_early_hints(self.early)
            .with_throttled_counted(self.counts_throttled)
            .with_counting_at_response(self.counts_at_response)
            .with_others(self.others)
            .with_connect(self.connect);
        for &(_, limiter) in &self.limiters {
            server = server.with_limiter(limiter);
        }
        if let Some(LockOut { limiter, .. }) = self.lock_out {
            server = server.with_limiter(limiter);
        }
        if let Some(barred) = self.barred {
            server = server.with_barred_route(barred.retry_after);
        }
        if let Some(costs) = self.costs {
            let limiter = match costs.at_response {
                true => costs.limiter.with_charge_at_response(),
                false => costs.limiter,
            };
            server = server.with_limiter(limiter);
        }
        for &(at, quota) in &self.quota_changes {
            server = server.with_quota_from(at, quota);
        }
        for &(at, cap) in &self.cap_changes {
            server = server.with_cap_from(at, cap);
        }
        for &(from, until) in &self.closed {
            server = server.with_closed(from, until);
        }
        for &(from, until, outage) in &self.outages {
            server = server.with_outage(from, until, outage);
        }
        for &(from, until, factor) in &self.brownouts {
            server = server.with_brownout(from, until, factor);
        }
        server
    }

    /// Returns the load.
    pub fn load(&self) -> Load {
        let load = match self.shape {
            Shape::Spike => Load::spike(self.calls),
            Shape::Ramp { over } => Load::ramp(self.calls, over),
            Shape::Open { over } => {
                let over = over.max(Duration::from_millis(1));
                Load::open(self.calls as f64 / over.as_secs_f64(), over)
            }
            Shape::Sequential { callers } => {
                Load::sequential(callers, self.calls.div_ceil(callers))
            }
        };
        let mut pacing = Pacing::new().with_silent_hold(self.silent_hold);
        if let Some(waiters) = self.waiters {
            pacing = pacing.with_max_queued(waiters);
        }
        if let Some((number, per)) = self.stated_limit {
            pacing = pacing.with_limit(number, per);
        }
        if let Some(max) = self.stated_cap {
            pacing = pacing.with_max_in_flight(max);
        }
        let load = match self.costs {
            Some(costs) => load.with_cost(Unit::Tokens, costs.median, costs.p99),
            None => load,
        };
        let load = match self.costs.is_some_and(|costs| costs.are_stated) {
            true => load.with_stated_costs(),
            false => load,
        };
        let (share, within) = self.gives_up.unwrap_or_default();
        let load = match self.has_priorities {
            true => load.with_priorities(|call| match hash(call) % 4 {
                0 => Priority::Interactive,
                1 => Priority::Normal,
                _ => Priority::Batch,
            }),
            false => load,
        };
        let load = match self.tenants {
            Tenants::One => load,
            Tenants::Three => load.with_shares(|call| hash(call) / 8 % 3),
            Tenants::Many => load.with_shares(|call| call as u64),
        };
        let load = match self.barred {
            Some(barred) => load.with_barred_calls(barred.nth),
            None => load,
        };
        load.with_processes(self.processes)
            .with_policy(self.policy())
            .with_pacing(pacing)
            .with_giving_up(share, within)
    }

    /// Returns the time by which the stated limits may delay a call, and all calls.
    pub(crate) fn stated_delays(&self) -> (Duration, Duration) {
        let per = self.stated_limit.map_or(Duration::ZERO, |(_, per)| per);
        let one = (per + self.silent_hold) * 2;
        let in_turn = match self.stated_cap {
            // A brownout makes calls ten times as slow.
            Some(_) => self.service * 20,
            None => Duration::ZERO,
        };
        (one, (one + in_turn) * self.calls as u32)
    }

    /// Returns the policy of the load's calls.
    pub fn policy(&self) -> Policy {
        let mut policy = Policy::new();
        if let Some(deadline) = self.deadline {
            policy = policy.with_deadline(deadline);
        }
        if let Some(longest) = self.longest_hint {
            policy = policy.with_max_retry_after(longest);
        }
        if let Some(longest) = self.queue_time {
            policy = policy.with_max_queue_time(longest);
        }
        if let Some(retries) = self.retries {
            policy = policy.with_max_retries(retries);
        }
        if let Some(rejections) = self.rejections {
            policy = policy.with_max_throttles(rejections);
        }
        policy
    }

    /// Returns the group for statistics, which is the kind of limiters and the headers they send.
    #[must_use]
    pub fn group(&self) -> (&'static str, Headers) {
        let name = match self.limiters[..] {
            [] => "no limiter",
            [(kind, _)] => kind.name(),
            _ => "several limiters",
        };
        (name, self.headers)
    }

    /// Returns the longest wait that the limits may require without stating it.
    pub(crate) fn longest_untold(&self) -> Duration {
        let is_untold = |kind| self.headers == Headers::None || kind == Kind::Leaky;
        let untold = self.limiters.iter().filter(|&&(kind, _)| is_untold(kind));
        let costs = self.costs.filter(|costs| is_untold(costs.kind));
        let costs = costs.map(|costs| costs.limiter.window());
        let untold = untold.map(|(_, limiter)| limiter.window());
        // An attempt in the lock may extend it, so that only a client that waits for all of it gets out.
        let lock = self
            .lock_out
            .map(|it| (it.lock + it.limiter.window()) * LOCKS);
        // A rejection for the cap could say when to retry, too.
        let cap = self
            .cap_retry_after
            .filter(|_| self.headers == Headers::None);
        let cap = cap.filter(|_| self.cap.is_some()).map(Duration::from_secs);
        let longest = untold.chain(costs).chain(lock).chain(cap).max();
        // Another process may take the quota of a new window, and a rejection may restart the
        // window.
        longest.unwrap_or_default() * (self.processes as u32 + u32::from(self.counts_throttled))
    }

    /// Returns the longest time from a send to its rejection.
    pub(crate) fn round_trip(&self) -> Duration {
        self.rejection + 2 * self.jitter + self.connect
    }

    /// Returns whether the server's headers are complete and true, and only limits delay calls.
    ///
    /// The scenario must have a single process, and no faults or callers that give up. Some
    /// limiters are not honest:
    ///
    /// - A leaky bucket reports nothing about itself.
    /// - A sliding counter states a reset at which it is not yet open.
    /// - A sliding log does the same if throttled calls count against it.
    ///
    /// Other users of the same quota and changes of a quota are allowed, because the headers report
    /// them.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        let tells_all = |&(kind, _): &(Kind, _)| match kind {
            Kind::Leaky | Kind::Counter => false,
            Kind::Log => !self.counts_throttled,
            Kind::Fixed | Kind::Tokens { .. } => true,
        };
        // Learned costs are an average, and some calls cost more.
        self.headers == Headers::All
            && self.costs.is_none()
            && self.limiters.iter().all(tells_all)
            && self.early.is_zero()
            && self.rounding == Rounding::Up
            && (self.skew == 0 || self.reset_form != (ResetForm::Epoch { date: false }))
            && self.cap_status == 429
            && self.quota_status == 429
            && self.barred.is_none()
            && self.lock_out.is_none()
            && self.faults == 0.0
            && self.processes == 1
            && self.closed.is_empty()
            && self.outages.is_empty()
            && self.brownouts.is_empty()
            && self.gives_up.is_none()
    }

    /// Returns the time of an answer, if the server throttles calls of a barred route and no others.
    pub(crate) fn only_barred(&self) -> Option<Duration> {
        let is_alone = self.barred.is_some()
            && self.limiters.is_empty()
            && self.lock_out.is_none()
            && self.cap.is_none()
            && self.cap_changes.is_empty()
            && self.costs.is_none()
            && self.faults == 0.0
            && self.processes == 1
            && self.others == 0.0
            && self.closed.is_empty()
            && self.outages.is_empty()
            && self.brownouts.is_empty()
            && self.stated_limit.is_none()
            && self.stated_cap.is_none()
            && self.silent_hold.is_zero();
        is_alone.then_some(self.round_trip() + self.service)
    }

    /// Returns whether no call has a reason to fail.
    ///
    /// The server is then [honest](Self::is_honest), the policy limits neither time nor rejections
    /// nor the queue, and no other users take the quota.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        // A rejection for another reason states the reset of the window that is billed.
        self.is_honest()
            && !self.permits_overage
            && self.deadline.is_none()
            && self.longest_hint.is_none()
            && self.queue_time.is_none()
            && self.rejections.is_none()
            && self.waiters.is_none()
            && self.others == 0.0
    }

    /// Returns simpler scenarios, each with one complication less.
    #[must_use]
    pub fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut without = |simplify: &dyn Fn(&mut Self)| {
            let mut simpler = self.clone();
            simplify(&mut simpler);
            if simpler.to_string() != self.to_string() {
                all.push(simpler);
            }
        };
        without(&|it| it.calls = it.calls.div_ceil(2));
        without(&|it| it.calls -= usize::from(it.calls > 1));
        without(&|it| it.limiters.truncate(1));
        without(&|it| it.limiters.clear());
        without(&|it| {
            if it.limiters.len() > 1 {
                it.limiters = it.limiters.split_off(1);
            }
        });
        without(&|it| it.costs = None);
        without(&|it| {
            if let Some(costs) = &mut it.costs {
                costs.are_stated = false;
            }
        });
        without(&|it| {
            if let Some(costs) = &mut it.costs {
                costs.at_response = false;
            }
        });
        without(&|it| it.barred = None);
        without(&|it| it.lock_out = None);
        without(&|it| it.has_priorities = false);
        without(&|it| it.tenants = Tenants::One);
        without(&|it| it.connect = Duration::ZERO);
        without(&|it| it.processes = 1);
        without(&|it| it.gives_up = None);
        without(&|it| it.deadline = None);
        without(&|it| it.longest_hint = None);
        without(&|it| it.queue_time = None);
        without(&|it| it.retries = None);
        without(&|it| it.rejections = None);
        without(&|it| it.waiters = None);
        without(&|it| it.outages.clear());
        without(&|it| it.brownouts.clear());
        without(&|it| it.closed.clear());
        without(&|it| it.cap_changes.clear());
        without(&|it| it.quota_changes.clear());
        without(&|it| it.others = 0.0);
        without(&|it| it.counts_throttled = false);
        without(&|it| it.counts_at_response = false);
        without(&|it| it.early = Duration::ZERO);
        without(&|it| it.skew = 0);
        without(&|it| it.jitter = Duration::ZERO);
        without(&|it| it.rounding = Rounding::Up);
        without(&|it| it.reset_form = ResetForm::Delta);
        without(&|it| it.headers = Headers::All);
        without(&|it| it.stated_limit = None);
        without(&|it| it.stated_cap = None);
        without(&|it| it.silent_hold = Duration::ZERO);
        without(&|it| it.faults = 0.0);
        without(&|it| it.quota_status = 429);
        without(&|it| it.cap_status = 429);
        without(&|it| it.cap_retry_after = None);
        without(&|it| it.cap = None);
        without(&|it| it.shape = Shape::Spike);
        without(&|it| it.rejection = Duration::from_millis(20));
        without(&|it| it.service = Duration::from_millis(200));
        all
    }
}

impl fmt::Display for Scenario {
    /// Writes one line with only those settings that differ from the simplest scenario.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls", self.calls)?;
        match self.shape {
            Shape::Spike => {}
            Shape::Ramp { over } => write!(f, " ramped over {over:?}")?,
            Shape::Open { over } => write!(f, " evenly over {over:?}")?,
            Shape::Sequential { callers } => write!(f, " of {callers} callers in turn")?,
        }
        if self.processes > 1 {
            write!(f, " in {} processes", self.processes)?;
        }
        for (kind, limiter) in &self.limiters {
            let (quota, window) = (limiter.quota(), limiter.window());
            write!(f, ", {} {quota} in {window:?}", kind.name())?;
        }
        if let Some(costs) = &self.costs {
            let (kind, limiter) = (costs.kind.name(), costs.limiter);
            let (quota, window) = (limiter.quota(), limiter.window());
            write!(f, ", {kind} {quota} tokens in {window:?}")?;
            write!(f, ", calls cost {} to {}", costs.median, costs.p99)?;
            f.write_str(if costs.are_stated { " as stated" } else { "" })?;
            f.write_str(if costs.at_response {
                " at response"
            } else {
                ""
            })?;
        }
        if self.quota_status != 429 {
            write!(f, ", quota ({})", self.quota_status)?;
        }
        if let Some((number, per)) = self.stated_limit {
            write!(f, ", limit of {number} in {per:?} stated")?;
        }
        if let Some(max) = self.stated_cap {
            write!(f, ", cap of {max} stated")?;
        }
        if !self.silent_hold.is_zero() {
            write!(f, ", hold of {:?} stated", self.silent_hold)?;
        }
        if self.faults > 0.0 {
            write!(f, ", {:.1} % fail", self.faults * 100.0)?;
        }
        if self.permits_overage && !self.limiters.is_empty() {
            f.write_str(", overage is billed")?;
        }
        if let Some(LockOut { limiter, lock }) = &self.lock_out {
            let (quota, window) = (limiter.quota(), limiter.window());
            write!(f, ", {quota} in {window:?} or locked out for {lock:?}")?;
        }
        if let Some(Barred { nth, retry_after }) = self.barred {
            write!(f, ", each {nth}th call barred")?;
            if let Some(seconds) = retry_after {
                write!(f, " for {seconds} s")?;
            }
        }
        f.write_str(if self.has_priorities {
            ", priorities"
        } else {
            ""
        })?;
        f.write_str(match self.tenants {
            Tenants::One => "",
            Tenants::Three => ", three tenants",
            Tenants::Many => ", a tenant per call",
        })?;
        if let Some(cap) = self.cap {
            write!(f, ", cap {cap} ({}", self.cap_status)?;
            match self.cap_retry_after {
                Some(seconds) => write!(f, ", retry after {seconds})")?,
                None => write!(f, ")")?,
            }
        }
        write!(f, ", service {:?}/{:?}", self.service, self.rejection)?;
        if !self.jitter.is_zero() {
            write!(f, " + {:?} each way", self.jitter)?;
        }
        if !self.connect.is_zero() {
            write!(f, ", {:?} to connect", self.connect)?;
        }
        write!(f, ", headers {:?}", self.headers)?;
        if self.headers != Headers::None {
            write!(f, " rounded {:?}", self.rounding)?;
        }
        if self.headers == Headers::All {
            match self.reset_form {
                ResetForm::Delta => {}
                ResetForm::Epoch { date: true } => write!(f, ", epoch and date")?,
                ResetForm::Epoch { date: false } => write!(f, ", epoch")?,
            }
        }
        let mut tell = |is_there: bool, what: fmt::Arguments<'_>| {
            if is_there {
                write!(f, ", {what}")
            } else {
                Ok(())
            }
        };
        tell(self.skew != 0, format_args!("skew {} s", self.skew))?;
        tell(
            !self.early.is_zero(),
            format_args!("hints {:?} early", self.early),
        )?;
        tell(self.counts_throttled, format_args!("throttled cost quota"))?;
        tell(self.counts_at_response, format_args!("counted at response"))?;
        tell(
            self.others > 0.0,
            format_args!("others use {:.2}", self.others),
        )?;
        for &(at, quota) in &self.quota_changes {
            tell(true, format_args!("quota {quota} from {at:?}"))?;
        }
        for &(at, cap) in &self.cap_changes {
            tell(true, format_args!("cap {cap:?} from {at:?}"))?;
        }
        for &(from, until) in &self.closed {
            tell(true, format_args!("closed {from:?} to {until:?}"))?;
        }
        for &(from, until, outage) in &self.outages {
            tell(true, format_args!("{outage:?} {from:?} to {until:?}"))?;
        }
        for &(from, until, factor) in &self.brownouts {
            tell(
                true,
                format_args!("{factor} times slower {from:?} to {until:?}"),
            )?;
        }
        let policy = [
            self.deadline.map(|it| format!("deadline {it:?}")),
            self.longest_hint.map(|it| format!("longest hint {it:?}")),
            self.queue_time.map(|it| format!("{it:?} in the queue")),
            self.retries.map(|it| format!("{it} retries")),
            self.rejections.map(|it| format!("{it} rejections")),
            self.waiters.map(|it| format!("{it} waiters")),
            self.gives_up
                .map(|(share, within)| format!("{share:.2} give up within {within:?}")),
        ];
        for what in policy.into_iter().flatten() {
            tell(true, format_args!("{what}"))?;
        }
        Ok(())
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed window",
            Self::Log => "sliding log",
            Self::Counter => "sliding counter",
            Self::Tokens { says_next: false } => "token bucket",
            Self::Tokens { says_next: true } => "token bucket, next",
            Self::Leaky => "leaky bucket",
        }
    }
}

/// Draws values from a seed.
struct Draw {
    random: Xoshiro256PlusPlus,
    /// Whether the scenario has no complications.
    is_plain: bool,
}

impl Draw {
    fn share(&mut self) -> f64 {
        self.random.random()
    }

    fn maybe(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// Returns whether a complication is present.
    fn odd(&mut self, share: f64) -> bool {
        !self.is_plain && self.maybe(share)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + (self.share() * (high - low + 1) as f64) as u64
    }

    /// Draws short times as often as long ones.
    fn millis(&mut self, low: u64, high: u64) -> Duration {
        let millis = low as f64 * (high as f64 / low as f64).powf(self.share());
        Duration::from_millis(millis as u64)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.between(0, all.len() as u64 - 1) as usize]
    }

    fn some<T>(&mut self, share: f64, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = if self.odd(share) {
            self.between(1, 2)
        } else {
            0
        };
        (0..count).map(|_| draw(self)).collect()
    }

    fn costs(&mut self, window: Duration) -> Costs {
        let quota = self.between(200, 20_000);
        let (kind, limiter) = self.limiter(quota, window);
        // A leaky bucket queues requests, whatever they cost.
        let (kind, limiter) = match kind {
            Kind::Leaky => (Kind::Fixed, Limiter::fixed_window(quota, window)),
            _ => (kind, limiter),
        };
        let median = self.between(1, quota / 10);
        Costs {
            kind,
            limiter: limiter.with_unit(Unit::Tokens),
            median,
            p99: median * self.between(1, 15),
            are_stated: self.maybe(0.3),
            at_response: self.odd(0.2),
        }
    }

    fn limiter(&mut self, quota: u64, window: Duration) -> (Kind, Limiter) {
        let burst = self.between(1, quota);
        match self.between(0, 6) {
            0 | 1 => (Kind::Fixed, Limiter::fixed_window(quota, window)),
            2 => (Kind::Log, Limiter::sliding_log(quota, window)),
            3 => (Kind::Counter, Limiter::sliding_counter(quota, window)),
            4 => (
                Kind::Tokens { says_next: false },
                Limiter::token_bucket(quota, window, burst),
            ),
            5 => (
                Kind::Tokens { says_next: true },
                Limiter::token_bucket(quota, window, burst).with_reset_at_next(),
            ),
            _ => (Kind::Leaky, Limiter::leaky_bucket(quota, window, burst)),
        }
    }
}

/// The pacer probes when a tenth of the time so far has passed, so it finds the end of a lock that each probe extends
/// after ten times its length.
const LOCKS: u32 = 10;

/// Spreads the numbers of calls.
const fn hash(call: usize) -> u64 {
    (call as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

/// The window is longer than a run, like the quota of a month.
const OVERAGE_WINDOW: Duration = Duration::from_secs(2_000);
