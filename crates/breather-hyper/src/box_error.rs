//! The boxed error type.

/// The boxed error type that tower's layers use.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
