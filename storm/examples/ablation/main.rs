//! Measures the value of each rule of the pacer by removing it, and prints a table of all rules.
//!
//! `cargo run --release -p breather-storm --example ablation > docs/ablation.md` copies the
//! workspace. For each entry of the lists in `storm/ablations`, it edits the source of the pacer in
//! the copy and builds it. It then plays the rows of `breather_sim::table` and the scenarios of
//! breather-sim's `--example fuzz` with it. Each entry takes some seconds.
//!
//! - `--only WORDS` selects the rules that contain these words.
//! - `--seeds N` and `--scenarios N` set how many are played.
//! - `--check` only verifies that each edit still applies and compiles.

mod ablation;
mod effect;
mod measure;
mod measured;
mod page;
mod workbench;

use std::path::Path;
use std::process::ExitCode;

use breather_sim::table::rows;

use self::ablation::Ablation;
use self::effect::Reference;
use self::page::{Page, Worth};
use self::workbench::Workbench;

fn main() -> ExitCode {
    let done = Task::read(std::env::args().skip(1)).and_then(|task| match task {
        Task::Measure {
            from,
            seeds,
            scenarios,
        } => {
            measure::measure(from, seeds, scenarios);
            Ok(())
        }
        Task::Check => check(),
        Task::Print(options) => print(&options),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The requested task.
enum Task {
    Check,
    Print(Options),
    /// The task of the copy.
    Measure {
        from: u64,
        seeds: u64,
        scenarios: u64,
    },
}

struct Options {
    only: Option<String>,
    seeds: u64,
    scenarios: u64,
}

impl Task {
    fn read(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let args: Vec<_> = args.collect();
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let number = |text: &str| {
            let number = text.parse::<u64>();
            number.map_err(|_| format!("expected a number, not {text}"))
        };
        match *args.as_slice() {
            ["--check"] => return Ok(Self::Check),
            ["--measure", from, seeds, scenarios] => {
                return Ok(Self::Measure {
                    from: number(from)?,
                    seeds: number(seeds)?,
                    scenarios: number(scenarios)?,
                });
            }
            _ => {}
        }
        let mut options = Options {
            only: None,
            seeds: SEEDS,
            scenarios: SCENARIOS,
        };
        for option in args.chunks(2) {
            match *option {
                ["--only", words] => options.only = Some(words.to_owned()),
                ["--seeds", seeds] => options.seeds = number(seeds)?.max(1),
                ["--scenarios", scenarios] => options.scenarios = number(scenarios)?,
                _ => {
                    let option = option[0];
                    return Err(format!(
                        "expected --check, --only with words, --seeds or --scenarios with a number, not {option}"
                    ));
                }
            }
        }
        Ok(Self::Print(options))
    }
}

impl Options {
    /// Returns the command that these options belong to.
    fn command(&self) -> String {
        let mut command = "cargo run --release -p breather-storm --example ablation".to_owned();
        let seeds = (self.seeds != SEEDS).then(|| format!(" --seeds {}", self.seeds));
        let scenarios =
            (self.scenarios != SCENARIOS).then(|| format!(" --scenarios {}", self.scenarios));
        if seeds.is_some() || scenarios.is_some() {
            command.push_str(" --");
        }
        command.extend(seeds.into_iter().chain(scenarios));
        command
    }
}

/// Checks that each edit applies exactly once, and that the result compiles.
fn check() -> Result<(), String> {
    let ablations = Ablation::all(workspace())?;
    let bench = Workbench::set_up(workspace())?;
    let mut failed = Vec::new();
    for ablation in &ablations {
        let source = bench.original(&ablation.file)?;
        match ablation.apply(&source) {
            Ok(edited) => {
                bench.put(&ablation.file, &edited)?;
                let checked = bench.check();
                bench.put(&ablation.file, &source)?;
                failed.extend(checked.err().map(|error| format!("{ablation}:\n{error}")));
            }
            Err(error) => failed.push(error),
        }
    }
    if failed.is_empty() {
        println!("{} edits apply and compile", ablations.len());
        return Ok(());
    }
    Err(failed.join("\n"))
}

/// Measures all ablations and prints the page.
fn print(options: &Options) -> Result<(), String> {
    let ablations = Ablation::all(workspace())?;
    let is_wanted = |ablation: &&Ablation| {
        let words = options.only.as_deref().unwrap_or_default();
        ablation.to_string().contains(words)
    };
    let wanted: Vec<_> = ablations.iter().filter(is_wanted).collect();
    let bench = Workbench::set_up(workspace())?;
    let reference = reference(&bench, options)?;

    page::print_head(&options.command(), options.seeds, options.scenarios);
    let mut page = Page::default();
    for (nth, &ablation) in wanted.iter().enumerate() {
        eprintln!("{} of {}: {ablation}", nth + 1, wanted.len());
        let source = bench.original(&ablation.file)?;
        page.begin(ablation, &source);
        bench.put(&ablation.file, &ablation.apply(&source)?)?;
        let worth = worth(&bench, &reference, options);
        bench.put(&ablation.file, &source)?;
        page.print(ablation, worth?);
    }
    page.end()
}

/// Measures the pacer without any ablation.
fn reference(bench: &Workbench, options: &Options) -> Result<Reference, String> {
    eprintln!("the pacer as it is");
    bench.build()?;
    let measured = bench.measure(1, options.seeds, options.scenarios)?;
    let mut others = Vec::new();
    for nth in 1..=OTHERS {
        eprintln!("the same with other seeds, {nth} of {OTHERS}");
        others.push(bench.measure(1 + nth * options.seeds, options.seeds, 0)?);
    }
    Ok(Reference::new(rows(), measured, &others))
}

/// Measures the rule that the bench currently lacks.
fn worth(bench: &Workbench, reference: &Reference, options: &Options) -> Result<Worth, String> {
    if let Err(error) = bench.build() {
        return Ok(Worth::Unbuilt(error));
    }
    let effect = reference.effect(&bench.measure(1, options.seeds, options.scenarios)?);
    if effect.is_nothing() {
        return bench.failing_tests().map(Worth::Tests);
    }
    Ok(Worth::Effect(effect))
}

fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// More than the 5 seeds of the table, because less random variation reveals smaller effects.
const SEEDS: u64 = 15;

const SCENARIOS: u64 = 20_000;

/// The number of other sets of seeds that determine the random variation.
const OTHERS: u64 = 10;
