//! A flaky database call, retried: `cargo run --example closure`.

use anyhow::{anyhow, ensure};
use breather::{Breather, ReportSlot};
use breather_examples::flaky_db::{Db, DbError};
use breather_tokio::{RetryError, hint_of_error, retry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (breather, db) = (Breather::default(), Db::default());

    // By a condition of ours.
    let rows = retry(&breather, || async {
        db.query("SELECT id FROM conversations").await
    })
    .when(|error| error.is_transient())
    .with_hint(hint_of_error)
    .notify(|error, wait| println!("{error:?}: {wait}"))
    .await
    .map_err(|error| anyhow!("{error:?}"))?;
    println!("{} rows\n", rows.len());
    ensure!(rows.len() == 2, "two rows are there");

    // By what the errors say of themselves, `Busy` until when included. All calls of the scope wait
    // for a rejection of any; and reading may be done twice.
    let slot = ReportSlot::new();
    let result = retry(&breather, || async {
        db.query("SELECT id FROM agents").await
    })
    .with_scope("reporting database")
    .with_idempotent(true)
    .with_report_slot(slot.clone())
    .await;
    println!("{}", slot.report().unwrap_or_default());
    ensure!(
        result == Err(RetryError::Failed(DbError::NoTable)),
        "there are no agents"
    );
    Ok(())
}
