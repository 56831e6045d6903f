//! Tests the gateway program that cargo built, over sockets.
//!
//! Cargo builds the examples before it runs all tests of the package. With `--test gateway` it does
//! not, so the tests use the program that was built last.

#![cfg(unix)]

mod faults;
mod limits;
mod load;
mod options;
mod pages;
mod passing;
mod plan;
mod program;
mod replay;
mod stopping;
mod tls;
mod upstream;
mod wire;
