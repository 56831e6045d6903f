//! Fetches the details of thousands of conversations from a rate-limited API in four ways.
//!
//! Run it with `cargo run --release --example analytics`. Add `-- --help` to list its options. It
//! checks that all ways return the same rows, and otherwise exits with status 1.
//! `docs/analytics.md` describes the ways.

use std::{
    io::{self, Write, stderr, stdout},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use clap::Parser;

use options::Options;
use report::Report;
use way::Way;

mod batched;
mod batcher;
mod bulk;
mod cache;
mod client;
mod download;
mod each;
mod options;
mod progress;
mod report;
mod rows;
mod submissions;
mod way;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr fails, the exit status still reports the error.
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    // Both ends of each connection are in this process. If the limit stays too low, calls fail and
    // report it.
    let _ = rlimit::increase_nofile_limit(2 * u64::from(options.callers) + 100);
    let limit = Duration::from_secs(options.limit_s.into());
    let mut rows = Vec::new();
    for way in Way::ALL {
        let row = way.run(options.server(), options.callers as usize, limit);
        rows.push(row.await?);
    }
    let report = Report::new(rows);
    let mut notes = Vec::new();
    if !options.json {
        notes.extend(submissions::demonstrate().await?);
        notes.push(cache::demonstrate().await?);
    }
    print(&report, &notes, options.json)
}

fn print(report: &Report, notes: &[String], as_json: bool) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    let mut write = || {
        if as_json {
            report.write_json(&mut out)?;
        } else {
            report.write_table(&mut out)?;
            writeln!(out)?;
            for note in notes {
                writeln!(out, "{note}")?;
            }
        }
        out.flush()
    };
    match write() {
        // The reader, such as `head`, has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the report"),
    }
}
