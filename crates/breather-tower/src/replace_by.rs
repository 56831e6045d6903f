//! Lets a method of the layer replace how requests are sent again.

use crate::repeat::{Cloned, Custom, SendOnce, TrustClone};
use crate::replay::Replay;

/// A [`Repeat`] that the layer's methods replace by `Q`. An [attempt header](crate::RetryLayer::with_attempt_header) stays,
/// in whichever order they are called.
///
/// Only the types that the layer makes implement it.
pub trait ReplaceBy<Q>: sealed::Sealed + Sized {
    /// What takes its place.
    type Output;

    /// Replaces it.
    fn replace(self, by: Q) -> Self::Output;
}

pub(crate) mod sealed {
    #[expect(unnameable_types, reason = "others are not to implement it")]
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
