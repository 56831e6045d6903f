use std::io::{self, Write};

use breather_examples::table::Table;
use breather_sim::Ideal;
use breather_storm::{Chart, plural, thousands};
use serde::Serialize;

use crate::{chart, client::Client, load::Run, options::Options, row::Row, units::seconds};

/// Reports the results of all clients as a table or as JSON.
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

    /// Adds the results of a client and the server's counts for it.
    pub(crate) fn add(&mut self, client: Client, run: Run) {
        let row = Row::new(client, self.options.calls, &self.ideal, run);
        self.clients.push(row);
    }

    /// Draws the requests over time.
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
            "{} by {}, all started at once.\n\
             The server accepts {} in {} s and {} in flight. Each takes about {} ms.",
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
            "If all calls are ok, 1 is the best for sends per call and makespan / ideal.\n\
             The ideal knows all limits and response times in advance. It takes {:.1} s,\n\
             waits for {}, and has a p99 of {:.1} s.",
            self.ideal_s,
            plural(self.resets, "reset"),
            seconds(self.ideal.quantile(0.99)),
        )
    }

    /// Has the columns of the table in the README.
    fn table(&self) -> Table<6> {
        let mut table = Table::new([
            ["", "client"],
            ["", "ok"],
            ["sends", "per call"],
            ["makespan", "/ ideal"],
            ["p99", "s"],
            ["most sends", "in 1 s"],
        ]);
        for row in &self.clients {
            let mark = if row.is_cut_off() { " *" } else { "" };
            let bound = if row.is_cut_off() { ">" } else { "" };
            table.push([
                format!("{}{mark}", row.name),
                row.ok.to_string(),
                sends_per_call(row),
                format!("{bound}{:.2}", row.makespan_over_ideal),
                p99(row),
                row.peak_sends_1s.to_string(),
            ]);
        }
        table
    }
}

fn sends_per_call(row: &Row) -> String {
    let sends = row.sends_per_call;
    // With two decimals, a few rejections of many calls would look like none.
    let decimals = if (1.0..1.1).contains(&sends) { 3 } else { 2 };
    format!("{sends:.decimals$}")
}

fn p99(row: &Row) -> String {
    let is_bound = row.is_cut_off() && row.p99_s >= row.makespan_s;
    format!("{}{:.1}", if is_bound { ">" } else { "" }, row.p99_s)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use breather_examples::analytics::{Stats, Timeline};
    use clap::Parser;
    use reqwest::StatusCode;

    use crate::load::Completion;

    use super::*;

    #[test]
    fn table_has_the_columns_of_the_readme() {
        let expected = [
            "                                      sends  makespan   p99  most sends",
            "client                         ok  per call   / ideal     s      in 1 s",
            "----------------------------  ---  --------  --------  ----  ----------",
            "reqwest-retry (10 retries) *  599      2.65     >3.98  45.0         612",
            "breather-tower                600     1.005      1.00  11.3         266",
            "* reqwest-retry (10 retries): 1 call given up after 45.4 s",
        ];
        let text = text();
        let table: Vec<_> = text.lines().skip(3).take(expected.len()).collect();
        assert_eq!(table, expected);
    }

    #[test]
    fn report_fits_80_columns() {
        for line in text().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    /// Reports one client that is cut off and one that ends, of 600 calls each.
    fn text() -> String {
        let options = Options::parse_from(["spike"]);
        let mut report = Report::new(&options, options.ideal());
        report.add(Client::ReqwestRetry, run(599, 45_400, 1_590, 612));
        report.add(Client::BreatherTower, run(600, 11_460, 603, 266));
        let mut text = Vec::new();
        report.write_table(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    /// Completes `done` calls, evenly over the time until `end_ms`.
    fn run(done: u32, end_ms: u64, sends: u64, peak_sends_1s: u64) -> Run {
        let completion = |number: u32| Completion {
            at: Duration::from_millis(end_ms) * number / done,
            result: Ok(StatusCode::OK),
        };
        let mut stats = Stats::default();
        stats.sends = sends;
        stats.peak_sends_1s = peak_sends_1s;
        Run {
            limit: Duration::from_millis(45_400),
            completions: (1..=done).map(completion).collect(),
            stats,
            timeline: Timeline::default(),
            first_send: Duration::ZERO,
        }
    }
}
