use std::time::{Duration, Instant};

use breather_sim::ServiceTimes;

use super::{Options, Stats, Timeline, peak::Peak};

/// Who is let in. It is told the time, so that its tests need neither sockets nor patience.
#[derive(Debug)]
pub(super) struct Gate {
    quota: u32,
    cap: u32,
    /// At most `quota` of the current window.
    spent: u32,
    /// At most `cap`.
    in_flight: u32,
    window: Window,
    service_times: ServiceTimes,
    sends: u64,
    refused_by_quota: u64,
    refused_by_cap: u64,
    peak: Peak,
    timeline: Timeline,
}

impl Gate {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            quota: options.quota().get(),
            cap: options.cap().get(),
            spent: 0,
            in_flight: 0,
            window: Window::new(options.window()),
            service_times: options.service_times(),
            sends: 0,
            refused_by_quota: 0,
            refused_by_cap: 0,
            peak: Peak::default(),
            timeline: Timeline::default(),
        }
    }

    /// Counts a request that has arrived, and says what becomes of it.
    ///
    /// Each acceptance must be followed by one [`on_call_over`](Self::on_call_over).
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        self.sends += 1;
        self.peak.on_event(now);
        if self.window.on_time(now) {
            self.spent = 0;
        }

        let verdict = if self.spent >= self.quota {
            self.refused_by_quota += 1;
            self.timeline.on_refused_by_quota(now);
            Verdict::RefusedByQuota
        } else if self.in_flight >= self.cap {
            self.refused_by_cap += 1;
            self.timeline.on_refused_by_cap(now);
            Verdict::RefusedByCap
        } else {
            self.spent += 1;
            self.in_flight += 1;
            self.timeline.on_accepted(now);
            Verdict::Accepted {
                service_time: self
                    .service_times
                    .next()
                    .expect("the service times are endless"),
            }
        };
        Admission {
            verdict,
            quota: self.quota,
            remaining: self.quota - self.spent,
            reset_s: self.window.reset_s(now),
        }
    }

    pub(super) fn on_call_over(&mut self) {
        self.in_flight -= 1;
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            sends: self.sends,
            refused_by_quota: self.refused_by_quota,
            refused_by_cap: self.refused_by_cap,
            in_flight: self.in_flight,
            peak_sends_1s: self.peak.most(),
        }
    }

    pub(super) fn timeline(&self) -> Timeline {
        self.timeline.clone()
    }
}

/// What becomes of a request, and where its arrival left the quota.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) verdict: Verdict,
    pub(super) quota: u32,
    /// At most `quota`.
    pub(super) remaining: u32,
    /// Rounded up to whole seconds, so at least 1.
    pub(super) reset_s: u64,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Accepted { service_time: Duration },
    RefusedByCap,
    RefusedByQuota,
}

/// A grid of windows that starts with the first time it is told.
#[derive(Debug)]
struct Window {
    length: Duration,
    start: Option<Instant>,
    /// Counted from 0 in lengths since `start`.
    current: u128,
}

impl Window {
    fn new(length: Duration) -> Self {
        Self {
            length,
            start: None,
            current: 0,
        }
    }

    /// Whether `now` is in a later window than the latest time before it.
    fn on_time(&mut self, now: Instant) -> bool {
        self.start.get_or_insert(now);
        let current = self.since_start(now) / self.length.as_nanos();
        let entered = current != self.current;
        self.current = current;
        entered
    }

    fn reset_s(&self, now: Instant) -> u64 {
        let reset = (self.current + 1) * self.length.as_nanos() - self.since_start(now);
        let seconds = reset.div_ceil(Duration::from_secs(1).as_nanos());
        seconds.try_into().unwrap_or(u64::MAX)
    }

    fn since_start(&self, now: Instant) -> u128 {
        self.start
            .map_or(0, |start| now.duration_since(start).as_nanos())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn quota_is_spent_and_comes_back() {
        let mut gate = gate(3, 10, 50);
        let start = Instant::now();
        for remaining in [2, 1, 0] {
            let admission = gate.admit(start);
            assert!(is_accepted(&admission));
            assert_eq!((admission.remaining, admission.reset_s), (remaining, 10));
        }

        let refused = gate.admit(start + Duration::from_millis(2500));
        assert_eq!(refused.verdict, Verdict::RefusedByQuota);
        assert_eq!((refused.remaining, refused.reset_s), (0, 8));
        let refused = gate.admit(start + Duration::from_nanos(9_999_999_999));
        assert_eq!(refused.verdict, Verdict::RefusedByQuota);
        assert_eq!(refused.reset_s, 1);

        let accepted = gate.admit(start + Duration::from_secs(10));
        assert!(is_accepted(&accepted));
        assert_eq!((accepted.remaining, accepted.reset_s), (2, 10));
    }

    #[test]
    fn windows_without_requests_pass() {
        let mut gate = gate(1, 10, 50);
        let start = Instant::now();
        assert!(is_accepted(&gate.admit(start)));
        // The grid goes on from the first request, not from the latest.
        let admission = gate.admit(start + Duration::from_secs(34));
        assert!(is_accepted(&admission));
        assert_eq!(admission.reset_s, 6);
    }

    #[test]
    fn the_cap_spends_no_quota() {
        let mut gate = gate(10, 10, 2);
        let start = Instant::now();
        assert!(is_accepted(&gate.admit(start)));
        assert!(is_accepted(&gate.admit(start)));
        for _ in 0..20 {
            let refused = gate.admit(start);
            assert_eq!(refused.verdict, Verdict::RefusedByCap);
            assert_eq!(refused.remaining, 8);
        }
        gate.on_call_over();
        let accepted = gate.admit(start);
        assert!(is_accepted(&accepted));
        assert_eq!(accepted.remaining, 7);

        let stats = gate.stats();
        assert_eq!((stats.sends, stats.refused()), (23, 20));
        assert_eq!((stats.refused_by_cap, stats.in_flight), (20, 2));
    }

    #[test]
    fn the_timeline_has_all_verdicts() {
        let mut gate = gate(2, 10, 1);
        let start = Instant::now();
        gate.admit(start);
        gate.admit(start);
        gate.on_call_over();
        gate.admit(start + Duration::from_millis(100));
        gate.admit(start + Duration::from_millis(300));

        let timeline = gate.timeline();
        let counts: Vec<_> = timeline
            .bins()
            .iter()
            .map(|bin| (bin.accepted, bin.refused_by_cap, bin.refused_by_quota))
            .collect();
        assert_eq!(counts, [(1, 1, 0), (1, 0, 0), (0, 0, 0), (0, 0, 1)]);
    }

    #[test]
    fn a_spent_quota_hides_the_cap() {
        let mut gate = gate(2, 10, 2);
        let start = Instant::now();
        assert!(is_accepted(&gate.admit(start)));
        assert!(is_accepted(&gate.admit(start)));
        assert_eq!(gate.admit(start).verdict, Verdict::RefusedByQuota);
    }

    #[test]
    fn refusals_use_no_service_time() {
        let options = options(10, 10, 1);
        let mut gate = Gate::new(&options);
        let now = Instant::now();
        for service_time in options.service_times().take(5) {
            assert_eq!(gate.admit(now).verdict, Verdict::Accepted { service_time });
            assert_eq!(gate.admit(now).verdict, Verdict::RefusedByCap);
            gate.on_call_over();
        }
    }

    fn gate(quota: u32, window_s: u64, cap: u32) -> Gate {
        Gate::new(&options(quota, window_s, cap))
    }

    fn options(quota: u32, window_s: u64, cap: u32) -> Options {
        Options::default()
            .with_quota(NonZeroU32::new(quota).unwrap())
            .with_window(Duration::from_secs(window_s))
            .with_cap(NonZeroU32::new(cap).unwrap())
    }

    fn is_accepted(admission: &Admission) -> bool {
        matches!(admission.verdict, Verdict::Accepted { .. })
    }
}
