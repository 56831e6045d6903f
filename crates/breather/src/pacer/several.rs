//! Calls that belong to several scopes at once.

use crate::call::{Outcome, OutcomeKind};
use crate::hint::{Hint, MAX_WINDOWS, Window};
use crate::instant::Instant;
use crate::pacer::queue::Round;
use crate::pacer::{Admission, Pacer, Permit, Ticket, WaitLimits};

/// One of several scopes that a call belongs to, such as a token's and its organisation's.
///
/// The call is sent when all of them grant it at the same instant, and its answer is told to all. The most specific
/// scope comes first.
///
/// # Example
///
/// ```
/// use breather::{Hint, Outcome, Pacing, driver::{Instant, Pacer, ScopeRequest, JointAdmission, WaitLimits}, hint::Window};
/// use core::time::Duration;
///
/// let now = Instant::ORIGIN;
/// let (mut token, mut organisation) = (Pacer::new(Pacing::new()), Pacer::new(Pacing::new()));
/// let tickets = (token.arrive(), organisation.arrive());
/// let mut requests = [
///     ScopeRequest::new(&mut token, tickets.0, 1),
///     ScopeRequest::new(&mut organisation, tickets.1, 2),
/// ];
/// assert_eq!(ScopeRequest::request_all(now, &mut requests, WaitLimits::endless()), JointAdmission::Send);
///
/// // One answer does not show whose window it is, so the most specific scope takes it.
/// let window = Window::new("").with_limit(300).with_remaining(0).with_reset(Duration::from_secs(9));
/// let _ = ScopeRequest::tell_all(now, &mut requests, Outcome::success(), &Hint::new(now).with_window(window));
/// assert!(token.opens_at().is_some());
/// assert!(organisation.opens_at().is_none());
/// ```
#[derive(Debug)]
pub struct ScopeRequest<'p> {
    pacer: &'p mut Pacer,
    ticket: Ticket,
    key: u64,
    permit: Option<Permit>,
}

/// The answer of several pacers to a call that wants to send.
///
/// This enum is exhaustive on purpose, because a driver has to handle every answer.
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a call that is to wait has to be kept"]
pub enum JointAdmission {
    /// Send now. Each of them has a permit.
    Send,
    /// Ask all again when [`Pacer::poll_offer`] of the one at `at` names the call's place. The call is not sent before
    /// `opens`, if a server stated such an instant.
    Wait {
        /// The one in whose queue the call waits.
        at: usize,
        /// The end of a hold that the server stated.
        opens: Option<Instant>,
    },
    /// As many calls wait before the one at `at` as may.
    QueueFull {
        /// Which one it is.
        at: usize,
    },
    /// The server of the scope at `at` has rejected every probe for a long time. See [`Admission::Rejected`].
    Rejected {
        /// Which one it is.
        at: usize,
        /// The end of a hold that the server stated.
        opens: Option<Instant>,
    },
}

impl<'p> ScopeRequest<'p> {
    /// Creates the request of the call at `ticket` in the scope of `pacer`. Each scope needs a `key` of its own.
    pub const fn new(pacer: &'p mut Pacer, ticket: Ticket, key: u64) -> Self {
        Self {
            pacer,
            ticket,
            key,
            permit: None,
        }
    }

    /// Sets the permit that the pacer has granted.
    #[must_use]
    pub fn with_permit(mut self, permit: Option<Permit>) -> Self {
        self.permit = permit;
        self
    }

    /// Takes the permit out, if there is one.
    pub const fn take_permit(&mut self) -> Option<Permit> {
        self.permit.take()
    }

    /// Asks for the permits of all scopes, and takes all of them or no permit.
    ///
    /// If one of them does not grant it, the call waits in one queue. That is the one of the scope with the latest stated
    /// end of a hold, or the first that does not grant it. So a call that cannot be sent before its deadline learns it here, whichever
    /// scope is held.
    pub fn request_all(now: Instant, requests: &mut [Self], limits: WaitLimits) -> JointAdmission {
        let mut all = requests.iter_mut();
        if let Some(at) = all.position(|it| it.pacer.gives_up(now, it.ticket, limits)) {
            // It may wait before another one.
            for request in requests.iter_mut() {
                request.pacer.leave(request.ticket);
            }
            let opens = requests[at].pacer.opens_at();
            return JointAdmission::Rejected { at, opens };
        }
        let mut blocks: Option<(usize, Option<Round>, Option<Instant>)> = None;
        for (at, request) in requests.iter_mut().enumerate() {
            let waited = request.pacer.waits_in(request.ticket);
            let ticket = request.ticket;
            let has_turn = request.pacer.has_turn(now, ticket, limits.claim());
            if !has_turn && !request.pacer.probes_early(now, limits) {
                let opens = request.pacer.opens_at();
                if blocks.is_none_or(|(.., latest)| opens > latest) {
                    blocks = Some((at, waited, opens));
                }
            }
        }
        let Some((at, waited, _)) = blocks else {
            for request in requests {
                let permit = request.pacer.grant(request.ticket, limits.claim());
                request.permit = Some(permit);
            }
            return JointAdmission::Send;
        };
        let request = &mut requests[at];
        match request.pacer.wait(request.ticket, limits, waited) {
            Admission::Wait { opens } => JointAdmission::Wait { at, opens },
            Admission::QueueFull | Admission::Rejected { .. } | Admission::Send(_) => {
                JointAdmission::QueueFull { at }
            }
        }
    }

    /// Ends the attempt with `outcome` at `now`. The response carried `hint`.
    ///
    /// Each learns from its own windows, as far as answers have told whose they are. A rejection is put down to those
    /// whose window it shows spent, else to the most specific one.
    ///
    /// Returns the outcome as it is for the call, as [`Pacer::on_outcome`] does.
    pub fn tell_all(
        now: Instant,
        requests: &mut [Self],
        outcome: Outcome,
        hint: &Hint<'_>,
    ) -> Outcome {
        if let [request] = requests {
            return match request.permit.take() {
                Some(permit) => request.pacer.on_outcome(now, permit, outcome, hint),
                None => outcome,
            };
        }
        let mut taken = outcome;
        let mut owners = [0; MAX_WINDOWS];
        let mut is_spent = [false; MAX_WINDOWS];
        for (index, window) in hint.windows().enumerate() {
            is_spent[index] = window.remaining() == Some(0);
            for at in 1..requests.len() {
                let by = requests[at - 1].key;
                let ScopeRequest { pacer, permit, .. } = &mut requests[at];
                let Some(permit) = permit else {
                    continue;
                };
                if pacer.is_kin(permit, hint, window, by) {
                    owners[index] = at;
                }
            }
            for request in &mut requests[..owners[index]] {
                request.pacer.disown(window);
            }
        }
        let has_spent = |at| (0..MAX_WINDOWS).any(|it| is_spent[it] && owners[it] == at);
        let is_nobody_elses = (0..MAX_WINDOWS).all(|it| !is_spent[it] || owners[it] == 0);
        let is_to_blame = |at| has_spent(at) || at == 0 && is_nobody_elses;
        for (at, request) in requests.iter_mut().enumerate() {
            let Some(permit) = request.permit.take() else {
                continue;
            };
            let own = hint.only(|index| owners[index] == at);
            if outcome.kind() == OutcomeKind::Throttled && !is_to_blame(at) {
                request.pacer.on_throttled_elsewhere(now, permit, &own);
            } else {
                let own = request.pacer.on_outcome(now, permit, outcome, &own);
                if own.kind() == OutcomeKind::Throttled {
                    taken = own;
                }
            }
        }
        taken
    }
}

impl Pacer {
    /// Ends the attempt of `permit`, which was throttled for another of its scopes. `hint` has the windows of
    /// this scope.
    pub(crate) fn on_throttled_elsewhere(&mut self, now: Instant, permit: Permit, hint: &Hint<'_>) {
        let now = self.advance(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        if permit.epoch != self.epoch {
            return;
        }
        self.on_windows(now, &permit, hint, hint.received(), false);
        self.on_lost(&permit);
        self.recount(now);
    }

    /// Returns whether `window`, in the answer to `permit`, belongs to this scope, and not to the more specific
    /// scope `by` of the same attempt.
    pub(crate) fn is_kin(
        &mut self,
        permit: &Permit,
        hint: &Hint<'_>,
        window: &Window<'_>,
        by: u64,
    ) -> bool {
        let resets = window.reset().map(|delay| hint.received() + delay);
        self.kinship.on_answer(window, resets, by, permit.number)
    }

    /// Forgets `window`, which turned out to be a less specific scope's.
    pub(crate) fn disown(&mut self, window: &Window<'_>) {
        self.windows.disown(window);
    }
}
