//! What a rule is worth: what changes without it.

use std::collections::BTreeMap;

use breather_sim::table::Row;

use crate::measured::{Measured, Played, Reached};

/// What there is without any ablation, and how much of a change is luck.
pub(crate) struct Reference {
    pub(crate) rows: Vec<Row>,
    pub(crate) measured: Measured,
    /// Of each row, how far apart the logarithms of its makespans and of its sends are, with other seeds.
    luck: Vec<(f64, f64)>,
}

/// What changes.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    /// What takes longer, or needs more sends.
    pub(crate) worse: Vec<String>,
    pub(crate) better: Vec<String>,
    /// What must not be.
    pub(crate) breaks: Vec<String>,
}

/// A row, or all scenarios, on one side: how much changes, and what.
#[derive(Default)]
struct Change {
    much: f64,
    words: Vec<String>,
}

impl Reference {
    /// `measured` with the seeds that are used for all, and `others` with other ones.
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

    /// What is different in `other`.
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
            // Whoever gives up calls is done early, and pacers that are broken off hold what they hold.
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

    /// How the means over all scenarios change that come out the same in every other way, and which do not hold.
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

    /// The name of a row, and its calls if others have that name.
    fn label(&self, row: &Row) -> String {
        if self.rows.iter().filter(|it| it.name == row.name).count() > 1 {
            format!("{} ({} calls)", row.name, row.load.calls())
        } else {
            row.name.to_owned()
        }
    }
}

impl Effect {
    /// Whether nothing changes.
    pub(crate) fn is_nothing(&self) -> bool {
        self.worse.is_empty() && self.better.is_empty() && self.breaks.is_empty()
    }
}

fn reached(measured: &Measured, index: usize) -> Option<&Reached> {
    measured.rows.get(&index)?.as_ref()
}

/// Those that change most, and how many others do.
fn most(mut changes: Vec<(f64, String)>) -> Vec<String> {
    changes.sort_by(|one, other| other.0.total_cmp(&one.0));
    let more = changes.len().saturating_sub(SHOWN);
    let shown = changes.into_iter().map(|it| it.1).take(SHOWN);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect()
}

/// The mean, if it is further from zero than chance explains, and if it matters.
fn mean_beyond_chance(changes: &[f64]) -> Option<f64> {
    let count = changes.len() as f64;
    let mean = changes.iter().sum::<f64>() / count;
    let squares: f64 = changes.iter().map(|it| (it - mean).powi(2)).sum();
    let error = (squares / count).sqrt() / count.sqrt();
    (mean.abs() > (ERRORS * error).max(LEAST_MEAN)).then_some(mean)
}

/// As many of the rows that change are named.
const SHOWN: usize = 3;

/// A change of half a percent is told, if it is more than luck.
const LEAST: f64 = 0.005;

/// One by chance in 400 that do nothing.
const ERRORS: f64 = 3.0;

/// Most scenarios don't meet what most rules are for.
const LEAST_MEAN: f64 = 0.000_2;
