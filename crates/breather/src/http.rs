//! Classifies HTTP responses and errors.
//!
//! - `classify`: the outcome of a response or error
//! - `idempotency`: whether a request may be sent twice
//! - `status`: the outcome of a status
//! - `body`: the hints in the body of a throttled response

mod body;
mod classify;
mod idempotency;
mod status;

pub use self::classify::{AttemptResult, ClassifyHttp, DefaultClassifier, ErrorKind};
pub use self::idempotency::{add_idempotency_key, is_idempotent};
