//! Compares HTTP clients that retry against a rate-limited server over real sockets.
//!
//! Run it with `cargo run --release --example spike`. Add `-- --help` to list its options. The
//! example prints a table, and draws the requests of each client over time as an SVG.

use std::{
    io::{self, Write, stderr, stdout},
    process::ExitCode,
};

use anyhow::Context;
use breather_examples::analytics::Server;
use clap::Parser;

use limit::Limit;
use options::Options;
use progress::Progress;
use report::Report;
use svg_file::SvgFile;

mod chart;
mod client;
mod descriptors;
mod limit;
mod load;
mod options;
mod progress;
mod report;
mod row;
mod svg_file;
mod units;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, there is no other place for the message.
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::from(FAILURE)
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    descriptors::provide_for(options.callers)?;
    let svg_file = SvgFile::open(options.svg.as_deref())?;
    let server_options = options.server();
    let ideal = options.ideal();
    let limit = Limit::new(options.limit, &ideal);
    let mut report = Report::new(options, ideal);
    for (index, &client) in options.clients.iter().enumerate() {
        let limit = limit.of_first(&options.clients[index..]);
        let session = client.session(options.seed)?;
        let server = Server::start(server_options)?;
        let mut progress = Progress::start(&client.name(), options.calls);
        let run = load::drive(session, &server, options, limit, &mut progress).await;
        progress.finish(run.completions.len(), run.stats.throttled());
        server.shutdown().await?;
        report.add(client, run);
    }

    print(&report, options.json)?;
    svg_file.write(&report.chart().document())?;
    // The chart is written even if this line cannot be.
    let _ = writeln!(stderr(), "chart: {svg_file}");
    Ok(())
}

fn print(report: &Report<'_>, as_json: bool) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    let written = if as_json {
        report.write_json(&mut out)
    } else {
        report.write_table(&mut out)
    };
    match written.and_then(|()| out.flush()) {
        // The reader, for example `head`, has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the report"),
    }
}

/// The exit status that clap also uses for an invalid option.
const FAILURE: u8 = 2;
