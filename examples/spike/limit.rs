use std::time::{Duration, Instant};

use breather_sim::Ideal;

use crate::client::Client;

/// How long a client may take.
///
/// Clients that don't pace themselves can take many times the ideal. If nobody says how long they may,
/// they share two minutes, less what the paced ones among them need.
#[derive(Debug)]
pub(crate) struct Limit {
    fixed: Option<Duration>,
    start: Instant,
    ideal: Duration,
}

impl Limit {
    /// The limit that was asked for, or a share of two minutes that begin now.
    pub(crate) fn new(fixed: Option<Duration>, ideal: &Ideal) -> Self {
        Self {
            fixed,
            start: Instant::now(),
            ideal: ideal.makespan(),
        }
    }

    /// The limit of the first of the `clients` that are to run yet.
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

/// A little less than two minutes.
const RUN: Duration = Duration::from_secs(110);

/// What a paced client is given of the time that clients share, over the ideal and at least.
const PACED: f64 = 1.1;
const PACED_AT_LEAST: Duration = Duration::from_secs(1);

/// If the ideal takes longer, two minutes would show nothing.
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
        // What the first leaves is for those that follow.
        assert_eq!(limit.share(16 * S, &clients[1..]), 30 * S);
        assert_eq!(limit.share(76 * S, &clients[3..]), 68 * S);
    }

    #[test]
    fn a_long_ideal_is_given_its_time() {
        assert!(limit(180).share(300 * S, &[Client::Loop]) > 360 * S);
    }

    #[test]
    fn who_asks_gets() {
        let fixed = Limit::new(Some(7 * S), &Ideal::new(1, S, 1, [S]));
        assert_eq!(fixed.of_first(&[Client::Loop]), 7 * S);
    }
}
