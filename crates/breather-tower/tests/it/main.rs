//! The adapter, driven by services that answer from a script and by real sockets.

mod buffered;
mod contract;
mod errors;
mod long_holds;
mod memory;
mod options;
mod peers;
mod promises;
mod redirects;
mod replay;
mod script;
mod sockets;
mod stream;
mod uploads;
mod way;
