//! What the gateway knows that needs no connection: which headers pass, whose a call is, and what happened of late.

pub mod headers;
pub mod names;
pub mod series;
