//! The state machine of one scope, which decides who may send when.

mod concurrency;
mod costs;
mod early;
mod hold;
mod kinship;
mod ledger;
mod order;
mod overage;
mod pacing;
mod periodic;
mod permit;
mod rate;
mod recent;
mod refill;
mod rhythm;
mod several;
mod slowest;
mod snapshot;
mod spaced;
mod streak;
mod usage;
mod waiters;
mod windows;

use core::time::Duration;

use self::concurrency::Concurrency;
pub use self::costs::Costs;
use self::early::EarlyProbes;
use self::hold::{Cause, Hold, Lateness};
use self::kinship::Kinship;
use self::ledger::{Ledger, Tally, is_blur};
use self::overage::OverageProbes;
pub use self::pacing::{Pace, Pacing};
pub use self::permit::{Permit, Ticket};
use self::rate::Rate;
use self::rhythm::Rhythm;
pub use self::several::{JointAdmission, ScopeRequest};
use self::slowest::Slowest;
pub use self::snapshot::{HoldReason, Snapshot};
use self::streak::Streak;
pub use self::waiters::WaitLimits;
use self::waiters::Waiters;
use self::windows::{Spent, Verdict, Windows};
use crate::call::{Outcome, OutcomeKind};
use crate::hint::Evidence;
use crate::hint::{Hint, Unit};
use crate::instant::Instant;

/// Decides who may send when in one scope, by what it learns from the scope's answers.
///
/// The pacer starts without knowledge of the server, and you never configure the server's limits. It
/// learns quotas from headers, and the cap on attempts in flight from rejections that leave quota. It
/// holds the scope while no attempt may be sent.
///
/// A driver tells the pacer the time, asks it for permits and hands them back. After that, the driver
/// asks [`poll_offer`](Self::poll_offer) which calls should ask again, because the pacer holds no lock
/// and wakes no task. [`Breather`](crate::Breather) is such a driver. If a time is earlier than one
/// before, the pacer uses the later one.
///
/// # Example
///
/// ```
/// use breather::{Hint, Outcome, Pacing, driver::{Instant, Pacer, WaitLimits, Admission}, hint::Window};
/// use core::time::Duration;
///
/// let mut now = Instant::ORIGIN;
/// let mut pacer = Pacer::new(Pacing::default());
///
/// // One call, granted at once. Its answer says that it was the last of this window.
/// let ticket = pacer.arrive();
/// let Admission::Send(permit) = pacer.request(now, ticket, WaitLimits::endless()) else { panic!() };
/// let window = Window::new("").with_limit(300).with_remaining(0).with_reset(Duration::from_secs(9));
/// pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now).with_window(window));
///
/// // The next call waits, and knows until when.
/// let ticket = pacer.arrive();
/// let Admission::Wait { opens } = pacer.request(now, ticket, WaitLimits::endless()) else { panic!() };
/// assert_eq!(opens, Some(now + Duration::from_secs(9)));
/// assert_eq!(pacer.poll_offer(now), None);
///
/// now = pacer.next_wake().unwrap();
/// assert_eq!(pacer.poll_offer(now), Some(ticket));
/// assert!(matches!(pacer.request(now, ticket, WaitLimits::endless()), Admission::Send(_)));
/// ```
#[derive(Debug)]
pub struct Pacer {
    pacing: Pacing,
    latest: Instant,
    phase: Phase,
    /// The number of holds that ended. Answers to attempts of an earlier epoch describe a window that is
    /// over, so they only free their place in flight.
    epoch: u32,
    windows: Windows,
    kinship: Kinship,
    concurrency: Concurrency,
    lateness: Lateness,
    rhythm: Rhythm,
    rate: Rate,
    /// The slowest recent time of a rejection.
    rejection_time: Option<Slowest>,
    /// The slowest recent time of an accepted attempt.
    service_time: Slowest,
    waiters: Waiters,
    streak: Streak,
    early: EarlyProbes,
    overage: OverageProbes,
    /// The call whose probe was throttled last. The next younger one probes next, because the server may
    /// throttle this call alone. If it throttles the scope, the probes are shared among the calls.
    throttled_probe: Option<Ticket>,
    /// The header that stated the end of the latest hold.
    evidence: Option<Evidence>,
    in_flight: u32,
    /// The number of attempts that were throttled in the epoch.
    throttled: u64,
    /// The number of overloads since the latest acceptance, and the time of the first one.
    overloads: u32,
    overloaded_since: Instant,
    /// The number and time of the latest attempt.
    sent: u64,
    sent_at: Instant,
    /// The place of the latest call.
    arrived: u64,
}

/// The phase of the scope. It usually goes from running to held, probing and running. A throttled probe
/// leads back to held.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Sends as quota and concurrency permit.
    Running,
    /// Waits until the hold is over.
    Held(Hold),
    /// Sends one attempt, and waits to see whether the hold is really over. `sent` is the number and time
    /// of the probe in flight.
    Probing {
        hold: Hold,
        sent: Option<(u64, Instant)>,
        /// The number of the latest attempt before the probes.
        before: u64,
    },
}

/// The pacer's answer to a call that wants to send.
///
/// This enum is exhaustive on purpose, because a driver has to handle every answer.
#[expect(clippy::exhaustive_enums)]
#[derive(Debug)]
#[must_use = "a granted permit has to be handed back"]
pub enum Admission {
    /// Send now.
    Send(Permit),
    /// Ask again when [`Pacer::poll_offer`] names the call's place. Nothing will be sent before
    /// `opens`, if the server stated such an instant. A call that does not wait for it has to
    /// [`leave`](Pacer::leave).
    Wait {
        /// The end of a hold that the server stated.
        opens: Option<Instant>,
    },
    /// The queue is full. The call has no place in it.
    QueueFull,
    /// The server has rejected every probe for a long time, more often than the call accepts. The call has left the queue.
    Rejected {
        /// The end of a hold that the server stated.
        opens: Option<Instant>,
    },
}

impl Pacer {
    /// Creates a pacer without knowledge of the server.
    #[must_use]
    pub fn new(pacing: Pacing) -> Self {
        Self {
            pacing,
            latest: Instant::ORIGIN,
            phase: Phase::Running,
            epoch: 0,
            windows: Windows::default(),
            kinship: Kinship::default(),
            concurrency: Concurrency::new(),
            lateness: Lateness::new(),
            rhythm: Rhythm::default(),
            rate: Rate::default(),
            rejection_time: None,
            service_time: Slowest::default(),
            waiters: Waiters::default(),
            streak: Streak::default(),
            early: EarlyProbes::default(),
            overage: OverageProbes::default(),
            throttled_probe: None,
            evidence: None,
            in_flight: 0,
            throttled: 0,
            overloads: 0,
            overloaded_since: Instant::ORIGIN,
            sent: 0,
            sent_at: Instant::ORIGIN,
            arrived: 0,
        }
    }

    /// Returns a place in the order for a new call. The call keeps it through all its retries.
    pub fn arrive(&mut self) -> Ticket {
        self.arrived += 1;
        Ticket {
            age: self.arrived,
            rejected: self.streak.count(),
        }
    }

    /// Asks for a permit for the call at `ticket`.
    ///
    /// If a hold exceeds the call's `limits`, [`poll_offer`](Self::poll_offer) names the call, so that it
    /// can end. You may ask again while the call waits.
    pub fn request(&mut self, now: Instant, ticket: Ticket, limits: WaitLimits) -> Admission {
        if self.gives_up(now, ticket, limits) {
            self.leave(ticket);
            let opens = self.opens_at();
            return Admission::Rejected { opens };
        }
        let waited = self.is_waiting(ticket);
        let costs = limits.costs();
        if self.has_turn(now, ticket, costs) || self.probes_early(now, limits) {
            return Admission::Send(self.grant(ticket, costs));
        }
        self.wait(ticket, limits, waited)
    }

    /// Returns whether the call at `ticket` may be sent now, and takes it out of the queue.
    #[inline]
    pub(crate) fn has_turn(&mut self, now: Instant, ticket: Ticket, costs: &Costs) -> bool {
        let now = self.advance(now);
        if self.waiters.is_empty() {
            if !costs.is_empty() {
                self.recount_for(now, costs);
            }
            return self.has_room(now, costs);
        }
        self.has_turn_before_others(now, ticket, costs)
    }

    fn has_turn_before_others(&mut self, now: Instant, ticket: Ticket, costs: &Costs) -> bool {
        self.waiters.leave(ticket);
        let after = self.probed_last();
        let next = self.waiters.next_after(after);
        let turn = |ticket| (Some(ticket) <= after, ticket);
        let is_first = next.is_none_or(|next| turn(ticket) < turn(next));
        // This call is awake. A younger one that was offered a permit may not be.
        is_first
            && (self.has_room(now, costs)
                || self.waiters.take_from_younger(ticket) && self.has_room(now, costs))
    }

    /// Returns whether the server has rejected so much for so long that a call with these `limits` ends.
    pub(crate) fn gives_up(&self, now: Instant, ticket: Ticket, limits: WaitLimits) -> bool {
        self.streak.is_on()
            && now.max(self.latest) > limits.stays_until().max(self.streak.ends_after())
            && self.streak.exceeds(ticket, limits.most_rejections())
    }

    /// Puts the call at `ticket` into the queue, unless it `waited` already.
    pub(crate) fn wait(&mut self, ticket: Ticket, limits: WaitLimits, waited: bool) -> Admission {
        if !waited && self.waiters.len() >= self.pacing.max_queued() {
            return Admission::QueueFull;
        }
        self.waiters.enter(ticket, limits);
        if !limits.costs().is_empty() {
            // What is left may be enough for others, and not for this one.
            self.recount(self.latest);
        }
        Admission::Wait {
            opens: self.opens_at(),
        }
    }

    /// Returns whether the call at `ticket` waits.
    pub(crate) fn is_waiting(&self, ticket: Ticket) -> bool {
        !self.waiters.is_empty() && self.waiters.contains(ticket)
    }

    /// Takes the call at `ticket` out of the queue, if it is there.
    pub fn leave(&mut self, ticket: Ticket) {
        let costs = self.waiters.costs(ticket);
        let was_stated = costs.is_some_and(|costs| !costs.is_empty());
        self.waiters.leave(ticket);
        if was_stated {
            // What is left may be enough for the others.
            self.recount(self.latest);
        }
    }

    /// Ends the attempt of `permit` with `outcome` at `now`. The response carried `hint`.
    pub fn on_outcome(&mut self, now: Instant, permit: Permit, outcome: Outcome, hint: &Hint<'_>) {
        let now = self.advance(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        let is_accepted = matches!(
            outcome.kind(),
            OutcomeKind::Success | OutcomeKind::Pending | OutcomeKind::Permanent
        );
        let is_throttled = outcome.kind() == OutcomeKind::Throttled;
        if permit.epoch != self.epoch {
            if is_throttled {
                self.rate.on_throttled(permit.number);
            } else if is_accepted {
                self.rate.on_accepted(permit.number);
            }
            return;
        }
        // A limiter counts a call when it arrives, and throttles immediately. So the delays of an accepted call
        // count from about when it was sent. An attempt that is sent at such an instant arrives after it.
        let base = match outcome.kind() {
            OutcomeKind::Throttled => hint.received(),
            _ => permit.sent,
        };
        let verdict = match is_throttled {
            true => self.windows.verdict(permit.number, hint),
            false => None,
        };
        if !hint.is_silent() {
            let accepted = is_accepted.then_some(self.throttled);
            let service = self.service_time.get();
            self.windows.on_answer(
                self.tally(now, &UNKNOWN),
                &permit,
                base,
                hint,
                accepted,
                service,
            );
        }
        match outcome.kind() {
            OutcomeKind::Throttled => self.on_throttled(now, &permit, hint, verdict),
            OutcomeKind::Success | OutcomeKind::Pending | OutcomeKind::Permanent => {
                self.on_accepted(now, &permit);
            }
            OutcomeKind::Transient if outcome.is_overload() => self.on_overloaded(now, &permit),
            OutcomeKind::Transient => self.on_lost(&permit),
        }
        let is_stated = self.recount(now) || self.is_evenly_running();
        if is_stated && hint.windows().next().is_some() {
            self.evidence = self.windows.evidence(self.tally(now, &UNKNOWN), hint);
        }
    }

    /// Returns whether calls wait only for their turn at an even pace.
    const fn is_evenly_running(&self) -> bool {
        matches!(self.pacing.pace(), Pace::Even) && matches!(self.phase, Phase::Running)
    }

    /// Drops everything learned and lifts the hold. Attempts in flight stay counted, but the pacer ignores their answers.
    pub fn forget(&mut self) {
        *self = Self {
            latest: self.latest,
            epoch: self.epoch.wrapping_add(1),
            waiters: core::mem::take(&mut self.waiters),
            in_flight: self.in_flight,
            sent: self.sent,
            sent_at: self.sent_at,
            arrived: self.arrived,
            streak: core::mem::take(&mut self.streak),
            ..Self::new(self.pacing)
        };
        self.streak.on_accepted(self.latest);
    }

    /// Ends the attempt of `permit`, which was throttled for another of its scopes. `hint` has the windows of
    /// this scope.
    pub(crate) fn on_throttled_elsewhere(&mut self, now: Instant, permit: Permit, hint: &Hint<'_>) {
        let now = self.advance(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        if permit.epoch != self.epoch {
            return;
        }
        let service = self.service_time.get();
        self.windows.on_answer(
            self.tally(now, &UNKNOWN),
            &permit,
            hint.received(),
            hint,
            None,
            service,
        );
        self.on_lost(&permit);
        self.recount(now);
    }

    /// Returns whether `window`, in the answer to `permit`, belongs to this scope, and not to the more specific
    /// scope `by` of the same attempt.
    pub(crate) fn is_kin(
        &mut self,
        permit: &Permit,
        hint: &Hint<'_>,
        window: &crate::hint::Window<'_>,
        by: u64,
    ) -> bool {
        let resets = window.reset().map(|delay| hint.received() + delay);
        self.kinship.on_answer(window, resets, by, permit.number)
    }

    /// Forgets `window`, which turned out to be a less specific scope's.
    pub(crate) fn disown(&mut self, window: &crate::hint::Window<'_>) {
        self.windows.disown(window);
    }

    /// Gives up the attempt of `permit`, whose outcome is unknown.
    ///
    /// It counts as spent until a later attempt is answered. There is no `now`, because a dropped call
    /// has no clock.
    pub fn on_drop(&mut self, permit: Permit) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if permit.epoch == self.epoch {
            self.on_lost(&permit);
            self.recount(self.latest);
        }
    }

    /// Returns a call that should ask again, because there is room for it or because it should end.
    ///
    /// Call this until it returns `None`, each time that you have told the pacer something and at
    /// [`next_wake`](Self::next_wake). It names as many calls as there is room for. If a call does not
    /// ask within a millisecond, the next one is named. The call keeps its place.
    pub fn poll_offer(&mut self, now: Instant) -> Option<Ticket> {
        if self.waiters.is_empty() {
            return None;
        }
        let now = self.advance(now);
        let opens = self.opens_at();
        let impatient = opens.and_then(|opens| self.waiters.impatient(now, opens));
        if impatient.is_some() {
            return impatient;
        }
        if self.streak.is_on() {
            let exceeds = |ticket, most| self.streak.exceeds(ticket, most);
            let weary = self.waiters.weary(now, self.streak.ends_after(), exceeds);
            if weary.is_some() {
                return weary;
            }
        }
        let costs = self.costs_of_next()?;
        if self.has_room(now, &costs) {
            return self.waiters.offer(now, self.probed_last());
        }
        None
    }

    /// Returns the costs of the next call to be offered a permit, if one waits.
    fn costs_of_next(&self) -> Option<Costs> {
        let next = self.waiters.next_after(self.probed_last())?;
        self.waiters.costs(next).copied()
    }

    /// Returns when to call [`poll_offer`](Self::poll_offer) again if you tell the pacer nothing until
    /// then.
    ///
    /// `None` means never. The instant can change whenever you tell the pacer something. You may call
    /// earlier or more often.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        if !self.waiters.any_waiting() {
            return None;
        }
        let phase = match self.phase {
            Phase::Running => {
                let promised = u64::from(self.waiters.open());
                let costs = self.costs_of_next().unwrap_or_default();
                let tally = self.tally(self.latest, &costs);
                let refills = self.windows.refills_at(tally.with_promised(promised));
                let grows = self
                    .concurrency
                    .grows_at(self.used(), self.service_time.get());
                let is_unknown = self.windows.left(tally, promised).is_none();
                let by_rate = is_unknown.then(|| self.rate.opens_at()).flatten();
                let is_even = self.pacing.pace() == Pace::Even;
                let even = is_even.then(|| self.next_even()).flatten();
                let all = refills.into_iter().chain(grows).chain(by_rate).chain(even);
                all.filter(|&at| at > self.latest).min()
            }
            Phase::Held(hold) => Some(hold.until),
            Phase::Probing { sent: None, .. } => self
                .concurrency
                .grows_at(self.used(), self.service_time.get()),
            Phase::Probing {
                sent: Some((_, at)),
                ..
            } => Some(self.silent_at(at)),
        };
        // What is due already has been looked at, and is held up by an offer that stands.
        let phase = phase.filter(|&at| at > self.latest);
        let passes_on = self.waiters.expires_at();
        let gives_up = self.waiters.weary_at(self.streak.ends_after());
        let gives_up = gives_up.filter(|_| self.streak.is_on());
        phase.into_iter().chain(passes_on).chain(gives_up).min()
    }

    /// Returns the instant before which the pacer sends no attempt, if the server stated one.
    ///
    /// It is the end of a hold, the refill of a bucket, or the next turn at an [even pace](Pace::Even). It
    /// may have passed since you last told the pacer the time.
    #[must_use]
    pub fn opens_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Held(hold) => hold.stated(),
            Phase::Running => self.comes_back(),
            Phase::Probing { .. } => None,
        }
    }

    /// When one more may be sent, if quota has to come back for it or if it waits for its turn at an even pace.
    fn comes_back(&self) -> Option<Instant> {
        let is_even = self.is_evenly_running();
        if !is_even && !self.windows.is_refilling() {
            return None;
        }
        let costs = self.costs_of_next().unwrap_or_default();
        let tally = self.tally(self.latest, &costs);
        let promised = self.waiters.open().into();
        let refills = self.windows.stated_refill(tally.with_promised(promised));
        // The first one goes alone and at once.
        let is_even = is_even && !self.service_time.is_zero();
        let even = is_even.then(|| self.next_even()).flatten();
        refills.max(even).filter(|&at| at > self.latest)
    }

    /// Returns the header that stated when the scope [opens](Self::opens_at), if one did.
    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        self.opens_at().and(self.evidence.as_ref())
    }

    /// Returns the header that stated that the scope opens at `opens`.
    #[cfg(feature = "std")]
    pub(crate) fn evidence_of(&self, opens: Instant) -> Option<Evidence> {
        let evidence = self.evidence().copied();
        evidence.filter(|_| self.opens_at() == Some(opens))
    }

    /// Returns whether the scope is held at `now`, also if the end is a guess.
    #[cfg(feature = "std")]
    pub(crate) fn is_held(&self, now: Instant) -> bool {
        matches!(self.phase, Phase::Held(hold) if hold.until > now)
            || self.opens_at().is_some_and(|opens| opens > now)
    }

    /// Returns whether the unsent attempt of `permit` may still be sent. If so, it counts as sent at `now`.
    ///
    /// A hold that rests on our own count does not stop it, because the count includes it.
    #[cfg(feature = "std")]
    pub(crate) fn confirm(&mut self, now: Instant, permit: &mut Permit) -> bool {
        let now = self.advance(now);
        let is_throttled = |hold: Hold| {
            matches!(
                hold.cause,
                Cause::Throttled | Cause::Guessed | Cause::Overloaded
            )
        };
        let is_good = permit.epoch == self.epoch
            && (self.early.is_latest(permit.number)
                || !matches!(self.phase, Phase::Held(hold) if is_throttled(hold)));
        if is_good {
            permit.sent = now;
            if let Phase::Probing {
                sent: Some((number, at)),
                ..
            } = &mut self.phase
            {
                if *number == permit.number {
                    *at = now;
                }
            }
        }
        is_good
    }

    /// Gives back everything that the unsent attempt of `permit` took.
    #[cfg(feature = "std")]
    pub(crate) fn on_unsent(&mut self, permit: Permit) {
        if permit.epoch == self.epoch {
            self.windows.on_unsent(permit.number);
            self.early.on_unsent(permit.number);
        }
        self.on_drop(permit);
    }

    /// Adds the actual cost of attempt `number` in `unit`.
    #[cfg(feature = "std")]
    pub(crate) fn settle(&mut self, number: u64, unit: Unit, cost: u64) {
        self.windows.on_settled(number, unit, cost);
        self.recount(self.latest);
    }

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

    /// Sets how the scope is paced from now on.
    pub const fn set_pacing(&mut self, pacing: Pacing) {
        self.pacing = pacing;
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
            remaining: tightest.and_then(|it| it.level(tally)),
            reset: tightest.and_then(Ledger::reset),
            held_until: hold.map(|hold| hold.until),
            hold_reason: hold.map(|hold| hold.cause.reason()),
            is_probing: self.is_probing(),
            opens: self.opens_at(),
        }
    }

    /// Returns the latest time that the pacer was told.
    #[cfg(feature = "std")]
    pub(crate) const fn latest(&self) -> Instant {
        self.latest
    }

    /// Returns a permit for a call that [has its turn](Self::has_turn).
    #[inline]
    pub(crate) fn grant(&mut self, ticket: Ticket, costs: &Costs) -> Permit {
        let now = self.latest;
        self.in_flight += 1;
        self.sent += 1;
        self.sent_at = now;
        match &mut self.phase {
            Phase::Running => {}
            Phase::Held(_) => self.on_early_probe(now),
            Phase::Probing { sent, .. } => *sent = Some((self.sent, now)),
        }
        let permit = Permit {
            ticket,
            number: self.sent,
            epoch: self.epoch,
            sent: now,
            level: self.in_flight,
            throttled: self.concurrency.throttled(),
        };
        self.windows.on_sent(self.sent, costs);
        if matches!(self.phase, Phase::Running) {
            self.rate.on_sent(self.sent, now);
        }
        self.recount(now);
        permit
    }

    /// Returns the attempts so far, and the costs of the next one.
    #[inline]
    const fn tally<'c>(&self, now: Instant, costs: &'c Costs) -> Tally<'c> {
        Tally {
            now,
            sent: self.sent,
            in_flight: self.in_flight,
            costs,
        }
    }

    fn is_probing(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. })
    }

    /// Returns the call after which the next turn comes. While the scope probes, that is the throttled call.
    /// Otherwise the oldest call is next.
    fn probed_last(&self) -> Option<Ticket> {
        self.throttled_probe.filter(|_| self.is_probing())
    }

    /// Returns whether one more attempt may be sent or promised.
    fn has_room(&mut self, now: Instant, costs: &Costs) -> bool {
        let promised = self.waiters.open();
        match self.phase {
            Phase::Held(_) => return false,
            Phase::Probing { sent, .. } if sent.is_some() || promised > 0 => return false,
            Phase::Probing { .. } => {}
            Phase::Running => {
                let left = self.windows.left(self.tally(now, costs), promised.into());
                let left = left.or_else(|| self.rate.left(now));
                if left.is_some_and(|left| left <= u64::from(promised)) {
                    return false;
                }
                if self.pacing.pace() == Pace::Even && !self.is_even(now, promised) {
                    return false;
                }
            }
        }
        let used = self.used();
        let wanted = self.waiters.any_waiting();
        self.concurrency.room(now, used, wanted, self.service_time) > 0
    }

    /// Returns whether another attempt keeps the even pace.
    fn is_even(&self, now: Instant, promised: u32) -> bool {
        if self.service_time.is_zero() {
            return self.used() == 0;
        }
        promised == 0 && self.next_even().is_none_or(|at| at <= now)
    }

    /// Returns when the next attempt goes at an even pace.
    fn next_even(&self) -> Option<Instant> {
        let apart = self
            .windows
            .spread(self.sent_at, self.tally(self.sent_at, &UNKNOWN))?;
        Some(self.sent_at + apart)
    }

    /// Returns the number of attempts in flight or promised.
    fn used(&self) -> u32 {
        self.in_flight.saturating_add(self.waiters.open())
    }

    /// Advances the state to `now`, or to the latest time if that is later.
    #[inline]
    fn advance(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        let now = self.latest;
        if !self.waiters.is_empty() {
            self.waiters.expire(now);
        }
        if !matches!(self.phase, Phase::Running) {
            self.step(now);
        }
        now
    }

    /// Ends a hold or the wait for a probe, if its time has come.
    #[cold]
    fn step(&mut self, now: Instant) {
        match self.phase {
            Phase::Held(hold) if now >= hold.until => {
                self.phase = self.probing(hold);
                // A bucket that names its next token looks like the short rest of a window.
                let rest = hold.until.duration_since(self.sent_at);
                let is_short = hold.rejections == 0 && rest < rate::LONG_REST;
                if is_short {
                    self.windows.distrust();
                }
                self.begin_epoch(now, self.sent);
            }
            Phase::Probing {
                hold,
                sent: Some((number, at)),
                ..
            } if now >= self.silent_at(at) => {
                if self.is_promising() {
                    self.windows.assume(at, number);
                    self.open(number, at);
                    self.recount(now);
                } else {
                    self.phase = self.probing(hold);
                }
            }
            Phase::Running | Phase::Held(_) | Phase::Probing { .. } => {}
        }
    }

    /// Sends one, to see whether `hold` is over.
    const fn probing(&self, hold: Hold) -> Phase {
        Phase::Probing {
            hold,
            sent: None,
            before: self.sent,
        }
    }

    /// The attempt that is sent now probes a hold before its end.
    #[cold]
    fn on_early_probe(&mut self, now: Instant) {
        self.early.on_sent(self.sent, now);
        self.begin_epoch(now, self.sent - 1);
    }

    /// Begins an epoch in which answers to attempts up to number `before` are ignored.
    fn begin_epoch(&mut self, now: Instant, before: u64) {
        self.epoch = self.epoch.wrapping_add(1);
        self.throttled = 0;
        let sent = before;
        self.windows.renew(Tally {
            sent,
            ..self.tally(now, &UNKNOWN)
        });
    }

    /// Returns whether a call with these `limits` probes a hold that only one answer asked for.
    pub(crate) fn probes_early(&self, now: Instant, limits: WaitLimits) -> bool {
        let (Phase::Held(hold), Some(longest)) = (&self.phase, limits.probes_after()) else {
            return false;
        };
        self.early
            .is_due(hold, now.max(self.latest), self.sent, longest)
    }

    /// Returns when the pacer stops waiting for a probe that was sent at `at`. By then a rejection would be
    /// back.
    fn silent_at(&self, at: Instant) -> Instant {
        match self.rejection_time {
            Some(time) if self.is_promising() => at + (time.get() * 2).max(SHORTEST_SILENCE),
            _ => at + self.long_service(),
        }
    }

    /// Returns a time that accepted attempts do not exceed unless they are lost.
    fn long_service(&self) -> Duration {
        self.service_time
            .get()
            .saturating_mul(2)
            .max(SHORTEST_SERVICE)
    }

    /// Returns whether a probe that is not rejected in time opens the scope. A window of one has no more
    /// to give.
    fn is_promising(&self) -> bool {
        self.rejection_time.is_some()
            && match self.windows.is_empty() {
                true => self.rate.is_promising(),
                false => self.windows.is_promising(self.tally(self.latest, &UNKNOWN)),
            }
    }

    fn on_throttled(
        &mut self,
        now: Instant,
        permit: &Permit,
        hint: &Hint<'_>,
        verdict: Option<Verdict>,
    ) {
        self.throttled += 1;
        let rejection_time = self.rejection_time.get_or_insert_default();
        rejection_time.on_answer(permit.sent, now);

        let crowded = match verdict {
            Some(verdict) => verdict == Verdict::Left,
            None => !self.rate.is_exceeded(now) && self.concurrency.suspects(permit),
        };
        // The server rejected an early probe because of the hold.
        let is_early = self.early.is_latest(permit.number) || self.probes_overage(now, permit);
        if crowded && !is_early && !self.was_alone(permit) {
            self.concurrency
                .on_throttled(permit, self.in_flight, self.sent);
            if !self.is_probing() {
                self.rate.on_throttled(permit.number);
            }
            self.open(permit.number, permit.sent);
            return;
        }
        if self.is_probing() {
            // A call that costs more than is left is the next to be sent.
            let probes_again = verdict == Some(Verdict::TooLittle);
            self.throttled_probe = (!probes_again).then_some(permit.ticket);
            self.streak.on_probe_rejected();
            self.rate.on_probe_throttled(permit.sent);
        } else if !is_early {
            self.rate.on_throttled(permit.number);
            self.rate.on_rest(now, hint.not_before());
            self.windows.on_throttled(hint);
        }
        if hint.is_spent() {
            self.overage.on_throttled(now);
        }
        let stated = hint.not_before();
        if stated.is_some() {
            self.evidence = hint.evidence();
        }
        let hold = match (self.phase, stated) {
            // Rounding does not explain this, so another window began.
            (Phase::Probing { hold, .. }, Some(at)) if !is_blur(now, at) => {
                self.throttled_until(now, at).confirmed_by(now, at, &hold)
            }
            (Phase::Probing { hold, .. }, stated) => {
                let apart = self.rhythm.apart();
                hold.on_probe_throttled(now, stated.map(|at| at + apart))
            }
            (Phase::Running, Some(at)) => self.throttled_until(now, at),
            (Phase::Running, None) => self.rate.hold(now),
            // An early probe is the newest attempt, and the only one that counts.
            (Phase::Held(hold), Some(at)) if is_early => {
                self.throttled_until(now, at).confirmed_by(now, at, &hold)
            }
            (Phase::Held(hold), Some(at)) => match hold.cause {
                Cause::Counted => self.throttled_until(now, at).confirmed_by(now, at, &hold),
                Cause::Spent | Cause::Guessed | Cause::Overloaded => self.throttled_until(now, at),
                Cause::Throttled if is_blur(hold.from, at) => hold
                    .moved_to(hold.from.min(at), self.lateness.guard())
                    .confirmed_by(now, at, &hold),
                Cause::Throttled if at > hold.from => {
                    self.throttled_until(now, at).confirmed_by(now, at, &hold)
                }
                Cause::Throttled => hold.confirmed_by(now, at, &hold),
            },
            (Phase::Held(hold), None) => hold,
        };
        self.phase = Phase::Held(hold);
        self.concurrency.on_slack(now);
    }

    /// Returns whether the attempt was sent to an empty window, to see whether the server bills it.
    fn probes_overage(&self, now: Instant, permit: &Permit) -> bool {
        match self.phase {
            Phase::Probing { hold, before, .. } => permit.number > before && hold.from > now,
            Phase::Running | Phase::Held(_) => false,
        }
    }

    /// Returns whether the attempt was alone in flight. Then it did not exceed the cap.
    const fn was_alone(&self, permit: &Permit) -> bool {
        permit.level == 1 && permit.number == self.sent
    }

    fn on_accepted(&mut self, now: Instant, permit: &Permit) {
        self.windows.on_accepted();
        if self.early.is_latest(permit.number) || self.probes_overage(now, permit) {
            self.windows.on_contradicted(permit.number);
        }
        self.service_time.on_answer(permit.sent, now);
        self.concurrency.on_accepted(permit);
        self.streak.on_accepted(now);
        self.open(permit.number, permit.sent);
        self.rate.on_accepted(permit.number);
    }

    /// Handles an overload without a stated end.
    ///
    /// If more attempts were in flight than the server ever accepted, the attempt exceeded the cap. After many
    /// overloads in a row, the scope probes for the time of a restart, so that queued calls keep their
    /// retries. After that, the calls fail.
    fn on_overloaded(&mut self, now: Instant, permit: &Permit) {
        if self.overloads == 0 {
            self.overloaded_since = now;
        }
        self.overloads = self.overloads.saturating_add(1);
        if self.concurrency.suspects(permit) && !self.was_alone(permit) {
            self.concurrency
                .on_throttled(permit, self.in_flight, self.sent);
        }
        if self.overloads < OUTAGE {
            self.on_lost(permit);
            return;
        }
        if now.duration_since(self.overloaded_since) > LONGEST_RESTART {
            self.on_lost(permit);
            if self.is_probing() {
                self.phase = Phase::Running;
            }
            return;
        }
        let hold = match self.phase {
            Phase::Running => Hold::new(now, Cause::Overloaded, now, now + SHORTEST_RESTART),
            Phase::Held(hold) => hold,
            Phase::Probing { hold, .. } => {
                self.throttled_probe = Some(permit.ticket);
                hold.on_probe_throttled(now, None)
            }
        };
        self.phase = Phase::Held(hold);
        self.concurrency.on_slack(now);
    }

    /// Handles the acceptance of attempt `number`, which was sent at `sent`.
    fn open(&mut self, number: u64, sent: Instant) {
        self.overloads = 0;
        match self.phase {
            Phase::Probing { hold, before, .. } if number > before => {
                match hold.cause {
                    Cause::Counted | Cause::Throttled => {
                        // If others take the quota first, the lateness of a reset is theirs.
                        if !self.rhythm.on_opened(&hold, sent) {
                            self.lateness.on_opened(&hold, sent);
                        }
                    }
                    Cause::Guessed | Cause::Spent | Cause::Overloaded => {}
                }
                self.rate.on_opened(number, sent);
                self.throttled_probe = None;
                self.phase = Phase::Running;
            }
            // This is not an outage. Too many attempts were sent at once.
            Phase::Held(hold) if hold.cause == Cause::Overloaded => self.phase = Phase::Running,
            // The server did not mean what it said.
            Phase::Held(_) if self.early.is_latest(number) => self.phase = Phase::Running,
            Phase::Running | Phase::Held(_) | Phase::Probing { .. } => {}
        }
    }

    /// Handles an attempt whose outcome is unknown. If it was the probe, the next call probes.
    fn on_lost(&mut self, permit: &Permit) {
        self.rate.on_lost(permit.number);
        if let Phase::Probing { sent, .. } = &mut self.phase {
            *sent = sent.filter(|(number, _)| *number != permit.number);
        }
    }

    /// Holds the scope if a window is spent, and lifts or moves a hold by the latest answer. Returns whether
    /// the scope is now held until an instant that the server stated.
    #[inline]
    fn recount(&mut self, now: Instant) -> bool {
        if self.windows.is_empty() && matches!(self.phase, Phase::Running) {
            return false;
        }
        if self.waiters.is_empty() {
            return self.recount_for(now, &UNKNOWN);
        }
        let costs = self.costs_of_next().unwrap_or_default();
        self.recount_for(now, &costs)
    }

    /// Does the same for a next call with these `costs`.
    #[inline]
    fn recount_for(&mut self, now: Instant, costs: &Costs) -> bool {
        if matches!(self.phase, Phase::Running) {
            // Calls wait for a bucket one by one, without a hold.
            return match self.windows.spent(self.tally(now, costs)) {
                None => false,
                Some(Spent::Refills) => {
                    self.evidence = None;
                    true
                }
                Some(Spent::Until(reset, limit)) => self.hold_as_spent(now, reset, limit),
            };
        }
        self.revise(now, costs)
    }

    #[cold]
    fn revise(&mut self, now: Instant, costs: &Costs) -> bool {
        let Phase::Held(hold) = self.phase else {
            return false;
        };
        if hold.rejections > 0 {
            return false;
        }
        self.phase = self.revised(now, hold, costs);
        hold.stated().is_none() && self.opens_at().is_some()
    }

    #[cold]
    fn hold_as_spent(&mut self, now: Instant, reset: Option<Instant>, limit: Option<u64>) -> bool {
        let hold = match reset {
            Some(at) => {
                let is_of_one = limit == Some(1) && self.in_flight == 0;
                self.rhythm.on_spent(is_of_one.then_some(self.sent_at));
                Hold::new(now, Cause::Counted, at, at + self.guard(at))
                    .stated_by(self.windows.answers(at))
            }
            // The attempts in flight will show it. If they do not come back, a probe has to.
            None if self.in_flight > 0 => {
                Hold::new(now, Cause::Spent, now, now + self.long_service())
            }
            None => Hold::new(now, Cause::Spent, now, self.rate.next_period(now)),
        };
        self.phase = Phase::Held(hold);
        self.evidence = None;
        self.concurrency.on_slack(now);
        if hold.stated().is_some_and(|at| self.overage.is_due(now, at)) {
            self.phase = self.probing(hold);
            return false;
        }
        hold.stated().is_some()
    }

    /// Returns the time to add to `at`, the stated reset of a spent window.
    fn guard(&self, at: Instant) -> Duration {
        let guard = self.rhythm.guard(at);
        guard.unwrap_or_else(|| self.lateness.guard())
    }

    /// Returns the phase in place of a `hold` in which no probe was throttled, by the latest answers.
    fn revised(&mut self, now: Instant, mut hold: Hold, costs: &Costs) -> Phase {
        let guard = self.lateness.guard();
        let tally = self.tally(now, costs);
        let spent = self.windows.spent(tally);
        let reset = match spent {
            Some(Spent::Until(reset, _)) => reset,
            Some(Spent::Refills) | None => None,
        };
        let left = self.windows.left(tally, 0);
        let is_left = || left.is_some_and(|left| left > 0);
        match (hold.cause, reset) {
            (Cause::Counted | Cause::Spent, _) if is_left() => Phase::Running,
            (Cause::Counted, Some(at)) => {
                let hold = hold.moved_to(at, guard);
                Phase::Held(hold.stated_by(self.windows.answers(at)))
            }
            (Cause::Spent, Some(at)) => {
                let hold = Hold::new(now, Cause::Counted, at, at + guard);
                Phase::Held(hold.stated_by(self.windows.answers(at)))
            }
            (Cause::Spent, None) if self.in_flight == 0 => {
                // All attempts are back, and no answer stated the reset.
                hold.until = hold.until.min(self.rate.next_period(now));
                Phase::Held(hold)
            }
            (Cause::Throttled, _) => {
                let at = self.windows.tightened(hold.from, self.tally(now, &UNKNOWN));
                let hold = hold.moved_to(at, guard);
                Phase::Held(hold.stated_by(self.windows.answers(at)))
            }
            _ => Phase::Held(hold),
        }
    }

    /// Returns a hold that the server asks for.
    fn throttled_until(&self, now: Instant, at: Instant) -> Hold {
        Hold::new(now, Cause::Throttled, at, at + self.lateness.guard())
    }
}

/// The costs of a call whose caller states none.
static UNKNOWN: Costs = Costs::new();

/// A rejection over loopback takes longer under load.
const SHORTEST_SILENCE: Duration = Duration::from_millis(5);

/// The least time before an attempt counts as lost.
const SHORTEST_SERVICE: Duration = Duration::from_secs(1);

/// If a tenth of all calls overload the server for their own reasons, so many in a row are one in 10⁸.
const OUTAGE: u32 = 8;

const SHORTEST_RESTART: Duration = Duration::from_millis(250);

/// Of 1,000 calls that meet 10 s of bare 503, 122 use up their retries without this, and none with it.
const LONGEST_RESTART: Duration = Duration::from_secs(15);
