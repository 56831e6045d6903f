//! A rule of the pacer, and the source code without it.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A rule of the pacer, and the edit that removes or replaces it.
///
/// The edit changes the source instead of setting a switch. So the measurement shows the pacer as
/// if the rule had never been written, and no user carries the switch.
#[derive(Debug)]
pub(crate) struct Ablation {
    /// The file, relative to the workspace.
    pub(crate) file: PathBuf,
    pub(crate) rule: String,
    /// The behaviour without the rule.
    pub(crate) instead: String,
    edits: Vec<Edit>,
}

#[derive(Debug, Default)]
struct Edit {
    was: String,
    becomes: String,
}

impl Ablation {
    /// Reads all ablations, in the order of the files that they edit.
    ///
    /// # Errors
    ///
    /// Returns the file that cannot be read.
    pub(crate) fn all(workspace: &Path) -> Result<Vec<Self>, String> {
        let lists = workspace.join(LISTS);
        let entries = fs::read_dir(&lists).map_err(|error| format!("{LISTS}: {error}"))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".txt")).collect();
        // The pacer itself comes first, then its parts.
        names.sort_by_key(|name| (name != "pacer.txt", name.clone()));
        let mut all = Vec::new();
        for name in names {
            let text = fs::read_to_string(lists.join(&name));
            let text = text.map_err(|error| format!("{LISTS}/{name}: {error}"))?;
            let part = match name.trim_end_matches(".txt") {
                "pacer" => "pacer.rs".to_owned(),
                part => format!("pacer/{part}.rs"),
            };
            let file = Path::new(SOURCES).join(part);
            all.extend(parsed(&text, &file).map_err(|error| format!("{LISTS}/{name}: {error}"))?);
        }
        Ok(all)
    }

    /// Returns the last part of the file's path.
    pub(crate) fn file_name(&self) -> Cow<'_, str> {
        self.file.file_name().unwrap_or_default().to_string_lossy()
    }

    /// Returns whether it only changes the size of a value.
    pub(crate) fn is_of_a_value(&self) -> bool {
        matches!(self.instead.as_str(), "half" | "double")
    }

    /// Applies the edit to `source`.
    ///
    /// # Errors
    ///
    /// Returns the text that does not occur exactly once.
    pub(crate) fn apply(&self, source: &str) -> Result<String, String> {
        let mut source = source.to_owned();
        for edit in &self.edits {
            let place = only_place(&source, &edit.was).map_err(|count| {
                format!(
                    "{}: {self}: this occurs {count} times, instead of once:\n{}",
                    self.file.display(),
                    edit.was
                )
            })?;
            source.replace_range(place, &edit.becomes);
        }
        Ok(source)
    }
}

impl fmt::Display for Ablation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.instead)
    }
}

/// Parses a list of ablations.
///
/// An ablation starts with its rule, a colon and the behaviour without it. The removed lines follow
/// after `-`, and the lines that replace them after `+`. Any number of such edits may follow one
/// another.
fn parsed(text: &str, file: &Path) -> Result<Vec<Ablation>, String> {
    let mut all: Vec<Ablation> = Vec::new();
    let mut is_replaced = false;
    for line in text.lines() {
        let edits = all.last_mut().map(|ablation| &mut ablation.edits);
        if let Some(was) = line.strip_prefix('-') {
            let edits = edits.ok_or_else(|| format!("whose is {line}"))?;
            if is_replaced || edits.is_empty() {
                edits.push(Edit::default());
                is_replaced = false;
            }
            if let Some(edit) = edits.last_mut() {
                edit.was.extend([was, "\n"]);
            }
        } else if let Some(becomes) = line.strip_prefix('+') {
            let edit = edits.and_then(|edits| edits.last_mut());
            let edit = edit.ok_or_else(|| format!("what does it replace: {line}"))?;
            edit.becomes.extend([becomes, "\n"]);
            is_replaced = true;
        } else if !line.is_empty() && !line.starts_with('#') {
            let (rule, instead) = line.split_once(": ").ok_or_else(|| {
                format!("expected a rule, a colon, and what happens instead: {line}")
            })?;
            all.push(Ablation {
                file: file.to_owned(),
                rule: rule.to_owned(),
                instead: instead.to_owned(),
                edits: Vec::new(),
            });
            is_replaced = false;
        }
    }
    match all.iter().find(|ablation| ablation.edits.is_empty()) {
        Some(idle) => Err(format!("{idle}: no edit")),
        None => Ok(all),
    }
}

/// Finds the only place of `text` in `source`, ignoring line breaks. Otherwise returns the number
/// of occurrences.
fn only_place(source: &str, text: &str) -> Result<std::ops::Range<usize>, usize> {
    let (mut dense, mut places) = (String::new(), Vec::new());
    for (place, letter) in source.char_indices().filter(|(_, it)| !it.is_whitespace()) {
        dense.push(letter);
        places.extend(std::iter::repeat_n(place, letter.len_utf8()));
    }
    let text: String = text.split_whitespace().collect();
    let mut found = dense.match_indices(&text).map(|(first, _)| first);
    match (found.next(), found.count()) {
        // The last character is a bracket or similar, of one byte.
        (Some(first), 0) => Ok(places[first]..places[first + text.len() - 1] + 1),
        (first, others) => Err(others + usize::from(first.is_some())),
    }
}

/// The folder with a list for each file that has rules.
const LISTS: &str = "storm/ablations";

/// The folder with the files.
const SOURCES: &str = "crates/breather/src";
