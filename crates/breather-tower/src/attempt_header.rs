//! A header with the number of the attempt.

use http::{HeaderName, HeaderValue, Request};

use crate::repeat::Repeat;
use crate::replace_by::{ReplaceBy, sealed};

/// Sends the number of each attempt in a header.
///
/// The number helps readers of the server's logs. Created by
/// [`RetryLayer::with_attempt_header`](crate::RetryLayer::with_attempt_header).
///
/// # Example
///
/// ```
/// use breather_test::Script;
/// use breather_tower::{AttemptHeader, Cloned, Http, RetryLayer};
/// use http::{HeaderName, Request};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let name = HeaderName::from_static("x-retry-attempt");
/// let layer: RetryLayer<Http, AttemptHeader<Cloned>> =
///     RetryLayer::default().with_attempt_header(name);
///
/// let server = Script::new(["503", "200"]);
/// let request = Request::get("https://api.example.com/rows").body(String::new())?;
/// layer.layer(server.clone()).oneshot(request).await?;
/// let requests = server.requests();
/// assert_eq!(requests[0].headers["x-retry-attempt"], "1");
/// assert_eq!(requests[1].headers["x-retry-attempt"], "2");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AttemptHeader<R> {
    repeat: R,
    name: HeaderName,
}

impl<R> AttemptHeader<R> {
    pub(crate) const fn new(repeat: R, name: HeaderName) -> Self {
        Self { repeat, name }
    }
}

impl<R: sealed::Sealed> sealed::Sealed for AttemptHeader<R> {}

impl<Q, R: ReplaceBy<Q>> ReplaceBy<Q> for AttemptHeader<R> {
    type Output = AttemptHeader<R::Output>;

    fn replace(self, by: Q) -> Self::Output {
        AttemptHeader::new(self.repeat.replace(by), self.name)
    }
}

impl<R, Req, B> Repeat<Req> for AttemptHeader<R>
where
    R: Repeat<Req, Inner = Request<B>>,
{
    type Inner = Request<B>;
    type Spare = R::Spare;

    fn first(&self, request: Req) -> Request<B> {
        self.repeat.first(request)
    }

    fn spare(&self, request: &Request<B>) -> Option<R::Spare> {
        self.repeat.spare(request)
    }

    fn on_send(&self, request: &mut Request<B>, attempt: u32) {
        self.repeat.on_send(request, attempt);
        let number = HeaderValue::from(attempt);
        request.headers_mut().insert(self.name.clone(), number);
    }

    fn can_repeat(&self, spare: &R::Spare) -> bool {
        self.repeat.can_repeat(spare)
    }

    fn again(&self, spare: R::Spare) -> Request<B> {
        self.repeat.again(spare)
    }
}
