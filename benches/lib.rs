//! Counts the cost of a piece of code in instructions and allocations, with valgrind.
//!
//! Machines are shared and their clocks are noisy, but a count is the same each time. A bench
//! binary runs itself for each case, so no case is affected by another. Under
//! `valgrind --tool=callgrind`, it runs itself twice with different numbers of rounds, so work that
//! is done once cancels out. memcheck counts the allocations, and the bytes that a case holds.
//! Without valgrind, the benches show only nanoseconds, and label them as such.
//!
//! Instructions of the kernel are not counted. Under valgrind, reading the clock is a call to the
//! kernel.

use std::env;
use std::fmt;
use std::ops::Sub;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A piece of code with a name, to be counted.
pub struct Case {
    name: String,
    start: Box<dyn Fn() -> Box<dyn Metered>>,
    is_weighed: bool,
}

impl Case {
    /// Creates a case. `round` runs once for each count and should cost the same each time.
    #[must_use]
    pub fn new(name: impl Into<String>, round: fn()) -> Self {
        Self::started(name, move || round)
    }

    /// Creates a case with some preparation.
    ///
    /// `start` runs once, before all rounds, in the process that counts them. It is not counted.
    #[must_use]
    pub fn started<R: Round + 'static>(
        name: impl Into<String>,
        start: impl Fn() -> R + 'static,
    ) -> Self {
        let start = Box::new(move || Box::new(start()) as Box<dyn Metered>);
        Self {
            name: name.into(),
            start,
            is_weighed: false,
        }
    }

    /// Also counts the bytes that are allocated once the case has started.
    #[must_use]
    pub fn weighed(mut self) -> Self {
        self.is_weighed = true;
        self
    }

    /// Returns the name of the case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Code to be counted, with preparation before it and a check after it.
pub trait Round {
    /// The input of the code.
    type Input;
    /// The output of the code.
    type Output;

    /// Prepares the input. This is not counted.
    fn prepare(&mut self) -> Self::Input;

    /// Runs the code that is counted.
    fn run(&mut self, input: Self::Input) -> Self::Output;

    /// Panics unless the code did what its case says.
    ///
    /// Neither this check nor dropping `output` is counted.
    fn check(&mut self, output: Self::Output);
}

impl Round for fn() {
    type Input = ();
    type Output = ();

    fn prepare(&mut self) {}

    fn run(&mut self, (): ()) {
        self();
    }

    fn check(&mut self, (): ()) {}
}

/// The cost of one round of a case, or the difference of two costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    work: i64,
    allocations: Option<i64>,
}

impl Cost {
    /// Returns the work in the [`unit`](Costs::unit).
    #[must_use]
    pub const fn work(&self) -> i64 {
        self.work
    }

    /// Returns the number of allocations, if they can be counted.
    #[must_use]
    pub const fn allocations(&self) -> Option<i64> {
        self.allocations
    }
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            work: self.work - other.work,
            allocations: self.allocations.zip(other.allocations).map(|(a, b)| a - b),
        }
    }
}

/// The costs of some cases.
#[derive(Debug)]
pub struct Costs {
    unit: &'static str,
    costs: Vec<Cost>,
    weights: Vec<Option<i64>>,
}

impl Costs {
    /// Counts `cases`.
    ///
    /// Returns `None` in a process that was started to run one of them. Such a process has nothing
    /// more to do.
    ///
    /// # Panics
    ///
    /// Panics if a case panics, or if valgrind is installed and fails.
    #[must_use]
    pub fn count<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Option<Self> {
        let nothing = Case::new("nothing", || {});
        let mut cases: Vec<&Case> = cases.into_iter().collect();
        cases.push(&nothing);
        let args: Vec<_> = env::args().collect();
        if let [_, meter, index, rounds] = &args[..] {
            if let (Ok(index), Ok(rounds)) = (index.parse::<usize>(), rounds.parse()) {
                if let Some(count) = alone(cases[index], meter, rounds) {
                    println!("{count}");
                    return None;
                }
            }
        }
        let has_valgrind = Command::new("valgrind").arg("--version").output().is_ok();
        let cost = |(index, case): (usize, &&Case)| {
            if has_valgrind {
                instructions(case, index)
            } else {
                nanoseconds(case, index)
            }
        };
        let mut costs: Vec<_> = cases.iter().enumerate().map(cost).collect();
        // The cost of calling a round is not a part of the round.
        let nothing = costs.pop()?;
        for cost in &mut costs {
            *cost = *cost - nothing;
        }
        let unit = if has_valgrind {
            "instructions"
        } else {
            "ns (no valgrind)"
        };
        let weight = |(index, case): (usize, &&Case)| {
            (has_valgrind && case.is_weighed).then(|| bytes(case, index))
        };
        let weights = cases.iter().enumerate().map(weight).collect();
        Some(Self {
            unit,
            costs,
            weights,
        })
    }

    /// Returns the unit of the work.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        self.unit
    }

    /// Returns one cost for each case, in their order.
    #[must_use]
    pub fn each(&self) -> &[Cost] {
        &self.costs
    }

    /// Returns the bytes that are allocated once a case has started, in the order of the cases.
    ///
    /// Only cases that are [`weighed`](Case::weighed) have a value, and only if the bytes can be
    /// counted. The value includes the bytes that every process allocates.
    #[must_use]
    pub fn weights(&self) -> &[Option<i64>] {
        &self.weights
    }
}

/// Runs a bench, and prints a table of `cases`.
pub fn main(cases: &[Case]) {
    let Some(costs) = Costs::count(cases) else {
        return;
    };
    println!("{:54} {:>16} {:>12}", "", costs.unit(), "allocations");
    for (case, cost) in cases.iter().zip(costs.each()) {
        let allocations = cost
            .allocations()
            .map_or_else(|| "-".to_owned(), |count| count.to_string());
        println!("{:54} {:>16} {allocations:>12}", case.name, cost.work());
    }
}

/// Returns the name and version of a package that the benches are built with.
///
/// # Panics
///
/// Panics if there is no package of that name.
#[must_use]
pub fn versioned(package: &str) -> String {
    let entry = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = LOCK.split_once(&entry).expect("the package is locked");
    let version = rest.split('"').next().unwrap_or_default();
    format!("{package} {version}")
}

/// A [`Round`] of any type, whose counted part is handed to a meter.
trait Metered {
    fn round(&mut self, meter: &mut dyn FnMut(&mut dyn FnMut()));
}

impl<R: Round> Metered for R {
    fn round(&mut self, meter: &mut dyn FnMut(&mut dyn FnMut())) {
        let mut input = Some(self.prepare());
        let mut output = None;
        meter(&mut || output = input.take().map(|input| self.run(input)));
        if let Some(output) = output {
            self.check(output);
        }
    }
}

/// Returns the count of a meter for `case`, in this process.
fn alone(case: &Case, meter: &str, rounds: u32) -> Option<u128> {
    let mut code = (case.start)();
    match meter {
        RUN => {
            for _ in 0..rounds {
                code.round(&mut callgrind_counts_this);
            }
            Some(0)
        }
        PREPARE => {
            for _ in 0..rounds {
                code.round(&mut |_| ());
            }
            Some(0)
        }
        NANOSECONDS => {
            let mut took = Duration::ZERO;
            for _ in 0..rounds {
                code.round(&mut |part| {
                    let start = Instant::now();
                    part();
                    took += start.elapsed();
                });
            }
            Some(took.as_nanos() / u128::from(rounds))
        }
        WEIGH => {
            std::mem::forget(code);
            Some(0)
        }
        _ => None,
    }
}

/// Callgrind counts from the entry of this function to its end.
#[inline(never)]
fn callgrind_counts_this(part: &mut dyn FnMut()) {
    part();
}

/// Returns the instructions and allocations of one round.
fn instructions(case: &Case, index: usize) -> Cost {
    let instructions = |rounds| {
        let mut callgrind = Command::new("valgrind");
        callgrind.arg("--tool=callgrind");
        callgrind.arg("--callgrind-out-file=/dev/null");
        callgrind.arg("--toggle-collect=*callgrind_counts_this*");
        let output = run_in(callgrind, case, index, RUN, rounds);
        number_between(&output, "Collected : ", "\n")
    };
    let allocations = |meter| {
        let output = run_in(memcheck(), case, index, meter, ROUNDS);
        number_between(&output, "total heap usage: ", " allocs")
    };
    let rounds = i64::from(ROUNDS);
    Cost {
        work: (instructions(2 * ROUNDS) - instructions(ROUNDS)) / rounds,
        // Allocations that happen once are a small part of those of the rounds.
        allocations: Some((allocations(RUN) - allocations(PREPARE)) / rounds),
    }
}

/// Returns the bytes that are allocated when `case` has started.
fn bytes(case: &Case, index: usize) -> i64 {
    let output = run_in(memcheck(), case, index, WEIGH, 0);
    number_between(&output, "in use at exit: ", " bytes")
}

fn memcheck() -> Command {
    let mut memcheck = Command::new("valgrind");
    // The total of bytes in use is sufficient, so no search for leaks is needed.
    memcheck.args(["--tool=memcheck", "--leak-check=no"]);
    memcheck
}

/// Returns the output of valgrind.
fn run_in(mut valgrind: Command, case: &Case, index: usize, meter: &str, rounds: u32) -> String {
    valgrind.arg(this_binary());
    let output = run(valgrind, case, index, meter, rounds);
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn number_between(said: &str, before: &str, after: &str) -> i64 {
    let number = said.split_once(before).and_then(|(_, rest)| {
        let (number, _) = rest.split_once(after)?;
        number.trim().replace(',', "").parse().ok()
    });
    number.unwrap_or_else(|| panic!("valgrind counted nothing: {said}"))
}

fn nanoseconds(case: &Case, index: usize) -> Cost {
    let rounds = 100 * ROUNDS;
    let output = run(
        Command::new(this_binary()),
        case,
        index,
        NANOSECONDS,
        rounds,
    );
    let said = String::from_utf8_lossy(&output.stdout);
    let work = said.trim().parse();
    Cost {
        work: work.unwrap_or_else(|_| panic!("{}: its meter said {said}", case.name)),
        allocations: None,
    }
}

fn run(mut command: Command, case: &Case, index: usize, meter: &str, rounds: u32) -> Output {
    command.args([meter, &index.to_string(), &rounds.to_string()]);
    let output = command.output().expect("the program is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", case.name);
    output
}

fn this_binary() -> std::path::PathBuf {
    env::current_exe().expect("a bench has a path")
}

const RUN: &str = "--run";
const PREPARE: &str = "--prepare";
const NANOSECONDS: &str = "--nanoseconds";
const WEIGH: &str = "--weigh";

const ROUNDS: u32 = 1_000;

const LOCK: &str = include_str!("../Cargo.lock");
