use std::{pin::pin, time::Duration};

use anyhow::Context;
use breather_examples::analytics::{self, Conversation, Server, Stats};
use breather_reqwest::breather::Breather;
use tokio::{
    sync::mpsc,
    time::{Instant, interval, timeout},
};

use crate::{batched, bulk, client::Client, each, progress::Progress, report::Row, rows::Rows};

/// Receives the rows as they arrive.
pub(crate) type Sink = mpsc::UnboundedSender<Vec<Conversation>>;

/// The ways to fetch many conversations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    Naive,
    Paced,
    Batched,
    Bulk,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Naive, Self::Paced, Self::Batched, Self::Bulk];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Naive => "one call each, sleep(2^n + U(0,1))",
            Self::Paced => "one call each, breather",
            Self::Batched => "batched queries, breather",
            Self::Bulk => "bulk job, breather",
        }
    }

    /// Fetches all conversations from a fresh server.
    ///
    /// # Errors
    ///
    /// Returns an error if the way fails, or if its rows differ from the server's. Only the naive
    /// way may be incomplete when the `limit` has passed.
    pub(crate) async fn run(
        self,
        options: analytics::Options,
        callers: usize,
        limit: Duration,
    ) -> anyhow::Result<Row> {
        let server = Server::start(options)?;
        let details = server.details_url();
        let client = match self {
            Self::Naive => Client::plain(details)?,
            _ => Client::paced(details, Breather::default())?,
        };
        let stats = || server.stats();
        self.fetch(client, server.conversations(), stats, callers, limit)
            .await
    }

    /// Fetches the `expected` conversations through `client`. `stats` reads the server's counts.
    async fn fetch(
        self,
        client: Client,
        expected: &[Conversation],
        stats: impl Fn() -> Stats,
        callers: usize,
        limit: Duration,
    ) -> anyhow::Result<Row> {
        let ids: Vec<_> = expected
            .iter()
            .map(|row| row.conversation_id.clone())
            .collect();

        let mut progress = Progress::start(self.name(), ids.len());
        let start = Instant::now();
        let (sink, mut source) = mpsc::unbounded_channel();
        let counted = client.clone();
        let work = async {
            match self {
                Self::Naive => each::naively(counted, ids, callers, sink).await,
                Self::Paced => each::paced(counted, ids, callers, sink).await,
                Self::Batched => batched::run(counted, ids, callers, sink).await,
                Self::Bulk => bulk::run(counted, sink).await,
            }
        };
        let mut rows = Rows::default();
        let ended = {
            let mut work = pin!(timeout(limit, work));
            let mut ticks = interval(TICK);
            loop {
                tokio::select! {
                    Some(page) = source.recv() => rows.add(page),
                    _ = ticks.tick() => progress.update(rows.len(), stats().throttled()),
                    ended = &mut work => break ended,
                }
            }
        };
        let took = start.elapsed();
        while let Ok(page) = source.try_recv() {
            rows.add(page);
        }
        let stats = stats();
        progress.finish(rows.len(), stats.throttled());

        let is_cut = ended.is_err();
        match ended {
            Ok(result) => result.with_context(|| format!("{}: failed", self.name()))?,
            Err(_) if self == Self::Naive => {}
            Err(elapsed) => return Err(elapsed).context(self.name()),
        }
        let (wrong, lost) = (rows.wrong(expected), rows.lost(expected));
        anyhow::ensure!(
            wrong == 0 && (lost == 0 || is_cut),
            "{}: {wrong} rows are wrong, {lost} are lost",
            self.name()
        );
        Ok(Row {
            name: self.name(),
            calls: client.calls(),
            sends: stats.sends,
            throttled: stats.throttled(),
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            rows: rows.len(),
            duplicates: rows.duplicates(),
            lost,
            is_cut,
        })
    }
}

const TICK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use breather_examples::analytics::{Faults, InProcess, Options};

    use super::*;

    #[tokio::test]
    async fn each_way_fetches_all_rows_over_sockets() {
        let options = small().with_quota(NonZeroU32::new(1_000).unwrap());
        for way in Way::ALL {
            let row = way.run(options, CALLERS, LIMIT).await.unwrap();
            assert_eq!((row.rows, row.duplicates, row.lost), (300, 0, 0), "{row:?}");
            assert!(!row.is_cut);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_way_fetches_all_rows() {
        for way in Way::ALL {
            let row = in_process(way, small(), LIMIT).await.unwrap();
            assert_eq!((row.rows, row.duplicates, row.lost), (300, 0, 0), "{row:?}");
            assert!(!row.is_cut);
            if way == Way::Naive {
                assert_eq!(row.calls, 300);
            } else {
                assert!(row.sends as f64 <= 1.05 * row.calls as f64, "{row:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_way_fetches_all_rows_despite_faults() {
        let every = |count| NonZeroU32::new(count).unwrap();
        let faults = Faults::none()
            .with_items_every(every(13))
            .with_slow_every(every(11))
            .with_cuts_every(every(37))
            .with_drops_every(every(31))
            .with_errors_every(every(29));
        // A job takes so few requests that it would hardly meet one of the faults above.
        let often = Faults::none().with_cuts_every(every(2));
        for (way, faults) in [
            (Way::Paced, faults),
            (Way::Batched, faults),
            (Way::Bulk, often),
        ] {
            let row = in_process(way, small().with_faults(faults), LIMIT).await;
            let row = row.unwrap();
            assert_eq!((row.rows, row.duplicates, row.lost), (300, 0, 0), "{row:?}");
            if way != Way::Batched {
                assert!(row.sends > row.calls + row.throttled, "{row:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_naive_way_may_be_cut_short() {
        let limit = Duration::from_millis(500);
        let options = small().with_quota(NonZeroU32::new(100).unwrap());
        let row = in_process(Way::Naive, options, limit).await.unwrap();
        assert!(row.is_cut);
        assert_eq!((row.rows, row.lost), (100, 200), "{row:?}");
        let error = in_process(Way::Paced, options, limit).await.unwrap_err();
        assert_eq!(error.to_string(), Way::Paced.name());
    }

    async fn in_process(way: Way, options: Options, limit: Duration) -> anyhow::Result<Row> {
        let api = InProcess::new(&options);
        let client = match way {
            Way::Naive => Client::plain_in_process(&api),
            _ => Client::paced_in_process(&api, 1),
        };
        let stats = || api.stats();
        way.fetch(client, api.conversations(), stats, CALLERS, limit)
            .await
    }

    fn small() -> Options {
        Options::default()
            .with_conversations(300)
            .with_quota(NonZeroU32::new(200).unwrap())
            .with_window(Duration::from_secs(1))
            .with_service_time(Duration::from_millis(5))
            .with_job_time(Duration::from_millis(500))
    }

    const CALLERS: usize = 20;

    /// Ends a test that hangs.
    const LIMIT: Duration = Duration::from_secs(120);
}
