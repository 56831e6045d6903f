//! What the examples of breather share; and the README and the chapters, whose examples are compiled here.

pub mod analytics;
pub mod flaky_db;
pub mod script;

/// The README of the project.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// How the pacer learns.
#[cfg(doctest)]
#[doc = include_str!("../../docs/pacing.md")]
pub struct PacingChapter;

/// What servers say, and what is made of it.
#[cfg(doctest)]
#[doc = include_str!("../../docs/hints.md")]
pub struct HintsChapter;

/// A policy in a configuration file.
#[cfg(doctest)]
#[doc = include_str!("../../docs/configuration.md")]
pub struct ConfigurationChapter;
