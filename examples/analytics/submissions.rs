use std::{num::NonZeroU32, time::Duration};

use anyhow::ensure;
use breather_examples::analytics::{Faults, Options, Server, Stats};
use breather_reqwest::breather::Breather;

use crate::client::Client;

/// Submits jobs to throttling and failing servers, and reports the sends and jobs of each
/// submission.
///
/// # Errors
///
/// Returns an error if a submission does not make exactly one job.
pub(crate) async fn demonstrate() -> anyhow::Result<[String; 3]> {
    let server = Server::start(busy())?;
    let details = server.details_url();
    let others = Client::plain(details.clone())?;
    let client = Client::paced(details, Breather::default())?;
    let throttled = throttled(&others, &client, || server.stats()).await?;
    Ok([throttled, dropped().await?, keyed().await?])
}

/// Submits while too many jobs run. The server rejects the call, so breather sends it again.
async fn throttled(
    others: &Client,
    client: &Client,
    stats: impl Fn() -> Stats,
) -> anyhow::Result<String> {
    others.submit(None).await?;
    client.submit(None).await?;
    let stats = stats();
    ensure!(stats.jobs == 2, "{stats:?}");
    Ok(format!(
        "A submission that was throttled with 429: sent {} times, one job.",
        stats.sends - 1
    ))
}

/// Submits over a connection that breaks before the response arrives.
///
/// The server may have executed the submission, so breather doesn't send it again.
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

/// Does the same with an idempotency key, so breather may send the submission again.
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

fn busy() -> Options {
    options().with_jobs(NonZeroU32::MIN)
}

fn options() -> Options {
    Options::default()
        .with_service_time(Duration::from_millis(5))
        .with_job_time(Duration::from_millis(800))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use breather_examples::analytics::InProcess;
    use tokio::{
        task::JoinSet,
        time::{Instant, sleep},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn throttled_submission_is_retried_and_makes_one_job() {
        let api = InProcess::new(&busy());
        let others = Client::plain_in_process(&api);
        let client = Client::paced_in_process(&api, 1);
        let throttled = throttled(&others, &client, || api.stats()).await.unwrap();
        assert_eq!(
            throttled,
            "A submission that was throttled with 429: sent 2 times, one job."
        );
    }

    #[tokio::test]
    async fn submission_without_response_makes_one_job_over_sockets() {
        let [_, dropped, keyed] = demonstrate().await.unwrap();
        assert_eq!(
            dropped,
            "One whose connection broke: sent 1 time, one job, and an error for the caller."
        );
        assert_eq!(
            keyed,
            "The same with an idempotency key: sent 2 times, one job."
        );
    }

    #[tokio::test(start_paused = true)]
    async fn repeatedly_throttled_submissions_make_one_job_each() {
        let api = InProcess::new(&busy());
        // Each client has its own handle, so they share no information and return at the same time.
        let mut submissions = JoinSet::new();
        for seed in 0..4 {
            let client = Client::paced_in_process(&api, seed);
            submissions.spawn(async move { client.submit(None).await });
        }
        let mut jobs = HashSet::new();
        while let Some(job) = submissions.join_next().await {
            jobs.insert(job.unwrap().unwrap());
        }
        let stats = api.stats();
        assert_eq!((jobs.len(), stats.jobs), (4, 4));
        assert!(stats.throttled_by_jobs >= 4, "{stats:?}");
        assert_eq!(stats.sends, 4 + stats.throttled_by_jobs);
    }

    #[tokio::test]
    async fn server_error_on_submission_is_not_retried() {
        let faults = Faults::none().with_errors_every(NonZeroU32::MIN);
        let server = Server::start(options().with_faults(faults)).unwrap();
        let client = Client::paced(server.details_url(), Breather::default()).unwrap();
        assert!(client.submit(None).await.is_err());
        assert_eq!(server.stats().sends, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn throttled_submission_holds_no_other_call() {
        let api = InProcess::new(&busy());
        let client = Client::paced_in_process(&api, 1);
        client.submit(None).await.unwrap();
        let submitting = {
            let client = client.clone();
            tokio::spawn(async move { client.submit(None).await })
        };
        while api.stats().throttled_by_jobs == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        let start = Instant::now();
        let id = &api.conversations()[0].conversation_id;
        client.conversation(id).await.unwrap();
        assert!(start.elapsed() < Duration::from_millis(500));
        submitting.await.unwrap().unwrap();
        assert!(start.elapsed() >= Duration::from_millis(500));
        assert_eq!(api.stats().jobs, 2);
    }
}
