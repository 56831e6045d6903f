//! Costs that callers state, and settle.

use std::task::Waker;
use std::time::Duration;

use breather::driver::{ActiveCall, NewCall, Step, Timer};
use breather::hint::Window;
use breather::{Breather, CallOptions, CostSlot, Hint, Outcome, Unit};
use breather_test::VirtualTimer;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

type Active = ActiveCall<VirtualTimer>;

/// A handle whose scope has a window of 10,000 tokens.
struct Scope {
    breather: Breather,
    timer: VirtualTimer,
}

impl Scope {
    fn new() -> Self {
        let breather = Breather::default();
        let timer = VirtualTimer::default();
        Self { breather, timer }
    }

    fn start(&self, options: &CallOptions, slot: Option<&CostSlot>) -> Active {
        let new = NewCall::new().with_origin("llm").with_path("/v1/chat");
        let new = new.with_options(options).with_cost_slot(slot);
        self.breather.start(new, self.timer.clone(), 1)
    }

    /// Starts a call that costs so many tokens.
    fn costs(&self, tokens: u64) -> Active {
        self.start(&CallOptions::new().with_cost(Unit::Tokens, tokens), None)
    }

    /// Sends a call that leaves so many tokens.
    fn leaves(&self, tokens: u64) {
        let mut call = self.start(&CallOptions::new(), None);
        assert_eq!(step(&mut call), Step::Send);
        self.accepts(&mut call, tokens);
    }

    fn accepts(&self, call: &mut Active, left: u64) {
        let window = Window::new("tokens").with_unit(Unit::Tokens);
        let window = window.with_limit(10_000).with_remaining(left);
        let hint = Hint::new(self.timer.now()).with_window(window.with_reset(MINUTE));
        let _ = call.on_outcome(Outcome::success(), &hint);
    }
}

fn step(call: &mut Active) -> Step {
    call.poll_step(Waker::noop())
}

fn waits(call: &mut Active) -> bool {
    matches!(step(call), Step::Wait { .. })
}

#[test]
fn call_waits_until_its_cost_is_left() {
    let scope = Scope::new();
    scope.leaves(3_000);
    let mut fits = scope.costs(2_000);
    assert_eq!(step(&mut fits), Step::Send);
    let mut large = scope.costs(1_500);
    assert!(waits(&mut large));
    scope.timer.advance(MINUTE);
    assert_eq!(step(&mut large), Step::Send);
}

#[test]
fn later_call_does_not_overtake_a_larger_one() {
    let scope = Scope::new();
    scope.leaves(3_000);
    let mut large = scope.costs(4_000);
    assert!(waits(&mut large));
    let mut small = scope.costs(10);
    assert!(waits(&mut small));
    drop(large);
    assert_eq!(step(&mut small), Step::Send);
}

#[test]
fn call_larger_than_the_window_goes_when_it_is_full() {
    let scope = Scope::new();
    scope.leaves(9_999);
    let mut huge = scope.costs(50_000);
    assert!(waits(&mut huge));
    scope.timer.advance(MINUTE);
    assert_eq!(step(&mut huge), Step::Send);
}

#[test]
fn cost_of_a_route_applies_unless_the_request_states_one() {
    let scope = Scope::new();
    let route = CallOptions::new().with_cost(Unit::Tokens, 4_000);
    scope.breather.set_route("llm/v1/chat", route);
    let mut first = scope.start(&CallOptions::new().with_cost(Unit::Tokens, 1), None);
    assert_eq!(step(&mut first), Step::Send);
    scope.accepts(&mut first, 3_000);
    let mut by_route = scope.start(&CallOptions::new(), None);
    assert!(waits(&mut by_route));
    drop(by_route);
    assert_eq!(step(&mut scope.costs(10)), Step::Send);
}

#[test]
fn units_are_told_apart() {
    let scope = Scope::new();
    scope.leaves(3_000);
    let rows = CallOptions::new().with_cost(Unit::Custom("rows"), 9_000);
    let mut call = scope.start(&rows, None);
    assert_eq!(step(&mut call), Step::Send);
    let both = CallOptions::new()
        .with_cost(Unit::Requests, 7)
        .with_cost(Unit::InputTokens, 1)
        .with_cost(Unit::OutputTokens, 2)
        .with_cost(Unit::Tokens, 3)
        .with_cost(Unit::Points, 4)
        .with_cost(Unit::InputTokens, 5);
    let stated = [
        Unit::Requests,
        Unit::InputTokens,
        Unit::OutputTokens,
        Unit::Tokens,
        Unit::Points,
    ];
    let stated = stated.map(|unit| both.cost(unit));
    assert_eq!(stated, [None, Some(5), Some(2), Some(3), None]);
}

#[test]
fn settled_cost_makes_room_and_counts_once() {
    let scope = Scope::new();
    scope.leaves(5_000);
    let slot = CostSlot::new();
    let options = CallOptions::new().with_cost(Unit::Tokens, 4_500);
    let mut sent = scope.start(&options, Some(&slot));
    assert_eq!(step(&mut sent), Step::Send);
    let mut next = scope.costs(2_000);
    assert!(waits(&mut next));
    slot.settle(Unit::Points, 1);
    assert!(waits(&mut next));
    slot.settle(Unit::Tokens, 2_900);
    // Only the first settlement counts.
    slot.settle(Unit::Tokens, 5_000);
    assert_eq!(step(&mut next), Step::Send);
    assert!(waits(&mut scope.costs(500)));
}

#[test]
fn remaining_after_a_settled_attempt_takes_precedence() {
    let scope = Scope::new();
    scope.leaves(9_000);
    let slot = CostSlot::new();
    let mut call = scope.start(
        &CallOptions::new().with_cost(Unit::Tokens, 100),
        Some(&slot),
    );
    assert_eq!(step(&mut call), Step::Send);
    scope.accepts(&mut call, 8_900);
    slot.settle(Unit::Tokens, 8_000);
    assert_eq!(step(&mut scope.costs(8_000)), Step::Send);
}

#[test]
fn slot_without_an_attempt_or_a_scope_is_harmless() {
    let slot = CostSlot::new();
    slot.settle(Unit::Tokens, u64::MAX);
    let breather = Breather::default();
    let new = NewCall::new().with_cost_slot(&slot);
    let mut call = breather.start(new, VirtualTimer::default(), 1);
    assert_eq!(step(&mut call), Step::Send);
    slot.settle(Unit::Tokens, u64::MAX);
    drop((call, breather));
    slot.settle(Unit::Points, 1);
    assert!(format!("{slot:?}").contains("settled"));
}

#[test]
fn slot_settles_the_latest_attempt() {
    let scope = Scope::new();
    scope.leaves(9_000);
    let slot = CostSlot::new();
    let options = CallOptions::new()
        .with_cost(Unit::Tokens, 4_000)
        .with_idempotent(true);
    let mut call = scope.start(&options, Some(&slot));
    assert_eq!(step(&mut call), Step::Send);
    let lost = Outcome::transient(breather::Executed::Unknown, "reset");
    let _ = call.on_outcome(lost, &Hint::new(scope.timer.now()));
    scope.timer.advance(10 * SECOND);
    assert_eq!(step(&mut call), Step::Send);
    slot.settle(Unit::Tokens, 500);
    // 4,000 may have been charged for the lost attempt, and 500 for this one.
    assert_eq!(step(&mut scope.costs(4_000)), Step::Send);
    assert!(waits(&mut scope.costs(1_000)));
}

#[test]
fn absurd_costs_cause_no_panic() {
    let scope = Scope::new();
    scope.leaves(10_000);
    let mut calls = Vec::new();
    for cost in [u64::MAX, 0, u64::MAX - 1, 1] {
        let slot = CostSlot::new();
        let options = CallOptions::new().with_cost(Unit::Tokens, cost);
        let mut call = scope.start(&options, Some(&slot));
        let _ = step(&mut call);
        slot.settle(Unit::Tokens, u64::MAX);
        calls.push(call);
    }
    scope.timer.advance(MINUTE);
    calls.iter_mut().for_each(|call| drop(step(call)));
}
