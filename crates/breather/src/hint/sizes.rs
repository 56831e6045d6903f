//! Bounds on how much of a response a hint keeps.

/// More windows than one response of any known server carries.
pub(crate) const MAX_WINDOWS: usize = 8;

/// How many headers a hint keeps. Anthropic's responses have 15, more than those of any other known server.
#[cfg(feature = "std")]
pub(super) const MAX_NOTES: usize = 24;
