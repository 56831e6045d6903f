//! How many attempts the server accepts, if no answer says how many remain.

use core::time::Duration;

use super::hold::{Cause, Hold, LONGEST_GUARD};
use super::pacing::Pacing;
use super::periodic::{FEW, Periodic};
use super::recent::Recent;
use super::spaced::Spaced;
use crate::instant::{Instant, nanos};

/// The limit that a server seems to have, by what it throttled and accepted.
///
/// A rejection after a burst says that the burst was as much as the server accepts. The end of the rest
/// after it says when the server accepts more. So each rest is evidence of a limit:
///
/// - A window gives the same number in each period. The limit is [`Periodic`].
/// - A bucket gives more, the longer it was left alone. The limit is [`Spaced`].
///
/// From then on, attempts beyond the limit wait, so the server does not throttle them. The search for a higher
/// limit sends one more from time to time. If rests contradict a limit, the pacer measures it anew, or takes the
/// server for a bucket. It never takes a bucket for a window again.
#[derive(Debug, Default)]
pub(super) struct Rate {
    limit: Option<Limit>,
    period: Period,
    /// Since when calls have waited for the limit without a break, and how many attempts were sent since without
    /// being throttled.
    span_start: Instant,
    span_sends: u64,
    /// The attempts in the latest [length](Limit::length).
    recent: Recent,
}

/// A limit of either kind.
#[derive(Debug)]
pub(super) enum Limit {
    Periodic(Periodic),
    Spaced(Spaced),
}

/// The period that began with the latest attempt after a rest.
#[derive(Debug, Default)]
struct Period {
    start: Instant,
    /// The numbers of its first and latest attempt.
    first: u64,
    latest: u64,
    /// The attempts that were not throttled.
    sends: u64,
    /// Those whose outcome is unknown.
    lost: u64,
    accepted: u64,
    /// When the server first throttled an attempt, and which instant it stated.
    throttled: Option<Instant>,
    stated: Option<Instant>,
    /// Whether it is the first one with a limit of more than a few. One rest does not tell yet whether the server accepts
    /// as many again at once.
    is_first: bool,
    /// When the latest probe was sent that was throttled.
    tried: Option<Instant>,
}

/// The time from a throttled attempt to the first one that the server accepted again.
///
/// All times are in nanoseconds.
#[derive(Debug)]
pub(super) struct Rest {
    /// The attempts of the period before that were neither throttled nor lost.
    pub(super) gave: u64,
    /// The attempts in the latest [length](Limit::length) before the throttled one.
    pub(super) of_late: u64,
    /// The time from the start of that period to the end of the rest.
    pub(super) took: u64,
    /// The time from the oldest of these to the end of the rest.
    pub(super) since_oldest: u64,
    pub(super) length: u64,
    /// The time from the start of that period to the latest throttled attempt.
    pub(super) throttled_until: u64,
    /// Whether the server stated its end.
    pub(super) is_stated: bool,
}

impl Limit {
    /// Returns the length of a period in nanoseconds.
    const fn length(&self) -> u64 {
        match self {
            Self::Periodic(limit) => limit.length(),
            Self::Spaced(limit) => limit.interval(),
        }
    }

    /// Returns the number of attempts in a period, which is at least 1.
    const fn number(&self) -> u64 {
        match self {
            Self::Periodic(limit) => limit.number(),
            Self::Spaced(_) => 1,
        }
    }

    /// Returns the mean time between two attempts at the limit, in nanoseconds.
    fn mean(&self) -> u64 {
        match self {
            Self::Periodic(limit) => limit.mean(),
            Self::Spaced(limit) => limit.bounded_mean(),
        }
    }

    /// Returns whether it has been confirmed.
    const fn is_sure(&self) -> bool {
        match self {
            Self::Periodic(limit) => limit.is_sure(),
            Self::Spaced(_) => true,
        }
    }

    /// Adds a period of `time` nanoseconds, without a throttled attempt. `sends` attempts were sent.
    fn on_period(&mut self, sends: u64, time: u64) {
        match self {
            Self::Periodic(limit) => limit.on_period(sends),
            Self::Spaced(limit) if time <= limit.interval().saturating_mul(2) => limit.on_sent(),
            // No call waited.
            Self::Spaced(_) => {}
        }
    }
}

impl Period {
    /// Returns whether it counts attempt `number`. It does not count probes that were throttled.
    fn has(&self, number: u64) -> bool {
        (self.first..=self.latest).contains(&number)
    }

    /// Returns how many more attempts may be sent if each answer permits two.
    const fn left_of_ramp(&self) -> u64 {
        (2 * (self.accepted + self.lost + 1)).saturating_sub(self.sends)
    }
}

impl Rate {
    /// Creates a rate that assumes the limit of `pacing`, if that has one.
    pub(super) fn assumed(pacing: &Pacing) -> Self {
        let limit = pacing.initial_limit();
        let limit = limit.map(|(number, per)| Limit::Periodic(Periodic::assumed(number, per)));
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Adds attempt `number`, which is sent while no hold is in force.
    #[inline]
    pub(super) fn on_sent(&mut self, number: u64, now: Instant) {
        if self.limit.is_some() {
            self.on_limited(number, now);
        } else if self.period.sends == 0 {
            self.period.start = now;
        }
        // If the hold ended without a probe, there was no rest.
        self.period.throttled = None;
        self.period.latest = number;
        self.period.sends += 1;
    }

    #[cold]
    fn on_limited(&mut self, number: u64, now: Instant) {
        let length = self.limit.as_ref().map_or(0, Limit::length);
        if now.nanos_since(self.period.start) >= length {
            self.end_period(number, now);
        }
        self.count(now);
    }

    fn count(&mut self, now: Instant) {
        if self.limit.is_some() {
            self.forget(now);
            self.span_sends += 1;
            self.recent.on_sent(now);
        }
    }

    fn end_period(&mut self, number: u64, now: Instant) {
        let Some(limit) = &mut self.limit else {
            return;
        };
        let time = now.nanos_since(self.period.start);
        limit.on_period(self.period.sends, time);
        self.begin_period(number, now);
    }

    fn begin_period(&mut self, number: u64, now: Instant) {
        self.period = Period {
            start: now,
            first: number,
            latest: number,
            ..Period::default()
        };
        self.recent.begin_period();
    }

    fn begin_span(&mut self, now: Instant) {
        self.span_start = now;
        self.span_sends = 0;
    }

    /// Adds the acceptance of attempt `number`.
    pub(super) fn on_accepted(&mut self, number: u64) {
        if self.period.has(number) {
            self.period.accepted += 1;
        }
    }

    /// Takes attempt `number` back, because the server throttled it.
    pub(super) fn on_throttled(&mut self, number: u64) {
        if self.period.has(number) {
            self.period.sends = self.period.sends.saturating_sub(1);
            self.span_sends = self.span_sends.saturating_sub(1);
            self.recent.on_throttled();
        }
    }

    /// Handles attempt `number`, whose outcome is unknown. The server may or may not have counted it.
    pub(super) fn on_lost(&mut self, number: u64) {
        if self.period.has(number) {
            self.period.lost += 1;
        }
    }

    /// Takes attempt `number` back, because it was not sent after all. It was counted as lost.
    #[cfg(feature = "std")]
    pub(super) fn on_unsent(&mut self, number: u64) {
        if self.period.has(number) {
            self.period.lost = self.period.lost.saturating_sub(1);
            self.on_throttled(number);
        }
    }

    /// Begins a rest, because the server throttled an attempt. `stated` is the end that it stated.
    pub(super) fn on_rest(&mut self, now: Instant, stated: Option<Instant>) {
        if self.period.throttled.is_none() {
            self.period.throttled = Some(now);
            self.period.stated = stated;
            self.forget(now);
        }
    }

    /// Forgets the limit if there is one, because it was learned from the wrong attempts.
    pub(super) fn forget_limit(&mut self) {
        if self.limit.is_some() {
            *self = Self::default();
        }
    }

    /// Forgets the rest, because the server accepts attempts after all.
    pub(super) const fn on_lifted(&mut self) {
        self.period.throttled = None;
        self.period.stated = None;
        self.period.tried = None;
    }

    fn forget(&mut self, now: Instant) {
        if let Some(limit) = &self.limit {
            self.recent.forget(now, limit.length());
        }
    }

    /// Adds a probe that was sent at `sent` and throttled.
    pub(super) fn on_probe_throttled(&mut self, sent: Instant) {
        self.period.tried = Some(sent);
    }

    /// Ends a rest with attempt `number`, a probe that was sent at `sent`. It was accepted, or its answer is
    /// due.
    pub(super) fn on_opened(&mut self, number: u64, sent: Instant) {
        let is_first = self.limit.is_none();
        if let Some(throttled) = self.period.throttled {
            self.learn(throttled, sent);
            self.begin_span(throttled);
        }
        self.begin_period(number, sent);
        self.period.sends = 1;
        self.period.is_first = is_first
            && self
                .limit
                .as_ref()
                .is_some_and(|limit| limit.number() > FEW);
        self.count(sent);
    }

    fn learn(&mut self, throttled: Instant, opened: Instant) {
        let period = &self.period;
        // If it took much longer than stated, others may have been first.
        let opened = match period.stated {
            Some(at) => opened.min(at + LONGEST_GUARD),
            None => opened,
        };
        let latest = period.tried.map_or(throttled, |tried| tried.max(throttled));
        let rest = Rest {
            gave: period.sends.saturating_sub(period.lost),
            of_late: self.recent.count(),
            took: opened.nanos_since(period.start),
            since_oldest: opened.nanos_since(self.recent.oldest().unwrap_or(period.start)),
            length: opened.nanos_since(throttled),
            throttled_until: latest.nanos_since(period.start),
            is_stated: period.stated.is_some(),
        };
        let time = throttled.nanos_since(self.span_start);
        self.limit = match self.limit.take() {
            None if rest.gave == 0 => None,
            None if rest.may_follow_a_full_bucket() => Some(Limit::Periodic(Periodic::few(&rest))),
            None => Some(Limit::Periodic(Periodic::new(&rest))),
            Some(Limit::Periodic(limit)) => Some(limit.after(&rest, self.span_sends, time)),
            Some(Limit::Spaced(mut limit)) => {
                limit.on_rest(self.span_sends, time, rest.length);
                Some(Limit::Spaced(limit))
            }
        };
    }

    /// Returns whether more attempts than the limit were sent, so that the server may throttle one.
    pub(super) fn is_exceeded(&mut self, now: Instant) -> bool {
        self.forget(now);
        let is_exceeded = |limit: &Periodic| self.recent.count() > limit.number();
        matches!(&self.limit, Some(Limit::Periodic(limit)) if is_exceeded(limit))
    }

    /// Returns whether the server may be a bucket, which may have less left than a call costs at any time.
    pub(super) const fn may_be_bucket(&self) -> bool {
        matches!(&self.limit, Some(Limit::Spaced(_)))
    }

    /// Returns whether several attempts are likely to be accepted after a rest.
    pub(super) fn is_promising(&self) -> bool {
        match &self.limit {
            Some(Limit::Periodic(limit)) => limit.number() > 1,
            Some(Limit::Spaced(_)) => true,
            None => false,
        }
    }

    /// Returns the hold after an attempt that was throttled now, if the server states no end.
    pub(super) fn hold(&self, now: Instant) -> Hold {
        let soon = now + SHORTEST_REST.max(self.least_apart());
        let Some((ends, probe)) = self.ends() else {
            return Hold::new(now, Cause::Guessed, now, now + SHORTEST_REST);
        };
        let probe = if probe > now { probe } else { ends };
        let probe = probe.max(now + SHORTEST_WAIT);
        match self.is_contradicted() {
            true => Hold::new(now, Cause::Guessed, now, probe.min(soon)),
            false => Hold::new(now, Cause::Guessed, now, probe).due(ends),
        }
    }

    /// Returns whether the server throttled an attempt after so few that the limit is likely to be wrong.
    fn is_contradicted(&self) -> bool {
        let sends = match self.period.is_first {
            // Some of those in flight will be throttled.
            true => self.period.accepted,
            false => self.recent.count(),
        };
        matches!(&self.limit, Some(Limit::Periodic(limit)) if limit.is_contradicted_by(sends))
    }

    /// Returns when the scope is likely to accept more, if all that a window has is used and its reset is
    /// unknown.
    pub(super) fn next_period(&self, now: Instant) -> Instant {
        let is_sure = self.limit.as_ref().is_some_and(Limit::is_sure);
        match self.ends() {
            Some((ends, _)) if is_sure => ends.max(now + SHORTEST_WAIT),
            _ => now + SHORTEST_REST,
        }
    }

    /// Returns when the period is likely to be over, and when to probe before that. `None` if nothing is known.
    fn ends(&self) -> Option<(Instant, Instant)> {
        let limit = self.limit.as_ref()?;
        let probed_after = match limit {
            // The period began too early.
            Limit::Periodic(_) if self.period.sends == 0 => return None,
            Limit::Periodic(limit) => limit.probed_after(),
            Limit::Spaced(limit) => limit.interval(),
        };
        let start = self.recent.oldest().unwrap_or(self.period.start);
        let ends = start.add_nanos(limit.length());
        Some((ends, start.add_nanos(probed_after)))
    }

    /// Returns the limit as so many attempts in any such period, if it is known.
    pub(super) fn limit(&self) -> Option<(u64, Duration)> {
        let limit = self.limit.as_ref()?;
        Some((limit.number(), Duration::from_nanos(limit.length())))
    }

    /// Returns the least time between probes. Zero if no limit is known.
    ///
    /// Some servers count throttled attempts, too. If as many probes were sent as the server accepts attempts, it
    /// would throttle all of them.
    pub(super) fn least_apart(&self) -> Duration {
        let limit = self.limit.as_ref();
        let interval = limit.map_or(0, Limit::mean);
        Duration::from_nanos(interval.saturating_mul(PROBE_INTERVALS)).min(MOST_APART)
    }

    /// Returns how many more attempts may be sent now. `None` while no limit is known.
    #[inline]
    pub(super) fn left(&mut self, now: Instant) -> Option<u64> {
        self.limit.is_some().then(|| self.left_of_limit(now))
    }

    #[cold]
    fn left_of_limit(&mut self, now: Instant) -> u64 {
        let allowed = match &self.limit {
            None => return u64::MAX,
            Some(Limit::Spaced(_)) => 1,
            Some(Limit::Periodic(limit)) => {
                let oldest = self.recent.oldest().filter(|_| !self.period.is_first);
                let time = oldest.map_or(0, |oldest| now.nanos_since(oldest));
                // Another attempt takes the place of a lost one. Otherwise a lost one would end the search for more.
                limit.allowed(self.period.accepted, time) + self.period.lost
            }
        };
        self.forget(now);
        let left = allowed.saturating_sub(self.recent.count());
        let length = self.limit.as_ref().map_or(0, Limit::length);
        match self.period.is_first && now.nanos_since(self.period.start) < length {
            true => left.min(self.period.left_of_ramp()),
            false => left,
        }
    }

    /// Returns when the oldest attempt stops counting, or when a search begins before that.
    pub(super) fn frees_at(&self) -> Option<Instant> {
        let limit = self.limit.as_ref()?;
        let oldest = self.recent.oldest()?;
        let after = match limit {
            Limit::Periodic(limit) if self.may_search(limit) => limit.searched_after(),
            _ => limit.length(),
        };
        Some(oldest.add_nanos(after))
    }

    fn may_search(&self, limit: &Periodic) -> bool {
        !self.period.is_first && self.recent.count() <= limit.number()
    }
}

impl Rest {
    /// Returns whether the server may be a bucket that was full, and needs a short rest after a long burst.
    fn may_follow_a_full_bucket(&self) -> bool {
        self.gave > MANY && self.length < nanos(LONG_REST)
    }

    /// Returns the likely length of the period, if it is longer than `shortest`.
    pub(super) fn period(&self, shortest: u64) -> u64 {
        self.usual(shortest, self.took)
    }

    /// Returns the longest usual period up to the measured one that is longer than `shortest`, or else the
    /// measured one.
    pub(super) fn usual(&self, shortest: u64, measured: u64) -> u64 {
        let shortest = match self.is_stated {
            true => shortest.max(measured.saturating_sub(ROUNDING)),
            false => shortest,
        };
        let longest = measured.clamp(1, LONGEST);
        let late = longest.saturating_add(longest / 64);
        let fits = usual().filter(|&period| period > shortest && period <= late);
        fits.max().unwrap_or(longest)
    }
}

/// Returns the usual periods in nanoseconds.
fn usual() -> impl Iterator<Item = u64> {
    USUAL.iter().map(|&period| nanos(period))
}

/// Returns whether limits of this period are usual.
pub(super) fn is_usual(period: u64) -> bool {
    usual().any(|usual| usual == period)
}

/// The length of a rest without a stated end while no limit is known. In that time, a
/// cap's rejections can be told from a quota's.
pub(super) const SHORTEST_REST: Duration = Duration::from_millis(250);

/// The least time between probes, as a multiple of the time between two attempts at the limit. If the server counts
/// throttled attempts, the probes use half of its limit.
const PROBE_INTERVALS: u64 = 2;

/// If a limit is learned from few attempts, its interval may be much too long.
const MOST_APART: Duration = Duration::from_secs(2);

/// The least time until a probe.
const SHORTEST_WAIT: Duration = Duration::from_millis(25);

/// A shorter rest may be that of a bucket. With this, 1,000 calls of a bucket of 300 that gains 5 a second and
/// names its next token take 1.02 sends each instead of 1.07.
pub(super) const LONG_REST: Duration = Duration::from_secs(5);

/// Windows of a few seconds seldom permit more attempts.
const MANY: u64 = 64;

/// The longest period that the pacer assumes, in nanoseconds. If the server's is longer, it throttles some attempts.
pub(super) const LONGEST: u64 = 60_000_000_000;

/// Servers state whole seconds, rounded up.
const ROUNDING: u64 = 1_000_000_000;

/// The periods of usual limits.
const USUAL: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(15),
    Duration::from_secs(20),
    Duration::from_secs(30),
    Duration::from_secs(60),
];
