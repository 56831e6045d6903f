//! Plays many callers against a rate-limited server in virtual time, with breather and other
//! clients.
//!
//! `cargo run --release -p breather-storm` prints a table. `-- --help` lists the options.

use std::fs::{self, OpenOptions};
use std::io::{self, Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use breather_sim::run_client_watched;
use breather_storm::{Chart, Track};
use clap::Parser;

use self::options::Options;
use self::progress::Progress;
use self::report::Report;

mod change;
mod client;
mod giving_up;
mod limit;
mod number;
mod options;
mod progress;
mod report;
mod row;
mod spell;

fn main() -> ExitCode {
    let options = Options::parse();
    match options.check().and_then(|()| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If this fails, there is no other place to report it.
            let _ = writeln!(stderr(), "error: {error}");
            ExitCode::from(FAILURE)
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    if let Some(path) = &options.svg {
        // This finds an unusable file name before anything is played.
        let mut file = OpenOptions::new();
        let opened = file.append(true).create(true).open(path);
        opened.map_err(|error| complaint(path, &error))?;
    }
    let (server, load) = (options.server(), options.load());
    let ideals: Vec<_> = options
        .seeds()
        .map(|seed| server.ideal(&load, seed))
        .collect();
    let mut chart = Chart::new(options.description(), ideals[0].makespan());
    if let Some(window) = options.resets() {
        chart = chart.with_window(window);
    }
    let mut report = Report::new(options);
    let mut progress = Progress::start(options.clients().len(), ideals.len(), load.calls());
    for &client in options.clients() {
        let client = client.client(&options.settings());
        let mut runs = Vec::new();
        for (seed, ideal) in options.seeds().zip(&ideals) {
            progress.on_run(&client.name());
            let run =
                run_client_watched(&server, &load, &client, seed, &mut |_| progress.on_call());
            if runs.is_empty() && options.svg.is_some() {
                chart = chart.with_track(Track::of_run(client.name(), &run));
            }
            runs.push(row::Measures::of(&run, ideal));
        }
        report.add(&client.name(), &runs);
    }
    progress.finish();
    print(&report, options.json)?;
    if let Some(path) = &options.svg {
        let svg = chart.document().to_string();
        fs::write(path, svg).map_err(|error| complaint(path, &error))?;
        // The chart is complete even if this message cannot be written.
        let _ = writeln!(stderr(), "chart: {}", path.display());
    }
    Ok(())
}

fn complaint(path: &Path, error: &io::Error) -> String {
    format!(
        "cannot write the chart to {} (see --svg): {error}",
        path.display()
    )
}

fn print(report: &Report, as_json: bool) -> Result<(), String> {
    let mut out = stdout().lock();
    let written = if as_json {
        report.write_json(&mut out)
    } else {
        report.write_table(&mut out)
    };
    match written.and_then(|()| out.flush()) {
        // The reader, for example `head`, has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| format!("cannot write the report: {error}")),
    }
}

/// The same status as clap's for a rejected option.
const FAILURE: u8 = 2;
