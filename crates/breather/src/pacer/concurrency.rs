//! How many attempts may be in flight.

use core::time::Duration;

use super::permit::Permit;
use super::slowest::Slowest;
use crate::instant::Instant;

/// The learned limit on attempts in flight.
///
/// It grows with time while demand fills it, until the first rejection that leaves quota; that one
/// tells where the server's cap is. From then on it probes upward rarely.
#[derive(Debug)]
pub(super) struct Concurrency {
    limit: u32,
    /// Since when the limit has been full, up to the latest growth. `None` while it is not full.
    full_since: Option<Instant>,
    learned: Option<Learned>,
    /// The most that was in flight with an attempt that was then accepted.
    proven: u32,
    /// The number of the latest send that was accepted.
    accepted: u64,
    /// How many were throttled.
    throttled: u32,
}

/// What is known of a cap that was met.
#[derive(Debug)]
struct Learned {
    /// The number of the latest send when the limit was cut.
    cut: u64,
    /// What the limit was cut to; what is above it is a probe upward.
    base: u32,
    /// How long the limit has yet to be full until the next probe upward. Where quota is what calls wait
    /// for, it seldom is, and a probe would gain nothing.
    wait: Duration,
    interval: Duration,
    step: u32,
    /// Whether the limit has grown, and it is not known yet what comes of it.
    is_probing: bool,
    /// How many were in flight with the attempt that was throttled last, of those sent after the limit was cut.
    throttled_at: u32,
}

impl Learned {
    /// How long the limit is full before the next probe upward: no shorter than the answer to the one before takes,
    /// unless that one was accepted.
    fn due(&self, service: Duration) -> Duration {
        if self.wait.is_zero() {
            Duration::ZERO
        } else {
            self.wait.max(service)
        }
    }
}

impl Concurrency {
    pub(super) const fn new() -> Self {
        Self {
            limit: START,
            full_since: None,
            learned: None,
            proven: 0,
            accepted: 0,
            throttled: 0,
        }
    }

    /// How many more may be sent when `used` are in flight or promised. Grows the limit while it is full,
    /// or while what becomes free is `wanted` at once; once a cap is known, not before an attempt would be back that
    /// takes as long as `service`.
    #[inline]
    pub(super) fn room(&mut self, now: Instant, used: u32, wanted: bool, service: Slowest) -> u32 {
        if used < self.limit {
            if !wanted {
                self.on_slack(now);
            }
            return self.limit - used;
        }
        self.grown_room(now, used, service)
    }

    fn grown_room(&mut self, now: Instant, used: u32, service: Slowest) -> u32 {
        if used > self.limit {
            self.on_slack(now);
            return 0;
        }
        let full_for = now.duration_since(*self.full_since.get_or_insert(now));
        let grown = match &mut self.learned {
            None => {
                let periods = full_for.as_nanos() / self.period().as_nanos();
                // No more than double at once, however long nobody asked.
                u32::try_from(periods).unwrap_or(u32::MAX).min(self.limit)
            }
            Some(learned) if full_for >= learned.due(service.get()) => {
                learned.wait = learned.interval;
                learned.is_probing = true;
                learned.step.min(self.limit)
            }
            Some(_) => 0,
        };
        if grown > 0 {
            self.limit = self.limit.saturating_add(grown);
            self.full_since = Some(now);
        }
        self.limit.saturating_sub(used)
    }

    /// The limit is not what keeps calls from being sent.
    pub(super) fn on_slack(&mut self, now: Instant) {
        let Some(since) = self.full_since.take() else {
            return;
        };
        if let Some(learned) = &mut self.learned {
            learned.wait = learned.wait.saturating_sub(now.duration_since(since));
        }
    }

    /// When there will be room although nothing comes back, if `used` fill the limit.
    pub(super) fn grows_at(&self, used: u32, service: Duration) -> Option<Instant> {
        let since = self.full_since.filter(|_| used == self.limit)?;
        let wait = match &self.learned {
            Some(learned) => learned.due(service),
            None => self.period(),
        };
        Some(since + wait)
    }

    /// An attempt was accepted.
    pub(super) fn on_accepted(&mut self, permit: &Permit) {
        self.proven = self.proven.max(permit.level);
        self.accepted = self.accepted.max(permit.number);
        if let Some(learned) = &mut self.learned {
            if learned.is_probing && permit.level >= self.limit {
                learned.is_probing = false;
                learned.interval = (learned.interval / 2).max(FIRST_INTERVAL);
                // As many as were throttled last may be luck. More are not: the cap has risen, and who knows how
                // far.
                if permit.level > learned.throttled_at {
                    learned.step = learned.step.saturating_mul(2);
                    learned.wait = Duration::ZERO;
                } else {
                    learned.wait = FIRST_INTERVAL / 2;
                }
            }
        }
    }

    /// An attempt was throttled since too many were in flight; `in_flight` are now, without it, and `sent`
    /// is the number of the latest send.
    pub(super) fn on_throttled(&mut self, permit: &Permit, in_flight: u32, sent: u64) {
        // What is in flight now will be throttled in part, too: each of those rejections takes one more. If the
        // rejection took long, few are left of those that were let in; but then what was in flight with it
        // tells, less those whose rejection came back meanwhile. That alone would not do: requests overtake
        // one another, and the one that came last may have been sent first.
        let meanwhile = self.throttled.saturating_sub(permit.throttled);
        self.throttled = self.throttled.saturating_add(1);
        let with_it = permit.level.saturating_sub(1).saturating_sub(meanwhile);
        self.limit = in_flight.max(with_it).clamp(1, self.limit.max(1));
        self.full_since = None;
        let interval = match &mut self.learned {
            // It was under way already when the limit was cut, and adds nothing but its own place.
            Some(learned) if permit.number <= learned.cut => {
                learned.base = self.limit;
                return;
            }
            Some(learned) => (learned.interval * 2).min(LONGEST_INTERVAL),
            None => FIRST_INTERVAL,
        };
        self.learned = Some(Learned {
            cut: sent,
            base: self.limit,
            wait: interval,
            interval,
            step: 1,
            is_probing: false,
            throttled_at: permit.level,
        });
    }

    /// Whether a rejection that says nothing of quota means too many in flight.
    ///
    /// It does if more were in flight than was ever proven good, or than the limit was cut to, which
    /// answers on their way can make look good for a moment. It does not if it was sent after the limit
    /// was cut, and nothing sent since was accepted, unless it was sent to see whether there is room for more.
    pub(super) fn suspects(&self, permit: &Permit) -> bool {
        match &self.learned {
            None => permit.level > self.proven,
            Some(learned) if permit.number > learned.cut && self.accepted <= learned.cut => {
                learned.is_probing && permit.level > learned.base
            }
            Some(learned) => permit.level >= self.proven.min(learned.base),
        }
    }

    /// How many were throttled since too many were in flight.
    pub(super) const fn throttled(&self) -> u32 {
        self.throttled
    }

    /// What the limit was cut to when the server's cap was met last; `None` if it never was.
    pub(super) fn cap(&self) -> Option<u32> {
        self.learned.as_ref().map(|learned| learned.base)
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    /// The time in which the limit grows by one.
    fn period(&self) -> Duration {
        let per_second = GROWTH.max(u64::from(self.limit) * GROWTH_SHARE);
        Duration::from_nanos((1_000_000_000 / per_second).max(1))
    }
}

/// A spike of 50 calls takes 1.04 of the ideal time; with 20 it took 1.10. A cap of 5 throttles 38 calls
/// before it is known, instead of 28. (Simulated: medians of 100 sets of 5 seeds.)
const START: u32 = 30;

/// A second. What is in flight above the cap when the first rejection is back was sent in vain: 400 a
/// second and 20 ms make 8 calls.
const GROWTH: u64 = 400;

/// A second, times the limit: so that a cap of 500 is found in a third of a second.
const GROWTH_SHARE: u64 = 8;

/// A probe that is throttled costs one call; one a second finds a doubled cap in seconds.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);

const LONGEST_INTERVAL: Duration = Duration::from_secs(32);
