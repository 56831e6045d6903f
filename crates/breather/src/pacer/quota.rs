//! What the answers tell of the scope's quota.

use core::time::Duration;

use super::others::Others;
use super::permit::Permit;
use super::refill::Refill;
use crate::hint::Window;
use crate::instant::{Instant, nanos};

/// The quota window that the scope is in, as its answers tell of it.
#[derive(Debug, Default)]
pub(super) struct Quota {
    known: Option<Known>,
    reset: Option<Reset>,
    /// What the next window is likely to give: the limit, if nearly all of this one was ours.
    prospect: Option<u64>,
    refill: Refill,
    others: Others,
}

/// What remained, by the answer to the latest-sent request among those answered.
///
/// Answers arrive out of order; an earlier-sent one tells of an earlier state.
#[derive(Clone, Copy, Debug)]
struct Known {
    number: u64,
    remaining: u64,
    /// When it was so.
    at: Instant,
    /// The fingerprint of the window's name.
    name: u64,
    limit: Option<u64>,
}

/// When the window resets, by all answers of the epoch.
#[derive(Clone, Copy, Debug)]
struct Reset {
    earliest: Instant,
    latest: Instant,
    newest: Instant,
    newest_number: u64,
    /// How many answers told of it.
    answers: u32,
}

impl Quota {
    /// What the answer to `permit` says of its tightest window. The server's delays count from `base`.
    pub(super) fn on_answer(&mut self, permit: &Permit, base: Instant, window: &Window<'_>) {
        let Some(remaining) = window.remaining() else {
            return;
        };
        let name = fingerprint(window.name());
        if self.known.is_some_and(|known| known.name != name) {
            // Another window is the tightest now; its reset has nothing to do with the former's.
            self.reset = None;
            self.others.renew();
        }
        if self.known.is_none_or(|known| known.number <= permit.number) {
            self.known = Some(Known {
                number: permit.number,
                remaining,
                at: base,
                name,
                limit: window.limit(),
            });
        }
        self.refill.on_answer(window);
        self.others.on_answer(permit.number, remaining);
        // A bucket that has some left may say that the next one comes in no time.
        let is_next = |delay: &Duration| delay.is_zero() && remaining > 0;
        if let Some(delay) = window.reset().filter(|delay| !is_next(delay)) {
            self.on_reset(permit.number, base + delay);
        }
    }

    /// An accepted answer of a window in which `ours` were sent so far. (What a throttled probe says is said
    /// of the window before.)
    pub(super) fn on_accepted(&mut self, ours: u64, window: &Window<'_>) {
        let Some((limit, remaining)) = window.limit().zip(window.remaining()) else {
            return;
        };
        // Of what was sent after it, some may have come in before it.
        let nearly_all = remaining.saturating_add(ours) >= limit - limit / 20;
        self.prospect = nearly_all.then_some(limit);
    }

    fn on_reset(&mut self, number: u64, at: Instant) {
        let reset = self.reset.get_or_insert(Reset {
            earliest: at,
            latest: at,
            newest: at,
            newest_number: number,
            answers: 0,
        });
        let is_same = is_blur(reset.newest, at);
        if !is_same && number >= reset.newest_number {
            reset.answers = 0;
        }
        if is_same || number >= reset.newest_number {
            reset.answers = reset.answers.saturating_add(1);
        }
        reset.earliest = reset.earliest.min(at);
        reset.latest = reset.latest.max(at);
        if number >= reset.newest_number {
            reset.newest = at;
            reset.newest_number = number;
        }
    }

    /// How many calls may still be sent after send number `sent`; `None` while nothing is known.
    #[inline]
    pub(super) fn left(&self, now: Instant, sent: u64) -> Option<u64> {
        let known = self.known?;
        let ours = sent.saturating_sub(known.number);
        // What others take of a bucket, it seems to gain the slower.
        let (refilled, used) = match self.refill.per_call() {
            Some(time) => (
                nanos(now.duration_since(known.at)) / nanos(time).max(1),
                ours,
            ),
            None => (0, self.others.with(ours)),
        };
        Some(
            known
                .remaining
                .saturating_add(refilled)
                .saturating_sub(used),
        )
    }

    /// When one more call is permitted after send number `sent`, if quota comes back call by call and nothing
    /// is left.
    pub(super) fn refills_at(&self, sent: u64) -> Option<Instant> {
        self.after_refill(sent, self.refill.per_call())
    }

    /// Returns the same instant from the server's statements alone, at most the one at which it says that all is back.
    pub(super) fn stated_refill(&self, sent: u64) -> Option<Instant> {
        let next = self.after_refill(sent, self.refill.stated_per_call())?;
        Some(self.reset().map_or(next, |full| full.min(next)))
    }

    fn after_refill(&self, sent: u64, per_call: Option<Duration>) -> Option<Instant> {
        let (known, time) = self.known.zip(per_call)?;
        let missing = (sent.saturating_sub(known.number) + 1).checked_sub(known.remaining)?;
        Some(known.at + Duration::from_nanos(nanos(time).saturating_mul(missing)))
    }

    /// A call was throttled although it should have come back.
    pub(super) fn on_throttled(&mut self) {
        self.refill.on_throttled();
    }

    /// How many calls the window permits in all.
    pub(super) fn limit(&self) -> Option<u64> {
        self.known?.limit
    }

    /// How long after the latest send, number `sent` at `sent_at`, the next one goes if those that are left are
    /// spread over the time to the reset.
    pub(super) fn spread(&self, sent_at: Instant, sent: u64) -> Option<Duration> {
        if let Some(per_call) = self.refill.per_call() {
            return Some(per_call);
        }
        let left = self.left(sent_at, sent)?;
        let time = self.reset()?.duration_since(sent_at);
        Some(Duration::from_nanos(nanos(time) / left.saturating_add(1)))
    }

    /// Whether quota comes back call by call.
    pub(super) const fn is_refilling(&self) -> bool {
        self.refill.per_call().is_some()
    }

    /// Send number `number` was counted, and not sent. What the answer to a later one said never included it.
    #[cfg(feature = "std")]
    pub(super) fn on_unsent(&mut self, number: u64) {
        if let Some(known) = self.known.as_mut().filter(|known| known.number <= number) {
            known.remaining = known.remaining.saturating_add(1);
        }
    }

    /// When the window resets, if its answers tell.
    ///
    /// A reset in whole seconds is rounded up, so that of several answers about one instant the
    /// earliest is right. Answers that are further apart than rounding explains tell of a window that
    /// moves, and the newest counts.
    pub(super) fn reset(&self) -> Option<Instant> {
        let reset = self.reset?;
        Some(if is_blur(reset.earliest, reset.latest) {
            reset.earliest
        } else {
            reset.newest
        })
    }

    /// How many answers say that the window resets at `at`, or nearly.
    pub(super) fn answers(&self, at: Instant) -> u32 {
        let is_it = self.reset().is_some_and(|reset| is_blur(reset, at));
        self.reset
            .filter(|_| is_it)
            .map_or(0, |reset| reset.answers)
    }

    /// `at`, which the server stated, or the same instant by what the other answers say of it.
    pub(super) fn tightened(&self, at: Instant) -> Instant {
        match self.reset() {
            Some(reset) if is_blur(reset, at) => reset.min(at),
            _ => at,
        }
    }

    /// What a new window is likely to give, by the one before it.
    pub(super) fn prospect(&self) -> Option<u64> {
        self.prospect
    }

    /// What the next window gives is anybody's guess.
    pub(super) fn distrust(&mut self) {
        self.prospect = None;
    }

    /// A new window begins; of the old one only the prospect is kept.
    pub(super) fn renew(&mut self) {
        self.known = None;
        self.reset = None;
        self.others.renew();
    }

    /// Goes by `remaining` after send number `number` until an answer says better.
    pub(super) fn assume(&mut self, at: Instant, number: u64, remaining: u64) {
        self.known = Some(Known {
            number,
            remaining,
            at,
            name: self.known.map_or(0, |known| known.name),
            limit: self.known.and_then(|known| known.limit),
        });
    }
}

/// Whether two instants may be one, seen through rounding.
pub(super) fn is_blur(one: Instant, other: Instant) -> bool {
    let apart = one.duration_since(other).max(other.duration_since(one));
    apart <= BLUR
}

/// Tells names apart that cannot be kept: 64 bits of FNV-1a
/// (<http://www.isthe.com/chongo/tech/comp/fnv/>). A collision would mix two windows up, no more.
pub(super) fn fingerprint(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Rounding to whole seconds moves a reset by up to a second; the rest is for the network.
pub(super) const BLUR: Duration = Duration::from_millis(1_500);
