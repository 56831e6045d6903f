//! What is kept of a request to send it again.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Request, Url};

use crate::request_fn::RequestFn;

/// What is kept of a request while an attempt is in flight, to send it again.
pub(crate) enum Spare {
    /// A copy, body and all.
    Copy(Request),
    /// All but the body, and who makes that.
    Head(Request, RequestFn),
}

impl Spare {
    /// `None` if nothing can be sent again.
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

    /// The URL that is asked.
    pub(crate) fn url(&self) -> &Url {
        match self {
            Self::Copy(request) | Self::Head(request, _) => request.url(),
        }
    }

    /// The request of one more attempt, and what is kept of that.
    ///
    /// # Errors
    ///
    /// The caller's own function failed.
    pub(crate) fn request(self) -> reqwest::Result<(Request, Option<Self>)> {
        let (head, make) = match self {
            Self::Copy(copy) => {
                let spare = copy.try_clone().map(Self::Copy);
                return Ok((copy, spare));
            }
            Self::Head(head, make) => (head, make),
        };
        let mut made = make.make()?;
        let mut request = head.try_clone().expect("it has no body");
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
