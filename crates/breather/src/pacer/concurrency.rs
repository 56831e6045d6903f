//! The limit on attempts in flight.

use core::time::Duration;

use super::permit::Permit;
use super::slowest::Slowest;
use crate::instant::Instant;

/// The learned limit on attempts in flight.
///
/// It grows with time while demand fills it. The first rejection that leaves quota shows where the server's
/// cap is. From then on, the limit is seldom raised, to find out whether the cap has risen.
#[derive(Debug)]
pub(super) struct Concurrency {
    limit: u32,
    /// When the limit became full, or when it last grew. `None` while it is not full.
    full_since: Option<Instant>,
    learned: Option<Learned>,
    /// The most attempts that were in flight with an accepted one.
    proven: u32,
    /// The number of the latest send that was accepted.
    accepted: u64,
    /// The number of attempts that were throttled because of the cap.
    throttled: u32,
}

/// The knowledge of a cap that was reached.
#[derive(Debug)]
struct Learned {
    /// The number of the latest send when the limit was cut.
    cut: u64,
    /// The limit after the cut. If it is higher now, it is on trial.
    base: u32,
    /// For how much longer the limit has to be full before it is raised. If calls wait for quota, the limit is
    /// seldom full, and a higher one would gain nothing.
    wait: Duration,
    interval: Duration,
    step: u32,
    /// Whether the limit has been raised, and the result is not known yet.
    is_probing: bool,
    /// How many attempts were in flight with the latest throttled one that was sent after the limit was cut.
    throttled_at: u32,
}

impl Learned {
    /// Returns how long the limit has to be full before it is raised. That is at least the time that the answer to
    /// the attempt before takes, unless that attempt was accepted.
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

    /// Returns how many more attempts may be sent if `used` are in flight or promised.
    ///
    /// The limit grows while it is full, or while calls take each free place at once because they are `wanted`.
    /// It grows faster if the server accepts attempts and has told of no window. Once a cap is known, it grows at the
    /// earliest when an attempt that takes as long as `service` would be back.
    #[inline]
    pub(super) fn room(
        &mut self,
        now: Instant,
        used: u32,
        wanted: bool,
        service: Slowest,
        is_told: bool,
    ) -> u32 {
        if used < self.limit {
            if !wanted {
                self.on_slack(now);
            }
            return self.limit - used;
        }
        self.grown_room(now, used, service, is_told)
    }

    fn grown_room(&mut self, now: Instant, used: u32, service: Slowest, is_told: bool) -> u32 {
        if used > self.limit {
            self.on_slack(now);
            return 0;
        }
        let full_for = now.duration_since(*self.full_since.get_or_insert(now));
        let grown = match &mut self.learned {
            None => {
                let periods = full_for.as_nanos() / self.period(is_told).as_nanos();
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

    /// Stops the growth, because calls wait for something else.
    pub(super) fn on_slack(&mut self, now: Instant) {
        let Some(since) = self.full_since.take() else {
            return;
        };
        if let Some(learned) = &mut self.learned {
            learned.wait = learned.wait.saturating_sub(now.duration_since(since));
        }
    }

    /// Returns when there will be room even if no attempt comes back, if `used` fill the limit.
    pub(super) fn grows_at(&self, used: u32, service: Duration, is_told: bool) -> Option<Instant> {
        let since = self.full_since.filter(|_| used == self.limit)?;
        let wait = match &self.learned {
            Some(learned) => learned.due(service),
            None => self.period(is_told),
        };
        Some(since + wait)
    }

    /// Adds an accepted attempt.
    pub(super) fn on_accepted(&mut self, permit: &Permit) {
        self.proven = self.proven.max(permit.level);
        self.accepted = self.accepted.max(permit.number);
        if let Some(learned) = &mut self.learned {
            if learned.is_probing && permit.level >= self.limit {
                learned.is_probing = false;
                learned.interval = (learned.interval / 2).max(FIRST_INTERVAL);
                // If no more than before are in flight, the server may have accepted it by luck. If more are, the
                // cap has risen.
                if permit.level > learned.throttled_at {
                    learned.step = learned.step.saturating_mul(2);
                    learned.wait = Duration::ZERO;
                } else {
                    learned.wait = FIRST_INTERVAL / 2;
                }
            }
        }
    }

    /// Adds an attempt that was throttled because too many were in flight. Now `in_flight` others are, and `sent`
    /// is the number of the latest attempt.
    pub(super) fn on_throttled(&mut self, permit: &Permit, in_flight: u32, sent: u64) {
        // Some of the attempts in flight will be throttled, too, and each lowers the limit by one. If the rejection
        // took long, few of the accepted attempts are still in flight. Then the number in flight with the
        // throttled attempt is better, less the rejections since. That number alone would not be enough, because
        // requests overtake each other.
        let meanwhile = self.throttled.saturating_sub(permit.throttled);
        self.throttled = self.throttled.saturating_add(1);
        let with_it = permit.level.saturating_sub(1).saturating_sub(meanwhile);
        self.limit = in_flight.max(with_it).clamp(1, self.limit.max(1));
        self.full_since = None;
        let interval = match &mut self.learned {
            // It was sent before the limit was cut, so it only frees its own place.
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

    /// Forgets a cap that was learned from a few rejections, because they had other reasons.
    pub(super) fn forget_cap(&mut self) {
        if self.throttled <= FEW_REJECTIONS && self.learned.take().is_some() {
            self.limit = self.limit.max(START);
            self.full_since = None;
        }
    }

    /// Returns whether a rejection that does not report quota means that too many were in flight.
    ///
    /// While no cap is known, it does if more attempts were in flight than the server ever accepted at once. Later
    /// it does if as many were in flight as the limit was cut to, because responses on their way can make the
    /// cap seem higher for a moment. It does not if no attempt since the cut was accepted, unless this one was
    /// sent to find out whether the cap has risen.
    pub(super) fn suspects(&self, permit: &Permit) -> bool {
        match &self.learned {
            None => permit.level > self.proven,
            Some(learned) if permit.number > learned.cut && self.accepted <= learned.cut => {
                learned.is_probing && permit.level > learned.base
            }
            Some(learned) => permit.level >= self.proven.min(learned.base),
        }
    }

    /// Returns whether more attempts were in flight than are sure to be below the cap.
    pub(super) fn may_exceed(&self, permit: &Permit) -> bool {
        let sure = self.learned.as_ref().map_or(self.proven, |it| it.base);
        permit.level > sure || self.suspects(permit)
    }

    /// Returns the number of attempts that were throttled because of the cap.
    pub(super) const fn throttled(&self) -> u32 {
        self.throttled
    }

    /// Returns the limit after the latest cut. `None` if the cap was never reached.
    pub(super) fn cap(&self) -> Option<u32> {
        self.learned.as_ref().map(|learned| learned.base)
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    /// Returns the time in which the limit grows by one.
    fn period(&self, is_told: bool) -> Duration {
        let share = match is_told || self.proven == 0 {
            true => GROWTH_SHARE,
            false => FAST_GROWTH_SHARE,
        };
        let per_second = GROWTH.max(u64::from(self.limit) * share);
        Duration::from_nanos((1_000_000_000 / per_second).max(1))
    }
}

/// A spike of 50 calls takes 1.04 of the ideal time. With a start of 20 it took 1.10. A cap of 5 throttles 38
/// calls before it is known, instead of 28. (These are simulated medians of 100 sets of 5 seeds.)
const START: u32 = 30;

/// The least growth in a second. Attempts above the cap are sent in vain until the first rejection is back.
/// At 400 a second and 20 ms, these are 8 calls.
const GROWTH: u64 = 400;

/// The growth in a second, as a multiple of the limit. A cap of 500 is found in a third of a second.
const GROWTH_SHARE: u64 = 8;

/// The same where the server has accepted attempts and stated no window.
const FAST_GROWTH_SHARE: u64 = 24;

/// A cap below [`START`] throttles more attempts than this at once.
const FEW_REJECTIONS: u32 = 8;

/// Each try in vain costs one rejection. One a second finds a doubled cap in seconds.
const FIRST_INTERVAL: Duration = Duration::from_secs(1);

/// The longest time between two tries.
const LONGEST_INTERVAL: Duration = Duration::from_secs(32);
