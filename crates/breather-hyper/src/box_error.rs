//! Any error.

/// Any error, as tower's layers box it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
