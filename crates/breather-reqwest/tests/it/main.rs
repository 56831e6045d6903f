//! Tests of the promises through a reqwest-middleware chain.
//!
//! Some use a scripted server and paused time, others use sockets and real time.

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
