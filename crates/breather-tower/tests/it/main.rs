//! Tests the adapter with scripted services and real sockets.

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
