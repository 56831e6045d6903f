use anyhow::{bail, ensure};

use crate::{
    client::Client,
    download::{Cursor, Download},
    way::Sink,
};

/// Fetches all conversations with one job.
///
/// It submits the job once, polls it until it is over, and reads its results page by page.
pub(crate) async fn run(client: Client, rows: Sink) -> anyhow::Result<()> {
    // Both have the same format and time zone, so comparing the strings compares the instants.
    let available = client.available_until().await?;
    ensure!(
        &*available >= UNTIL,
        "jobs know of conversations up to {available} only; wait, or query those after it"
    );

    // This server supports idempotency keys. For a server that doesn't, submit without a key.
    // breather then doesn't repeat a submission that may have been executed, and after an error you
    // look for the job before you make another.
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
                // This fails only if the receiver has given up.
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

/// The end of the requested interval.
const UNTIL: &str = "2026-01-01T00:00:00.000Z";

/// The rows of a page. The server gives no more.
const PAGE: usize = 1000;

/// How often the loop requests pages again, after all retries of a call failed.
const MOST_BREAKS: u32 = 3;
