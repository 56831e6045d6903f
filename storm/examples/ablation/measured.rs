//! The measurements of a pacer.

use std::collections::BTreeMap;
use std::fmt;

use breather_sim::table;

/// The measurements of a pacer, as printed by [`measure`](crate::measure::measure).
#[derive(Debug)]
pub(crate) struct Measured {
    /// The result of each row, or `None` if it panicked.
    pub(crate) rows: BTreeMap<usize, Option<Reached>>,
    /// The result of each scenario, by its seed.
    pub(crate) scenarios: BTreeMap<u64, Played>,
    /// Whether all were played.
    pub(crate) has_ended: bool,
}

/// The result of a row, with the numbers of [`table::Reached`] as they were printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) makespan: f64,
    pub(crate) sends: f64,
    pub(crate) failed: usize,
    pub(crate) has_leaked: bool,
}

/// The result of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Played {
    /// Every rule holds.
    Holds(Held),
    /// The violated rule.
    Violates(String),
    Panics,
}

/// The measurements of a scenario without violations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Held {
    /// In seconds.
    pub(crate) makespan: f64,
    pub(crate) sends: f64,
    /// The number of calls that succeeded.
    pub(crate) ok: usize,
}

impl Measured {
    /// Parses the output of a run, up to its end or until it was stopped.
    ///
    /// # Errors
    ///
    /// Returns the line that cannot be parsed.
    pub(crate) fn read(output: &str, has_ended: bool) -> Result<Self, String> {
        let mut measured = Self {
            rows: BTreeMap::new(),
            scenarios: BTreeMap::new(),
            has_ended,
        };
        // The last line may be incomplete.
        let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines() {
            measured
                .read_line(line)
                .ok_or_else(|| format!("what does {line} mean"))?;
        }
        Ok(measured)
    }

    fn read_line(&mut self, line: &str) -> Option<()> {
        let words: Vec<_> = line.split(' ').collect();
        match *words.as_slice() {
            ["row", index, "panics"] => {
                self.rows.insert(index.parse().ok()?, None);
            }
            ["row", index, makespan, sends, failed, has_leaked] => {
                let reached = Reached {
                    makespan: makespan.parse().ok()?,
                    sends: sends.parse().ok()?,
                    failed: failed.parse().ok()?,
                    has_leaked: has_leaked.parse().ok()?,
                };
                self.rows.insert(index.parse().ok()?, Some(reached));
            }
            ["scenario", seed, ref played @ ..] => {
                let played = match *played {
                    ["panics"] => Played::Panics,
                    ["violates", rule] => Played::Violates(rule.to_owned()),
                    [makespan, sends, ok] => Played::Holds(Held {
                        makespan: makespan.parse().ok()?,
                        sends: sends.parse().ok()?,
                        ok: ok.parse().ok()?,
                    }),
                    _ => return None,
                };
                self.scenarios.insert(seed.parse().ok()?, played);
            }
            _ => return None,
        }
        Some(())
    }
}

impl From<table::Reached> for Reached {
    fn from(reached: table::Reached) -> Self {
        Self {
            makespan: reached.makespan,
            sends: reached.sends,
            failed: reached.failed,
            has_leaked: reached.has_leaked,
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            makespan,
            sends,
            failed,
            has_leaked,
        } = self;
        write!(f, "{makespan} {sends} {failed} {has_leaked}")
    }
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds(Held {
                makespan,
                sends,
                ok,
            }) => write!(f, "{makespan} {sends} {ok}"),
            Self::Violates(rule) => write!(f, "violates {rule}"),
            Self::Panics => f.write_str("panics"),
        }
    }
}
