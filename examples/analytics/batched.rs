use std::{collections::HashMap, sync::Arc, time::Duration};

use breather_examples::analytics::Conversation;

use crate::{
    batcher::{Batcher, Item},
    client::Client,
    each::each,
    way::Sink,
};

/// Fetches one conversation per caller, with the requests collected into queries.
pub(crate) async fn run(
    client: Client,
    ids: Vec<String>,
    callers: usize,
    rows: Sink,
) -> anyhow::Result<()> {
    let batcher = Arc::new(Batcher::new(MOST, DELAY, move |ids| {
        let client = client.clone();
        async move { ask(&client, ids).await }
    }));
    let fetch = move |_, id| {
        let batcher = batcher.clone();
        async move { Ok(batcher.get(id).await?) }
    };
    each(ids, callers, rows, fetch).await
}

/// Fetches all pages of one query.
async fn ask(
    client: &Client,
    ids: Vec<String>,
) -> anyhow::Result<HashMap<String, Item<Conversation>>> {
    let mut items = HashMap::with_capacity(ids.len());
    for number in 1.. {
        let page = client.query(&ids, PAGE, number).await?;
        for row in page.conversations {
            items.insert(row.conversation_id.clone(), Item::Done(row));
        }
        for failure in page.errors {
            let item = match failure.status {
                500.. => Item::Again,
                _ => Item::Failed(format!("failed: {}", failure.code)),
            };
            items.insert(failure.conversation_id, item);
        }
        if number * PAGE >= page.total_hits {
            break;
        }
    }
    Ok(items)
}

/// The most ids that the server accepts in one query.
const MOST: usize = 200;

/// The most rows that the server returns on one page.
const PAGE: usize = 100;

/// Short compared to the call itself, and long enough to collect callers that arrive together.
const DELAY: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use breather_examples::analytics::{Faults, Options, Server};
    use breather_reqwest::breather::Breather;

    use super::*;

    #[tokio::test]
    async fn partial_query_failure_affects_only_failed_items() {
        let server = Server::start(
            Options::default()
                .with_service_time(Duration::from_millis(2))
                .with_faults(Faults::none().with_items_every(NonZeroU32::new(3).unwrap())),
        )
        .unwrap();
        let client = Client::paced(server.details_url(), Breather::default()).unwrap();
        let mut ids: Vec<_> = server.conversations()[..5]
            .iter()
            .map(|row| row.conversation_id.clone())
            .collect();
        ids.push("none".into());
        let items = ask(&client, ids).await.unwrap();
        let count = |is: fn(&Item<Conversation>) -> bool| items.values().filter(|i| is(i)).count();
        assert_eq!(count(|item| matches!(item, Item::Done(_))), 4);
        assert_eq!(count(|item| matches!(item, Item::Again)), 1);
        assert_eq!(count(|item| matches!(item, Item::Failed(_))), 1);
    }
}
