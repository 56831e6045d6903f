//! A table in plain text.

use std::io::{self, Write};

/// A plain-text table with headings of two lines each.
///
/// The first column is aligned to the left, and the others to the right.
#[derive(Debug)]
pub struct Table<const N: usize> {
    headings: [[&'static str; 2]; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// Creates a table without rows.
    pub fn new(headings: [[&'static str; 2]; N]) -> Self {
        Self {
            headings,
            rows: Vec::new(),
        }
    }

    /// Adds a row at the end.
    pub fn push(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// Writes the headings and all rows.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let widths: [usize; N] = std::array::from_fn(|column| {
            let headings = self.headings[column].iter().map(|line| line.len());
            let cells = self.rows.iter().map(|row| row[column].len());
            headings.chain(cells).max().unwrap_or(0)
        });
        for line in 0..2 {
            write_line(out, &widths, self.headings.map(|heading| heading[line]))?;
        }
        writeln!(out, "{}", widths.map(|width| "-".repeat(width)).join(GAP))?;
        for row in &self.rows {
            write_line(out, &widths, row.each_ref().map(String::as_str))?;
        }
        Ok(())
    }
}

fn write_line<const N: usize>(
    out: &mut impl Write,
    widths: &[usize; N],
    cells: [&str; N],
) -> io::Result<()> {
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if column == 0 {
            write!(out, "{cell:<width$}")?;
        } else {
            write!(out, "{GAP}{cell:>width$}")?;
        }
    }
    writeln!(out)
}

const GAP: &str = "  ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new([["", "client"], ["most sends", "in 1 s"]]);
        table.push(["loop".into(), "50".into()]);
        table.push(["reqwest-retry".into(), "1234567890123".into()]);
        let mut text = Vec::new();
        table.write(&mut text).unwrap();
        let expected = [
            "                  most sends",
            "client                in 1 s",
            "-------------  -------------",
            "loop                      50",
            "reqwest-retry  1234567890123",
            "",
        ];
        assert_eq!(String::from_utf8(text).unwrap(), expected.join("\n"));
    }
}
