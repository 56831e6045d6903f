#![doc = "breather"]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "std")]
mod active_call;
mod backoff;
#[cfg(feature = "std")]
mod breather;
mod call;
#[cfg(feature = "http")]
mod classify;
mod decision;
mod evidence;
mod hint;
mod instant;
mod jitter;
mod outcome;
mod pacer;
mod policy;
mod ratio;
mod report;
mod rng;
#[cfg(feature = "std")]
mod scope;
mod stop;
#[cfg(feature = "std")]
mod timer;
mod unix_time;

#[cfg(feature = "std")]
pub use active_call::{ActiveCall, Step};
pub use backoff::Backoff;
#[cfg(feature = "std")]
pub use breather::{Breather, Builder, Snapshot};
pub use call::{Call, CallSpec};
#[cfg(feature = "http")]
pub use classify::{Classify, Ending, ErrorKind, Http, is_idempotent};
pub use decision::{Decision, Origin, Wait};
pub use evidence::Evidence;
pub use hint::{Hint, Ignored, Why, Window};
pub use instant::Instant;
pub use jitter::{Delays, Jitter};
pub use outcome::{Executed, Kind, Outcome};
pub use pacer::{Pacer, Pacing, Permit, Place, Turn};
pub use policy::Policy;
pub use report::Report;
#[cfg(feature = "std")]
pub use report::ReportSlot;
#[cfg(feature = "std")]
pub use scope::Alarm;
pub use stop::{Stop, StopReason, Stopped};
#[cfg(feature = "std")]
pub use timer::Timer;
pub use unix_time::{Moment, UnixTime};
