use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use breather_examples::analytics::Conversation;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use tokio::{task::JoinSet, time::sleep};

use crate::{client::Client, way::Sink};

/// Runs `callers` tasks that make one call at a time, until they have fetched all `ids`.
///
/// `fetch` receives the number of the call and the id.
pub(crate) async fn each<F>(
    ids: Vec<String>,
    callers: usize,
    rows: Sink,
    fetch: impl Fn(usize, String) -> F + Clone + Send + 'static,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Conversation>> + Send + 'static,
{
    let ids = Arc::new(ids);
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..callers.min(ids.len()) {
        let (ids, next) = (ids.clone(), next.clone());
        let (rows, fetch) = (rows.clone(), fetch.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(id) = ids.get(number) else {
                    return anyhow::Ok(());
                };
                let row = fetch(number, id.clone()).await?;
                // This fails only if the receiver has given up.
                let _ = rows.send(vec![row]);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// Makes one call for each conversation, in a loop that sleeps after each failure.
pub(crate) async fn naively(
    client: Client,
    ids: Vec<String>,
    callers: usize,
    rows: Sink,
) -> anyhow::Result<()> {
    let fetch = move |number, id: String| {
        let client = client.clone();
        async move {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(number as u64);
            client.count(1);
            let mut attempt = 0;
            loop {
                match client.attempt(&id).await {
                    Ok(row) => return Ok(row),
                    Err(_) => {
                        let delay_s = 2_f64.powi(attempt) + random.random::<f64>();
                        sleep(Duration::from_secs_f64(delay_s)).await;
                        attempt += 1;
                    }
                }
            }
        }
    };
    each(ids, callers, rows, fetch).await
}

/// Makes one call for each conversation, paced by breather.
pub(crate) async fn paced(
    client: Client,
    ids: Vec<String>,
    callers: usize,
    rows: Sink,
) -> anyhow::Result<()> {
    let fetch = move |_, id: String| {
        let client = client.clone();
        async move { client.conversation(&id).await }
    };
    each(ids, callers, rows, fetch).await
}
