//! An HTTP reverse proxy with breather in the middle: clients in any language point at it, and see no 429.
//!
//! Run it with `cargo run --release --example gateway -- --upstream https://api.example.com`; `--help` lists its options, and
//! `docs/gateway.md` says what it is for. What it sends is paced for each token by itself, and what is throttled is sent again
//! when the upstream said so, while its caller waits.

use std::{
    io::{Write, stderr, stdout},
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;
use tokio::runtime::Runtime;

use gateway::Gateway;
use options::Options;

mod answer;
mod client;
mod gateway;
mod ledger;
mod options;
mod proxy;
mod queue;
mod shutdown;
mod status;
mod turn;
mod upload;
mod upstream;

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if this fails.
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::from(FAILURE)
        }
    }
}

fn run(options: Options) -> anyhow::Result<()> {
    let runtime = Runtime::new().context("cannot start the runtime")?;
    let result = runtime.block_on(serve(options));
    // A name that is being looked up cannot be called off, and is not waited for.
    runtime.shutdown_background();
    result
}

async fn serve(options: Options) -> anyhow::Result<()> {
    // Each call takes two; if it may not be raised, the limit that there is will do for fewer.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    // Before the port is told, so that whoever reads it may end the process at once.
    let signals = shutdown::Signals::new().context("cannot wait for signals")?;
    let gateway = Gateway::bind(options).await?;
    say(&format!("listening on http://{}", gateway.addr()))?;
    gateway.serve(signals).await;
    Ok(())
}

/// For a script that waits for the line, it is not kept back.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("cannot write to the standard output")
}

/// The status that clap exits with too, when it refuses an option.
const FAILURE: u8 = 2;
