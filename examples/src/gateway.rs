//! The parts of the gateway that need no connection.
//!
//! They choose the headers to forward, name the scope of a call, and count recent events.

pub mod headers;
pub mod names;
pub mod series;
