use breather_examples::analytics::Conversation;

use crate::client::Client;

/// Reads the results of a job page by page, and can resume after a failure.
///
/// The cursor advances only after a whole page has arrived. After an error, [`next`](Self::next)
/// requests the failed page again. If you save the [`cursor`](Self::cursor), you can resume in
/// another process.
#[derive(Debug)]
pub(crate) struct Download<'c> {
    client: &'c Client,
    job: String,
    page_size: usize,
    cursor: Cursor,
}

/// Where the next page begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Cursor {
    Start,
    After(String),
    End,
}

impl<'c> Download<'c> {
    pub(crate) fn new(client: &'c Client, job: &str, page_size: usize, cursor: Cursor) -> Self {
        Self {
            client,
            job: job.to_owned(),
            page_size,
            cursor,
        }
    }

    /// Returns the next page, or `None` after the last.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<Conversation>>> {
        let cursor = match &self.cursor {
            Cursor::Start => None,
            Cursor::After(cursor) => Some(&**cursor),
            Cursor::End => return Ok(None),
        };
        let page = self.client.results(&self.job, cursor, self.page_size);
        let page = page.await?;
        self.cursor = page.cursor.map_or(Cursor::End, Cursor::After);
        Ok(Some(page.conversations))
    }

    pub(crate) fn cursor(&self) -> &Cursor {
        &self.cursor
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use breather_examples::analytics::{Faults, Options, Server};

    use super::*;
    use crate::rows::Rows;

    #[tokio::test]
    async fn interrupted_download_resumes_at_its_cursor() {
        // The server cuts off every third response. The submission is the first request.
        let server = Server::start(
            Options::default()
                .with_service_time(Duration::from_millis(2))
                .with_job_time(Duration::ZERO)
                .with_faults(Faults::none().with_cuts_every(NonZeroU32::new(3).unwrap())),
        )
        .unwrap();
        // Without retries, so that the download itself has to recover.
        let client = Client::plain(server.details_url()).unwrap();
        let job = client.submit(None).await.unwrap();
        let mut rows = Rows::default();
        let mut written = Cursor::Start;
        let mut breaks = 0;
        loop {
            let mut download = Download::new(&client, &job, 100, written.clone());
            match download.next().await {
                Ok(Some(page)) => rows.add(page),
                Ok(None) => break,
                Err(_) => {
                    breaks += 1;
                    assert_eq!(download.cursor(), &written);
                }
            }
            written = download.cursor().clone();
        }
        assert_eq!(rows.wrong(server.conversations()), 0);
        assert_eq!(rows.lost(server.conversations()), 0);
        assert_eq!(rows.duplicates(), 0);
        // Ten pages, with one failed request for every two pages.
        assert_eq!(breaks, 5);
        assert_eq!(server.stats().sends, 1 + 10 + breaks);
    }
}
