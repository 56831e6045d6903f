//! Provides the error kinds and bodies that breather's HTTP adapters share, on top of hyper.
//!
//! You need this crate to write an adapter of your own. Applications want
//! [`breather-reqwest`](https://docs.rs/breather-reqwest) or [`breather-tower`](https://docs.rs/breather-tower), which
//! re-export what their users need.
//!
//! | item | what it is for |
//! |---|---|
//! | [`hyper_error_kind()`] | tells from an error of hyper, hyper-util or `std::io` whether something may have been sent |
//! | [`Buffering`] | reads a response whole within its attempt, so that a download that is cut off can be retried |
//! | [`AnswerBody`] | lets a classifier read a response's body that was read within the attempt |
//! | [`ReplayBody`] | records a request's body while it is sent, and sends it again |
//!
//! It runs on tokio and is not for wasm. The oldest supported Rust is 1.85.

pub use ::breather;

mod answer_body;
mod box_error;
mod buffered_body;
mod buffering;
mod error_kind;
mod read;
mod replay_body;

pub use answer_body::AnswerBody;
pub use box_error::BoxError;
pub use buffered_body::BufferedBody;
pub use buffering::Buffering;
pub use error_kind::hyper_error_kind;
pub use replay_body::{Recording, ReplayBody};
