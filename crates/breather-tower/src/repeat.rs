//! How a request is sent again.

use std::convert::Infallible;

/// How a request is sent again: what the inner service gets, and what is kept to make another.
///
/// [`Cloned`] is the default; [`Replay`](crate::Replay) is for bodies that are streams, and [`SendOnce`] for requests
/// that cannot be sent again. The inner service's request may be another than the one that came, so that a body
/// can be recorded while it is sent.
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
///     fn first(&self, request: String) -> Self::Inner {
///         (1, request)
///     }
///
///     fn spare(&self, (number, request): &Self::Inner) -> Option<Self::Spare> {
///         Some((number + 1, request.clone()))
///     }
///
///     fn again(&self, spare: Self::Spare) -> Self::Inner {
///         spare
///     }
/// }
///
/// let first = Numbered.first("rows".to_owned());
/// let spare = Numbered.spare(&first).unwrap();
/// assert_eq!(Numbered.again(spare), (2, "rows".to_owned()));
/// ```
pub trait Repeat<Req> {
    /// What the inner service is called with.
    type Inner;

    /// What is kept of a request while an attempt is in flight.
    type Spare;

    /// The request of the first attempt.
    fn first(&self, request: Req) -> Self::Inner;

    /// What is kept of `request`, which is about to be sent, to make another; `None` if none can be made.
    ///
    /// Not asked for where the policy permits no second attempt.
    fn spare(&self, request: &Self::Inner) -> Option<Self::Spare>;

    /// Called with each `request` right before it is sent; `attempt` is its number, from 1. Defaults to nothing.
    fn on_send(&self, request: &mut Self::Inner, attempt: u32) {
        let _ = (request, attempt);
    }

    /// Whether `spare` is still of use, now that an attempt has ended. Defaults to true.
    ///
    /// Not asked after a success. What it answers has to hold until `spare` is dropped or used, which is as soon as
    /// the call has decided whether it goes on.
    fn can_repeat(&self, spare: &Self::Spare) -> bool {
        let _ = spare;
        true
    }

    /// The request of one more attempt.
    fn again(&self, spare: Self::Spare) -> Self::Inner;
}

/// Clones the request before each attempt, body and extensions included. The body of an HTTP request has to be a
/// [`CloneableBody`](crate::CloneableBody).
///
/// The clone is most of what a call costs that is not repeated. Where the policy permits no second
/// attempt, none is made.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Cloned;

impl<Req: Clone> Repeat<Req> for Cloned {
    type Inner = Req;
    type Spare = Req;

    fn first(&self, request: Req) -> Req {
        request
    }

    fn spare(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }

    fn again(&self, spare: Req) -> Req {
        spare
    }
}

/// Clones the request before each attempt, whatever its body is. Use it if you know that clones of the body are copies.
///
/// Made by [`RetryLayer::trust_clone`](crate::RetryLayer::trust_clone).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TrustClone;

impl<Req: Clone> Repeat<Req> for TrustClone {
    type Inner = Req;
    type Spare = Req;

    fn first(&self, request: Req) -> Req {
        request
    }

    fn spare(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }

    fn again(&self, spare: Req) -> Req {
        spare
    }
}

/// Sends requests again by a [`Repeat`] of your own.
///
/// Made by [`RetryLayer::with_repeat`](crate::RetryLayer::with_repeat).
#[derive(Clone, Copy, Debug)]
pub struct Custom<R>(R);

impl<R> Custom<R> {
    pub(crate) const fn new(repeat: R) -> Self {
        Self(repeat)
    }
}

impl<Req, R: Repeat<Req>> Repeat<Req> for Custom<R> {
    type Inner = R::Inner;
    type Spare = R::Spare;

    fn first(&self, request: Req) -> R::Inner {
        self.0.first(request)
    }

    fn spare(&self, request: &R::Inner) -> Option<R::Spare> {
        self.0.spare(request)
    }

    fn on_send(&self, request: &mut R::Inner, attempt: u32) {
        self.0.on_send(request, attempt);
    }

    fn can_repeat(&self, spare: &R::Spare) -> bool {
        self.0.can_repeat(spare)
    }

    fn again(&self, spare: R::Spare) -> R::Inner {
        self.0.again(spare)
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

    fn first(&self, request: Req) -> Req {
        request
    }

    fn spare(&self, _: &Req) -> Option<Infallible> {
        None
    }

    fn again(&self, spare: Infallible) -> Req {
        match spare {}
    }
}
