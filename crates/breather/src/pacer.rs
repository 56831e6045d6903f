//! The state machine of one scope, which decides who may send when.
//!
//! `Pacer` asks smaller machines, each of which answers one question:
//!
//! | machine | question |
//! |---|---|
//! | [`Windows`] | how much is left of the windows that the server reports, and until when? |
//! | [`Rate`] | how many attempts does the server accept if it does not say what remains? |
//! | [`Ceiling`] | how many attempts does the caller permit? |
//! | [`Concurrency`] | how many attempts may be in flight? |
//! | [`Phase`], [`Hold`](hold::Hold) | until when is the scope held, and has a probe been sent? |
//! | [`Lateness`], [`Rhythm`] | how much later than stated does the server open? |
//! | [`Repeats`] | was a call throttled although others were accepted? |
//! | [`Contest`] | is a hold that one call caused tested by another? |
//! | [`Outage`], [`Streak`] | is the server down, and which calls give up? |
//! | [`EarlyProbes`], [`OverageProbes`] | is a long hold tested before its end? |
//! | [`Waiters`], [`Queue`](queue::Queue) | which call is next? |
//! | [`Kinship`] | does a window belong to this scope? |
//!
//! The pacer acts on their answers in four files: `room` decides whether one more attempt may be sent, `answers`
//! handles the outcome of an attempt, `phase` ends holds, and `holds` begins those of spent windows.

mod admission;
mod answers;
mod attribution;
mod ceiling;
mod claim;
mod concurrency;
mod contest;
mod costs;
mod early;
mod hold;
mod holds;
mod kinship;
mod ledger;
mod order;
mod outage;
mod overage;
mod pacing;
mod periodic;
mod permit;
mod phase;
mod queue;
mod rate;
mod recent;
mod refill;
mod rhythm;
mod room;
mod several;
mod sliding;
mod slowest;
mod snapshot;
mod spaced;
mod stated;
mod streak;
mod usage;
mod waiters;
mod windows;

pub use self::admission::Admission;
use self::attribution::Repeats;
use self::ceiling::Ceiling;
pub(crate) use self::claim::Claim;
#[cfg(feature = "std")]
pub(crate) use self::claim::PLAIN;
pub use self::claim::Priority;
use self::concurrency::Concurrency;
use self::contest::Contest;
pub use self::costs::Costs;
use self::costs::UNKNOWN;
use self::early::EarlyProbes;
use self::hold::Lateness;
use self::kinship::Kinship;
use self::outage::Outage;
use self::overage::OverageProbes;
pub use self::pacing::{Pace, Pacing};
pub use self::permit::{Permit, Ticket};
use self::phase::Phase;
use self::queue::Round;
use self::rate::Rate;
use self::rhythm::Rhythm;
pub use self::several::{JointAdmission, ScopeRequest};
use self::slowest::Slowest;
pub use self::snapshot::{HoldReason, Snapshot};
pub use self::stated::StatedLimit;
use self::streak::Streak;
pub use self::waiters::WaitLimits;
use self::waiters::Waiters;
use self::windows::Windows;
use crate::call::{Outcome, OutcomeKind};
#[cfg(feature = "std")]
use crate::hint::Unit;
use crate::hint::{Evidence, Hint};
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
/// let _ = pacer.on_outcome(now, permit, Outcome::success(), &Hint::new(now).with_window(window));
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
    repeats: Repeats,
    contest: Contest,
    ceiling: Ceiling,
    /// The call whose probe was throttled last. The next younger one probes next, because the server may
    /// throttle this call alone. If it throttles the scope, the probes are shared among the calls.
    throttled_probe: Option<Ticket>,
    /// The header that stated the end of the latest hold.
    evidence: Option<Evidence>,
    in_flight: u32,
    /// The number of attempts that were throttled in the epoch.
    throttled: u64,
    outage: Outage,
    /// The number and time of the latest attempt.
    sent: u64,
    sent_at: Instant,
    /// The place of the latest call.
    arrived: u64,
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
            rate: Rate::assumed(&pacing),
            rejection_time: None,
            service_time: Slowest::default(),
            waiters: Waiters::default(),
            streak: Streak::default(),
            early: EarlyProbes::default(),
            overage: OverageProbes::default(),
            repeats: Repeats::default(),
            contest: Contest::default(),
            ceiling: Ceiling::default(),
            throttled_probe: None,
            evidence: None,
            in_flight: 0,
            throttled: 0,
            outage: Outage::default(),
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
        let claim = limits.claim();
        let costs = &claim.costs;
        // Most calls find no hold, and none that wait.
        if self.is_at_ease() && costs.is_empty() {
            self.latest = self.latest.max(now);
            if self.has_room_in_run(self.latest, costs, 0, false) {
                return Admission::Send(self.grant_in_run(ticket, costs));
            }
        }
        self.request_in_turn(now, ticket, limits)
    }

    /// Returns whether no hold is in force and no call waits. Calls give up in holds only.
    #[inline]
    fn is_at_ease(&self) -> bool {
        matches!(self.phase, Phase::Running) && self.waiters.is_empty()
    }

    #[inline(never)]
    fn request_in_turn(&mut self, now: Instant, ticket: Ticket, limits: WaitLimits) -> Admission {
        if self.gives_up(now, ticket, limits) {
            self.leave(ticket);
            let opens = self.opens_at();
            return Admission::Rejected { opens };
        }
        let waited = self.waits_in(ticket);
        let claim = limits.claim();
        if self.has_turn(now, ticket, claim) || self.probes_early(now, limits) {
            return Admission::Send(self.grant(ticket, claim));
        }
        self.wait(ticket, limits, waited)
    }

    /// Returns whether the call at `ticket` may be sent now, and takes it out of the queue.
    #[inline]
    pub(crate) fn has_turn(&mut self, now: Instant, ticket: Ticket, claim: &Claim) -> bool {
        let now = self.advance(now);
        let costs = &claim.costs;
        if self.waiters.is_empty() {
            if !costs.is_empty() {
                self.recount_for(now, costs);
            }
            // A call does not contest its own hold.
            let is_held = matches!(self.phase, Phase::Held(_));
            return self.has_room(now, costs) && !(is_held && self.repeats.has(ticket.age));
        }
        self.has_turn_before_others(now, ticket, claim)
    }

    fn has_turn_before_others(&mut self, now: Instant, ticket: Ticket, claim: &Claim) -> bool {
        let costs = &claim.costs;
        let round = self.waiters.round(ticket);
        self.waiters.leave(ticket);
        if self.is_contested() {
            return !self.repeats.has(ticket.age) && self.has_room(now, costs);
        }
        // This call is awake. A later one that was offered a permit may not be.
        let preference = self.preference();
        if !self.waiters.goes_first(ticket, claim, round, preference) {
            return false;
        }
        if self.has_room(now, costs) {
            return true;
        }
        // If the attempt is likely to be throttled, the later one sends it.
        let takes = !preference.is_doubtful && self.waiters.take_from_later(ticket, claim, round);
        takes && self.has_room(now, costs)
    }

    /// Returns whether the server has rejected so much for so long that a call with these `limits` ends.
    pub(crate) fn gives_up(&self, now: Instant, ticket: Ticket, limits: WaitLimits) -> bool {
        self.streak.is_on()
            && now.max(self.latest) > limits.stays_until().max(self.streak.ends_after())
            && self.streak.exceeds(ticket, limits.most_rejections())
    }

    /// Puts the call at `ticket` into the queue, in the round in which it `waited` if it did.
    pub(crate) fn wait(
        &mut self,
        ticket: Ticket,
        limits: WaitLimits,
        waited: Option<Round>,
    ) -> Admission {
        if waited.is_none() && self.waiters.len() >= self.pacing.max_queued() {
            return Admission::QueueFull;
        }
        self.waiters.enter(ticket, limits, waited);
        if !limits.claim().costs.is_empty() {
            // The rest may be enough for others, and not for this one.
            self.recount(self.latest);
        }
        Admission::Wait {
            opens: self.opens_at(),
        }
    }

    /// Returns the round in which the call at `ticket` waits, if it does.
    pub(crate) fn waits_in(&self, ticket: Ticket) -> Option<Round> {
        if self.waiters.is_empty() {
            return None;
        }
        self.waiters.round(ticket)
    }

    /// Takes the call at `ticket` out of the queue, if it is there.
    pub fn leave(&mut self, ticket: Ticket) {
        let costs = self.waiters.costs(ticket);
        let was_stated = costs.is_some_and(|costs| !costs.is_empty());
        self.waiters.leave(ticket);
        if was_stated {
            // The rest may be enough for the others.
            self.recount(self.latest);
        }
    }

    /// Ends the attempt of `permit` with `outcome` at `now`. The response carried `hint`.
    ///
    /// A delay that the classifier stated ([`Outcome::with_retry_after`]) has to be in the hint.
    ///
    /// Returns the outcome as it is for the call, which you pass to the [`Call`](crate::driver::Call). An
    /// [overload](Outcome::overloaded) is throttled if the server accepts other attempts of the scope meanwhile.
    pub fn on_outcome(
        &mut self,
        now: Instant,
        permit: Permit,
        mut outcome: Outcome,
        hint: &Hint<'_>,
    ) -> Outcome {
        let now = self.advance(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        if permit.epoch != self.epoch {
            self.on_former_outcome(&permit, outcome);
            return outcome;
        }
        let verdict = match hint.is_silent() {
            true => None,
            false => self.on_hint(now, &permit, outcome, hint),
        };
        match outcome.kind() {
            OutcomeKind::Throttled => {
                self.outage.on_throttled();
                if self.on_throttled(now, &permit, hint, verdict) {
                    outcome = outcome.own();
                }
            }
            OutcomeKind::Success | OutcomeKind::Pending | OutcomeKind::Permanent => {
                self.on_accepted(now, &permit);
            }
            OutcomeKind::Transient if outcome.is_overload() => {
                if self.on_overloaded(now, &permit, hint) {
                    outcome = outcome.shed();
                }
            }
            OutcomeKind::Transient => self.on_lost(&permit),
        }
        let is_stated = self.recount(now) || self.is_evenly_running();
        if is_stated && hint.windows().next().is_some() {
            self.evidence = self.windows.evidence(self.tally(now, &UNKNOWN), hint);
        }
        outcome
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
            // A stated limit is kept, and not learned.
            ceiling: core::mem::take(&mut self.ceiling),
            ..Self::new(self.pacing)
        };
        self.streak.on_accepted(self.latest);
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
        let next = self.next()?;
        let costs = self.waiters.costs(next).copied().unwrap_or_default();
        if !self.has_room(now, &costs) {
            return None;
        }
        self.waiters.offer(now, next);
        Some(next)
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
            Phase::Running => self.room_at(),
            Phase::Held(hold) => Some(hold.until),
            Phase::Probing { sent: None, .. } => {
                let all = self.grows_at().into_iter().chain(self.ceiling_frees_at());
                all.filter(|&at| at > self.latest).min()
            }
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
            Phase::Held(hold) if hold.is_contested() => None,
            Phase::Held(hold) => hold.stated(),
            Phase::Running => self.comes_back(),
            Phase::Probing { .. } => None,
        }
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

    /// Returns when the scope is likely to permit another attempt. It may be a guess.
    #[cfg(feature = "std")]
    pub(crate) fn expected_at(&self) -> Option<Instant> {
        let at = match self.phase {
            Phase::Running => self.room_at(),
            Phase::Held(hold) => Some(hold.until),
            Phase::Probing { sent, .. } => sent.map(|(_, at)| self.silent_at(at)),
        };
        at.filter(|&at| at > self.latest)
    }

    /// Adds the actual cost of attempt `number` in `unit`.
    #[cfg(feature = "std")]
    pub(crate) fn settle(&mut self, number: u64, unit: Unit, cost: u64) {
        self.windows.on_settled(number, unit, cost);
        self.recount(self.latest);
    }

    /// Sets how the scope is paced from now on.
    pub fn set_pacing(&mut self, pacing: Pacing) {
        self.pacing = pacing;
        if self.sent == 0 {
            self.rate = Rate::assumed(&pacing);
        }
    }

    /// Returns the latest time that the pacer was told.
    #[cfg(feature = "std")]
    pub(crate) const fn latest(&self) -> Instant {
        self.latest
    }

    /// Returns a permit for a call that [has its turn](Self::has_turn).
    pub(crate) fn grant(&mut self, ticket: Ticket, claim: &Claim) -> Permit {
        let (number, now) = (self.sent + 1, self.latest);
        let costs = &claim.costs;
        if !self.waiters.is_empty() {
            self.waiters.on_sent(claim);
        }
        match &mut self.phase {
            Phase::Running => return self.grant_in_run(ticket, costs),
            Phase::Held(_) => self.on_early_probe(number, now),
            Phase::Probing { sent, .. } => *sent = Some((number, now)),
        }
        let permit = self.permit(ticket, costs);
        self.recount(now);
        permit
    }

    /// Returns a permit while no hold is in force.
    #[inline]
    fn grant_in_run(&mut self, ticket: Ticket, costs: &Costs) -> Permit {
        let permit = self.permit(ticket, costs);
        self.rate.on_sent(permit.number, permit.sent);
        self.recount(permit.sent);
        permit
    }

    /// Counts an attempt that is sent now.
    #[inline]
    fn permit(&mut self, ticket: Ticket, costs: &Costs) -> Permit {
        self.in_flight += 1;
        self.sent += 1;
        self.sent_at = self.latest;
        self.windows.on_sent(self.sent, costs);
        if !self.pacing.is_plain() {
            self.ceiling.on_sent(self.latest);
        }
        Permit {
            ticket,
            number: self.sent,
            epoch: self.epoch,
            sent: self.latest,
            level: self.in_flight,
            throttled: self.concurrency.throttled(),
        }
    }
}
