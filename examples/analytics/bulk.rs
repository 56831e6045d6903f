use anyhow::{bail, ensure};

use crate::{
    client::Client,
    download::{Cursor, Download},
    way::Sink,
};

/// One job for all conversations: submitted once, polled until it is over, and read page by page.
pub(crate) async fn run(client: Client, rows: Sink) -> anyhow::Result<()> {
    // Both are of one form and zone, so that their order is that of their text.
    let available = client.available_until().await?;
    ensure!(
        &*available >= UNTIL,
        "jobs know of conversations up to {available} only; wait, or query those after it"
    );

    // This server knows keys. To one that doesn't, what may have been submitted is not submitted again, and an
    // error here means to look for the job before making another.
    let key = format!("{:032x}", rand::random::<u128>());
    let job = client.submit(Some(&key)).await?;
    match &*client.state(&job).await? {
        "FULFILLED" => {}
        state => bail!("the job is {state}"),
    }

    let mut download = Download::new(&client, &job, PAGE, Cursor::Start);
    let mut breaks = 0;
    loop {
        match download.next().await {
            Ok(Some(page)) => {
                // Whoever counted the rows has given up.
                let _ = rows.send(page);
            }
            Ok(None) => break,
            Err(_) if breaks < MOST_BREAKS => breaks += 1,
            Err(error) => {
                let cursor = download.cursor();
                return Err(error.context(format!("{job} broke off, and goes on at {cursor:?}")));
            }
        }
    }
    client.delete(&job).await
}

/// The end of the interval that is asked for.
const UNTIL: &str = "2026-01-01T00:00:00.000Z";

/// The rows of a page: the most that the server gives.
const PAGE: usize = 1000;

/// How often a page may be asked for again by ourselves, after all retries of its call.
const MOST_BREAKS: u32 = 3;
