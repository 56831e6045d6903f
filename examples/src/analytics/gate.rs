use std::{
    collections::HashMap,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use breather_sim::ServiceTimes;

use super::{
    Options, Stats, Timeline,
    faults::{Fault, Faults},
    peak::Peak,
};

/// Accepts or throttles requests. The caller passes the time, so tests need no sockets or waits.
#[derive(Debug)]
pub(super) struct Gate {
    quota: u32,
    org_quota: u32,
    cap: u32,
    /// The quota that each token has spent in the current window, at most `quota`.
    spent: HashMap<String, u32>,
    /// The quota that all tokens together have spent, at most `org_quota`.
    org_spent: u32,
    /// At most `cap`.
    in_flight: u32,
    window: Window,
    service_times: ServiceTimes,
    faults: Faults,
    accepted: u64,
    items: u64,
    sends: u64,
    throttled_by_quota: u64,
    throttled_by_cap: u64,
    peak: Peak,
    timeline: Timeline,
}

impl Gate {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            quota: options.quota().get(),
            org_quota: options.org_quota().map_or(u32::MAX, NonZeroU32::get),
            cap: options.cap().get(),
            spent: HashMap::new(),
            org_spent: 0,
            in_flight: 0,
            window: Window::new(options.window()),
            service_times: options.service_times(),
            faults: options.faults(),
            accepted: 0,
            items: 0,
            sends: 0,
            throttled_by_quota: 0,
            throttled_by_cap: 0,
            peak: Peak::default(),
            timeline: Timeline::default(),
        }
    }

    /// Counts a request with `token` that has arrived, and decides whether to accept it.
    ///
    /// Call [`on_call_over`](Self::on_call_over) once for each accepted request.
    pub(super) fn admit(&mut self, token: &str, now: Instant) -> Admission {
        self.sends += 1;
        self.peak.on_event(now);
        if self.window.on_time(now) {
            self.spent.clear();
            self.org_spent = 0;
        }

        let mut spent = self.spent.get(token).copied().unwrap_or(0);
        let verdict = if spent >= self.quota || self.org_spent >= self.org_quota {
            self.throttled_by_quota += 1;
            self.timeline.on_throttled_by_quota(now);
            Verdict::ThrottledByQuota
        } else if self.in_flight >= self.cap {
            self.throttled_by_cap += 1;
            self.timeline.on_throttled_by_cap(now);
            Verdict::ThrottledByCap
        } else {
            spent += 1;
            self.spent.insert(token.to_owned(), spent);
            self.org_spent += 1;
            self.in_flight += 1;
            self.accepted += 1;
            self.timeline.on_accepted(now);
            let time = self.service_times.next();
            let time = time.expect("the iterator of service times is infinite");
            let fault = self.faults.of_request(self.accepted);
            let slowness = if fault == Some(Fault::Slow) { 10 } else { 1 };
            Verdict::Accepted {
                service_time: time * slowness,
                fault,
            }
        };
        // The headers have room for one quota, so they report the one that has less left.
        let of_token = (self.quota - spent, self.quota);
        let of_org = (self.org_quota - self.org_spent, self.org_quota);
        let (remaining, quota) = of_token.min(of_org);
        Admission {
            verdict,
            quota,
            remaining,
            reset_s: self.window.reset_s(now),
        }
    }

    /// Counts the next conversation of a query, and returns whether it fails.
    pub(super) fn fails_item(&mut self) -> bool {
        self.items += 1;
        self.faults.hits_item(self.items)
    }

    pub(super) fn on_call_over(&mut self) {
        self.in_flight -= 1;
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            sends: self.sends,
            throttled_by_quota: self.throttled_by_quota,
            throttled_by_cap: self.throttled_by_cap,
            in_flight: self.in_flight,
            peak_sends_1s: self.peak.most(),
            // The API counts the rest.
            ..Stats::default()
        }
    }

    pub(super) fn timeline(&self) -> Timeline {
        self.timeline.clone()
    }
}

/// The verdict on a request, and the quota after its arrival.
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
    Accepted {
        service_time: Duration,
        fault: Option<Fault>,
    },
    ThrottledByCap,
    ThrottledByQuota,
}

/// A grid of windows that starts at the first time passed to it.
#[derive(Debug)]
struct Window {
    length: Duration,
    start: Option<Instant>,
    /// The number of the current window since `start`, counted from 0.
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

    /// Advances to `now`, and returns whether that entered another window.
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
    use super::*;

    #[test]
    fn quota_returns_with_next_window() {
        let mut gate = gate(3, 10, 50);
        let start = Instant::now();
        for remaining in [2, 1, 0] {
            let admission = gate.admit(TOKEN, start);
            assert!(is_accepted(&admission));
            assert_eq!((admission.remaining, admission.reset_s), (remaining, 10));
        }

        let throttled = gate.admit(TOKEN, start + Duration::from_millis(2500));
        assert_eq!(throttled.verdict, Verdict::ThrottledByQuota);
        assert_eq!((throttled.remaining, throttled.reset_s), (0, 8));
        let throttled = gate.admit(TOKEN, start + Duration::from_nanos(9_999_999_999));
        assert_eq!(throttled.verdict, Verdict::ThrottledByQuota);
        assert_eq!(throttled.reset_s, 1);

        let accepted = gate.admit(TOKEN, start + Duration::from_secs(10));
        assert!(is_accepted(&accepted));
        assert_eq!((accepted.remaining, accepted.reset_s), (2, 10));
    }

    #[test]
    fn empty_windows_keep_the_grid() {
        let mut gate = gate(1, 10, 50);
        let start = Instant::now();
        assert!(is_accepted(&gate.admit(TOKEN, start)));
        // The grid counts from the first request, not from the latest.
        let admission = gate.admit(TOKEN, start + Duration::from_secs(34));
        assert!(is_accepted(&admission));
        assert_eq!(admission.reset_s, 6);
    }

    #[test]
    fn cap_rejection_spends_no_quota() {
        let mut gate = gate(10, 10, 2);
        let start = Instant::now();
        assert!(is_accepted(&gate.admit(TOKEN, start)));
        assert!(is_accepted(&gate.admit(TOKEN, start)));
        for _ in 0..20 {
            let throttled = gate.admit(TOKEN, start);
            assert_eq!(throttled.verdict, Verdict::ThrottledByCap);
            assert_eq!(throttled.remaining, 8);
        }
        gate.on_call_over();
        let accepted = gate.admit(TOKEN, start);
        assert!(is_accepted(&accepted));
        assert_eq!(accepted.remaining, 7);

        let stats = gate.stats();
        assert_eq!((stats.sends, stats.throttled()), (23, 20));
        assert_eq!((stats.throttled_by_cap, stats.in_flight), (20, 2));
    }

    #[test]
    fn timeline_counts_all_verdicts() {
        let mut gate = gate(2, 10, 1);
        let start = Instant::now();
        gate.admit(TOKEN, start);
        gate.admit(TOKEN, start);
        gate.on_call_over();
        gate.admit(TOKEN, start + Duration::from_millis(100));
        gate.admit(TOKEN, start + Duration::from_millis(300));

        let timeline = gate.timeline();
        let counts: Vec<_> = timeline
            .bins()
            .iter()
            .map(|bin| (bin.accepted, bin.throttled_by_cap, bin.throttled_by_quota))
            .collect();
        assert_eq!(counts, [(1, 1, 0), (1, 0, 0), (0, 0, 0), (0, 0, 1)]);
    }

    #[test]
    fn spent_quota_takes_precedence_over_cap() {
        let mut gate = gate(2, 10, 2);
        let start = Instant::now();
        assert!(is_accepted(&gate.admit(TOKEN, start)));
        assert!(is_accepted(&gate.admit(TOKEN, start)));
        assert_eq!(gate.admit(TOKEN, start).verdict, Verdict::ThrottledByQuota);
    }

    #[test]
    fn rejection_uses_no_service_time() {
        let options = options(10, 10, 1);
        let mut gate = Gate::new(&options);
        let now = Instant::now();
        for service_time in options.service_times().take(5) {
            assert_eq!(
                gate.admit(TOKEN, now).verdict,
                Verdict::Accepted {
                    service_time,
                    fault: None
                }
            );
            assert_eq!(gate.admit(TOKEN, now).verdict, Verdict::ThrottledByCap);
            gate.on_call_over();
        }
    }

    #[test]
    fn tokens_have_own_quotas_within_organisation() {
        let options = options(3, 10, 50).with_org_quota(NonZeroU32::new(4).unwrap());
        let mut gate = Gate::new(&options);
        let start = Instant::now();
        for remaining in [2, 1, 0] {
            let admission = gate.admit("a", start);
            assert_eq!((admission.remaining, admission.quota), (remaining, 3));
        }
        assert_eq!(gate.admit("a", start).verdict, Verdict::ThrottledByQuota);
        let last = gate.admit("b", start);
        assert!(is_accepted(&last));
        assert_eq!((last.remaining, last.quota), (0, 4));
        assert_eq!(gate.admit("b", start).verdict, Verdict::ThrottledByQuota);
        assert!(is_accepted(
            &gate.admit("b", start + Duration::from_secs(10))
        ));
    }

    #[test]
    fn slow_request_takes_ten_times_as_long() {
        let every = NonZeroU32::new(2).unwrap();
        let options = options(10, 10, 50).with_faults(Faults::none().with_slow_every(every));
        let mut gate = Gate::new(&options);
        let now = Instant::now();
        let times: Vec<_> = options.service_times().take(2).collect();
        for (factor, time) in [1, 10].into_iter().zip(times) {
            let Verdict::Accepted { service_time, .. } = gate.admit(TOKEN, now).verdict else {
                panic!("throttled");
            };
            assert_eq!(service_time, time * factor);
        }
    }

    const TOKEN: &str = "a token";

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
