//! The promises, kept through a reqwest-middleware chain: with a scripted server under paused time, and
//! over sockets in real time.

mod script;
mod scripted;
mod sockets;
