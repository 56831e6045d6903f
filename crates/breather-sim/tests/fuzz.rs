//! Random servers, loads and faults: no run violates a rule. `--example fuzz` plays more of them.

use breather_sim::{Rule, Scenario, check};

/// What the pacer is known to fail at, with why. One that holds again is to be taken out.
const KNOWN: &[(u64, Rule)] = &[];

#[test]
fn whatever_the_server_no_rule_is_violated() {
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

/// Or the rules would hold for want of anything to violate them.
#[test]
fn whatever_may_befall_a_call_is_drawn_often() {
    let drawn: Vec<_> = (0..SEEDS)
        .map(|seed| Scenario::drawn(seed).to_string())
        .collect();
    let with = |what: &[&str]| {
        let with = drawn
            .iter()
            .filter(|it| what.iter().all(|&what| it.contains(what)));
        with.count()
    };
    // A cap that changes may change to none.
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

/// As many as take some seconds without optimization.
const SEEDS: u64 = 1_000;

/// Once a call whose wait ended at the instant of its deadline was sent twice at once.
#[test]
fn a_wait_may_end_at_the_deadline() {
    let scenario = Scenario::drawn(132_183);
    check(&scenario).unwrap_or_else(|violation| panic!("{scenario}: {violation}"));
}
