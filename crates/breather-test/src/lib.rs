//! Scripted servers and virtual time, to test code that uses [breather].
//!
//! Your tests need no network and no real waiting. A [`Script`] takes the place of the server. It
//! returns the answers that you list and records the requests. If you pause tokio's time, a wait of
//! minutes passes at once:
//!
//! ```
//! # #[cfg(feature = "reqwest")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> reqwest_middleware::Result<()> {
//! use breather_reqwest::RetryMiddleware;
//! use breather_test::Script;
//! use reqwest_middleware::ClientBuilder;
//!
//! let server = Script::new(["429 retry-after: 60", "200"]);
//! let client = ClientBuilder::new(reqwest::Client::new())
//!     .with(RetryMiddleware::default())
//!     .with(server.clone())
//!     .build();
//! assert_eq!(client.get("https://api.example.com/rows").send().await?.status(), 200);
//! assert!(server.times()[1].as_secs() >= 60);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "reqwest"))]
//! # fn main() {}
//! ```
//!
//! | item | feature | use |
//! |---|---|---|
//! | [`Script`], [`Answer`], [`Received`] | `tower` (default) or `reqwest` | a service or middleware that returns scripted answers |
//! | [`TestServer`] | `server` | the same answers over a socket on 127.0.0.1 |
//! | [`PausedClock`] | `tower` or `reqwest` | a wall clock that follows tokio's paused time |
//! | [`VirtualTimer`], [`WakeCounter`] | | a timer and a waker for tests of your own driver, without tokio |
//!
//! Sister crates:
//!
//! - `breather` is the core, which decides whether and when to send. It is re-exported here as
//!   [`breather`].
//! - `breather-reqwest` is a middleware for reqwest clients.
//! - `breather-tower` is a layer for tower services.
//! - `breather-tokio` retries async closures.
//!
//! The oldest supported Rust is 1.85.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub use ::breather;

#[cfg(any(feature = "reqwest", feature = "tower"))]
mod answer;
#[cfg(any(feature = "reqwest", feature = "tower"))]
mod paused_clock;
#[cfg(any(feature = "reqwest", feature = "tower"))]
mod received;
#[cfg(feature = "reqwest")]
mod reqwest_script;
#[cfg(any(feature = "reqwest", feature = "tower"))]
mod script;
#[cfg(feature = "server")]
mod test_server;
#[cfg(feature = "tower")]
mod tower_script;
mod virtual_timer;
mod wake_counter;

#[cfg(any(feature = "reqwest", feature = "tower"))]
pub use answer::Answer;
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub use paused_clock::PausedClock;
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub use received::Received;
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub use script::Script;
#[cfg(feature = "server")]
pub use test_server::TestServer;
#[cfg(feature = "tower")]
pub use tower_script::{BoxError, ScriptFuture};
pub use virtual_timer::{VirtualSleep, VirtualTimer};
pub use wake_counter::WakeCounter;
