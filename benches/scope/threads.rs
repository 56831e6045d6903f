//! Threads that take and return permits of one handle at the same time.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use breather::{
    Breather, Outcome,
    driver::{NewCall, Step, Timer},
};

use crate::manual_timer::ManualTimer;
use crate::quiet::answer;

/// Times all combinations and prints them side by side.
pub(crate) fn print() {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    // The first turn warms up.
    let mut turns: Vec<_> = (0..=TURNS).map(|_| Turn::time()).skip(1).collect();
    turns.sort_by(|one, other| other.spare().total_cmp(&one.spare()));
    turns.truncate(KEPT);
    let head = format!("{:>9} {:>18}", "million/s", "of one thread's");
    println!(
        "{:20} {:>28} {:>28} {:>28}",
        format!("threads, {processors} processors"),
        "one scope",
        "a scope each",
        "a handle each"
    );
    println!("{:20} {head} {head} {head}", "");
    for (row, threads) in THREADS.iter().enumerate() {
        let cells = (0..SHARING.len()).map(|column| cell(&turns, column, row));
        let cells: Vec<_> = cells.collect();
        println!("  {threads:<18} {}", cells.join(" "));
    }
}

/// The permits a second of all combinations, timed one after another.
struct Turn([[f64; THREADS.len()]; SHARING.len()]);

impl Turn {
    fn time() -> Self {
        Self(SHARING.map(|sharing| THREADS.map(|threads| rate(threads, sharing))))
    }

    /// Returns how much of the machine was free, by the rate of threads that share nothing.
    fn spare(&self) -> f64 {
        let [.., nothing] = &self.0;
        nothing.iter().sum()
    }
}

fn cell(turns: &[Turn], column: usize, row: usize) -> String {
    let rates = turns.iter().map(|turn| turn.0[column][row]);
    let ratios = turns.iter().map(|turn| {
        let rates = &turn.0[column];
        rates[row] / rates[0]
    });
    let [_, rate, _] = quartiles(rates.collect());
    let [low, middle, high] = quartiles(ratios.collect());
    let spread = format!("{middle:.2} ({low:.2}-{high:.2})");
    format!("{:>9.2} {spread:>18}", rate / 1e6)
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

/// The part that threads share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sharing {
    Scope,
    Handle,
    Nothing,
}

/// Returns the permits a second of `threads` threads.
fn rate(threads: usize, sharing: Sharing) -> f64 {
    let shared = Breather::default();
    let timer = ManualTimer::new();
    let (ready, is_over) = (Barrier::new(threads + 1), AtomicBool::new(false));
    let passed: Vec<_> = (0..threads).map(|_| Passed::default()).collect();
    // Permits of threads that start late or run longer are not counted. With fewer processors than
    // threads, starting and stopping takes a while.
    let counted = || passed.iter().map(|it| it.0.load(Ordering::Relaxed));
    thread::scope(|scope| {
        for (index, passed) in passed.iter().enumerate() {
            let (breather, name) = match sharing {
                Sharing::Scope => (shared.clone(), SCOPE.to_owned()),
                Sharing::Handle => (shared.clone(), format!("{index}.example.com")),
                Sharing::Nothing => (Breather::default(), SCOPE.to_owned()),
            };
            let (ready, is_over) = (&ready, &is_over);
            scope.spawn(move || {
                ready.wait();
                for permits in 1.. {
                    request(&breather, &name, timer);
                    passed.0.store(permits, Ordering::Relaxed);
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        ready.wait();
        let (start, before) = (Instant::now(), counted().sum::<u64>());
        while start.elapsed() < SLICE {
            thread::sleep(TICK);
            timer.set(breather::driver::Instant::ORIGIN + start.elapsed());
        }
        let (took, after) = (start.elapsed(), counted().sum::<u64>());
        is_over.store(true, Ordering::Relaxed);
        (after - before) as f64 / took.as_secs_f64()
    })
}

/// The permits of a thread, on a cache line of their own, so that threads don't share them.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Passed(AtomicU64);

/// Makes a call from its start to its drop.
fn request(breather: &Breather, scope: &str, timer: ManualTimer) {
    let mut call = breather.start(
        NewCall::new().with_origin(scope).with_idempotent(true),
        timer,
        7,
    );
    // The pacer has room for more calls than there are threads.
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    let _ = call.on_outcome(Outcome::success(), &answer(timer.now(), true));
}

const THREADS: [usize; 4] = [1, 2, 4, 8];
const SCOPE: &str = "api.example.com";

const SHARING: [Sharing; 3] = [Sharing::Scope, Sharing::Handle, Sharing::Nothing];

/// The number of turns, and the number of turns that are shown. Those are the turns in which the
/// machine was most free. Only threads that share nothing decide which turns are kept, so the
/// choice does not favour the others.
const TURNS: usize = 60;
const KEPT: usize = 15;

/// The length of each measurement. It is short, so that a shared machine is idle for some of them.
const SLICE: Duration = Duration::from_millis(20);

/// How often the clock moves.
const TICK: Duration = Duration::from_millis(1);
