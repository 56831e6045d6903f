//! The effect of a rule, measured by its removal.

use std::collections::BTreeMap;

use breather_sim::table::Row;

use crate::measured::{Measured, Played, Reached};

/// The measurements without any ablation, and their random variation.
pub(crate) struct Reference {
    pub(crate) rows: Vec<Row>,
    pub(crate) measured: Measured,
    /// For each row, the spread of the logarithms of makespan and sends over other seeds.
    luck: Vec<(f64, f64)>,
}

/// The changes that an ablation causes.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    /// Rows that take longer or need more sends.
    pub(crate) worse: Vec<String>,
    pub(crate) better: Vec<String>,
    /// Failures that must not happen.
    pub(crate) breaks: Vec<String>,
}

/// The changes of a row, or of all scenarios, in one direction.
#[derive(Default)]
struct Change {
    much: f64,
    words: Vec<String>,
}

impl Reference {
    /// Creates a reference from `measured`, with the seeds of all measurements, and `others`, with
    /// different seeds.
    pub(crate) fn new(rows: Vec<Row>, measured: Measured, others: &[Measured]) -> Self {
        let apart = |index: usize, number: fn(&Reached) -> f64| {
            let reached = others
                .iter()
                .filter_map(|it| it.rows.get(&index)?.as_ref())
                .map(|reached| number(reached).ln());
            let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
            for it in reached {
                (least, most) = (least.min(it), most.max(it));
            }
            (most - least).max(0.0)
        };
        let luck = (0..rows.len())
            .map(|index| (apart(index, |it| it.makespan), apart(index, |it| it.sends)))
            .collect();
        Self {
            rows,
            measured,
            luck,
        }
    }

    /// Returns the differences in `other`.
    pub(crate) fn effect(&self, other: &Measured) -> Effect {
        let mut effect = Effect::default();
        self.compare_scenarios(other, &mut effect);
        self.compare_rows(other, &mut effect);
        if !other.has_ended {
            effect.breaks.push("does not come to its end".to_owned());
        }
        effect
    }

    fn compare_rows(&self, other: &Measured, effect: &mut Effect) {
        let (mut worse, mut better, mut failing) = (Vec::new(), Vec::new(), Vec::new());
        let (mut missed, mut leaking, mut panicking) = (0, 0, 0);
        for (index, (row, luck)) in self.rows.iter().zip(&self.luck).enumerate() {
            let label = self.label(row);
            let Some(was) = reached(&self.measured, index) else {
                continue;
            };
            let Some(is) = reached(other, index) else {
                panicking += usize::from(other.rows.contains_key(&index));
                continue;
            };
            let reaches = |it: &Reached| {
                let target = row.target;
                target.is_none_or(|most| it.makespan <= most.makespan && it.sends <= most.sends)
            };
            missed += usize::from(reaches(was) && !reaches(is));
            // A run whose calls fail ends early, and the pacers of a stopped run still count calls.
            // So the other numbers mean little here.
            if is.failed > was.failed {
                let much = (is.failed - was.failed) as f64 / row.load.calls() as f64;
                let (was, is) = (was.failed, is.failed);
                let text = format!("calls that never succeed in {label}: {was} → {is}");
                failing.push((much, text));
                continue;
            }
            leaking += usize::from(is.has_leaked && !was.has_leaked);
            let (mut up, mut down) = (Change::default(), Change::default());
            let numbers = [
                ("makespan", was.makespan, is.makespan, luck.0),
                ("sends", was.sends, is.sends, luck.1),
            ];
            for (name, was, is, luck) in numbers {
                let change = (is / was).ln();
                let side = if change > 0.0 { &mut up } else { &mut down };
                if change.abs() > luck.max(LEAST) {
                    side.much += change.abs();
                    side.words.push(format!("{name} {was:.3} → {is:.3}"));
                }
            }
            if is.failed < was.failed {
                down.much += 1.0;
                let words = format!("calls that never succeed {} → {}", was.failed, is.failed);
                down.words.push(words);
            }
            for (side, change) in [(&mut worse, up), (&mut better, down)] {
                if !change.words.is_empty() {
                    let words = change.words.join(", ");
                    side.push((change.much, format!("{label}: {words}")));
                }
            }
        }
        effect.worse.extend(most(worse));
        effect.better.extend(most(better));
        effect.breaks.extend(most(failing));
        let counts = [
            (missed, "targets missed"),
            (leaking, "rows that leak"),
            (panicking, "rows that panic"),
        ];
        let counts = counts.into_iter().filter(|it| it.0 > 0);
        let counts = counts.map(|(count, what)| format!("{what}: {count}"));
        effect.breaks.extend(counts);
    }

    /// Compares the means over all scenarios with otherwise equal results, and counts the
    /// violations.
    fn compare_scenarios(&self, other: &Measured, effect: &mut Effect) {
        let (mut makespans, mut sends) = (Vec::new(), Vec::new());
        let mut broken: BTreeMap<String, usize> = BTreeMap::new();
        for (seed, was) in &self.measured.scenarios {
            match (was, other.scenarios.get(seed)) {
                (was, Some(is)) if was == is => {
                    makespans.push(0.0);
                    sends.push(0.0);
                }
                (_, Some(Played::Violates(rule))) => {
                    let what = format!("scenarios that violate {rule}");
                    *broken.entry(what).or_default() += 1;
                }
                (_, Some(Played::Panics)) => {
                    let what = "scenarios that panic".to_owned();
                    *broken.entry(what).or_default() += 1;
                }
                (Played::Holds(was), Some(Played::Holds(is))) if was.ok == is.ok && was.ok > 0 => {
                    makespans.push((is.makespan / was.makespan).ln());
                    sends.push((is.sends / was.sends).ln());
                }
                _ => {}
            }
        }
        let (mut up, mut down) = (Change::default(), Change::default());
        for (name, changes) in [("makespan", makespans), ("sends", sends)] {
            let Some(mean) = mean_beyond_chance(&changes) else {
                continue;
            };
            let side = if mean > 0.0 { &mut up } else { &mut down };
            let percent = mean.exp_m1() * 100.0;
            side.words.push(format!("{name} {percent:+.2} %"));
        }
        for (side, change) in [(&mut effect.worse, up), (&mut effect.better, down)] {
            if !change.words.is_empty() {
                side.push(format!("all scenarios: {}", change.words.join(", ")));
            }
        }
        let broken = broken.into_iter();
        effect
            .breaks
            .extend(broken.map(|(what, count)| format!("{what}: {count}")));
    }

    /// Returns the name of a row, with its number of calls if other rows have the same name.
    fn label(&self, row: &Row) -> String {
        if self.rows.iter().filter(|it| it.name == row.name).count() > 1 {
            format!("{} ({} calls)", row.name, row.load.calls())
        } else {
            row.name.to_owned()
        }
    }
}

impl Effect {
    /// Returns whether there is no change.
    pub(crate) fn is_nothing(&self) -> bool {
        self.worse.is_empty() && self.better.is_empty() && self.breaks.is_empty()
    }
}

fn reached(measured: &Measured, index: usize) -> Option<&Reached> {
    measured.rows.get(&index)?.as_ref()
}

/// Returns the largest changes, and the number of other changes.
fn most(mut changes: Vec<(f64, String)>) -> Vec<String> {
    changes.sort_by(|one, other| other.0.total_cmp(&one.0));
    let more = changes.len().saturating_sub(SHOWN);
    let shown = changes.into_iter().map(|it| it.1).take(SHOWN);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect()
}

/// Returns the mean if it is further from zero than chance explains, and large enough to matter.
fn mean_beyond_chance(changes: &[f64]) -> Option<f64> {
    let count = changes.len() as f64;
    let mean = changes.iter().sum::<f64>() / count;
    let squares: f64 = changes.iter().map(|it| (it - mean).powi(2)).sum();
    let error = (squares / count).sqrt() / count.sqrt();
    (mean.abs() > (ERRORS * error).max(LEAST_MEAN)).then_some(mean)
}

/// The number of changed rows that are named.
const SHOWN: usize = 3;

/// The smallest change of a row that is reported, half a percent. It must also exceed the random
/// variation.
const LEAST: f64 = 0.005;

/// With three standard errors, one in 400 ablations without effect shows a change by chance.
const ERRORS: f64 = 3.0;

/// This limit is low because most rules do not apply in most scenarios.
const LEAST_MEAN: f64 = 0.000_2;
