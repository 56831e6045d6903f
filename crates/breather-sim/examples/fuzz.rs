//! Plays random scenarios and checks each of them against every rule.
//!
//! `cargo run --release -p breather-sim --example fuzz -- --seeds 100000` plays that many seeds.
//! Add `--from N` to start at seed N. `--seed N` plays a single seed. If it fails, the example
//! looks for the simplest scenario that fails in the same way and prints its last 60 events, or as
//! many as you ask for with `--trace N`. The exit code is 1 if any scenario fails.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::panic;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use breather::driver::{Decision, Instant};
use breather_sim::{Happening, Rule, Run, Scenario, Violation, Watch, check, run_watched};

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let has_failed = match options.seed {
        Some(seed) => replay(seed, options.trace),
        None => play(&options),
    };
    ExitCode::from(u8::from(has_failed))
}

struct Options {
    seeds: u64,
    from: u64,
    seed: Option<u64>,
    trace: usize,
}

impl Options {
    fn read(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            seeds: 1_000,
            from: 0,
            seed: None,
            trace: 60,
        };
        while let Some(option) = args.next() {
            let value = args.next().and_then(|value| value.parse().ok());
            match (option.as_str(), value) {
                ("--seeds", Some(value)) => options.seeds = value,
                ("--from", Some(value)) => options.from = value,
                ("--seed", Some(value)) => options.seed = Some(value),
                ("--trace", Some(value)) => options.trace = value as usize,
                _ => {
                    return Err(format!(
                        "expected --seeds, --from, --seed or --trace with a number, not {option}"
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// Plays one seed and prints everything about it.
fn replay(seed: u64, trace: usize) -> bool {
    let scenario = Scenario::drawn(seed);
    println!("{scenario}");
    let violation = match check(&scenario) {
        Ok(run) => {
            println!("holds");
            tell(&run);
            return false;
        }
        Err(violation) => violation,
    };
    println!("{violation}");
    let (plainest, violation) = plainest(scenario, violation);
    println!("\nas plain as it gets: {plainest}\n{violation}");
    let mut tracer = Tracer {
        until: violation.at(),
        most: trace,
        lines: VecDeque::new(),
    };
    let (server, load) = (plainest.server(), plainest.load());
    tell(&run_watched(&server, &load, seed, &mut tracer));
    for line in tracer.lines {
        println!("{line}");
    }
    true
}

/// Keeps the last events before an instant.
struct Tracer {
    until: Instant,
    most: usize,
    lines: VecDeque<String>,
}

impl Watch for Tracer {
    fn on(&mut self, now: Instant, happening: Happening<'_>) -> ControlFlow<()> {
        let what = match happening {
            _ if now > self.until => return ControlFlow::Break(()),
            Happening::Waits { call, opens } => match opens {
                Some(opens) => format!("{call} waits, nothing before {:.3}", seconds(opens)),
                None => format!("{call} waits"),
            },
            Happening::Sent { call } => format!("{call} is sent"),
            Happening::Answered {
                call,
                outcome,
                hint,
                decision,
            } => {
                let windows = hint.windows().map(|window| {
                    let (left, limit) = (window.remaining(), window.limit());
                    format!("{left:?} of {limit:?} until {:?}", window.reset())
                });
                let windows: Vec<_> = windows.collect();
                let windows = windows.join("; ").replace("Some", "");
                let next = match decision {
                    Decision::Retry(wait) => wait.to_string(),
                    Decision::End(end) => end.to_string(),
                };
                let not_before = hint.not_before().map(seconds);
                format!("{call}: {outcome} [{windows}] not before {not_before:?}; {next}")
            }
            Happening::Ended { call, gave_up, .. } if gave_up => format!("{call} gives up"),
            _ => return ControlFlow::Continue(()),
        };
        if self.lines.len() >= self.most {
            self.lines.pop_front();
        }
        self.lines
            .push_back(format!("{:>9.3} {what}", seconds(now)));
        ControlFlow::Continue(())
    }
}

fn seconds(at: Instant) -> f64 {
    at.duration_since(Instant::ORIGIN).as_secs_f64()
}

/// Prints the result of a run.
fn tell(run: &Run) {
    println!(
        "{} sends of {} calls, {} ok, {} throttled for quota, {} for the cap, {} failed, {} given up, in {:?}",
        run.sends(),
        run.reports().len(),
        run.ok(),
        run.throttled_quota(),
        run.throttled_cap(),
        run.failed(),
        run.given_up(),
        run.makespan(),
    );
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for report in run.reports() {
        let end = report.end().map_or_else(
            || "given up".to_owned(),
            |end| format!("{:?}", end.reason()),
        );
        *ends.entry(end).or_default() += 1;
    }
    println!("{ends:?}");
}

/// Returns the simplest scenario that violates the same rule.
fn plainest(mut scenario: Scenario, mut violation: Violation) -> (Scenario, Violation) {
    // Drops one part at a time. The parts that are left in the end are all needed.
    'simplify: loop {
        for simpler in scenario.simpler() {
            if let Err(other) = check(&simpler) {
                if other.rule() == violation.rule() {
                    (scenario, violation) = (simpler, other);
                    continue 'simplify;
                }
            }
        }
        return (scenario, violation);
    }
}

/// The figures over all seeds together.
#[derive(Default)]
struct Totals {
    played: u64,
    failed: BTreeMap<Rule, Vec<u64>>,
    /// The sends per call with their seeds, by kind of server and headers.
    sends: BTreeMap<String, Vec<(f64, u64)>>,
}

/// Plays all seeds.
fn play(options: &Options) -> bool {
    let next = AtomicU64::new(options.from);
    let end = options.from.saturating_add(options.seeds);
    let panicked = AtomicU64::new(0);
    let totals = Mutex::new(Totals::default());
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return;
        }
        let scenario = Scenario::drawn(seed);
        let Ok(result) = panic::catch_unwind(|| check(&scenario)) else {
            println!("seed {seed}: panicked\n    {scenario}");
            panicked.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let mut totals = totals
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        totals.add(&scenario, result);
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let totals = totals
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    totals.print();
    print_plainest(&totals);
    let panicked = panicked.into_inner();
    if panicked > 0 {
        println!("\n{panicked} panicked");
    }
    panicked > 0 || !totals.failed.is_empty()
}

/// Simplifies the failing scenarios and prints the smallest of each kind.
fn print_plainest(totals: &Totals) {
    let mut kinds: BTreeMap<String, (usize, u64, Scenario, Violation)> = BTreeMap::new();
    for seed in totals
        .failed
        .values()
        .flat_map(|it| it.iter().take(MOST_MADE_PLAIN))
    {
        let scenario = Scenario::drawn(*seed);
        let Err(violation) = check(&scenario) else {
            continue;
        };
        let (scenario, violation) = plainest(scenario, violation);
        let (limiter, headers) = scenario.group();
        let kind = format!("{:?}, {limiter}, {headers:?}", violation.rule());
        let least = kinds
            .entry(kind)
            .or_insert_with(|| (0, *seed, scenario.clone(), violation.clone()));
        least.0 += 1;
        if scenario.load().calls() < least.2.load().calls() {
            (least.1, least.2, least.3) = (*seed, scenario, violation);
        }
    }
    for (kind, (count, seed, scenario, violation)) in kinds {
        println!(
            "\n{kind}: {count} made plain, the least of seed {seed}\n  {scenario}\n  {violation}"
        );
    }
}

impl Totals {
    fn add(&mut self, scenario: &Scenario, result: Result<Run, Violation>) {
        let seed = scenario.seed();
        self.played += 1;
        match result {
            Ok(run) => {
                let (kind, headers) = scenario.group();
                let honest = if scenario.is_honest() { "honest" } else { "" };
                let group = format!("{kind:<20} {:<10} {honest:<6}", format!("{headers:?}"));
                let sends = (run.sends_per_call(), seed);
                self.sends.entry(group).or_default().push(sends);
            }
            Err(violation) => {
                let seeds = self.failed.entry(violation.rule()).or_default();
                seeds.push(seed);
                // Lists the first failures of each rule in full.
                if seeds.len() <= 20 {
                    println!("seed {seed}: {violation}\n    {scenario}");
                }
            }
        }
        if self.played % 10_000 == 0 {
            println!("{} played", self.played);
        }
    }

    fn print(&self) {
        println!(
            "\n{:<38} {:>6} {:>6} {:>6} {:>6} {:>6}",
            "sends per call", "runs", "median", "p99", "worst", "seed"
        );
        for (group, sends) in &self.sends {
            let mut sends = sends.clone();
            sends.sort_by(|one, other| one.0.total_cmp(&other.0));
            let at = |share: f64| sends[((sends.len() - 1) as f64 * share) as usize];
            println!(
                "{group:<38} {:>6} {:>6.3} {:>6.3} {:>6.3} {:>6}",
                sends.len(),
                at(0.5).0,
                at(0.99).0,
                at(1.0).0,
                at(1.0).1
            );
        }
        let failed: usize = self.failed.values().map(Vec::len).sum();
        println!("\n{} played, {failed} failed", self.played);
        for (rule, seeds) in &self.failed {
            let mut first = seeds.clone();
            first.sort_unstable();
            first.truncate(10);
            println!("{rule:?}: {}, as {first:?}", seeds.len());
        }
    }
}

/// The most failures of a rule that are simplified.
const MOST_MADE_PLAIN: usize = 200;
