//! The units that windows count.

use core::fmt;

use super::fingerprint::fingerprint;

/// The unit that a window counts.
///
/// # Example
///
/// ```
/// use breather::{CallOptions, Unit};
///
/// // A service of your own limits rows.
/// const ROWS: Unit = Unit::Custom("rows");
/// let options = CallOptions::new().with_cost(ROWS, 5_000);
/// assert_eq!(options.cost(ROWS), Some(5_000));
/// assert_eq!(ROWS.to_string(), "rows");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Unit {
    /// Requests. Every attempt costs one.
    #[default]
    Requests,
    /// Requests in flight at the same time. The pacer finds that limit by itself.
    Concurrency,
    /// Tokens of a language model, of input and output together.
    Tokens,
    /// Tokens in the input of a language model.
    InputTokens,
    /// Tokens in the output of a language model.
    OutputTokens,
    /// Bytes of content.
    Bytes,
    /// The points or the complexity by which a server charges for a call.
    Points,
    /// A unit of your own. Dialects can define it.
    Custom(&'static str),
    /// A unit that breather does not know.
    Other,
}

impl Unit {
    /// Returns a number for the unit, which is not 0.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Requests => 1,
            Self::Concurrency => 2,
            Self::Tokens => 3,
            Self::InputTokens => 4,
            Self::OutputTokens => 5,
            Self::Bytes => 6,
            Self::Points => 7,
            Self::Other => 8,
            Self::Custom(name) => fingerprint(name) as u32 | 1 << 31,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests",
            Self::Concurrency => "concurrent-requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input-tokens",
            Self::OutputTokens => "output-tokens",
            Self::Bytes => "content-bytes",
            Self::Points => "points",
            Self::Custom(name) => name,
            Self::Other => "other",
        })
    }
}
