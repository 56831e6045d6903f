//! What a window counts.

use core::fmt;

/// What a window counts.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Unit {
    /// Calls: what the pacer counts by. Every other unit is shown, and waited for when it is spent.
    #[default]
    Requests,
    /// Calls in flight at the same time.
    Concurrency,
    /// Tokens of a language model.
    Tokens,
    /// Bytes of content.
    Bytes,
    /// What a server charges for a call by its cost, as points or complexity.
    Points,
    /// What is not known here.
    Other,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests",
            Self::Concurrency => "concurrent-requests",
            Self::Tokens => "tokens",
            Self::Bytes => "content-bytes",
            Self::Points => "points",
            Self::Other => "other",
        })
    }
}
