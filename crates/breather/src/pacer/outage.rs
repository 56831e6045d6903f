//! Attempts that the server was too busy for.

use core::time::Duration;

use super::hold::{Cause, Hold};
use super::rate::SHORTEST_REST;
use crate::instant::Instant;

/// The overloads that the server reported of late, without a stated end.
///
/// One overload is bad luck. If the server accepts other attempts meanwhile, many are a limit. If it does not accept
/// any, the server restarts, or is down.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// How many were reported since the server last accepted an attempt, and the time of the first one.
    overloads: u32,
    since: Instant,
    /// Rises with each overload and falls with each other answer. If it is 0, so are `overloads`.
    score: u32,
}

/// The likely reason for an overload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Overload {
    /// The call was unlucky.
    Single,
    /// The server sheds load, and it is not known yet how much it accepts.
    Shed,
    /// The server sheds what exceeds its limit.
    Limit,
    /// The server restarts.
    Restart,
    /// The server is down for longer than a restart takes.
    Down,
}

impl Outage {
    /// Adds an overload. The server last accepted an attempt at `accepted`. `has_cap` says whether a cap is
    /// known.
    pub(super) fn on_overloaded(
        &mut self,
        now: Instant,
        accepted: Option<Instant>,
        has_cap: bool,
    ) -> Overload {
        if self.overloads == 0 {
            self.since = now;
        }
        self.overloads = self.overloads.saturating_add(1);
        self.score = (self.score + RISE).min(LIMIT + RISE);
        let limit = if has_cap { LIMIT_OF_CAP } else { LIMIT };
        let is_alive = |at: Instant| now.duration_since(at) <= LONGEST_SHEDDING;
        if accepted.is_some_and(is_alive) && self.score >= SHEDDING.min(limit) {
            return match self.score >= limit {
                true => Overload::Limit,
                false => Overload::Shed,
            };
        }
        if self.overloads < OUTAGE {
            Overload::Single
        } else if now.duration_since(self.since) > LONGEST_RESTART {
            Overload::Down
        } else {
            Overload::Restart
        }
    }

    /// Returns whether there are more overloads than bad luck explains.
    pub(super) const fn is_shedding(&self) -> bool {
        self.score >= LIMIT
    }

    /// Adds an acceptance.
    #[inline]
    pub(super) const fn on_accepted(&mut self) {
        if self.score > 0 {
            self.overloads = 0;
            self.score -= 1;
        }
    }

    /// Adds an attempt that the server throttled in another way. It does not shed load by overloads.
    pub(super) const fn on_throttled(&mut self) {
        self.score = self.score.saturating_sub(1);
        if self.score == 0 {
            self.overloads = 0;
        }
    }

    /// Adds that the scope is open, by an attempt that was rejected for another reason.
    pub(super) const fn on_opened(&mut self) {
        self.overloads = 0;
    }

    /// Returns the hold that begins with an overload.
    pub(super) fn hold(now: Instant) -> Hold {
        Hold::new(now, Cause::Overloaded, now, now + SHORTEST_REST)
    }
}

/// An overload counts as much as so many other answers. So the score rises if more than a fifth of the answers are
/// overloads.
const RISE: u32 = 4;

/// From this score on, overloads cost calls no retries.
const SHEDDING: u32 = 8;

/// From this score on, an overload is taken for a limit.
const LIMIT: u32 = 16;

/// The same if a cap is known. Two overloads at once may show that it has fallen.
const LIMIT_OF_CAP: u32 = 5;

/// If the server has not accepted an attempt for so long, it does not shed load, but is down.
const LONGEST_SHEDDING: Duration = Duration::from_secs(60);

/// If a tenth of all calls overload the server for their own reasons, so many in a row are one in 10⁸.
const OUTAGE: u32 = 8;

/// Of 1,000 calls that meet 10 s of bare 503, 122 use up their retries without this.
const LONGEST_RESTART: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_nanos(1_000_000_000);
    const ACCEPTED: Option<Instant> = Some(START);

    #[test]
    fn restart_is_suspected_after_eight_overloads_and_not_for_ever() {
        let mut outage = Outage::default();
        for _ in 1..OUTAGE {
            assert_eq!(outage.on_overloaded(START, None, false), Overload::Single);
        }
        let end = START + LONGEST_RESTART;
        assert_eq!(outage.on_overloaded(end, None, false), Overload::Restart);
        let late = end + Duration::from_nanos(1);
        assert_eq!(outage.on_overloaded(late, None, false), Overload::Down);
    }

    /// Returns the likely reason for the last of `overloads`, if so many attempts are accepted after each.
    fn mixed(overloads: u32, accepted: u32) -> Overload {
        let mut outage = Outage::default();
        outage.on_accepted();
        for _ in 1..overloads {
            outage.on_overloaded(START, ACCEPTED, false);
            (0..accepted).for_each(|_| outage.on_accepted());
        }
        outage.on_overloaded(START, ACCEPTED, false)
    }

    #[test]
    fn share_of_overloads_decides() {
        assert_eq!(mixed(1, 0), Overload::Single);
        assert_eq!(mixed(3, 0), Overload::Shed);
        assert_eq!(mixed(100, 2), Overload::Limit);
        // One of six.
        assert_eq!(mixed(100, 5), Overload::Single);
    }

    #[test]
    fn server_that_throttles_in_another_way_does_not_shed() {
        let mut outage = Outage::default();
        outage.on_overloaded(START, ACCEPTED, false);
        (0..4).for_each(|_| outage.on_throttled());
        let second = outage.on_overloaded(START, ACCEPTED, false);
        assert_eq!(second, Overload::Single);
    }

    #[test]
    fn known_cap_is_doubted_sooner() {
        let mut outage = Outage::default();
        outage.on_accepted();
        assert_eq!(
            outage.on_overloaded(START, ACCEPTED, true),
            Overload::Single
        );
        assert_eq!(outage.on_overloaded(START, ACCEPTED, true), Overload::Limit);
    }

    #[test]
    fn server_that_accepts_nothing_for_a_minute_is_down() {
        let mut outage = Outage::default();
        outage.on_accepted();
        for _ in 0..20 {
            outage.on_overloaded(START, ACCEPTED, false);
        }
        let end = START + LONGEST_SHEDDING;
        assert_eq!(outage.on_overloaded(end, ACCEPTED, false), Overload::Limit);
        let late = end + Duration::from_nanos(1);
        assert_eq!(outage.on_overloaded(late, ACCEPTED, false), Overload::Down);
    }
}
