//! What the examples of breather share.

pub mod analytics;
