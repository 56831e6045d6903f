//! Tests that forked processes draw different seeds.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use breather_tokio::breather::driver::Seeds;
use breather_tokio::random_seeds;
use fork::{Fork, fork, waitpid};

const DRAWS: usize = 64;

/// Forks, and returns the seeds that the child draws.
///
/// The child only draws seeds and writes them to a socket.
fn draw_in_child(seeds: impl Fn() -> u64) -> BTreeSet<u64> {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    match fork().unwrap() {
        Fork::Child => {
            for _ in 0..DRAWS {
                let _ = theirs.write_all(&seeds().to_ne_bytes());
            }
            // Abort, so the child neither flushes nor drops anything of the parent.
            std::process::abort();
        }
        Fork::Parent(child) => {
            drop(theirs);
            let mut bytes = Vec::new();
            ours.read_to_end(&mut bytes).unwrap();
            waitpid(child).unwrap();
            let words = bytes.chunks_exact(8).map(|word| word.try_into().unwrap());
            let drawn: BTreeSet<_> = words.map(u64::from_ne_bytes).collect();
            assert_eq!(drawn.len(), DRAWS, "the child draws a seed twice");
            drawn
        }
    }
}

fn draw_here(seeds: impl Fn() -> u64) -> BTreeSet<u64> {
    (0..DRAWS).map(|_| seeds()).collect()
}

/// Asserts that a parent and its two children draw different seeds.
fn assert_all_differ(case: &str, seeds: impl Fn() -> u64) {
    let first = draw_in_child(&seeds);
    let second = draw_in_child(&seeds);
    let parent = draw_here(&seeds);
    assert!(first.is_disjoint(&parent), "{case}: child and parent");
    assert!(second.is_disjoint(&parent), "{case}: child and parent");
    assert!(first.is_disjoint(&second), "{case}: two children");
}

/// Runs as one test, so that no other thread draws or allocates while this process forks.
#[test]
fn forked_processes_draw_different_seeds_unless_fixed() {
    let drawn_before = random_seeds();
    let _ = drawn_before.draw();
    assert_all_differ("drawn before", || drawn_before.draw());

    let unused = random_seeds();
    assert_all_differ("unused", || unused.draw());

    // The fork also copies the entropy.
    assert_all_differ("made after the fork", || random_seeds().draw());

    let [theirs, ours] = [7; 2].map(Seeds::new);
    let child = draw_in_child(|| theirs.draw());
    assert_eq!(child, draw_here(|| ours.draw()), "fixed");
}
