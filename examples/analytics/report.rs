use std::io::{self, Write};

use serde::Serialize;

use breather_examples::table::Table;

/// The results of a way, as counted by its client and the server.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) calls: u64,
    /// Requests that reached the server.
    pub(crate) sends: u64,
    pub(crate) throttled: u64,
    pub(crate) seconds: f64,
    pub(crate) rows: usize,
    pub(crate) duplicates: usize,
    pub(crate) lost: usize,
    /// Whether the time limit cut the way short.
    #[serde(skip)]
    pub(crate) is_cut: bool,
}

/// The results of all ways.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    ways: Vec<Row>,
}

impl Report {
    pub(crate) fn new(ways: Vec<Row>) -> Self {
        Self { ways }
    }

    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    pub(crate) fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        let mut table = Table::new(HEADINGS);
        for row in &self.ways {
            let mark = if row.is_cut { ">" } else { "" };
            table.push([
                row.name.into(),
                row.calls.to_string(),
                row.sends.to_string(),
                row.throttled.to_string(),
                format!("{:.3}", row.sends as f64 / row.calls as f64),
                format!("{mark}{:.1}", row.seconds),
                row.rows.to_string(),
                row.duplicates.to_string(),
                row.lost.to_string(),
            ]);
        }
        table.write(out)?;
        for row in self.ways.iter().filter(|row| row.is_cut) {
            writeln!(
                out,
                "\n{}: its time was up (see --limit-s) with {} rows still to come.",
                row.name, row.lost
            )?;
        }
        Ok(())
    }
}

const HEADINGS: [[&str; 2]; 9] = [
    ["", "way"],
    ["", "calls"],
    ["", "sends"],
    ["", "throttled"],
    ["sends", "per call"],
    ["", "seconds"],
    ["", "rows"],
    ["", "duplicates"],
    ["", "lost"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_object_and_table_marks_cut_ways() {
        let report = Report::new(vec![Row {
            name: "one",
            calls: 4,
            sends: 5,
            throttled: 1,
            seconds: 2.0,
            rows: 3,
            duplicates: 0,
            lost: 1,
            is_cut: true,
        }]);
        let mut json = Vec::new();
        report.write_json(&mut json).unwrap();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            "{\"ways\":[{\"name\":\"one\",\"calls\":4,\"sends\":5,\"throttled\":1,\"seconds\":2.0,\
             \"rows\":3,\"duplicates\":0,\"lost\":1}]}\n"
        );
        let mut table = Vec::new();
        report.write_table(&mut table).unwrap();
        let table = String::from_utf8(table).unwrap();
        assert!(table.contains(">2.0"), "{table}");
        assert!(table.contains("1 rows still to come"), "{table}");
    }
}
