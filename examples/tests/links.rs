//! The links between the pages of this repository, and the chapters of the book.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the Markdown pages of a folder, without those of its folders.
fn pages_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect()
}

fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut folders = vec![
        root.clone(),
        root.join("docs"),
        root.join("docs/migrating"),
        root.join("examples/jmeter"),
    ];
    let crates = fs::read_dir(root.join("crates")).unwrap();
    folders.extend(crates.map(|entry| entry.unwrap().path()));
    folders.iter().flat_map(|folder| pages_of(folder)).collect()
}

/// Returns the lines of a page that are not code.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    page.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        is_code ^= fence;
        !is_code && !fence
    })
}

/// Returns the anchors of a page, as GitHub and mdBook make them from headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page).filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = |char: &char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_');
            let title: String = title.chars().filter(kept).collect();
            title.replace(' ', "-")
        })
        .collect()
}

#[test]
fn relative_links_lead_to_a_file_and_a_heading() {
    let mut checked = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        for line in prose(&page) {
            for link in line.split("](").skip(1) {
                let Some((target, _)) = link.split_once(')') else {
                    continue;
                };
                if target.contains("://") {
                    continue;
                }
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let linked = match file {
                    "" => path.clone(),
                    _ => path.parent().unwrap().join(file),
                };
                let shown = path.display();
                assert!(linked.exists(), "{shown}: {target} is not there");
                if !anchor.is_empty() {
                    let linked = fs::read_to_string(&linked).unwrap();
                    let known = anchors(&linked);
                    assert!(known.contains(anchor), "{shown}: {target}, of {known:?}");
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "only {checked} links");
}

#[test]
fn book_has_all_chapters() {
    let docs = root().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    for page in [pages_of(&docs), pages_of(&docs.join("migrating"))].concat() {
        let name = page.strip_prefix(&docs).unwrap().to_str().unwrap();
        let is_listed = summary.contains(&format!("]({name})"));
        assert!(is_listed || name == "SUMMARY.md", "{name} is not listed");
    }
}

#[test]
fn readme_is_short_and_shows_code_soon() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let first = |start: &str| readme.lines().position(|line| line.starts_with(start));
    assert!(readme.lines().count() <= 100);
    assert!(first("[dependencies]").unwrap() < 35 && first("```rust").unwrap() < 35);
}
