//! The gateway as its users have it: the program that cargo built, over sockets.
//!
//! Cargo builds the examples before it runs the tests of a package; by `--test gateway` alone it doesn't, and the program is the
//! one that was built last.

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
