//! All limits of a server, and their changes.

use std::collections::BTreeMap;
use std::time::Duration;

use breather::hint::Unit;

use crate::changes::{Change, Spell};
use crate::demand::Demand;
use crate::limiter::Limiter;
use crate::meter::{Meter, Statement, from_nanos};
use crate::server::Server;

/// The state of a server's quotas and cap, with their changes and other users.
///
/// The server and the ideal schedule both use it. Times are since the start of the run.
#[derive(Debug)]
pub(crate) struct Limits {
    meters: Vec<Metered>,
    /// The additional limiters of each token.
    token_limiters: Vec<Limiter>,
    tokens: BTreeMap<usize, Vec<Metered>>,
    /// Whether all limiters charge at the response.
    charges_at_response: bool,
    cap: Option<u32>,
    /// In the order of their time. The first `changed` ones are done.
    changes: Vec<(Duration, Change)>,
    changed: usize,
    others: Option<Others>,
    closed: Vec<Spell>,
    outages: Vec<Spell>,
}

/// A limiter and its state.
#[derive(Debug)]
struct Metered {
    limiter: Limiter,
    meter: Box<dyn Meter>,
    charges_at_response: bool,
}

impl Metered {
    fn new(limiter: Limiter, charges_at_response: bool) -> Self {
        Self {
            limiter,
            meter: limiter.meter(),
            charges_at_response: charges_at_response || limiter.charges_at_response(),
        }
    }

    /// Returns the cost that an arriving call is admitted for.
    fn asked(&self, demand: Demand) -> u64 {
        let cost = demand.cost(self.limiter.unit());
        if self.charges_at_response {
            cost.min(1)
        } else {
            cost
        }
    }

    fn opens(&self, at: Duration, demand: Demand) -> Duration {
        if self.limiter.permits_overage() {
            return at;
        }
        self.meter.opens(at, self.asked(demand))
    }

    fn admits(&self, at: Duration, demand: Demand) -> bool {
        self.limiter.permits_overage() || self.meter.admits(at, self.asked(demand))
    }

    fn statement(&self, now: Duration, demand: Demand) -> Statement {
        self.meter.statement(now, self.asked(demand))
    }
}

/// Other users of the same quotas, who send evenly.
#[derive(Clone, Copy, Debug)]
struct Others {
    interval: Duration,
    next: Duration,
}

impl Limits {
    pub(crate) fn new(server: &Server) -> Self {
        let mut changes = server.changes.clone();
        changes.sort_by_key(|&(at, _)| at);
        let others = server.limiters.first().zip(server.others);
        let charges_at_response = server.counts_at_response;
        let metered = |&limiter: &Limiter| Metered::new(limiter, charges_at_response);
        Self {
            meters: server.limiters.iter().map(metered).collect(),
            token_limiters: server.token_limiters.clone(),
            tokens: BTreeMap::new(),
            charges_at_response,
            cap: server.cap,
            changes,
            changed: 0,
            others: others.map(|(limiter, share)| {
                let rate = limiter.quota() as f64 * share;
                let interval = limiter.window().as_nanos() as f64 / rate;
                let interval = from_nanos((interval as u128).max(1));
                Others {
                    interval,
                    next: interval,
                }
            }),
            closed: server.closed.clone(),
            outages: server.outages.iter().map(|&(spell, _)| spell).collect(),
        }
    }

    /// Returns how many calls may be in flight.
    pub(crate) fn places(&self) -> usize {
        self.cap.map_or(usize::MAX, |cap| cap as usize)
    }

    /// Returns when the limits next change by themselves.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        let change = self.changes.get(self.changed).map(|&(at, _)| at);
        let other = self.others.map(|others| others.next);
        change.into_iter().chain(other).min()
    }

    /// Advances the limits to `now`.
    pub(crate) fn advance(&mut self, now: Duration) {
        while let Some(at) = self.next_change().filter(|&at| at <= now) {
            if let Some(&(_, change)) = self.changes.get(self.changed).filter(|it| it.0 == at) {
                self.changed += 1;
                match change {
                    Change::Cap(cap) => self.cap = cap,
                    Change::Quota(quota) => {
                        if let Some(meter) = self.meters.first_mut() {
                            meter.meter.set_quota(at, quota.max(1));
                        }
                    }
                }
            } else if let Some(others) = &mut self.others {
                others.next = at + others.interval;
                if self.lets_in(at) {
                    let requests = self.all_mut(None);
                    let requests = requests.filter(|it| it.limiter.unit() == Unit::Requests);
                    requests.for_each(|it| it.meter.take(at, 1));
                }
            }
        }
    }

    /// Returns when a call that arrives at `at` may be admitted, if nothing else changes the
    /// limits.
    pub(crate) fn opens(&self, mut at: Duration, demand: Demand) -> Duration {
        loop {
            let meters = self.meters.iter().map(|it| it.opens(at, demand)).max();
            let opens = meters.unwrap_or(at);
            let spells = self.closed.iter().chain(&self.outages);
            let opens = spells
                .filter(|spell| spell.contains(opens))
                .map(|spell| spell.until)
                .fold(opens, Duration::max);
            if opens == at {
                return at;
            }
            at = opens;
        }
    }

    /// Returns when the quotas admit a call that arrives at `at`, possibly after a wait.
    ///
    /// `None` means that the call is throttled.
    pub(crate) fn admits(&self, at: Duration, demand: Demand) -> Option<Duration> {
        let admits = !self.is_closed(at) && self.all(demand).all(|it| it.admits(at, demand));
        let opens = self.all(demand).map(|it| it.opens(at, demand));
        admits.then(|| opens.fold(at, Duration::max))
    }

    /// Counts a call that was admitted at `at`, unless it is charged at its response.
    pub(crate) fn take(&mut self, at: Duration, demand: Demand) {
        let metered = self.all_mut(demand.token);
        let metered = metered.filter(|it| !it.charges_at_response);
        metered.for_each(|it| it.meter.take(at, demand.cost(it.limiter.unit())));
    }

    /// Counts a call that ends at `at`, if it is charged at its response.
    pub(crate) fn take_at_response(&mut self, at: Duration, demand: Demand) {
        let metered = self.all_mut(demand.token);
        let metered = metered.filter(|it| it.charges_at_response);
        metered.for_each(|it| it.meter.take(at, demand.cost(it.limiter.unit())));
    }

    /// Adds a call that was throttled at `at` for a quota, whether it is counted or not.
    pub(crate) fn on_throttled(&mut self, at: Duration, demand: Demand) {
        let metered = self.all_mut(demand.token);
        metered.for_each(|it| it.meter.on_throttled(at));
    }

    /// Counts a call that was throttled at `at`.
    pub(crate) fn charge(&mut self, at: Duration, demand: Demand) {
        let metered = self.all_mut(demand.token);
        metered.for_each(|it| it.meter.charge(at, demand.cost(it.limiter.unit())));
    }

    /// Returns whether any limiter charges at the response.
    pub(crate) fn charges_at_response(&self) -> bool {
        self.charges_at_response || self.meters.iter().any(|it| it.charges_at_response)
    }

    /// Returns the statement of each limiter with its unit, starting with those of the token.
    pub(crate) fn statements(
        &self,
        now: Duration,
        demand: Demand,
    ) -> impl Iterator<Item = (Unit, Statement)> {
        let is_closed = self.is_closed(now);
        self.all(demand).map(move |it| {
            let mut statement = it.statement(now, demand);
            if let Some((_, remaining, reset)) = statement.window.as_mut().filter(|_| is_closed) {
                (*remaining, *reset) = (0, now + RIGHT_AHEAD);
            }
            (it.limiter.unit(), statement)
        })
    }

    /// Returns when a call that is throttled at `now` is told to retry.
    pub(crate) fn retry(&self, now: Duration, demand: Demand) -> Duration {
        if self.is_closed(now) {
            return now + RIGHT_AHEAD;
        }
        let throttling = self.all(demand).filter(|it| !it.admits(now, demand));
        let retries = throttling.map(|it| it.statement(now, demand).retry);
        retries.max().unwrap_or(now)
    }

    /// Creates the limiters of `token` when its first call arrives.
    pub(crate) fn meet(&mut self, token: Option<usize>) {
        let charges_at_response = self.charges_at_response;
        if let Some(token) = token {
            let limiters = self.token_limiters.iter();
            let meters = || {
                limiters
                    .map(|&it| Metered::new(it, charges_at_response))
                    .collect()
            };
            self.tokens.entry(token).or_insert_with(meters);
        }
    }

    fn all(&self, demand: Demand) -> impl Iterator<Item = &Metered> {
        let own = demand.token.and_then(|token| self.tokens.get(&token));
        own.into_iter().flatten().chain(&self.meters)
    }

    fn all_mut(&mut self, token: Option<usize>) -> impl Iterator<Item = &mut Metered> {
        let own = token.and_then(|token| self.tokens.get_mut(&token));
        own.into_iter().flatten().chain(&mut self.meters)
    }

    fn is_closed(&self, at: Duration) -> bool {
        self.closed.iter().any(|spell| spell.contains(at))
    }

    fn lets_in(&self, at: Duration) -> bool {
        let requests = Demand::default();
        self.meters.iter().all(|it| it.opens(at, requests) <= at)
    }
}

/// The time to the reset that a limiter states while it is closed.
const RIGHT_AHEAD: Duration = Duration::from_secs(1);
