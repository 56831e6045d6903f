//! Calls in several scopes, such as a token and its organisation.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use breather::{
    Breather, CallOptions, Dialect, EndReason, Hint, Outcome, Policy, Scopes,
    driver::{ActiveCall, NewCall, Step, Timer},
    hint::Window,
};
use breather_test::{VirtualTimer, WakeCounter};

const SECOND: Duration = Duration::from_secs(1);

type Active = ActiveCall<VirtualTimer>;

/// An organisation whose tokens share one handle.
struct Api {
    breather: Breather,
    timer: VirtualTimer,
}

impl Api {
    fn new() -> Self {
        Self::with(Breather::default())
    }

    fn with(breather: Breather) -> Self {
        let timer = VirtualTimer::default();
        Self { breather, timer }
    }

    fn start(&self, token: &str) -> Active {
        self.start_with(token, CallOptions::new())
    }

    fn start_with(&self, token: &str, options: CallOptions) -> Active {
        let scopes = Scopes::from([token, "org"]);
        let new = NewCall::new().with_scope(&scopes).with_idempotent(true);
        self.breather
            .start(new.with_options(&options), self.timer.clone(), 1)
    }

    fn sent(&self, token: &str) -> Active {
        let mut call = self.start(token);
        assert_eq!(step(&mut call), Step::Send);
        call
    }

    /// A hint with the remaining quota of a token and of the organisation, which resets later.
    fn said(&self, token: u64, org: u64) -> Hint<'static> {
        let token = Window::new("").with_limit(100).with_remaining(token);
        let org = Window::new("").with_limit(300).with_remaining(org);
        Hint::new(self.timer.now())
            .with_window(token.with_reset(5 * SECOND))
            .with_window(org.with_reset(9 * SECOND))
    }

    fn answered(&self, token: &str, left: (u64, u64)) {
        let _ = self
            .sent(token)
            .on_outcome(Outcome::success(), &self.said(left.0, left.1));
    }

    /// An API after calls of two tokens. The handle now knows which window belongs to which scope.
    fn known() -> Self {
        let api = Self::new();
        for used in 1..=4 {
            api.answered("one", (100 - used, 301 - 2 * used));
            api.answered("two", (100 - used, 300 - 2 * used));
        }
        api
    }

    fn in_flight(&self, scope: &str) -> u32 {
        self.breather.snapshot(scope).unwrap().in_flight()
    }

    fn waiting(&self, scope: &str) -> usize {
        self.breather.snapshot(scope).unwrap().queued()
    }

    fn opens_after(&self, scope: &str) -> Option<Duration> {
        let opens = self.breather.snapshot(scope)?.opens_at()?;
        Some(opens.duration_since(self.timer.now()))
    }
}

fn step(call: &mut Active) -> Step {
    call.poll_step(Waker::noop())
}

fn throttled() -> Outcome {
    Outcome::throttled("status 429")
}

#[test]
fn spent_organisation_holds_all_its_tokens() {
    let api = Api::known();
    api.answered("one", (90, 0));
    assert_eq!(api.opens_after("org"), Some(9 * SECOND));
    assert_eq!(api.opens_after("one"), None);
    let mut call = api.start("three");
    assert_eq!(step(&mut call), Step::Wait { until: None });
    assert_eq!((api.waiting("three"), api.waiting("org")), (0, 1));
    api.timer.advance(9 * SECOND);
    assert_eq!(step(&mut call), Step::Send);
}

#[test]
fn spent_token_holds_only_itself() {
    let api = Api::known();
    api.answered("one", (0, 200));
    assert_eq!(api.opens_after("one"), Some(5 * SECOND));
    assert_eq!(api.opens_after("org"), None);
    assert_eq!(step(&mut api.start("one")), Step::Wait { until: None });
    let _two = api.sent("two");
}

#[test]
fn windows_seen_by_one_token_count_against_the_token() {
    let api = Api::new();
    api.answered("one", (99, 299));
    api.answered("one", (98, 0));
    assert_eq!(api.opens_after("one"), Some(9 * SECOND));
    assert_eq!(api.opens_after("org"), None);
}

#[test]
fn rejection_counts_against_scope_with_spent_window() {
    let api = Api::known();
    let _ = api.sent("one").on_outcome(throttled(), &api.said(90, 0));
    assert_eq!(api.opens_after("one"), None);
    assert_eq!(api.opens_after("org"), Some(9 * SECOND));

    let api = Api::known();
    let _ = api.sent("one").on_outcome(throttled(), &api.said(0, 90));
    assert_eq!(api.opens_after("one"), Some(5 * SECOND));
    assert_eq!(api.opens_after("org"), None);
}

#[test]
fn rejection_counts_against_spent_scope_among_70() {
    let api = Api::new();
    // Each of two tokens has 69 scopes of its own, and both share one scope.
    let sent = |token: &str| {
        let own: Vec<_> = (0..69).map(|depth| format!("{token} {depth}")).collect();
        let names: Scopes = own.iter().map(String::as_str).chain(["org"]).collect();
        let mut call = api.breather.start(
            NewCall::new().with_scope(&names).with_idempotent(true),
            api.timer.clone(),
            1,
        );
        assert_eq!(step(&mut call), Step::Send);
        call
    };
    for used in 1..=4 {
        for (token, org) in [("one", 301 - 2 * used), ("two", 300 - 2 * used)] {
            let _ = sent(token).on_outcome(Outcome::success(), &api.said(100 - used, org));
        }
    }
    let _ = sent("one").on_outcome(throttled(), &api.said(90, 0));
    assert_eq!(api.opens_after("org"), Some(9 * SECOND));
    for depth in 0..69 {
        assert_eq!(api.opens_after(&format!("one {depth}")), None, "{depth}");
    }
}

#[test]
fn rejection_without_spent_window_counts_against_first_scope() {
    let api = Api::known();
    let calls: Vec<_> = (0..5).map(|_| api.sent("one")).collect();
    for mut call in calls {
        let _ = call.on_outcome(throttled(), &api.said(90, 280));
    }
    let limit = |scope| api.breather.snapshot(scope).unwrap().concurrency();
    assert_eq!((limit("one"), limit("org")), (1, 30));
    assert_eq!((api.in_flight("one"), api.in_flight("org")), (0, 0));

    let api = Api::known();
    let hint = Hint::new(api.timer.now()).with_retry_after(3 * SECOND);
    let _ = api.sent("one").on_outcome(throttled(), &hint);
    assert_eq!(api.opens_after("one"), Some(3 * SECOND));
    assert_eq!(api.opens_after("org"), None);
}

#[test]
fn call_takes_permits_only_when_all_scopes_grant() {
    let api = Api::known();
    // The organisation's concurrency is used up.
    let full: Vec<_> = (0..30)
        .map(|index| api.sent(if index % 2 == 0 { "one" } else { "two" }))
        .collect();
    let bell = WakeCounter::new();
    let waker = Waker::from(Arc::clone(&bell));
    let mut call = api.start("three");
    assert_eq!(call.poll_step(&waker), Step::Wait { until: None });
    assert_eq!((api.in_flight("three"), api.waiting("three")), (0, 0));
    assert_eq!(api.waiting("org"), 1);
    drop(full);
    assert_eq!(bell.take(), 1);
    assert_eq!(call.poll_step(&waker), Step::Send);
    assert_eq!((api.in_flight("three"), api.in_flight("org")), (1, 1));
}

#[test]
fn call_waits_in_one_queue_at_a_time() {
    let api = Api::known();
    api.answered("one", (0, 200));
    let mut held = api.start("one");
    assert_eq!(step(&mut held), Step::Wait { until: None });
    assert_eq!((api.waiting("one"), api.waiting("org")), (1, 0));
    // A newer call of another token is sent first.
    let _two = api.sent("two");
    // When the token opens but the organisation does not, the call waits in the organisation's
    // queue.
    api.answered("two", (80, 0));
    api.timer.advance(5 * SECOND);
    assert_eq!(step(&mut held), Step::Wait { until: None });
    assert_eq!((api.waiting("one"), api.waiting("org")), (0, 1));
}

#[test]
fn deadline_is_compared_with_longest_hold() {
    let policy = Policy::default().with_deadline(7 * SECOND);
    let api = Api {
        breather: Breather::new(policy),
        ..Api::known()
    };
    for used in 1..=4 {
        api.answered("one", (100 - used, 301 - 2 * used));
        api.answered("two", (100 - used, 300 - 2 * used));
    }
    // The token opens in 5 s, the organisation in 9 s.
    api.answered("one", (0, 0));
    let Step::End(stopped) = step(&mut api.start("one")) else {
        panic!("the call should end");
    };
    assert_eq!(stopped.end().reason(), EndReason::Deadline);
    assert_eq!((api.waiting("one"), api.waiting("org")), (0, 0));
}

#[test]
fn promise_9_dropped_call_leaves_scopes_idle() {
    let api = Api::known();
    let idle = |what: &str| {
        for scope in ["one", "org"] {
            assert_eq!((api.in_flight(scope), api.waiting(scope)), (0, 0), "{what}");
        }
    };
    drop(api.start("one"));
    idle("before it was polled");
    drop(api.sent("one"));
    idle("in flight");
    api.answered("one", (90, 0));
    let mut waiting = api.start("one");
    assert_eq!(step(&mut waiting), Step::Wait { until: None });
    drop(waiting);
    idle("waiting");
    api.timer.advance(9 * SECOND);
    let mut throttled_one = api.sent("one");
    let _ = throttled_one.on_outcome(throttled(), &api.said(0, 0));
    drop(throttled_one);
    idle("between two attempts");
}

#[test]
fn unused_permit_returns_to_all_scopes() {
    let api = Api::known();
    let mut unsent = api.sent("one");
    assert_eq!(unsent.poll_unsent(Waker::noop()), Step::Send);
    // Meanwhile the organisation throttles another call.
    let _ = api.sent("two").on_outcome(throttled(), &api.said(90, 0));
    let step = unsent.poll_unsent(Waker::noop());
    assert_eq!(step, Step::Wait { until: None });
    assert_eq!((api.in_flight("one"), api.in_flight("org")), (0, 0));
    assert_eq!(api.waiting("org"), 1);
}

#[test]
fn most_specific_scope_with_dialects_wins() {
    const GITHUB: &[Dialect] = &[Dialect::github()];
    const OKTA: &[Dialect] = &[Dialect::okta()];
    let read_by = |own: &[(&str, &'static [Dialect])]| {
        let policy = Policy::new().with_dialects(GITHUB);
        let api = Api::with(Breather::new(policy));
        for (scope, dialects) in own {
            api.breather.set_dialects(scope, dialects);
        }
        let call = api.start("one");
        call.policy().dialects().first().map(Dialect::name)
    };
    let [github, okta] = [GITHUB, OKTA].map(|dialects| Some(dialects[0].name()));
    assert_eq!(read_by(&[]), github);
    assert_eq!(read_by(&[("org", OKTA)]), okta);
    assert_eq!(read_by(&[("one", OKTA), ("org", &[])]), okta);
    assert_eq!(read_by(&[("one", &[]), ("org", OKTA)]), None);
}

#[test]
fn scope_named_twice_counts_once() {
    let api = Api::new();
    let twice = ["org", "org"];
    let mut call = api.breather.start(
        NewCall::new()
            .with_scope(&Scopes::from(twice))
            .with_idempotent(true),
        api.timer.clone(),
        1,
    );
    assert_eq!(step(&mut call), Step::Send);
    assert_eq!(api.in_flight("org"), 1);
}

#[test]
fn scope_order_causes_no_deadlock() {
    let breather = Breather::default();
    std::thread::scope(|threads| {
        for names in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
            let breather = breather.clone();
            threads.spawn(move || {
                let timer = VirtualTimer::default();
                for seed in 0..2_000 {
                    let mut call = breather.start(
                        NewCall::new()
                            .with_scope(&Scopes::from(names))
                            .with_idempotent(true),
                        timer.clone(),
                        seed,
                    );
                    assert_eq!(step(&mut call), Step::Send);
                    let silent = Hint::new(timer.now());
                    let _ = call.on_outcome(Outcome::success(), &silent);
                }
            });
        }
    });
    for name in ["a", "b", "c"] {
        assert_eq!(breather.snapshot(name).unwrap().in_flight(), 0);
    }
}

#[test]
fn call_ended_by_one_scope_leaves_other_queue() {
    let api = Api::new();
    let rejected = |scope: &str, delay: Duration| {
        let new = NewCall::new().with_origin(scope).with_idempotent(true);
        let mut call = api.breather.start(new, api.timer.clone(), 1);
        assert_eq!(step(&mut call), Step::Send);
        let hint = Hint::new(api.timer.now()).with_retry_after(delay);
        let _ = call.on_outcome(throttled(), &hint);
    };
    rejected("a", 60 * SECOND);
    let patient = Policy::new().with_max_retry_after(Duration::MAX);
    let mut call = api.start_with("a", CallOptions::new().with_policy(patient));
    rejected("org", 10_000 * SECOND);
    assert!(matches!(step(&mut call), Step::Wait { .. }));
    assert_eq!((api.waiting("a"), api.waiting("org")), (0, 1));
    for _ in 0..65 {
        api.timer.advance(60 * SECOND);
        rejected("a", 60 * SECOND);
    }
    let Step::End(stopped) = step(&mut call) else {
        panic!("the call should end");
    };
    assert_eq!(stopped.end().reason(), EndReason::ScopeThrottled);
    assert_eq!((api.waiting("a"), api.waiting("org")), (0, 0));
}
