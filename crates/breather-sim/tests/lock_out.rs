//! Tests servers that lock callers out and state nothing.

use std::time::Duration;

use breather_sim::{Fate, Headers, Limiter, Load, Run, Server, run};

const SECOND: Duration = Duration::from_secs(1);

/// Plays 100 calls at a server that locks callers out for 30 s if they exceed `quota` in `seconds`. All of them
/// succeed.
fn played(quota: u64, seconds: u32, is_extended: bool, seed: u64) -> Run {
    let limiter = Limiter::lock_out(quota, seconds * SECOND, 30 * SECOND, is_extended);
    let server = Server::unlimited().with_limiter(limiter);
    let server = server.with_headers(Headers::None);
    let run = run(&server, &Load::spike(100), seed);
    assert_eq!(run.ok(), 100, "{server:?}, seed {seed}");
    run
}

/// Returns how often the server locked the callers out.
fn lock_outs(run: &Run) -> usize {
    let is_throttled = |fate: &Fate| *fate == Fate::ThrottledQuota;
    let fates = run
        .fates()
        .chunk_by(|a, b| is_throttled(a) == is_throttled(b));
    fates.filter(|fates| is_throttled(&fates[0])).count()
}

#[test]
fn two_lock_outs_teach_the_rate() {
    for (quota, seconds, longest) in [(5, 1, 170), (10, 2, 160), (50, 10, 70), (7, 3, 180)] {
        for seed in 1..=5 {
            let run = played(quota, seconds, false, seed);
            let case = format!("{quota} in {seconds} s, seed {seed}: {:?}", run.makespan());
            assert!(
                lock_outs(&run) <= 2,
                "{case}, {} lock-outs",
                lock_outs(&run)
            );
            assert!(run.makespan() <= longest * SECOND, "{case}");
        }
    }
}

#[test]
fn lock_outs_that_attempts_extend_end_within_a_few_times_their_length() {
    for (quota, seconds) in [(5, 1), (10, 2), (50, 10)] {
        for seed in 1..=5 {
            let run = played(quota, seconds, true, seed);
            let case = format!("{quota} in {seconds} s, seed {seed}: {:?}", run.makespan());
            assert!(
                lock_outs(&run) <= 2,
                "{case}, {} lock-outs",
                lock_outs(&run)
            );
            // An extended lock-out ends after about 92 s, when the pauses between probes exceed 30 s.
            assert!(run.makespan() <= 350 * SECOND, "{case}");
        }
    }
}
