//! What the examples of breather share; and the README and the chapters, whose examples are compiled here.

pub mod analytics;
pub mod flaky_db;
pub mod gateway;
pub mod no_hosts;
pub mod table;

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

/// What breather does about redirects.
#[cfg(doctest)]
#[doc = include_str!("../../docs/redirects.md")]
pub struct RedirectsChapter;

/// A policy in a configuration file.
#[cfg(doctest)]
#[doc = include_str!("../../docs/configuration.md")]
pub struct ConfigurationChapter;

/// Changing to breather: what all chapters share.
#[cfg(doctest)]
#[doc = include_str!("../../docs/migrating.md")]
pub struct MigratingChapter;

/// Changing from reqwest-retry.
#[cfg(doctest)]
#[doc = include_str!("../../docs/migrating/reqwest-retry.md")]
pub struct MigratingFromReqwestRetryChapter;

/// Changing from reqwest's own retries.
#[cfg(doctest)]
#[doc = include_str!("../../docs/migrating/reqwest.md")]
pub struct MigratingFromReqwestChapter;

/// Changing from tower's retry layer.
#[cfg(doctest)]
#[doc = include_str!("../../docs/migrating/tower.md")]
pub struct MigratingFromTowerChapter;

/// Changing from backon.
#[cfg(doctest)]
#[doc = include_str!("../../docs/migrating/backon.md")]
pub struct MigratingFromBackonChapter;

/// Changing from loops written by hand.
#[cfg(doctest)]
#[doc = include_str!("../../docs/migrating/loops.md")]
pub struct MigratingFromLoopsChapter;
