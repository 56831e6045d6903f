use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout_at},
};

/// Collects keys from callers, requests them in batches, and gives each caller its value.
///
/// The batcher sends a batch when it is full, or when its first key has waited for the delay. If
/// several callers ask for the same key, the batch contains it once.
///
/// It is built on tokio's channels because the crates for batching cannot retry a part of a batch.
/// `batched-fn` runs a blocking handler on a thread of a static, `batched` wraps only free
/// functions, and `scuffle-batching` and `batchy` pass on the result of the batch.
pub(crate) struct Batcher<K, V, E> {
    queue: mpsc::Sender<Wanted<K, V, E>>,
}

/// The result for one key of a batch.
pub(crate) enum Item<V> {
    Done(V),
    /// A transient failure. The batcher adds the key to a later batch.
    Again,
    Failed(String),
}

impl<K, V, E> Batcher<K, V, E>
where
    K: Clone + Hash + Ord + Send + 'static,
    V: Clone + Send + 'static,
    E: Send + Sync + 'static,
{
    /// Creates a batcher that calls `run` with up to `most` keys, after `delay` at the latest.
    pub(crate) fn new<F>(
        most: usize,
        delay: Duration,
        run: impl Fn(Vec<K>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<HashMap<K, Item<V>>, E>> + Send + 'static,
    {
        let (queue, wanted) = mpsc::channel(most);
        // Weak, so that the collector ends when the batcher is dropped.
        let again = queue.downgrade();
        tokio::spawn(collect(wanted, again, most, delay, run));
        Self { queue }
    }

    pub(crate) async fn get(&self, key: K) -> Result<V, BatchError<E>> {
        let (answer, answered) = oneshot::channel();
        let wanted = Wanted {
            key,
            tries: 0,
            answer,
        };
        let sent = self.queue.send(wanted).await;
        sent.map_err(|_| BatchError::Lost)?;
        answered.await.unwrap_or(Err(BatchError::Lost))
    }
}

struct Wanted<K, V, E> {
    key: K,
    tries: u32,
    answer: oneshot::Sender<Result<V, BatchError<E>>>,
}

async fn collect<K, V, E, F>(
    mut queue: mpsc::Receiver<Wanted<K, V, E>>,
    again: mpsc::WeakSender<Wanted<K, V, E>>,
    most: usize,
    delay: Duration,
    run: impl Fn(Vec<K>) -> F,
) where
    K: Clone + Hash + Ord + Send + 'static,
    V: Clone + Send + 'static,
    E: Send + Sync + 'static,
    F: Future<Output = Result<HashMap<K, Item<V>>, E>> + Send + 'static,
{
    let mut batches = JoinSet::new();
    while let Some(first) = queue.recv().await {
        let due = Instant::now() + delay;
        let mut batch = Batch::from([(first.key.clone(), vec![first])]);
        while batch.len() < most {
            let Ok(Some(wanted)) = timeout_at(due, queue.recv()).await else {
                break;
            };
            batch.entry(wanted.key.clone()).or_default().push(wanted);
        }
        // Skip callers that gave up while they waited.
        batch.retain(|_, wanted| {
            wanted.retain(|wanted| !wanted.answer.is_closed());
            !wanted.is_empty()
        });
        while batches.try_join_next().is_some() {}
        if !batch.is_empty() {
            let asked = run(batch.keys().cloned().collect());
            let again = again.clone();
            batches.spawn(async move { split(batch, asked.await, &again).await });
        }
    }
}

/// Sorted by key, so that the same callers always send the same query.
type Batch<K, V, E> = BTreeMap<K, Vec<Wanted<K, V, E>>>;

async fn split<K: Hash + Ord, V: Clone, E>(
    batch: Batch<K, V, E>,
    ended: Result<HashMap<K, Item<V>>, E>,
    again: &mpsc::WeakSender<Wanted<K, V, E>>,
) {
    let mut items = match ended {
        Ok(items) => items,
        Err(error) => {
            let error = Arc::new(error);
            for wanted in batch.into_values().flatten() {
                let _ = wanted.answer.send(Err(BatchError::Batch(error.clone())));
            }
            return;
        }
    };
    for (key, all_wanted) in batch {
        let item = items.remove(&key);
        for mut wanted in all_wanted {
            wanted.tries += 1;
            let answer = match &item {
                Some(Item::Done(value)) => Ok(value.clone()),
                Some(Item::Again) if wanted.tries < TRIES => {
                    if let Some(queue) = again.upgrade() {
                        let _ = queue.send(wanted).await;
                    }
                    continue;
                }
                Some(Item::Again) => Err(BatchError::Item("failed too often".into())),
                Some(Item::Failed(reason)) => Err(BatchError::Item(reason.clone())),
                None => Err(BatchError::Item("was not answered".into())),
            };
            let _ = wanted.answer.send(answer);
        }
    }
}

/// Why a key has no value.
#[derive(Debug)]
pub(crate) enum BatchError<E> {
    /// The whole batch failed, for all of its callers.
    Batch(Arc<E>),
    /// Only this key failed.
    Item(String),
    /// The task that ran the batch panicked, or the runtime is shutting down.
    Lost,
}

impl<E: fmt::Display> fmt::Display for BatchError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The message includes the sources, because a shared error cannot be a `source`.
            Self::Batch(error) => write!(f, "the batch failed: {error:#}"),
            Self::Item(reason) => write!(f, "the item {reason}"),
            Self::Lost => f.write_str("the batch was lost"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for BatchError<E> {}

/// The attempts for a key with transient failures: the first and three retries, as for a call.
const TRIES: u32 = 4;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::future::join_all;

    use super::*;

    /// The requested batches, each sorted by key.
    type Asked = Arc<Mutex<Vec<Vec<u32>>>>;

    fn batcher(
        most: usize,
        item: impl Fn(u32, usize) -> Result<Item<u32>, &'static str> + Send + Sync + 'static,
    ) -> (Batcher<u32, u32, &'static str>, Asked) {
        let asked = Asked::default();
        let item = Arc::new(item);
        let log = asked.clone();
        let batcher = Batcher::new(most, Duration::from_millis(10), move |mut keys| {
            keys.sort_unstable();
            let mut log = log.lock().unwrap();
            log.push(keys.clone());
            let (number, item) = (log.len(), item.clone());
            async move {
                let items = keys.into_iter().map(|key| Ok((key, item(key, number)?)));
                items.collect()
            }
        });
        (batcher, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn full_batch_is_sent_immediately_and_partial_after_delay() {
        let (batcher, asked) = batcher(3, |key, _| Ok(Item::Done(key * 10)));
        let start = Instant::now();
        let gets = (1..=5).map(|key| {
            let get = batcher.get(key);
            async move { (get.await.unwrap(), start.elapsed().as_millis()) }
        });
        let answers = join_all(gets).await;
        let values: Vec<_> = answers.iter().map(|&(value, _)| value).collect();
        assert_eq!(values, [10, 20, 30, 40, 50]);
        assert!(answers[..3].iter().all(|&(_, after)| after == 0));
        assert!(answers[3..].iter().all(|&(_, after)| after >= 10));
        assert_eq!(*asked.lock().unwrap(), [vec![1, 2, 3], vec![4, 5]]);
    }

    #[tokio::test(start_paused = true)]
    async fn duplicate_key_is_requested_once_per_batch() {
        let (batcher, asked) = batcher(3, |key, _| Ok(Item::Done(key)));
        let values = join_all([7, 7, 8, 7].map(|key| batcher.get(key))).await;
        let values: Vec<_> = values.into_iter().map(Result::unwrap).collect();
        assert_eq!(values, [7, 7, 8, 7]);
        assert_eq!(*asked.lock().unwrap(), [[7, 8]]);
    }

    #[tokio::test(start_paused = true)]
    async fn failed_batch_fails_its_callers_but_not_the_next() {
        let (batcher, _) = batcher(2, |key, number| match number {
            1 => Err("no"),
            _ => Ok(Item::Done(key)),
        });
        for result in join_all([1, 2].map(|key| batcher.get(key))).await {
            assert_eq!(result.unwrap_err().to_string(), "the batch failed: no");
        }
        assert_eq!(batcher.get(1).await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn only_transient_items_are_requested_again() {
        let (batcher, asked) = batcher(4, |key, number| {
            Ok(match key {
                2 if number < 3 => Item::Again,
                3 => Item::Failed("is unknown".into()),
                4 => Item::Again,
                _ => Item::Done(key),
            })
        });
        let results = join_all((1..=4).map(|key| batcher.get(key))).await;
        let texts = results.into_iter().map(|result| match result {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        });
        assert_eq!(
            texts.collect::<Vec<_>>(),
            ["1", "2", "the item is unknown", "the item failed too often"]
        );
        let expected = [vec![1, 2, 3, 4], vec![2, 4], vec![2, 4], vec![4]];
        assert_eq!(*asked.lock().unwrap(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn abandoned_key_is_not_requested() {
        let (batcher, asked) = batcher(10, |key, _| Ok(Item::Done(key)));
        let impatient = tokio::time::timeout(Duration::from_millis(5), batcher.get(1));
        let (gave_up, value) = tokio::join!(impatient, batcher.get(2));
        assert!(gave_up.is_err());
        assert_eq!(value.unwrap(), 2);
        assert_eq!(*asked.lock().unwrap(), [[2]]);
    }
}
