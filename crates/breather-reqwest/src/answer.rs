//! The result of an attempt.

use breather::ErrorKind;
use bytes::Bytes;
use reqwest::Response;
use reqwest_middleware::Error;

use crate::error_kind::reqwest_error_kind;

/// How an attempt ended.
pub(crate) type Ended = Result<Answer, Failure>;

/// The response of an attempt.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// The response's complete body, if it was buffered.
    pub(crate) body: Option<Bytes>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let body = None;
        Self { response, body }
    }
}

/// The error of an attempt, and its kind.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) kind: ErrorKind,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = reqwest_error_kind(&error);
        Self { error, kind }
    }
}
