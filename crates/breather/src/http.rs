//! Classifies HTTP responses and errors.
//!
//! - `classify`: the outcome of a response or error, and the idempotency of a request
//! - `status`: the outcome of a status
//! - `body`: the hints in the body of a throttled response

mod body;
mod classify;
mod status;

pub use self::classify::{
    AttemptResult, ClassifyHttp, DefaultClassifier, ErrorKind, add_idempotency_key, is_idempotent,
};
