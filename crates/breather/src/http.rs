//! Decides what an HTTP response or error means for its call.
//!
//! - `classify`: is this status throttled, transient or permanent? May this method be repeated?
//! - `body`: does the body of a throttled response say how long to wait?

mod body;
mod classify;

pub use self::classify::{
    AttemptResult, ClassifyHttp, DefaultClassifier, ErrorKind, add_idempotency_key, is_idempotent,
};
