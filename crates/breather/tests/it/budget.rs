//! Limits retries to a share of traffic.

use breather::{RetryBudget, driver::Instant};
use core::time::Duration;
use proptest::prelude::*;

fn at(seconds: f64) -> Instant {
    Instant::ORIGIN + Duration::from_secs_f64(seconds)
}

fn withdrawn(budget: &mut RetryBudget, now: Instant) -> usize {
    core::iter::from_fn(|| budget.withdraw(now, 1))
        .take(10_000)
        .count()
}

#[test]
fn tower_857_and_863_budget_share_is_exact() {
    // In tower, a share of 0.3 became 0.33, 0.4 became 0.5, and 0.6 and 0.9 became 1.
    for (share, expected) in [
        (0.3, 300),
        (0.4, 400),
        (0.6, 600),
        (0.9, 900),
        (0.001, 1),
        (1.5, 1_500),
    ] {
        let mut budget = RetryBudget::new().with_floor(0).with_share(share);
        (0..1_000).for_each(|_| budget.on_call(at(1.0)));
        assert_eq!(withdrawn(&mut budget, at(1.0)), expected, "{share}");
    }
}

#[test]
fn idle_month_resets_budget_without_a_loop() {
    let mut budget = RetryBudget::new().with_floor(1);
    (0..1_000_000).for_each(|_| budget.on_call(at(0.0)));
    let month = at(30.0 * 86_400.0);
    // tower's loop over the windows in between would take 2,592,000 steps here.
    assert_eq!(withdrawn(&mut budget, month), 10);
}

#[test]
fn withdrawals_count_for_one_window() {
    let mut budget = RetryBudget::new();
    assert_eq!(withdrawn(&mut budget, at(0.5)), 100);
    assert_eq!(withdrawn(&mut budget, at(9.9)), 0);
    assert_eq!(withdrawn(&mut budget, at(10.0)), 100);
}

#[test]
fn cost_is_withdrawn_whole_or_not_at_all() {
    let mut budget = RetryBudget::new().with_floor(0).with_share(1.0);
    (0..3).for_each(|_| budget.on_call(at(0.0)));
    assert!(budget.withdraw(at(0.0), 2).is_some());
    assert_eq!(budget.withdraw(at(0.0), 2), None);
    assert_eq!(budget.available(at(0.0)), 1);
    assert!(budget.withdraw(at(0.0), 1).is_some());
}

#[test]
fn refund_after_the_window_has_no_effect() {
    let mut budget = RetryBudget::new().with_floor(1);
    let draw = budget.withdraw(at(0.0), 5).unwrap();
    assert_eq!(budget.available(at(20.0)), 10);
    budget.refund(draw);
    assert_eq!(budget.available(at(20.0)), 10);
}

#[test]
fn extreme_settings_are_bounded() {
    for share in [f64::NAN, -1.0, f64::NEG_INFINITY] {
        let mut budget = RetryBudget::new().with_floor(0).with_share(share);
        (0..100).for_each(|_| budget.on_call(at(0.0)));
        assert_eq!(budget.available(at(0.0)), 0, "{share}");
    }
    let mut budget = RetryBudget::new()
        .with_floor(u32::MAX)
        .with_share(f64::INFINITY)
        .with_window(Duration::MAX);
    budget.on_call(Instant::MAX);
    assert!(budget.withdraw(Instant::MAX, u32::MAX).is_some());
    let mut short = RetryBudget::new().with_window(Duration::ZERO);
    assert_eq!(short.available(at(1.0)), 0);
}

proptest! {
    /// Compares the budget with a list of all calls and withdrawals.
    #[test]
    fn budget_agrees_with_list_model(
        steps in prop::collection::vec((0_u64..4_000, 0_u8..4, 1_u32..4), 0..200),
        share in 0_u32..2_000_000,
        floor in 0_u32..3,
    ) {
        let mut budget = RetryBudget::new()
            .with_share(f64::from(share) / 1e6)
            .with_floor(floor);
        let mut now = 0_u64;
        let (mut calls, mut draws) = (Vec::new(), Vec::new());
        for (passed, what, cost) in steps {
            now += passed;
            let instant = Instant::ORIGIN + Duration::from_millis(now);
            let second = now / 1_000;
            let counts = |at: u64| at + 10 > second;
            match what {
                0 | 1 => {
                    budget.on_call(instant);
                    calls.push(second);
                }
                2 => {
                    let calls = calls.iter().filter(|&&at| counts(at)).count() as u64;
                    let spent: u64 = draws
                        .iter()
                        .filter(|&&(at, _, _)| counts(at))
                        .map(|&(_, cost, _)| u64::from(cost))
                        .sum();
                    let most = u64::from(floor) * 10_000_000 + calls * u64::from(share);
                    let fits = (spent + u64::from(cost)) * 1_000_000 <= most;
                    let draw = budget.withdraw(instant, cost);
                    prop_assert_eq!(draw.is_some(), fits);
                    draws.extend(draw.map(|draw| (second, cost, draw)));
                }
                _ => {
                    // Advance the budget's time first, like a handle does.
                    let _ = budget.available(instant);
                    if let Some((_, _, draw)) = draws.pop() {
                        budget.refund(draw);
                    }
                }
            }
        }
    }
}
