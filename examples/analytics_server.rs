//! Runs the analytics API of the other examples alone, for clients in any language.
//!
//! Run it with `cargo run --release --example analytics-server -- --port 8080`. `--help` lists its
//! limits. When you stop it with Ctrl-C or SIGTERM, it prints how many requests it throttled.

use std::{
    io::{Write, stderr, stdout},
    num::NonZeroU32,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use breather_examples::analytics::{self, Server};
use clap::Parser;

/// Serves an analytics API that accepts a quota of calls in each window and a cap of calls in
/// flight, and immediately rejects all others with 429.
#[derive(Debug, Parser)]
#[command(name = "analytics-server")]
struct Options {
    /// Port on 127.0.0.1, or 0 for any free port
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,

    /// Calls that the server accepts in each window
    #[arg(long, value_name = "N", default_value = "300")]
    quota: NonZeroU32,

    /// Length of the windows in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    window_ms: u64,

    /// Calls that the server allows in flight
    #[arg(long, value_name = "N", default_value = "50")]
    cap: NonZeroU32,

    /// Median time of an accepted call in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    service_ms: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(stderr(), "error: {error:#}");
            // clap exits with the same status when it rejects an option.
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    // Each connection takes a file descriptor. If the limit cannot be raised, fewer fit.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let limits = analytics::Options::default()
        .with_port(options.port)
        .with_quota(options.quota)
        // All tokens share one quota.
        .with_org_quota(options.quota)
        .with_window(Duration::from_millis(options.window_ms))
        .with_cap(options.cap)
        .with_service_time(Duration::from_millis(options.service_ms));
    let server = Server::start(limits)?;
    say(&format!("listening at {}", server.url()))?;
    ended().await?;
    let stats = server.stats();
    say(&format!(
        "{} requests, {} throttled: {} by the quota, {} by the cap",
        stats.sends,
        stats.throttled(),
        stats.throttled_by_quota,
        stats.throttled_by_cap,
    ))
}

/// Prints a line and flushes it, because a script may wait for it.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .context("cannot write to the standard output")
}

#[cfg(unix)]
async fn ended() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

#[cfg(not(unix))]
async fn ended() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
