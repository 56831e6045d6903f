use std::time::{Duration, Instant};

use breather_sim::Ideal;

use crate::client::Client;

/// Limits the time of each client.
///
/// Clients without pacing can take many times the ideal. Unless you set a limit, they share a
/// little less than two minutes, minus the time reserved for the paced clients.
#[derive(Debug)]
pub(crate) struct Limit {
    fixed: Option<Duration>,
    start: Instant,
    ideal: Duration,
}

impl Limit {
    /// Uses the `fixed` limit, or else shares two minutes that begin now.
    pub(crate) fn new(fixed: Option<Duration>, ideal: &Ideal) -> Self {
        Self {
            fixed,
            start: Instant::now(),
            ideal: ideal.makespan(),
        }
    }

    /// Returns the limit of the first of the `clients` that have not run yet.
    pub(crate) fn of_first(&self, clients: &[Client]) -> Duration {
        self.fixed
            .unwrap_or_else(|| self.share(self.start.elapsed(), clients))
    }

    fn share(&self, elapsed: Duration, clients: &[Client]) -> Duration {
        let reserve = self.ideal.mul_f64(PACED) + PACED_AT_LEAST;
        let is_long = self.ideal > LONG;
        if is_long || clients.first().is_some_and(|client| client.is_paced()) {
            return reserve * 2;
        }
        let paced = clients.iter().filter(|client| client.is_paced()).count() as u32;
        let unpaced = clients.len() as u32 - paced;
        let left = RUN.saturating_sub(elapsed).saturating_sub(reserve * paced);
        (left / unpaced.max(1)).max(SHORTEST)
    }
}

/// The time that all clients share, a little less than two minutes.
const RUN: Duration = Duration::from_secs(110);

/// The time reserved for a paced client is `PACED` times the ideal, plus `PACED_AT_LEAST`.
const PACED: f64 = 1.1;
const PACED_AT_LEAST: Duration = Duration::from_secs(1);

/// If the ideal takes longer than this, two minutes are too short to compare clients.
const LONG: Duration = Duration::from_secs(40);

const SHORTEST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn limit(ideal_s: u32) -> Limit {
        let ideal = Ideal::new(1, S, 1, [ideal_s * S]);
        Limit::new(None, &ideal)
    }

    #[test]
    fn all_clients_take_less_than_two_minutes() {
        use Client::{BreatherReqwest, Loop, LoopCapped, ReqwestRetry};
        let limit = limit(30);
        let clients = [Loop, LoopCapped, ReqwestRetry, BreatherReqwest];
        let first = limit.share(Duration::ZERO, &clients);
        assert_eq!(first, (110 - 34) * S / 3);
        // The other clients get the time that the first did not use.
        assert_eq!(limit.share(16 * S, &clients[1..]), 30 * S);
        assert_eq!(limit.share(76 * S, &clients[3..]), 68 * S);
    }

    #[test]
    fn long_ideal_gets_more_than_twice_its_time() {
        assert!(limit(180).share(300 * S, &[Client::Loop]) > 360 * S);
    }

    #[test]
    fn fixed_limit_is_used() {
        let fixed = Limit::new(Some(7 * S), &Ideal::new(1, S, 1, [S]));
        assert_eq!(fixed.of_first(&[Client::Loop]), 7 * S);
    }
}
