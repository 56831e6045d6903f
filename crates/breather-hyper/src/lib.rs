//! The error kinds and HTTP bodies that breather's adapters share, on top of hyper.
//!
//! [breather](https://docs.rs/breather) retries and paces calls to rate-limited APIs. Use this
//! crate if you write your own HTTP adapter for it. It tells you whether a failed request may have
//! reached the server, and it records and buffers bodies, so that you can retry uploads and broken
//! downloads.
//!
//! Applications don't need it. [`breather-reqwest`](https://docs.rs/breather-reqwest) and
//! [`breather-tower`](https://docs.rs/breather-tower) re-export the parts that their users need.
//!
//! ```
//! use breather_hyper::{BoxError, Buffering, ReplayBody, breather::ErrorKind, hyper_error_kind};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! // The server refused the connection, so nothing was sent.
//! let error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
//! assert_eq!(hyper_error_kind(&error), ErrorKind::Connect);
//!
//! // Record up to 64 KiB of a request body, to send it again.
//! let first = ReplayBody::new("a row".to_owned(), 64 * 1024);
//! let recording = first.recording().expect("the body fits into the limit");
//! drop(first); // the first attempt ends
//! // After an attempt has ended, the client may still read from the body. `hold` stops that, so
//! // the unread bytes remain for the next attempt. It returns false if the body can no longer be sent again, because
//! // it failed or is longer than the limit.
//! assert!(recording.hold());
//! let second = recording.into_body();
//! # let _ = second;
//!
//! // Read a response completely, so that a broken download fails its attempt.
//! let attempt = async { Ok::<_, BoxError>(http::Response::new("rows".to_owned())) };
//! let response = Buffering::new(attempt, 1024).await?;
//! assert_eq!(response.body().bytes().unwrap(), "rows");
//! # Ok(())
//! # }
//! ```
//!
//! | item | purpose |
//! |---|---|
//! | [`hyper_error_kind()`] | tells whether a failed request may have been sent, from an error of hyper, hyper-util or `std::io` |
//! | [`Buffering`] | reads a response completely within its attempt |
//! | [`AnswerBody`] | lets a classifier read a buffered response body |
//! | [`ReplayBody`] | records a request body while it is sent, and sends it again |
//!
//! The crate runs on tokio and does not support wasm. The oldest supported Rust is 1.85. It has no
//! optional features.

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
