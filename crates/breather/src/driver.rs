//! Parts for authors of adapters and of retry loops without an adapter.
//!
//! Applications don't need this module. If you write an adapter, start with [`ActiveCall`], which you get from
//! [`Breather::start`](crate::Breather::start) and drive with a [`Timer`]. If you have no heap to share or no `std`, drive the
//! two state machines yourself:
//!
//! - [`Call`] decides for one call. You tell it how each attempt ended, and it returns a [`Decision`].
//! - [`Pacer`] decides for one scope. You ask it for a [`Permit`] before each attempt and return the permit with the
//!   outcome.
//!
//! Both are told the time as an [`Instant`] and never read a clock.

pub use crate::call::{Call, CallSpec, Decision, Responder, Wait};
pub use crate::hint::moment::Moment;
#[cfg(feature = "http")]
pub use crate::http::{add_idempotency_key, is_idempotent};
pub use crate::instant::Instant;
pub use crate::pacer::{
    Admission, Costs, JointAdmission, Pacer, Permit, ScopeRequest, Ticket, WaitLimits,
};
pub use crate::policy::{Delays, Withdrawal};
#[cfg(feature = "std")]
pub use crate::shared::{ActiveCall, Alarm, NewCall, Seeds, SleepSlot, Step, Timer};
pub use crate::unix_time::{UnixTime, WallClock};
