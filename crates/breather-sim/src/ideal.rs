//! The ideal schedule.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::demand::Demand;
use crate::limits::Limits;
use crate::load::Load;
use crate::quantile::quantile;
use crate::server::Server;

/// The schedule of a client that knows quota, cap and service times in advance.
///
/// It loses no time between calls. Each call starts as soon as a place in flight is free and the
/// quota of the window permits.
///
/// No client can finish earlier, because the server gives the n-th call that it accepts the n-th
/// service time, whichever client makes it. There is one exception. If service times change during
/// the run, for example in a brownout, a client can gain by waiting.
///
/// If callers make one call after another, the ideal knows only the number of callers, and not
/// which call belongs to which caller.
///
/// The ideal has no network. Service times are those that a caller sees, and a call keeps its place
/// in flight for as long. A real server frees the place when its response goes out. If only the cap
/// limits the calls, a client may therefore be ahead of the ideal by the network's share of the
/// service time.
///
/// # Example
///
/// ```
/// use breather_sim::Ideal;
/// use std::time::Duration;
///
/// // Three calls of 200 ms, two a window of 10 s.
/// let times = [Duration::from_millis(200); 3];
/// let ideal = Ideal::new(2, Duration::from_secs(10), 50, times);
/// assert_eq!(ideal.resets(), 1);
/// assert_eq!(ideal.makespan(), Duration::from_millis(10_200));
/// ```
#[derive(Clone, Debug)]
pub struct Ideal {
    /// In ascending order.
    completions: Vec<Duration>,
    resets: u32,
}

impl Ideal {
    /// Schedules a call for each service time.
    ///
    /// At most `quota` calls start in each window, and at most `places` run at a time. A `window`
    /// of zero counts as one nanosecond, and a `quota` or `places` of 0 as 1.
    #[must_use]
    pub fn new(
        quota: u64,
        window: Duration,
        places: usize,
        service_times: impl IntoIterator<Item = Duration>,
    ) -> Self {
        let server = Server::unlimited()
            .with_quota(quota, window)
            .with_cap(Some(u32::try_from(places).unwrap_or(u32::MAX)));
        let times: Vec<_> = service_times.into_iter().collect();
        Self::schedule(&server, &Load::spike(times.len()), 0, times)
    }

    /// Starts each call as early as possible, in the order of arrival.
    fn schedule(
        server: &Server,
        load: &Load,
        seed: u64,
        service_times: impl IntoIterator<Item = Duration>,
    ) -> Self {
        let mut on_arrival = server.clone();
        for limiter in &mut on_arrival.limiters {
            *limiter = limiter.with_charge_on_arrival();
        }
        let mut schedule = Schedule {
            limits: Limits::new(&on_arrival),
            in_flight: BinaryHeap::new(),
            places: load.at_once(),
            counts_at_response: server.counts_at_response,
            now: Duration::ZERO,
            resets: 0,
        };
        let calls = 0..load.calls();
        let mut completions: Vec<_> = calls
            .zip(service_times)
            .map(|(call, service)| {
                let demand = load.demand(call, seed).without_token();
                let start = schedule.start(load.arrival(call), demand);
                let done = start + server.slowed(start, service);
                schedule.in_flight.push(Reverse(done));
                done
            })
            .collect();
        completions.sort_unstable();
        Self {
            completions,
            resets: schedule.resets,
        }
    }

    /// Returns when the last call is completed.
    #[must_use]
    pub fn makespan(&self) -> Duration {
        self.quantile(1.0)
    }

    /// Returns when this share of the calls is completed.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        quantile(&self.completions, share)
    }

    /// Returns how often a call waits for quota.
    ///
    /// In fixed windows, this is the number of resets that calls wait for because the quota before
    /// them is spent.
    #[must_use]
    pub const fn resets(&self) -> u32 {
        self.resets
    }
}

/// This stands here and not beside the setters because the schedule depends on the server, but the
/// server does not depend on the schedule.
impl Server {
    /// Returns the schedule of a client that knows this server in advance.
    ///
    /// It uses the service times that the server draws with `seed`.
    #[must_use]
    pub fn ideal(&self, load: &Load, seed: u64) -> Ideal {
        Ideal::schedule(self, load, seed, self.service_times(seed))
    }
}

/// A fully known server, played in the order of time.
struct Schedule {
    limits: Limits,
    /// The ends of the calls in flight.
    in_flight: BinaryHeap<Reverse<Duration>>,
    /// The most calls that the callers can have in flight.
    places: usize,
    counts_at_response: bool,
    now: Duration,
    resets: u32,
}

impl Schedule {
    /// Starts a call at `at` or as soon as possible after it, and returns that time.
    fn start(&mut self, at: Duration, demand: Demand) -> Duration {
        let mut at = at.max(self.now);
        let mut waits = false;
        loop {
            self.advance(at);
            let done = self.in_flight.peek().map(|&Reverse(done)| done);
            let change = self.limits.next_change();
            if self.in_flight.len() >= self.limits.places().min(self.places).max(1) {
                at = done.into_iter().chain(change).min().unwrap_or(at);
                continue;
            }
            let opens = self.limits.opens(at, demand);
            if opens <= at {
                break;
            }
            waits = true;
            let done = done.filter(|_| self.counts_at_response);
            at = done.into_iter().chain(change).fold(opens, Duration::min);
        }
        self.now = at;
        self.resets += u32::from(waits);
        self.limits.take(at, demand);
        at
    }

    /// Advances the server to `now`.
    fn advance(&mut self, now: Duration) {
        while let Some(&Reverse(done)) = self.in_flight.peek().filter(|&&Reverse(done)| done <= now)
        {
            self.in_flight.pop();
            if self.counts_at_response {
                self.limits.advance(done);
                self.limits.take_at_response(done, Demand::default());
            }
        }
        self.limits.advance(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    /// Returns uneven service times.
    fn times(count: u64) -> Vec<Duration> {
        (0..count)
            .map(|n| Duration::from_millis(150 + n * 37 % 100))
            .collect()
    }

    #[test]
    fn fewer_calls_than_places() {
        let ideal = Ideal::new(300, WINDOW, 50, times(20));
        assert_eq!(ideal.makespan(), times(20).into_iter().max().unwrap());
        assert_eq!(ideal.resets(), 0);
    }

    #[test]
    fn more_calls_than_places() {
        let times = times(4);
        let ideal = Ideal::new(300, WINDOW, 2, times.clone());
        // The third call follows the shorter of the first two, the fourth the next one that ends.
        let third = times[0].min(times[1]) + times[2];
        let fourth = times[0].max(times[1]).min(third) + times[3];
        let mut expected = vec![times[0], times[1], third, fourth];
        expected.sort_unstable();
        assert_eq!(ideal.completions, expected);
        assert_eq!(ideal.resets(), 0);
    }

    #[test]
    fn several_windows() {
        let ideal = Ideal::new(10, WINDOW, 50, times(25));
        let last = times(25).into_iter().skip(20).max().unwrap();
        assert_eq!(ideal.makespan(), 2 * WINDOW + last);
        assert_eq!(ideal.resets(), 2);
        assert!(ideal.quantile(0.4) < WINDOW);
        assert!(ideal.quantile(0.5) > WINDOW);
    }

    #[test]
    fn exactly_spent_last_window_is_not_waited_for() {
        assert_eq!(Ideal::new(10, WINDOW, 50, times(20)).resets(), 1);
    }

    #[test]
    fn places_may_be_scarcer_than_quota() {
        // One place and 200 ms a call never spend the quota of a window, so no call waits for it.
        let ideal = Ideal::new(100, Duration::from_secs(1), 1, times(50));
        assert_eq!(ideal.makespan(), times(50).into_iter().sum());
        assert_eq!(ideal.resets(), 0);
    }

    #[test]
    fn calls_in_flight_keep_their_place_over_a_reset() {
        // Two places, and calls that take much longer than a window.
        let times = [12, 9, 11].map(Duration::from_secs);
        let ideal = Ideal::new(1, Duration::from_secs(1), 2, times);
        // The second starts at the reset at 1 s, the third when the second ends at 10 s.
        assert_eq!(ideal.completions, [10, 12, 21].map(Duration::from_secs));
        assert_eq!(ideal.resets(), 1);
    }

    #[test]
    fn empty_or_zero_inputs_are_scheduled() {
        assert_eq!(Ideal::new(10, WINDOW, 50, []).makespan(), Duration::ZERO);
        assert_eq!(
            Ideal::new(0, Duration::ZERO, 0, times(3)).completions.len(),
            3
        );
    }
}
