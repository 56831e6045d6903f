//! Tests the pacer against servers that throttle one route only.

use std::time::Duration;

use breather::WaitReason;
use breather_sim::{Headers, Load, Run, Server, run};

const SECOND: Duration = Duration::from_secs(1);

/// Five calls a second for ten minutes.
const CALLS: usize = 3_000;

/// Returns the waits of the calls that go to other routes, in ascending order.
fn waits(run: &Run, barred: usize) -> Vec<Duration> {
    let reports = run.reports().iter().enumerate();
    let others = reports.filter(|(call, _)| call % barred != 0);
    let waits = others.map(|(_, report)| report.waited(WaitReason::Pacer));
    let mut waits: Vec<_> = waits.collect();
    waits.sort_unstable();
    waits
}

fn open() -> Load {
    Load::open(5.0, CALLS as u32 * SECOND / 5)
}

#[test]
fn calls_that_are_always_throttled_delay_neighbours_by_one_wait() {
    let servers = [
        (Headers::RetryAfter, Some(20)),
        (Headers::RetryAfter, Some(3)),
        (Headers::All, Some(20)),
        (Headers::None, None),
    ];
    for (headers, retry_after) in servers {
        let longest = SECOND + Duration::from_secs(retry_after.unwrap_or(2));
        let server = Server::unlimited().with_headers(headers);
        let server = server.with_barred_route(retry_after);
        // One call in all, or one in each minute.
        for nth in [CALLS, 300] {
            for seed in 1..=5 {
                let run = run(&server, &open().with_barred_calls(nth), seed);
                assert_eq!(run.ok(), CALLS - CALLS / nth, "seed {seed}");
                let waits = waits(&run, nth);
                let (p50, max) = (waits[waits.len() / 2], waits[waits.len() - 1]);
                let what = format!("{retry_after:?}, each {nth}th, seed {seed}: {p50:?}, {max:?}");
                assert!(p50 <= Duration::from_millis(100), "{what}");
                assert!(max <= longest, "{what}");
            }
        }
    }
}
