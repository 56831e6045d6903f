//! Checks that the chapter on faults of other crates names existing tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file, relative to the root of the repository, and the name of a test in it.
type Named = (PathBuf, String);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// Returns the cells of each table row in the chapter, without headings and rules.
fn rows(chapter: &str) -> Vec<Vec<&str>> {
    let rows = chapter.lines().filter_map(|line| {
        let cells = line.strip_prefix('|')?.strip_suffix('|')?;
        Some(cells.split('|').map(str::trim).collect::<Vec<_>>())
    });
    rows.filter(|cells| cells[0] != "elsewhere" && !cells[0].starts_with("---"))
        .collect()
}

/// Returns the tests named in `cell`, which are links from test names to files.
fn named(cell: &str) -> Vec<Named> {
    let links = cell.split("[`").skip(1);
    links
        .map(|link| {
            let (test, rest) = link.split_once("`](../").expect(link);
            let (file, _) = rest.split_once(')').expect(link);
            (file.into(), test.to_owned())
        })
        .collect()
}

/// Returns the names of the tests in a file.
///
/// It finds functions after a test attribute, and names in an `each_way!` block.
fn tests(source: &str) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let each_way = source.split_once("each_way! {").map(|(_, rest)| rest);
    let listed = each_way.and_then(|rest| rest.split('}').next());
    let listed = listed.into_iter().flat_map(|names| names.split(','));
    tests.extend(listed.map(|name| name.trim().to_owned()));
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line.contains("test");
        } else if let Some(function) = line.split("fn ").nth(1).filter(|_| is_test) {
            let name = function.split('(').next().unwrap();
            tests.insert(name.to_owned());
            is_test = false;
        }
    }
    tests
}

#[test]
fn tests_named_by_the_chapter_exist() {
    let chapter = read(Path::new("docs/faults.md"));
    let rows = rows(&chapter);
    assert!(rows.len() > 40, "{} rows", rows.len());
    for row in rows.iter().filter(|row| row.len() == 3) {
        let named = named(row[2]);
        assert!(!named.is_empty(), "no test for: {}", row[0]);
        for (file, test) in named {
            let is_there = tests(&read(&file)).contains(&test);
            assert!(is_there, "{} has no test {test}", file.display());
        }
    }
}

#[test]
fn chapter_names_every_peer_test() {
    let chapter = read(Path::new("docs/faults.md"));
    let rows = rows(&chapter);
    let named: BTreeSet<_> = rows
        .iter()
        .flat_map(|row| named(row.last().unwrap()))
        .collect();
    for file in [
        "crates/breather/tests/it/peers.rs",
        "crates/breather-reqwest/tests/it/peers.rs",
        "crates/breather-tokio/tests/peers.rs",
        "crates/breather-tower/tests/it/peers.rs",
    ] {
        let file = PathBuf::from(file);
        let tests = tests(&read(&file));
        assert!(!tests.is_empty(), "{file:?}");
        for test in tests {
            let test = (file.clone(), test);
            assert!(named.contains(&test), "no row names {test:?}");
        }
    }
}

#[test]
fn rows_and_tests_are_parsed() {
    let chapter = "text\n| elsewhere | breather | test |\n|---|---|---|\n| a | b | [`c`](../d/e.rs)<br>[`f`](../g.rs) |\n";
    let rows = rows(chapter);
    assert_eq!(rows.len(), 1);
    let expected = [("d/e.rs", "c"), ("g.rs", "f")];
    assert_eq!(
        named(rows[0][2]),
        expected.map(|(file, test)| (file.into(), test.to_owned()))
    );
    let source = "#[tokio::test(start_paused = true)]\nasync fn a() {\n}\nfn b() {}\n    #[test]\n    fn c(\n";
    assert_eq!(tests(source), ["a", "c"].map(str::to_owned).into());
}
