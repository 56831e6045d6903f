//! Lets the layer's methods replace how requests are sent again.

use crate::repeat::{Cloned, Custom, SendOnce, TrustClone};
use crate::replay::Replay;

/// A [`Repeat`](crate::Repeat) that the layer's methods can replace by `Q`.
///
/// An [attempt header](crate::RetryLayer::with_attempt_header) is kept, in whichever order you call
/// the methods. The trait is sealed, so only types that the layer creates implement it.
///
/// # Example
///
/// ```
/// use breather_test::Script;
/// use breather_tower::{AttemptHeader, Http, RetryLayer, SendOnce};
/// use http::{HeaderName, Request};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let layer: RetryLayer<Http, AttemptHeader<SendOnce>> = RetryLayer::default()
///     .with_attempt_header(HeaderName::from_static("x-retry-attempt"))
///     .send_once();
///
/// let server = Script::new(["200"]);
/// let request = Request::get("https://api.example.com/rows").body(String::new())?;
/// layer.layer(server.clone()).oneshot(request).await?;
/// assert_eq!(server.requests()[0].headers["x-retry-attempt"], "1");
/// # Ok(())
/// # }
/// ```
pub trait ReplaceBy<Q>: sealed::Sealed + Sized {
    /// The type after the replacement.
    type Output;

    /// Replaces this value by `by`.
    fn replace(self, by: Q) -> Self::Output;
}

pub(crate) mod sealed {
    #[expect(unnameable_types, reason = "the trait is sealed")]
    pub trait Sealed {}
}

macro_rules! replaced_whole {
    ($($repeat:ty $(, $parameter:ident)?;)*) => {$(
        impl$(<$parameter>)? sealed::Sealed for $repeat {}

        impl<$($parameter,)? Q> ReplaceBy<Q> for $repeat {
            type Output = Q;

            fn replace(self, by: Q) -> Q {
                by
            }
        }
    )*};
}

replaced_whole! {
    Cloned;
    TrustClone;
    SendOnce;
    Replay;
    Custom<R>, R;
}
