use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use breather_examples::analytics::{Server, Stats, Timeline};
use reqwest::StatusCode;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, interval, sleep_until},
};

use crate::{client::Session, options::Options, progress::Progress};

/// The results of a load.
#[derive(Debug)]
pub(crate) struct Run {
    /// The time limit of the load.
    pub(crate) limit: Duration,
    /// The calls that ended before the limit, in the order of their ends.
    pub(crate) completions: Vec<Completion>,
    /// The counts of the server.
    pub(crate) stats: Stats,
    pub(crate) timeline: Timeline,
    /// The time from the start of the load until the first request reached the server.
    pub(crate) first_send: Duration,
}

/// A call that has ended.
#[derive(Debug)]
pub(crate) struct Completion {
    /// The time since the start of the load.
    pub(crate) at: Duration,
    pub(crate) result: anyhow::Result<StatusCode>,
}

/// Makes the calls with all callers until the limit.
pub(crate) async fn drive(
    session: Session,
    server: &Server,
    options: &Options,
    limit: Duration,
    progress: &mut Progress,
) -> Run {
    let calls = options.calls;
    let next_call = Arc::new(AtomicU32::new(0));
    let (completed, mut completions) = mpsc::unbounded_channel();

    let start = Instant::now();
    // When the limit passes, the set is dropped. This aborts the remaining callers.
    let mut callers = JoinSet::new();
    for _ in 0..options.callers {
        let session = session.clone();
        let url = server.url();
        let next_call = next_call.clone();
        let completed = completed.clone();
        callers.spawn(async move {
            loop {
                let number = next_call.fetch_add(1, Ordering::Relaxed);
                if number >= calls {
                    break;
                }
                let result = session.call(&url, number).await;
                let at = start.elapsed();
                if completed.send(Completion { at, result }).is_err() {
                    break;
                }
            }
        });
    }
    // The channel closes when the last caller ends, because this sender is dropped here.
    drop(completed);

    let mut done = Vec::with_capacity(calls as usize);
    let mut refresh = interval(REFRESH);
    let limit_passed = sleep_until(start + limit);
    tokio::pin!(limit_passed);
    loop {
        tokio::select! {
            completion = completions.recv() => match completion {
                Some(completion) => done.push(completion),
                None => break,
            },
            _ = refresh.tick() => progress.update(done.len(), server.stats().throttled()),
            () = &mut limit_passed => break,
        }
    }

    let timeline = server.timeline();
    let first_send = timeline.start().map_or(Duration::ZERO, |first| {
        first.duration_since(start.into_std())
    });
    Run {
        limit,
        completions: done,
        stats: server.stats(),
        timeline,
        first_send,
    }
}

/// The time between two updates of the progress.
const REFRESH: Duration = Duration::from_millis(100);
