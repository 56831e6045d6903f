use std::io::{self, Write};

use breather_examples::table::Table;
use breather_sim::Ideal;
use breather_storm::{Chart, plural, thousands};
use serde::Serialize;

use crate::{chart, client::Client, load::Run, options::Options, row::Row, units::seconds};

/// How the clients fared, for people or for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'o> {
    #[serde(skip)]
    options: &'o Options,
    #[serde(skip)]
    ideal: Ideal,
    ideal_s: f64,
    resets: u32,
    clients: Vec<Row>,
}

impl<'o> Report<'o> {
    pub(crate) fn new(options: &'o Options, ideal: Ideal) -> Self {
        Self {
            options,
            ideal_s: seconds(ideal.makespan()),
            resets: ideal.resets(),
            ideal,
            clients: Vec::new(),
        }
    }

    /// Adds what a client did, as it saw it and as the server counted it.
    pub(crate) fn add(&mut self, client: Client, run: Run) {
        let row = Row::new(client, self.options.calls, &self.ideal, run);
        self.clients.push(row);
    }

    /// The requests over time, as a picture.
    pub(crate) fn chart(&self) -> Chart {
        chart::of_clients(self.options, &self.ideal, &self.clients)
    }

    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    pub(crate) fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        let options = self.options;
        let server = options.server();
        writeln!(
            out,
            "{} by {}, all started at once; the server accepts {} in {} s, and {} in flight; each takes \
             about {} ms.",
            plural(options.calls, "call"),
            plural(options.callers, "caller"),
            thousands(server.quota().get().into()),
            server.window().as_secs_f64(),
            thousands(server.cap().get().into()),
            server.service_time().as_millis(),
        )?;
        writeln!(out)?;
        self.table().write(out)?;
        for note in self.clients.iter().flat_map(|row| &row.notes) {
            writeln!(out, "{note}")?;
        }
        writeln!(out)?;
        writeln!(
            out,
            "Look at sends per call and at makespan / ideal: 1.00 is the best, if all calls are ok.\n\
             The ideal knows all and waits for {}: p50 {:.2} s, p99 {:.2} s.",
            plural(self.resets, "reset"),
            seconds(self.ideal.quantile(0.5)),
            seconds(self.ideal.quantile(0.99)),
        )
    }

    fn table(&self) -> Table<12> {
        let mut table = Table::new([
            ["", "client"],
            ["", "calls"],
            ["", "ok"],
            ["", "sends"],
            ["", "throttled"],
            ["sends", "per call"],
            ["makespan", "s"],
            ["ideal", "s"],
            ["makespan", "/ ideal"],
            ["p50", "s"],
            ["p99", "s"],
            ["most sends", "in 1 s"],
        ]);
        for row in &self.clients {
            let mark = if row.is_cut_off() { " *" } else { "" };
            let bound = if row.is_cut_off() { ">" } else { "" };
            table.push([
                format!("{}{mark}", row.name),
                row.calls.to_string(),
                row.ok.to_string(),
                row.sends.to_string(),
                row.throttled.to_string(),
                format!("{:.2}", row.sends_per_call),
                format!("{bound}{:.2}", row.makespan_s),
                format!("{:.2}", self.ideal_s),
                format!("{bound}{:.2}", row.makespan_over_ideal),
                percentile(row, row.p50_s),
                percentile(row, row.p99_s),
                row.peak_sends_1s.to_string(),
            ]);
        }
        table
    }
}

fn percentile(row: &Row, at_s: f64) -> String {
    let is_bound = row.is_cut_off() && at_s >= row.makespan_s;
    format!("{}{at_s:.2}", if is_bound { ">" } else { "" })
}
