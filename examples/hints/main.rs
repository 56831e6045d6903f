//! Shows how breather reads a response.
//!
//! Run it with `cargo run --example hints -- 'retry-after: 7'`. Pass the headers as arguments, or
//! on standard input as `curl -sD -` prints them. Add `-- --help` to list the options.

use std::{
    io::{self, BufRead, BufReader, IsTerminal, Write, stdin, stdout},
    ops::Range,
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use breather::{
    Dialect, Hint,
    driver::{Instant, Moment, UnixTime},
};
use clap::Parser;

use answer::Answer;
use batch::Line;
use head::Head;

mod answer;
mod batch;
mod head;

/// Shows how breather reads a response.
///
/// Prints how long breather would wait, each quota window, and the header of each value.
///
/// Pass the headers as arguments, or on standard input as `curl -sD -` prints them. Standard input
/// may have status lines, and several responses one after the other.
#[derive(Debug, Parser)]
#[command(name = "hints", verbatim_doc_comment)]
struct Options {
    /// Headers, each as `name: value`
    #[arg(value_name = "HEADER", conflicts_with = "batch")]
    headers: Vec<String>,

    /// Status of the response, if the input has no status line
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(i64::from(STATUSES.start)..i64::from(STATUSES.end)))]
    status: Option<u16>,

    /// Time to compare dates with, such as 2026-11-24T00:00:00Z [default: this machine's clock]
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<UnixTime>,

    /// Dialect of the server. If several dialects name a header, the first one wins
    #[arg(long = "dialect", value_name = "NAME", value_parser = dialect)]
    dialects: Vec<Dialect>,

    /// Print a JSON object for each response
    #[arg(long)]
    json: bool,

    /// Read a JSON object from each line of standard input and print one for each. An example of
    /// a line is {"status": 429, "now": "2026-11-24T00:00:00Z", "headers": [["retry-after", "7"]]}
    #[arg(long)]
    batch: bool,
}

/// The statuses that a response may have.
const STATUSES: Range<u16> = 100..1000;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader has closed the pipe.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, there is no other place for the message.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    if options.batch {
        for (number, line) in stdin().lock().split(b'\n').enumerate() {
            let line = line?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let answer = || {
                let line: Line = serde_json::from_slice(&line)?;
                let mut head = line.head()?;
                head.status = head.status.or(options.status);
                let now = line.now()?.or(options.now);
                anyhow::Ok(head.answer(now, &options.dialects, |answer| answer.json()))
            };
            let answer = answer().with_context(|| format!("line {}", number + 1))?;
            writeln!(out, "{answer}")?;
        }
        return Ok(());
    }
    for (number, mut head) in heads(options)?.into_iter().enumerate() {
        head.status = head.status.or(options.status);
        if options.json {
            let json = head.answer(options.now, &options.dialects, |answer| answer.json());
            writeln!(out, "{json}")?;
        } else {
            if number > 0 {
                writeln!(out)?;
            }
            let words = head.answer(options.now, &options.dialects, |answer| answer.words());
            write!(out, "{words}")?;
        }
    }
    Ok(())
}

fn heads(options: &Options) -> anyhow::Result<Vec<Head>> {
    if options.headers.is_empty() {
        ensure!(
            !stdin().is_terminal(),
            "there is no header: pass some as arguments, such as `hints 'retry-after: 7'`, or on standard input"
        );
        return head::read_all(BufReader::new(stdin().lock()));
    }
    let mut head = Head::default();
    for line in &options.headers {
        head.read_line(line.as_bytes())?;
    }
    Ok(vec![head])
}

impl Head {
    /// Reads the response at `now`, or at the current time, and passes it to `tell`.
    fn answer<T>(
        &self,
        now: Option<UnixTime>,
        dialects: &[Dialect],
        tell: impl FnOnce(&Answer<'_>) -> T,
    ) -> T {
        let now = now.unwrap_or_else(|| std::time::SystemTime::now().into());
        let moment = Moment::new(Instant::ORIGIN)
            .with_wall_clock(&now)
            .with_dialects(dialects);
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_slice()));
        let hint = Hint::read(headers, moment);
        tell(&Answer {
            status: self.status,
            hint: &hint,
        })
    }
}

fn time(text: &str) -> anyhow::Result<UnixTime> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(UnixTime::from_micros(time.as_microsecond()));
    }
    // `jiff` accepts the last day of 9999 as a date, but not as a timestamp.
    let date = text.strip_suffix('Z').and_then(|date| date.parse().ok());
    let date: jiff::civil::DateTime =
        date.context("expected a date such as 2026-11-24T00:00:00Z")?;
    let since = date.duration_since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0));
    Ok(UnixTime::from_micros(since.as_micros() as i64))
}

fn dialect(name: &str) -> anyhow::Result<Dialect> {
    if let Some(dialect) = Dialect::named(name) {
        return Ok(dialect);
    }
    let known: Vec<_> = Dialect::all().iter().map(Dialect::name).collect();
    bail!("expected one of {}", known.join(", "))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
