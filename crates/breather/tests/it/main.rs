//! Tests the promises of the core with properties and scenarios.

mod budget;
mod calls;
#[cfg(feature = "serde")]
mod configuration;
mod costs;
mod crowd;
mod delays;
mod drafts;
mod edges;
mod excess;
mod findings;
mod forms;
mod handle;
mod headers;
mod long_holds;
mod moments;
mod names;
mod pacer;
#[cfg(feature = "serde")]
mod pacing_file;
mod peers;
mod queue_time;
mod said;
mod scopes;
mod server;
mod several;
mod together;
mod traps;
mod vendors;
mod world;
