//! An HTTP reverse proxy that paces and retries calls for clients in any language.
//!
//! Point your clients at the gateway instead of the API. It paces each token separately. If the
//! upstream throttles a request, the gateway retries it at the time that the upstream gave, while
//! the caller waits for the response.
//!
//! Run it with `cargo run --release --example gateway -- --upstream https://api.example.com`. See
//! `--help` for its options and `docs/gateway.md` for a guide.

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
            // If stderr is closed, the exit code still reports the failure.
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::from(FAILURE)
        }
    }
}

fn run(options: Options) -> anyhow::Result<()> {
    let runtime = Runtime::new().context("cannot start the runtime")?;
    let result = runtime.block_on(serve(options));
    // A pending DNS lookup cannot be cancelled, so the runtime must not wait for it.
    runtime.shutdown_background();
    result
}

async fn serve(options: Options) -> anyhow::Result<()> {
    // Each call takes two file descriptors. If the limit cannot be raised, fewer calls fit.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    // Signals work before the port is printed, so a script that reads it can stop the gateway
    // immediately.
    let signals = shutdown::Signals::new().context("cannot wait for signals")?;
    let gateway = Gateway::bind(options).await?;
    say(&format!("listening on http://{}", gateway.addr()))?;
    gateway.serve(signals).await;
    Ok(())
}

/// Prints a line and flushes it, because a script may be waiting for it.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("cannot write to the standard output")
}

/// The exit code that clap also uses for invalid options.
const FAILURE: u8 = 2;
