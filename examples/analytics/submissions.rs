use std::{num::NonZeroU32, time::Duration};

use anyhow::ensure;
use breather_examples::analytics::{Faults, Options, Server};
use breather_reqwest::breather::Breather;

use crate::client::Client;

/// Submits jobs where that goes wrong, and tells how often each was sent and what it made.
///
/// # Errors
///
/// If a submission makes more jobs than one.
pub(crate) async fn demonstrate() -> anyhow::Result<[String; 3]> {
    Ok([refused().await?, dropped().await?, keyed().await?])
}

/// As many jobs as may are running: it was not executed, so that it is sent again when there is room.
async fn refused() -> anyhow::Result<String> {
    let server = Server::start(options().with_jobs(NonZeroU32::MIN))?;
    let others = Client::plain(server.details_url())?;
    others.submit(None).await?;
    let client = Client::paced(server.details_url(), Breather::default())?;
    client.submit(None).await?;
    let stats = server.stats();
    ensure!(stats.jobs == 2, "{stats:?}");
    Ok(format!(
        "A submission that was refused with 429: sent {} times, one job.",
        stats.sends - 1
    ))
}

/// The connection broke instead of an answer: nobody knows whether it was executed, so that it isn't sent again.
async fn dropped() -> anyhow::Result<String> {
    let faults = Faults::none().with_drops_every(NonZeroU32::MIN);
    let server = Server::start(options().with_faults(faults))?;
    let client = Client::paced(server.details_url(), Breather::default())?;
    let failed = client.submit(None).await;
    let stats = server.stats();
    ensure!(failed.is_err() && stats.jobs == 1, "{stats:?}");
    Ok(format!(
        "One whose connection broke: sent {} time, one job, and an error for the caller.",
        stats.sends
    ))
}

/// The same with a key, by which the server knows it again.
async fn keyed() -> anyhow::Result<String> {
    let faults = Faults::none().with_drops_every(const { NonZeroU32::new(2).unwrap() });
    let server = Server::start(options().with_faults(faults))?;
    let client = Client::paced(server.details_url(), Breather::default())?;
    client.available_until().await?;
    client.submit(Some("a key of this export")).await?;
    let stats = server.stats();
    ensure!(stats.jobs == 1, "{stats:?}");
    Ok(format!(
        "The same with an idempotency key: sent {} times, one job.",
        stats.sends - 1
    ))
}

fn options() -> Options {
    Options::default()
        .with_service_time(Duration::from_millis(5))
        .with_job_time(Duration::from_millis(800))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Instant};

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn a_submission_makes_one_job_however_it_goes() {
        assert_eq!(
            demonstrate().await.unwrap(),
            [
                "A submission that was refused with 429: sent 2 times, one job.",
                "One whose connection broke: sent 1 time, one job, and an error for the caller.",
                "The same with an idempotency key: sent 2 times, one job.",
            ]
        );
    }

    #[tokio::test]
    async fn submissions_that_are_refused_again_and_again_make_one_job_each() {
        let server = Server::start(options().with_jobs(NonZeroU32::MIN)).unwrap();
        // Handles of their own, so that none knows of the others and all come back at the same time.
        let mut submissions = JoinSet::new();
        for _ in 0..4 {
            let client = Client::paced(server.details_url(), Breather::default()).unwrap();
            submissions.spawn(async move { client.submit(None).await });
        }
        let mut jobs = HashSet::new();
        while let Some(job) = submissions.join_next().await {
            jobs.insert(job.unwrap().unwrap());
        }
        let stats = server.stats();
        assert_eq!((jobs.len(), stats.jobs), (4, 4));
        assert!(stats.refused_by_jobs >= 4, "{stats:?}");
        assert_eq!(stats.sends, 4 + stats.refused_by_jobs);
    }

    #[tokio::test]
    async fn an_error_of_the_server_is_not_taken_for_a_refusal() {
        let faults = Faults::none().with_errors_every(NonZeroU32::MIN);
        let server = Server::start(options().with_faults(faults)).unwrap();
        let client = Client::paced(server.details_url(), Breather::default()).unwrap();
        assert!(client.submit(None).await.is_err());
        assert_eq!(server.stats().sends, 1);
    }

    #[tokio::test]
    async fn a_submission_that_waits_holds_no_other_call() {
        let server = Server::start(options().with_jobs(NonZeroU32::MIN)).unwrap();
        let client = Client::paced(server.details_url(), Breather::default()).unwrap();
        client.submit(None).await.unwrap();
        let submitting = {
            let client = client.clone();
            tokio::spawn(async move { client.submit(None).await })
        };
        while server.stats().refused_by_jobs == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let start = Instant::now();
        let id = &server.conversations()[0].conversation_id;
        client.conversation(id).await.unwrap();
        assert!(start.elapsed() < Duration::from_millis(500));
        submitting.await.unwrap().unwrap();
        assert!(start.elapsed() >= Duration::from_millis(500));
        assert_eq!(server.stats().jobs, 2);
    }
}
