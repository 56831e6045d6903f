use std::collections::HashMap;

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use serde::{Deserialize, Serialize};

/// One row: the details of a conversation, as each of the endpoints gives them.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Conversation {
    /// Unique among all conversations, as the API's own UUIDs are.
    pub conversation_id: String,
    /// Which of the queues it waited in.
    pub queue: u8,
    /// From its start to its end.
    pub duration_ms: u64,
    /// What of it an agent spent.
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
        // Other numbers than those that the service times are drawn from.
        let mut random = Xoshiro256PlusPlus::seed_from_u64(!seed);
        let rows: Vec<_> = (0..count)
            .map(|number| {
                let duration_ms = random.random_range(5_000..3_600_000);
                Conversation {
                    // The number keeps it unique whatever is drawn.
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
    fn a_seed_gives_the_same_rows_and_another_gives_others() {
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
