//! The gateway's own unit tests: an example that cargo tests is not built as a program, too.

#![allow(
    dead_code,
    unused_imports,
    reason = "what the program uses and no test does"
)]

#[path = "../../gateway/headers.rs"]
mod headers;
#[path = "../../gateway/names.rs"]
mod names;
#[path = "../../gateway/series.rs"]
mod series;
