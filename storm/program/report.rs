//! The results of the clients, for people or for programs.

use std::io::{self, Write};

use breather_storm::{decimal, plural};
use serde::Serialize;

use crate::options::Options;
use crate::row::{Measures, Row};

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(skip)]
    description: String,
    #[serde(skip)]
    server: String,
    #[serde(skip)]
    calls: usize,
    seeds: u64,
    /// The ideal of the first seed.
    ideal_s: f64,
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Self {
        let (server, load) = (options.server(), options.load());
        let ideal = server.ideal(&load, *options.seeds().start());
        Self {
            description: options.description(),
            server: options.server_name(),
            calls: load.calls(),
            seeds: *options.seeds().end(),
            ideal_s: ideal.makespan().as_secs_f64(),
            rows: Vec::new(),
        }
    }

    /// Adds the runs of a client, one for each seed.
    pub(crate) fn add(&mut self, client: &str, runs: &[Measures]) {
        let row = Row::new(&self.server, client, self.calls, runs);
        self.rows.push(row);
    }

    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    pub(crate) fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}\n", self.description)?;
        let names = self.rows.iter().map(|row| row.client.chars().count());
        let width = names.max().unwrap_or_default().max("client".len());
        for line in HEADINGS {
            write!(out, "{:<width$}", line[0])?;
            for (heading, column) in line[1..].iter().zip(WIDTHS) {
                write!(out, "  {heading:>column$}")?;
            }
            writeln!(out)?;
        }
        let rules: Vec<_> = [width]
            .iter()
            .chain(&WIDTHS)
            .map(|it| "-".repeat(*it))
            .collect();
        writeln!(out, "{}", rules.join("  "))?;
        for row in &self.rows {
            let mark = if row.ok < row.calls { "*" } else { "" };
            let cells = [
                format!("{mark}{}", row.ok),
                format!("{:.3}", row.sends_per_call),
                format!("{:.3}", row.makespan_over_ideal),
                format!("{:.3}", row.p50_over_ideal),
                format!("{:.3}", row.p99_over_ideal),
                row.peak_sends_1s.to_string(),
                row.throttled_quota.to_string(),
                row.throttled_concurrency.to_string(),
            ];
            write!(out, "{:<width$}", row.client)?;
            for (cell, column) in cells.iter().zip(WIDTHS) {
                write!(out, "  {cell:>column$}")?;
            }
            writeln!(out)?;
        }
        writeln!(out)?;
        if self.rows.iter().any(|row| row.ok < row.calls) {
            writeln!(
                out,
                "* Not all calls succeeded; times are of those that did."
            )?;
        }
        writeln!(
            out,
            "Look at ok, sends per call and makespan: 1.000 is the best. The ideal takes {} s; medians of {}.",
            decimal(self.ideal_s),
            plural(self.seeds, "seed"),
        )
    }
}

const HEADINGS: [[&str; 9]; 2] = [
    [
        "",
        "",
        "sends",
        "makespan",
        "p50",
        "p99",
        "most sends",
        "throttled:",
        "throttled:",
    ],
    [
        "client",
        "ok",
        "per call",
        "/ ideal",
        "/ ideal",
        "/ ideal",
        "in 1 s",
        "quota",
        "in flight",
    ],
];
const WIDTHS: [usize; 8] = [8, 8, 8, 8, 8, 10, 9, 9];
