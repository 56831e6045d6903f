//! The tables of the documentation, made from those that are read by.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use std::{env, fs};

use super::common::{FAMILIES, Row, find, find_as_it_is};
use super::dialect::Dialect;
use super::family::{HeaderFamily, Part};
use super::parts::may_be;

const CHAPTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hints.md");

fn words(part: Part) -> String {
    match part {
        Part::Limit => "limit".into(),
        Part::Remaining => "remaining".into(),
        Part::Used => "used".into(),
        Part::UsedOfLimit => "used of the limit, `32/40`".into(),
        Part::Reset(form) => format!("reset, {form}"),
        Part::Length(form) => format!("length of the window, {form}"),
        Part::Name => "name of the window".into(),
        Part::Key => "whose calls share it".into(),
        Part::Delay(form) => format!("delay, {form}"),
        Part::Pushback => "delay in milliseconds, or not to retry".into(),
        Part::Verdict => "whether to retry, `true` or `false`".into(),
        Part::Remark => "shown, and not obeyed".into(),
        Part::RateLimit => {
            "windows, `\"name\";r=5;t=30` or `limit=9, remaining=5, reset=30`".into()
        }
        Part::Policy => "windows, `\"name\";q=9;w=60` or `9;w=60`".into(),
        Part::Pairs => {
            "windows, `total=9; remaining=5; resets=30` or `b=per_day;q=9;r=5;t=30`".into()
        }
        Part::Unknown => unreachable!("no listed header is unknown"),
        Part::Usages => "windows, `name=4/9; other=1/9`".into(),
        Part::Resources => "windows, `name;5, other;8`".into(),
    }
}

fn rows(families: &[HeaderFamily]) -> String {
    let mut rows = String::new();
    for family in families {
        let mut head = format!("{}: {}", family.name, family.unit);
        if let Some(length) = family.length {
            head += &format!(" in {length:?}");
        }
        for header in family.headers() {
            let is_of_window = !matches!(
                header.part,
                Part::Delay(_) | Part::Pushback | Part::Verdict | Part::Remark
            );
            let window = if is_of_window { head.as_str() } else { "" };
            rows += &format!(
                "| `{}` | {} | {window} |\n",
                header.name,
                words(header.part)
            );
        }
    }
    rows
}

fn headers() -> String {
    format!(
        "| header | what it tells | window |\n|---|---|---|\n{}",
        rows(&FAMILIES)
    )
}

fn dialects() -> String {
    let mut table = String::from("| dialect | header | what it tells |\n|---|---|---|\n");
    for dialect in Dialect::all() {
        let headers = dialect.families().iter().flat_map(HeaderFamily::headers);
        // The name of a count says enough.
        for header in headers.filter(|it| matches!(it.part, Part::Reset(_) | Part::Delay(_))) {
            let words = words(header.part);
            table += &format!("| `{}` | `{}` | {words} |\n", dialect.name(), header.name);
        }
    }
    table
}

/// With `BREATHER_WRITE_TABLES` set, it writes them.
#[test]
fn the_chapter_has_the_tables_that_are_read_by() {
    let chapter = fs::read_to_string(CHAPTER).expect("the chapter is in docs");
    let mut written = chapter.clone();
    for (name, table) in [("headers", headers()), ("dialects", dialects())] {
        let (begin, end) = (
            format!("<!-- {name} -->\n"),
            format!("<!-- end of {name} -->"),
        );
        let parts: Vec<_> = written.split(&*begin).collect();
        let [before, rest] = parts[..] else {
            panic!("the chapter has one place for {name}");
        };
        let (_, after) = rest.split_once(&*end).expect("it ends");
        written = format!("{before}{begin}{table}{end}{after}");
    }
    if env::var_os("BREATHER_WRITE_TABLES").is_some() {
        fs::write(CHAPTER, written).expect("it can be written");
        return;
    }
    assert!(
        written == chapter,
        "a table is not what is read by: run it with BREATHER_WRITE_TABLES=1"
    );
}

/// What two rows claim, one of them never gets.
#[test]
fn no_header_is_there_twice() {
    let mut names: Vec<_> = FAMILIES
        .iter()
        .flat_map(HeaderFamily::headers)
        .map(|header| header.name)
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(all < 180, "the index has 512 slots");
}

#[test]
fn each_header_is_found_in_whatever_case() {
    for header in FAMILIES.iter().flat_map(HeaderFamily::headers) {
        let is_it = |row: Option<&Row>| row.is_some_and(|row| core::ptr::eq(row.header, header));
        let (lower, upper) = (header.name.as_bytes(), header.name.to_ascii_uppercase());
        assert!(may_be(lower) && may_be(upper.as_bytes()));
        assert!(is_it(find_as_it_is(lower)) && is_it(find(upper.as_bytes())));
        for at in 0..lower.len() {
            let mut other = lower.to_vec();
            other[at] = b'!';
            assert!(find_as_it_is(&other).is_none() && find(&other).is_none());
            let shorter = &lower[..at];
            assert!(!is_it(find_as_it_is(shorter)) && !is_it(find(shorter)));
        }
    }
}
