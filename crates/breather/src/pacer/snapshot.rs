//! The state of a scope at one moment.

use core::fmt;
use core::time::Duration;

use super::Pacer;
use super::costs::UNKNOWN;
use super::ledger::{Ledger, Tally};
use super::phase::Phase;
use crate::hint::Unit;
use crate::instant::Instant;

/// The state of a scope at one moment, for logs and dashboards.
///
/// # Example
///
/// ```
/// use breather::{Hint, HoldReason, Outcome, Pacing, driver::{Instant, Pacer, WaitLimits, Admission}, hint::Window};
/// use core::time::Duration;
///
/// let now = Instant::ORIGIN;
/// let mut pacer = Pacer::new(Pacing::new());
/// let ticket = pacer.arrive();
/// let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else { panic!() };
/// let window = Window::new("").with_limit(300).with_remaining(0).with_reset(Duration::from_secs(9));
/// let _ = pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now).with_window(window));
///
/// let snapshot = pacer.snapshot();
/// assert_eq!((snapshot.remaining(), snapshot.limit()), (Some(0), Some(300)));
/// assert_eq!(snapshot.held_until(), Some(now + Duration::from_secs(9)));
/// assert_eq!(snapshot.hold_reason(), Some(HoldReason::Spent));
/// assert_eq!(
///     snapshot.to_string(),
///     "0 in flight of at most 30, 0 queued; 0 of 300 left for 9s; held for 9s: quota spent"
/// );
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Snapshot {
    pub(super) taken: Instant,
    pub(super) in_flight: u32,
    pub(super) queued: usize,
    pub(super) concurrency: u32,
    pub(super) cap: Option<u32>,
    pub(super) unit: Unit,
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) reset: Option<Instant>,
    pub(super) held_until: Option<Instant>,
    pub(super) hold_reason: Option<HoldReason>,
    pub(super) is_probing: bool,
    pub(super) opens: Option<Instant>,
    pub(super) learned: Option<(u64, Duration)>,
}

/// The reason for a hold.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum HoldReason {
    /// The quota is spent, by the latest answer and the attempts since.
    Spent,
    /// The server throttled a call and stated the end.
    Throttled,
    /// The server throttled a call and stated no end.
    ThrottledSilently,
    /// The server reported overload many times in a row.
    Overloaded,
}

impl Pacer {
    /// Returns the number of attempts in flight.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Returns the number of calls that wait for a permit.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.waiters.len()
    }

    /// Returns the limit on attempts in flight, as learned so far.
    #[must_use]
    pub const fn concurrency(&self) -> u32 {
        self.concurrency.limit()
    }

    /// Returns the state of the scope, for logs and dashboards.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let hold = match self.phase {
            Phase::Held(hold) | Phase::Probing { hold, .. } => Some(hold),
            Phase::Running => None,
        };
        let tally = Tally {
            in_flight: 0,
            ..self.tally(self.latest, &UNKNOWN)
        };
        let tightest = self.windows.tightest(tally);
        Snapshot {
            taken: self.latest,
            in_flight: self.in_flight,
            queued: self.waiters.len(),
            concurrency: self.concurrency.limit(),
            cap: self.concurrency.cap(),
            unit: tightest.map_or(Unit::Requests, Ledger::unit),
            limit: tightest.and_then(Ledger::limit),
            remaining: tightest
                .and_then(|it| Some(it.level(tally)?.min(it.limit().unwrap_or(u64::MAX)))),
            reset: tightest.and_then(Ledger::reset),
            held_until: hold.map(|hold| hold.until),
            hold_reason: hold.map(|hold| hold.cause.reason()),
            is_probing: self.is_probing(),
            opens: self.opens_at(),
            learned: self.rate.limit().filter(|_| tightest.is_none()),
        }
    }
}

impl Snapshot {
    /// Returns the latest time that the scope was told. All instants here are on the same clock.
    #[must_use]
    pub const fn taken_at(&self) -> Instant {
        self.taken
    }

    /// Returns the number of attempts in flight.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Returns the number of calls that wait for a permit.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.queued
    }

    /// Returns the learned limit on attempts in flight. It starts at 30.
    #[must_use]
    pub const fn concurrency(&self) -> u32 {
        self.concurrency
    }

    /// Returns how many attempts the server had in flight when it last throttled one more. `None` if it never did.
    #[must_use]
    pub const fn cap(&self) -> Option<u32> {
        self.cap
    }

    /// Returns the unit of the tightest window, which [`limit`](Self::limit) and
    /// [`remaining`](Self::remaining) count.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// Returns how much the tightest window permits in all, if the server said so.
    #[must_use]
    pub const fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Returns how much of it is left, by the latest answer and the attempts since.
    #[must_use]
    pub const fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    /// Returns when it resets, if the server said so.
    #[must_use]
    pub const fn reset(&self) -> Option<Instant> {
        self.reset
    }

    /// Returns the end of the hold. If it has passed, a first attempt shows whether the hold is over.
    #[must_use]
    #[doc(alias = "cooldown")]
    pub const fn held_until(&self) -> Option<Instant> {
        self.held_until
    }

    /// Returns the reason for the hold.
    #[must_use]
    pub const fn hold_reason(&self) -> Option<HoldReason> {
        self.hold_reason
    }

    /// Returns whether the pacer sends one attempt at a time, to see whether a hold is over.
    #[must_use]
    pub const fn is_probing(&self) -> bool {
        self.is_probing
    }

    /// Returns the instant before which the pacer sends no attempt, if the server stated one.
    ///
    /// It may have passed. While the pacer probes, this is `None`, and [`held_until`](Self::held_until) still has a
    /// value.
    #[must_use]
    pub const fn opens_at(&self) -> Option<Instant> {
        self.opens
    }

    /// Returns the limit that the pacer learned from throttled attempts, as so many attempts in any such period.
    ///
    /// `None` if the server says how many remain, or if it has not throttled enough to tell.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{Hint, Outcome, Pacing, driver::{Admission, Instant, Pacer, WaitLimits}};
    /// use core::time::Duration;
    ///
    /// let mut pacer = Pacer::new(Pacing::new());
    /// let mut send = |pacer: &mut Pacer, now, outcome| {
    ///     let ticket = pacer.arrive();
    ///     let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else { panic!() };
    ///     let _ = pacer.on_outcome(now, permit, outcome, &Hint::new(now));
    /// };
    /// // A server without headers accepts three attempts, and again one after 10 s.
    /// let now = Instant::ORIGIN;
    /// for _ in 0..3 {
    ///     send(&mut pacer, now, Outcome::success());
    /// }
    /// send(&mut pacer, now, Outcome::throttled("status 429"));
    /// send(&mut pacer, now + Duration::from_secs(10), Outcome::success());
    ///
    /// let snapshot = pacer.snapshot();
    /// assert_eq!(snapshot.learned_limit(), Some((3, Duration::from_secs(10))));
    /// assert_eq!(
    ///     snapshot.to_string(),
    ///     "0 in flight of at most 30, 0 queued; learned 3 in 10s"
    /// );
    /// ```
    #[must_use]
    pub const fn learned_limit(&self) -> Option<(u64, Duration)> {
        self.learned
    }

    /// Returns the time from the snapshot to `at`, in whole milliseconds.
    fn after(&self, at: Instant) -> Duration {
        let millis = at.duration_since(self.taken).as_millis();
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Snapshot {
    /// Writes one line for a log or a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            in_flight,
            queued,
            concurrency,
            ..
        } = self;
        write!(
            f,
            "{in_flight} in flight of at most {concurrency}, {queued} queued"
        )?;
        if let Some(remaining) = self.remaining {
            write!(f, "; {remaining}")?;
            if let Some(limit) = self.limit {
                write!(f, " of {limit}")?;
            }
            if self.unit != Unit::Requests {
                write!(f, " {}", self.unit)?;
            }
            f.write_str(" left")?;
            if let Some(reset) = self.reset {
                write!(f, " for {:?}", self.after(reset))?;
            }
        }
        if let Some((number, period)) = self.learned {
            let period = self.after(self.taken + period);
            write!(f, "; learned {number} in {period:?}")?;
        }
        let Some((until, reason)) = self.held_until.zip(self.hold_reason) else {
            return Ok(());
        };
        if self.is_probing {
            write!(f, "; probing: {reason}")
        } else {
            write!(f, "; held for {:?}: {reason}", self.after(until))
        }
    }
}

impl HoldReason {
    /// Returns a word for labels of metrics and traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spent => "spent",
            Self::Throttled => "throttled",
            Self::ThrottledSilently => "throttled_silently",
            Self::Overloaded => "overloaded",
        }
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spent => "quota spent",
            Self::Throttled => "throttled",
            Self::ThrottledSilently => "throttled; duration unknown",
            Self::Overloaded => "overloaded; duration unknown",
        })
    }
}
