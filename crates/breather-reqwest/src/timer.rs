//! The platform's timer.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) use breather_tokio::TokioTimer as PlatformTimer;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod browser;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) use browser::BrowserTimer as PlatformTimer;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use browser::{BrowserSleep, BrowserTimer};
