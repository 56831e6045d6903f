//! Counts what a piece of code costs: instructions, by valgrind, and allocations.
//!
//! Machines are shared and their clocks noisy; a count is the same each time. A bench binary runs itself
//! under `valgrind --tool=callgrind` twice for each case, with two numbers of rounds, so that whatever
//! start-up costs cancels out. Where valgrind is not there, nanoseconds are shown and said to be such.

use std::env;
use std::process::{Command, Stdio};
use std::time::Instant;

/// A piece of code with a name, to be counted.
#[derive(Debug)]
pub struct Case {
    name: &'static str,
    round: fn(),
}

impl Case {
    /// `round` runs once for each count, and is expected to cost the same each time.
    #[must_use]
    pub const fn new(name: &'static str, round: fn()) -> Self {
        Self { name, round }
    }

    fn run(&self, rounds: u32) {
        for _ in 0..rounds {
            (self.round)();
        }
    }

    fn allocations(&self) -> u64 {
        // Whatever is made once is made before.
        self.run(1);
        allocation_counter::measure(|| self.run(1)).count_total
    }

    fn instructions(&self) -> Option<u64> {
        let few = self.counted(ROUNDS)?;
        let many = self.counted(2 * ROUNDS)?;
        Some(many.saturating_sub(few) / u64::from(ROUNDS))
    }

    /// The instructions of a process that runs the case so often.
    fn counted(&self, rounds: u32) -> Option<u64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(env::current_exe().ok()?)
            .args([COUNTED, self.name, &rounds.to_string()])
            .stdout(Stdio::null())
            .output()
            .ok()?;
        let said = String::from_utf8(output.stderr).ok()?;
        let line = said.lines().find(|line| line.contains("Collected : "))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    fn nanoseconds(&self) -> u64 {
        let rounds = 100 * ROUNDS;
        let start = Instant::now();
        self.run(rounds);
        (start.elapsed().as_nanos() / u128::from(rounds)) as u64
    }
}

/// The main function of a bench: prints a table of `cases`.
pub fn main(cases: &[Case]) {
    let args: Vec<String> = env::args().collect();
    if let [_, flag, name, rounds] = &args[..] {
        if flag == COUNTED {
            let case = cases.iter().find(|case| case.name == name);
            if let (Some(case), Ok(rounds)) = (case, rounds.parse()) {
                case.run(rounds);
            }
            return;
        }
    }
    let has_valgrind = cases
        .first()
        .is_some_and(|case| case.instructions().is_some());
    let unit = if has_valgrind {
        "instructions"
    } else {
        "ns (no valgrind)"
    };
    println!("{:54} {unit:>16} {:>12}", "", "allocations");
    for case in cases {
        let cost = case.instructions().unwrap_or_else(|| case.nanoseconds());
        println!("{:54} {cost:>16} {:>12}", case.name, case.allocations());
    }
}

const COUNTED: &str = "--counted";

const ROUNDS: u32 = 1_000;
