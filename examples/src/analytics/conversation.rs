use std::collections::HashMap;

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use serde::{Deserialize, Serialize};

/// The details of one conversation, which is one row of a response.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Conversation {
    /// The id, unique among all conversations like the UUIDs of the real API.
    pub conversation_id: String,
    /// The number of the queue in which it waited.
    pub queue: u8,
    /// The time from its start to its end.
    pub duration_ms: u64,
    /// The part of the duration that an agent spent.
    pub handle_ms: u64,
}

/// All conversations of the server, the same for the same seed.
#[derive(Debug)]
pub(super) struct Conversations {
    rows: Vec<Conversation>,
    places: HashMap<String, usize>,
}

impl Conversations {
    pub(super) fn generate(count: u32, seed: u64) -> Self {
        // Inverted, so that the rows don't use the same random numbers as the service times.
        let mut random = Xoshiro256PlusPlus::seed_from_u64(!seed);
        let rows: Vec<_> = (0..count)
            .map(|number| {
                let duration_ms = random.random_range(5_000..3_600_000);
                Conversation {
                    // The number keeps the id unique for any random part.
                    conversation_id: format!("{:016x}-{number:08x}", random.random::<u64>()),
                    queue: random.random_range(0..12),
                    duration_ms,
                    handle_ms: random.random_range(0..duration_ms),
                }
            })
            .collect();
        let places = rows
            .iter()
            .enumerate()
            .map(|(place, row)| (row.conversation_id.clone(), place))
            .collect();
        Self { rows, places }
    }

    pub(super) fn all(&self) -> &[Conversation] {
        &self.rows
    }

    pub(super) fn find(&self, id: &str) -> Option<&Conversation> {
        self.places.get(id).map(|&place| &self.rows[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_same_rows() {
        let [one, same, other] = [1, 1, 2].map(|seed| Conversations::generate(100, seed));
        assert_eq!(one.all(), same.all());
        assert_ne!(one.all(), other.all());
        assert_eq!(one.places.len(), 100);
        for row in one.all() {
            assert_eq!(one.find(&row.conversation_id), Some(row));
        }
        assert_eq!(one.find("none"), None);
    }
}
