use std::collections::HashMap;

use breather_examples::analytics::Conversation;

/// The distinct rows that arrived, and the number of duplicates.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: HashMap<String, Conversation>,
    duplicates: usize,
}

impl Rows {
    pub(crate) fn add(&mut self, rows: Vec<Conversation>) {
        for row in rows {
            // Keep the later row, because rows move between pages while they are read.
            let before = self.rows.insert(row.conversation_id.clone(), row);
            self.duplicates += usize::from(before.is_some());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// Returns how many rows of `expected` are missing.
    pub(crate) fn lost(&self, expected: &[Conversation]) -> usize {
        let is_lost = |row: &&Conversation| !self.rows.contains_key(&row.conversation_id);
        expected.iter().filter(is_lost).count()
    }

    /// Returns how many rows are not in `expected` or differ from it.
    pub(crate) fn wrong(&self, expected: &[Conversation]) -> usize {
        let is_right = |row: &&Conversation| self.rows.get(&row.conversation_id) == Some(*row);
        self.rows.len() - expected.iter().filter(is_right).count()
    }
}

#[cfg(test)]
mod tests {
    use breather_examples::analytics::{Options, Server};

    use super::*;

    #[tokio::test]
    async fn rows_are_identified_by_id() {
        let server = Server::start(Options::default()).unwrap();
        let all = server.conversations();
        let mut rows = Rows::default();
        rows.add(all[..600].to_vec());
        rows.add(all[500..900].to_vec());
        assert_eq!((rows.len(), rows.duplicates()), (900, 100));
        assert_eq!((rows.lost(all), rows.wrong(all)), (100, 0));
        let mut other = all[0].clone();
        other.queue += 1;
        rows.add(vec![other]);
        assert_eq!((rows.lost(all), rows.wrong(all)), (100, 1));
    }
}
