//! How a request is sent again.

use std::convert::Infallible;

/// How a request is sent again: what the inner service gets, and what is kept to make another.
///
/// [`Cloned`] is the default; [`SendOnce`] is for requests that cannot be cloned. The inner service's
/// request may be another than the one that came, so that a body can be recorded while it is sent.
///
/// # Example
///
/// Requests that carry the number of their attempt.
///
/// ```
/// use breather_tower::Repeat;
///
/// #[derive(Clone)]
/// struct Numbered;
///
/// impl Repeat<String> for Numbered {
///     type Inner = (u32, String);
///     type Spare = (u32, String);
///
///     fn once(&self, request: String) -> Self::Inner {
///         (1, request)
///     }
///
///     fn first(&self, request: String) -> (Self::Inner, Option<Self::Spare>) {
///         ((1, request.clone()), Some((2, request)))
///     }
///
///     fn again(&self, (number, request): Self::Spare) -> (Self::Inner, Option<Self::Spare>) {
///         ((number, request.clone()), Some((number + 1, request)))
///     }
/// }
///
/// let (first, spare) = Numbered.first("rows".to_owned());
/// let (second, _) = Numbered.again(spare.unwrap());
/// assert_eq!((first.0, second.0), (1, 2));
/// ```
pub trait Repeat<Req> {
    /// What the inner service is called with.
    type Inner;

    /// What is kept of a request while an attempt is in flight.
    type Spare;

    /// The request of a call that is sent once, whatever happens.
    fn once(&self, request: Req) -> Self::Inner;

    /// The request of the first attempt, and what is kept to make another; `None` if none can be made.
    fn first(&self, request: Req) -> (Self::Inner, Option<Self::Spare>);

    /// The request of one more attempt, and what is kept to make yet another.
    fn again(&self, spare: Self::Spare) -> (Self::Inner, Option<Self::Spare>);
}

/// Clones the request before each attempt, body and extensions included.
///
/// The clone is most of what a call costs that is not repeated. Where the policy permits no second
/// attempt, none is made.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Cloned;

impl<Req: Clone> Repeat<Req> for Cloned {
    type Inner = Req;
    type Spare = Req;

    fn once(&self, request: Req) -> Req {
        request
    }

    fn first(&self, request: Req) -> (Req, Option<Req>) {
        (request.clone(), Some(request))
    }

    fn again(&self, spare: Req) -> (Req, Option<Req>) {
        (spare.clone(), Some(spare))
    }
}

/// Sends each request once: for bodies that cannot be cloned.
///
/// The calls are paced all the same.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SendOnce;

impl<Req> Repeat<Req> for SendOnce {
    type Inner = Req;
    type Spare = Infallible;

    fn once(&self, request: Req) -> Req {
        request
    }

    fn first(&self, request: Req) -> (Req, Option<Infallible>) {
        (request, None)
    }

    fn again(&self, spare: Infallible) -> (Req, Option<Infallible>) {
        match spare {}
    }
}
