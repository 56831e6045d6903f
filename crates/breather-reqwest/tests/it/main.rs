//! The promises, kept through a reqwest-middleware chain: with a scripted server under paused time, and
//! over sockets in real time.

#![cfg(not(all(target_family = "wasm", target_os = "unknown")))]

mod bodies;
mod http2;
mod long_holds;
mod options;
mod peers;
mod redirects;
mod script;
mod scripted;
mod sockets;
