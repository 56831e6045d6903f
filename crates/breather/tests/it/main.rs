//! The promises of the core, as properties and scenarios.

mod calls;
mod handle;
mod headers;
mod pacer;
mod several;
mod virtual_timer;
