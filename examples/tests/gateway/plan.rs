//! Tests that the JMeter plan matches its README.

use breather_examples::analytics::PATH;
use roxmltree::Document;

#[test]
fn plan_defaults_match_its_readme() {
    let plan = include_str!("../../jmeter/analytics.jmx");
    let page = include_str!("../../jmeter/README.md");
    let plan = Document::parse(plan).unwrap();
    let property = |name: &str| {
        let mut found = plan
            .descendants()
            .filter(|node| node.attribute("name") == Some(name));
        let value = found.next().and_then(|node| node.text());
        assert!(found.next().is_none(), "{name}");
        value.unwrap_or_else(|| panic!("no {name}"))
    };
    for (name, option, default) in [
        ("HTTPSampler.domain", "host", "127.0.0.1"),
        ("HTTPSampler.port", "port", "8090"),
        ("HTTPSampler.path", "path", PATH),
        ("HTTPSampler.response_timeout", "timeout", "120000"),
        ("ThreadGroup.num_threads", "threads", "200"),
        ("LoopController.loops", "loops", "3"),
    ] {
        assert_eq!(property(name), format!("${{__P({option},{default})}}"));
        let row = format!("| `-J{option}` | `{default}` |");
        assert!(page.contains(&row), "{row}");
    }
    assert_eq!(property("Header.name"), "Authorization");
    assert_eq!(property("Header.value"), "Bearer ${__P(token,jmeter)}");
    assert!(page.contains("| `-Jtoken` | `jmeter` |"));
    // In a plan, each element is followed by a `hashTree` with its children.
    let trees = plan
        .descendants()
        .filter(|node| node.has_tag_name("hashTree"));
    for tree in trees {
        let children: Vec<_> = tree.children().filter(|node| node.is_element()).collect();
        let is_tree = |index: usize| children[index].has_tag_name("hashTree");
        assert!((0..children.len()).all(|index| is_tree(index) == (index % 2 == 1)));
    }
}
