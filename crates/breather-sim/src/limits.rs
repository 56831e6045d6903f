//! All limits of a server, and their changes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::changes::{Change, Spell};
use crate::limiter::Limiter;
use crate::meter::{Meter, Statement, from_nanos};
use crate::server::Server;

/// The state of a server's quotas and cap, with their changes and other users.
///
/// The server and the ideal schedule both use it. Times are since the start of the run.
#[derive(Debug)]
pub(crate) struct Limits {
    meters: Vec<Box<dyn Meter>>,
    /// The additional limiters of each token.
    token_limiters: Vec<Limiter>,
    tokens: BTreeMap<usize, Vec<Box<dyn Meter>>>,
    cap: Option<u32>,
    /// In the order of their time. The first `changed` ones are done.
    changes: Vec<(Duration, Change)>,
    changed: usize,
    others: Option<Others>,
    closed: Vec<Spell>,
    outages: Vec<Spell>,
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
        Self {
            meters: server.limiters.iter().map(|it| it.meter()).collect(),
            token_limiters: server.token_limiters.clone(),
            tokens: BTreeMap::new(),
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
                            meter.set_quota(at, quota.max(1));
                        }
                    }
                }
            } else if let Some(others) = &mut self.others {
                others.next = at + others.interval;
                if self.lets_in(at) {
                    self.take(at, None);
                }
            }
        }
    }

    /// Returns when a call that arrives at `at` may be admitted, if nothing else changes the
    /// limits.
    pub(crate) fn opens(&self, mut at: Duration) -> Duration {
        loop {
            let meters = self.meters.iter().map(|meter| meter.opens(at)).max();
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

    /// Returns when the quotas admit a call with `token` that arrives at `at`, possibly after a
    /// wait.
    ///
    /// `None` means that the call is throttled.
    pub(crate) fn admits(&self, at: Duration, token: Option<usize>) -> Option<Duration> {
        let admits = !self.is_closed(at) && self.all(token).all(|meter| meter.admits(at));
        let opens = self.all(token).map(|meter| meter.opens(at));
        admits.then(|| opens.fold(at, Duration::max))
    }

    /// Counts a call with `token` that was admitted at `at`.
    pub(crate) fn take(&mut self, at: Duration, token: Option<usize>) {
        self.all_mut(token).for_each(|meter| meter.take(at));
    }

    /// Counts a call with `token` that was throttled at `at`.
    pub(crate) fn charge(&mut self, at: Duration, token: Option<usize>) {
        self.all_mut(token).for_each(|meter| meter.charge(at));
    }

    /// Returns the statement of each limiter, starting with those of the token.
    pub(crate) fn statements(
        &self,
        now: Duration,
        token: Option<usize>,
    ) -> impl Iterator<Item = Statement> {
        let is_closed = self.is_closed(now);
        self.all(token).map(move |meter| {
            let mut statement = meter.statement(now);
            if let Some((_, remaining, reset)) = statement.window.as_mut().filter(|_| is_closed) {
                (*remaining, *reset) = (0, now + RIGHT_AHEAD);
            }
            statement
        })
    }

    /// Returns when a call with `token` that is throttled at `now` is told to retry.
    pub(crate) fn retry(&self, now: Duration, token: Option<usize>) -> Duration {
        if self.is_closed(now) {
            return now + RIGHT_AHEAD;
        }
        let throttling = self.all(token).filter(|meter| !meter.admits(now));
        let retries = throttling.map(|meter| meter.statement(now).retry);
        retries.max().unwrap_or(now)
    }

    /// Creates the limiters of `token` when its first call arrives.
    pub(crate) fn meet(&mut self, token: Option<usize>) {
        if let Some(token) = token {
            let limiters = &self.token_limiters;
            let meters = || limiters.iter().map(|it| it.meter()).collect();
            self.tokens.entry(token).or_insert_with(meters);
        }
    }

    fn all(&self, token: Option<usize>) -> impl Iterator<Item = &dyn Meter> {
        let own = token.and_then(|token| self.tokens.get(&token));
        let own = own.into_iter().flatten();
        own.chain(&self.meters).map(|meter| &**meter)
    }

    fn all_mut(&mut self, token: Option<usize>) -> impl Iterator<Item = &mut Box<dyn Meter>> {
        let own = token.and_then(|token| self.tokens.get_mut(&token));
        own.into_iter().flatten().chain(&mut self.meters)
    }

    fn is_closed(&self, at: Duration) -> bool {
        self.closed.iter().any(|spell| spell.contains(at))
    }

    fn lets_in(&self, at: Duration) -> bool {
        self.meters.iter().all(|meter| meter.opens(at) <= at)
    }
}

/// The time to the reset that a limiter states while it is closed.
const RIGHT_AHEAD: Duration = Duration::from_secs(1);
