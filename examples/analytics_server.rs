//! The analytics API of the other examples by itself, for clients in any language.
//!
//! Run it with `cargo run --release --example analytics-server -- --port 8080`; `--help` lists its limits. It counts what it
//! throttles, and prints that when it is ended by Ctrl-C or SIGTERM.

use std::{
    io::{Write, stderr, stdout},
    num::NonZeroU32,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use breather_examples::analytics::{self, Server};
use clap::Parser;

/// Serves an analytics API that accepts a quota of calls in each window, as long as no more than its cap are in
/// flight, and throttles all others at once with 429.
#[derive(Debug, Parser)]
#[command(name = "analytics-server")]
struct Options {
    /// Port on 127.0.0.1; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,

    /// Calls that are accepted in each window
    #[arg(long, value_name = "N", default_value = "300")]
    quota: NonZeroU32,

    /// Length of the windows in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    window_ms: u64,

    /// Calls that may be in flight
    #[arg(long, value_name = "N", default_value = "50")]
    cap: NonZeroU32,

    /// Median time of a call that is accepted, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    service_ms: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(stderr(), "error: {error:#}");
            // That of clap, too, when it refuses an option.
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    // Each connection takes one; if it may not be raised, the limit that there is will do for fewer.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let limits = analytics::Options::default()
        .with_port(options.port)
        .with_quota(options.quota)
        // One for all, whatever token they have.
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

/// For a script that waits for the line, it is not kept back.
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
