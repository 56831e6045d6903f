//! Retries a flaky database call. Run it with `cargo run --example closure`.

use anyhow::{anyhow, ensure};
use breather::{Breather, ReportSlot};
use breather_examples::flaky_db::{Db, DbError};
use breather_tokio::{RetryError, hint_of_error, retry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (breather, db) = (Breather::default(), Db::default());

    // Retries by a condition that the caller passes.
    let rows = retry(&breather, || async {
        db.query("SELECT id FROM conversations").await
    })
    .when(|error| error.is_transient())
    .with_hint(hint_of_error)
    .notify(|error, wait| println!("{error:?}: {wait}"))
    .await
    .map_err(|error| anyhow!("{error:?}"))?;
    println!("{} rows\n", rows.len());
    ensure!(rows.len() == 2, "expected two rows");

    // Retries by `AsOutcome`, which also says how long `Busy` lasts. If one call of the scope is
    // throttled, all calls of the scope wait. The call is idempotent because it only reads.
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
        "expected `NoTable`, because there is no table of agents"
    );
    Ok(())
}
