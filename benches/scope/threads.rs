//! Threads that take and return permits of one handle at the same time.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use breather::{Breather, CallSpec, Outcome, Step, Timer};

use crate::manual_timer::ManualTimer;
use crate::quiet::answer;

/// Times all, and prints them side by side.
pub(crate) fn print() {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let columns = [Sharing::Scope, Sharing::Handle, Sharing::Nothing];
    let mut rates = columns.map(|_| THREADS.map(|_| Vec::with_capacity(TURNS)));
    // The first turn warms up.
    for turn in 0..=TURNS {
        for (column, sharing) in rates.iter_mut().zip(columns) {
            for (rates, threads) in column.iter_mut().zip(THREADS) {
                let rate = rate(threads, sharing);
                if turn > 0 {
                    rates.push(rate);
                }
            }
        }
    }
    let head = format!("{:>9} {:>15}", "million/s", "of one thread's");
    println!(
        "{:20} {:^28} {:^28} {:^28}",
        format!("threads, {processors} processors"),
        "one scope",
        "a scope each",
        "a handle each"
    );
    println!("{:20} {head:>28} {head:>28} {head:>28}", "");
    for (row, threads) in THREADS.iter().enumerate() {
        let cells = rates.iter().map(|column| cell(&column[row], &column[0]));
        let cells: Vec<_> = cells.collect();
        println!("  {threads:<18} {}", cells.join(" "));
    }
}

fn cell(rates: &[f64], of_one: &[f64]) -> String {
    let ratios = rates.iter().zip(of_one).map(|(rate, one)| rate / one);
    let [low, middle, high] = quartiles(ratios.collect());
    let [_, rate, _] = quartiles(rates.to_vec());
    let spread = format!("{middle:.2} ({low:.2}-{high:.2})");
    format!("{:>9.2} {spread:>18}", rate / 1e6)
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let at = |quarter| values[(values.len() - 1) * quarter / 4];
    [at(1), at(2), at(3)]
}

/// What threads have in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sharing {
    Scope,
    Handle,
    Nothing,
}

/// The permits a second of so many threads.
fn rate(threads: usize, sharing: Sharing) -> f64 {
    let shared = Breather::default();
    let timer = ManualTimer::new();
    let (ready, is_over) = (Barrier::new(threads + 1), AtomicBool::new(false));
    thread::scope(|scope| {
        let (ready, is_over) = (&ready, &is_over);
        let works = |index: usize| {
            let (breather, name) = match sharing {
                Sharing::Scope => (shared.clone(), SCOPE.to_owned()),
                Sharing::Handle => (shared.clone(), format!("{index}.example.com")),
                Sharing::Nothing => (Breather::default(), SCOPE.to_owned()),
            };
            scope.spawn(move || {
                ready.wait();
                let mut permits = 0_u64;
                while !is_over.load(Ordering::Relaxed) {
                    pass(&breather, &name, timer);
                    permits += 1;
                }
                permits
            })
        };
        let workers: Vec<_> = (0..threads).map(works).collect();
        ready.wait();
        let start = Instant::now();
        while start.elapsed() < TURN {
            thread::sleep(TICK);
            timer.set(breather::Instant::ORIGIN + start.elapsed());
        }
        is_over.store(true, Ordering::Relaxed);
        let took = start.elapsed();
        let permits = workers
            .into_iter()
            .map(|it| it.join().expect("no call panics"));
        permits.sum::<u64>() as f64 / took.as_secs_f64()
    })
}

/// A call from its start to its drop.
fn pass(breather: &Breather, scope: &str, timer: ManualTimer) {
    let mut call = breather.start(Some(scope), CallSpec::new(), timer, 7);
    // There is room for more than there are threads.
    assert_eq!(call.poll_step(Waker::noop()), Step::Send);
    let _ = call.on_outcome(Outcome::success(), &answer(timer.now(), true));
}

const THREADS: [usize; 4] = [1, 2, 4, 8];
const SCOPE: &str = "api.example.com";

const TURNS: usize = 15;
const TURN: Duration = Duration::from_millis(100);

/// How often the clock moves.
const TICK: Duration = Duration::from_millis(1);
