//! Code that the examples of breather share.
//!
//! This crate also compiles the examples in the README and in the chapters of the book.

pub mod analytics;
pub mod flaky_db;
pub mod gateway;
pub mod no_hosts;
pub mod table;
pub mod web_handler;

/// The README of the project.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// How the pacer learns.
#[cfg(doctest)]
#[doc = include_str!("../../docs/pacing.md")]
pub struct PacingChapter;

/// How breather reads the limits that servers report.
#[cfg(doctest)]
#[doc = include_str!("../../docs/hints.md")]
pub struct HintsChapter;

/// How breather handles redirects.
#[cfg(doctest)]
#[doc = include_str!("../../docs/redirects.md")]
pub struct RedirectsChapter;

/// A policy in a configuration file.
#[cfg(doctest)]
#[doc = include_str!("../../docs/configuration.md")]
pub struct ConfigurationChapter;

/// Changing to breather, the parts that apply to every library.
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

/// Changing from hand-written loops.
#[cfg(doctest)]
#[doc = include_str!("../../docs/migrating/loops.md")]
pub struct MigratingFromLoopsChapter;

/// The READMEs of the crates.
#[cfg(doctest)]
pub mod readmes {
    #[doc = include_str!("../../crates/breather/README.md")]
    pub struct Core;
    #[doc = include_str!("../../crates/breather-hyper/README.md")]
    pub struct Hyper;
    #[doc = include_str!("../../crates/breather-reqwest/README.md")]
    pub struct Reqwest;
    #[doc = include_str!("../../crates/breather-sim/README.md")]
    pub struct Sim;
    #[doc = include_str!("../../crates/breather-test/README.md")]
    pub struct Test;
    #[doc = include_str!("../../crates/breather-tokio/README.md")]
    pub struct Tokio;
    #[doc = include_str!("../../crates/breather-tower/README.md")]
    pub struct Tower;
}
