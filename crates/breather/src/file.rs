//! Settings in configuration files.

pub(crate) mod duration;
pub(crate) mod field;
