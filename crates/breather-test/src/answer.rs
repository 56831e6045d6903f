//! One answer of a script.

use std::io;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::time::sleep;

/// One answer of a [`Script`](crate::Script).
///
/// Write it as text, or build it if text does not cover your case:
///
/// | text | answer |
/// |---|---|
/// | `503` | a response with this status |
/// | `429 retry-after: 7` | a response with this status and a header |
/// | `reset` | an error, because the connection was reset |
/// | `nothing` | no response; the request hangs |
///
/// # Example
///
/// ```
/// use breather_test::Answer;
/// use std::time::Duration;
///
/// let slow = Answer::status(200).with_header("x-ratelimit-remaining", 0).after(Duration::from_secs(2));
/// assert_ne!(slow, Answer::from("200 x-ratelimit-remaining: 0"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Answer {
    result: Result<StatusCode, Fault>,
    headers: HeaderMap,
    body: String,
    delay: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    Error(io::ErrorKind),
    PanicInCall,
    PanicInFlight,
    Silence,
}

impl Answer {
    /// Returns a response with a status and an empty body.
    ///
    /// # Panics
    ///
    /// Panics if `status` is not between 100 and 999.
    pub fn status(status: u16) -> Self {
        Self::new(Ok(StatusCode::from_u16(status).expect("a status")))
    }

    /// Returns a response with status 429 and `Retry-After: seconds`.
    pub fn throttled(seconds: u64) -> Self {
        Self::status(429).with_header("retry-after", seconds)
    }

    /// Fails the request with an I/O error.
    pub fn error(kind: io::ErrorKind) -> Self {
        Self::new(Err(Fault::Error(kind)))
    }

    /// Lets the request hang without a response.
    pub fn nothing() -> Self {
        Self::new(Err(Fault::Silence))
    }

    /// Panics while the attempt is in flight.
    pub fn panic_in_flight() -> Self {
        Self::new(Err(Fault::PanicInFlight))
    }

    /// Panics when the service is called, before it returns a future.
    pub fn panic_in_call() -> Self {
        Self::new(Err(Fault::PanicInCall))
    }

    fn new(result: Result<StatusCode, Fault>) -> Self {
        Self {
            result,
            headers: HeaderMap::new(),
            body: String::new(),
            delay: Duration::ZERO,
        }
    }

    /// Adds a header. You can add a name more than once.
    ///
    /// # Panics
    ///
    /// Panics if the name or the value is not valid in a header.
    pub fn with_header(mut self, name: &str, value: impl ToString) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        let value = HeaderValue::from_str(&value.to_string()).expect("a header's value");
        self.headers.append(name, value);
        self
    }

    /// Sets the body.
    pub fn with_body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Delays the answer by `delay` after the request.
    pub const fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub(crate) fn begin(&self) {
        assert!(
            self.result != Err(Fault::PanicInCall),
            "the script panics in a call"
        );
    }

    pub(crate) async fn give(self) -> io::Result<Response<String>> {
        if !self.delay.is_zero() {
            sleep(self.delay).await;
        }
        match self.result {
            Ok(status) => {
                let mut response = Response::new(self.body);
                *response.status_mut() = status;
                *response.headers_mut() = self.headers;
                Ok(response)
            }
            Err(Fault::Error(kind)) => Err(kind.into()),
            Err(Fault::Silence) => std::future::pending().await,
            Err(Fault::PanicInCall | Fault::PanicInFlight) => panic!("the script panics in flight"),
        }
    }
}

impl From<u16> for Answer {
    fn from(status: u16) -> Self {
        Self::status(status)
    }
}

impl From<&str> for Answer {
    /// Parses a text from the table of [`Answer`].
    ///
    /// # Panics
    ///
    /// Panics if the table does not cover `text`.
    fn from(text: &str) -> Self {
        match text {
            "nothing" => return Self::nothing(),
            "reset" => return Self::error(io::ErrorKind::ConnectionReset),
            _ => {}
        }
        let (status, header) = text.split_once(' ').unwrap_or((text, ""));
        let status = status.parse().unwrap_or_else(|_| {
            panic!("{text:?} is no answer: expected a status, \"reset\" or \"nothing\"")
        });
        let answer = Self::status(status);
        match header.split_once(": ") {
            Some((name, value)) => answer.with_header(name, value),
            None if header.is_empty() => answer,
            None => panic!("{header:?} is no header: expected \"name: value\""),
        }
    }
}
