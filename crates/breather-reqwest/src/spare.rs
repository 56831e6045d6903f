//! Copies of a request for its retries.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Request, Url};

use crate::request_fn::RequestFn;

/// A copy of a request, kept for a retry while an attempt is in flight.
pub(crate) enum Spare {
    /// A complete copy.
    Copy(Request),
    /// A copy without the body, and the function that makes the body.
    Head(Request, RequestFn),
}

impl Spare {
    /// Copies `request`. Returns `None` if the body can neither be cloned nor made again.
    pub(crate) fn of(request: &mut Request, make: Option<&RequestFn>) -> Option<Self> {
        if let Some(copy) = request.try_clone() {
            return Some(Self::Copy(copy));
        }
        let make = make?.clone();
        let body = request.body_mut().take();
        let head = request.try_clone();
        *request.body_mut() = body;
        Some(Self::Head(head?, make))
    }

    /// Returns the request's URL.
    pub(crate) fn url(&self) -> &Url {
        match self {
            Self::Copy(request) | Self::Head(request, _) => request.url(),
        }
    }

    /// Returns the request for the next attempt, and a copy for the one after it.
    ///
    /// # Errors
    ///
    /// Fails if the caller's function fails.
    pub(crate) fn request(self) -> reqwest::Result<(Request, Option<Self>)> {
        let (head, make) = match self {
            Self::Copy(copy) => {
                let spare = copy.try_clone().map(Self::Copy);
                return Ok((copy, spare));
            }
            Self::Head(head, make) => (head, make),
        };
        let mut made = make.make()?;
        let mut request = head.try_clone().expect("no body, so it can be cloned");
        *request.body_mut() = made.body_mut().take();
        for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
            match made.headers_mut().remove(&name) {
                Some(value) => request.headers_mut().insert(name, value),
                None => request.headers_mut().remove(name),
            };
        }
        Ok((request, Some(Self::Head(head, make))))
    }
}
