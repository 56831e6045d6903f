//! Checks that random servers, loads and faults violate no rule. `--example fuzz` plays more of
//! them.

use breather_sim::{Rule, Scenario, check};

/// Known violations of the pacer, with the reason. Remove an entry when its rule holds again.
const KNOWN: &[(u64, Rule)] = &[];

#[test]
fn random_scenarios_violate_no_rule() {
    for seed in 0..SEEDS {
        let scenario = Scenario::drawn(seed);
        let violated = check(&scenario).err();
        let known = KNOWN.iter().find(|&&(known, _)| known == seed);
        assert_eq!(
            violated.as_ref().map(|violation| violation.rule()),
            known.map(|&(_, rule)| rule),
            "seed {seed}: {violated:?}\n{scenario}"
        );
    }
}

/// Checks that scenarios contain enough complications. Otherwise the rules would hold trivially.
#[test]
fn complications_are_drawn_often() {
    let drawn: Vec<_> = (0..SEEDS)
        .map(|seed| Scenario::drawn(seed).to_string())
        .collect();
    let with = |what: &[&str]| {
        let with = drawn
            .iter()
            .filter(|it| what.iter().all(|&what| it.contains(what)));
        with.count()
    };
    // A cap may change to none.
    let changes = [", quota ", ", cap Some("];
    for what in [
        "counted at response",
        "give up within",
        changes[0],
        changes[1],
    ] {
        assert!(with(&[what]) >= 60, "{what}: {}", with(&[what]));
        let left = with(&[what, "give up within"]);
        assert!(left >= 15, "{what}, and callers who give up: {left}");
    }
}

/// A number that takes some seconds without optimization.
const SEEDS: u64 = 1_000;

/// Such a call, whose wait ended at the instant of its deadline, was once sent twice.
#[test]
fn wait_may_end_at_the_deadline() {
    let scenario = Scenario::drawn(132_183);
    check(&scenario).unwrap_or_else(|violation| panic!("{scenario}: {violation}"));
}
