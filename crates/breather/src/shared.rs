//! Shares a policy and the pacers of all scopes among tasks and threads.
//!
//! - `breather`: which handle do callers clone, and how is it configured?
//! - `active_call`: what does an adapter drive for each call? `waiting` holds its sleep.
//! - `new_call`, `options`, `routes`, `scopes`: which settings and scopes does one request have?
//! - `rules`: which settings does a call have that asks for none?
//! - `scope`: which lock and wakers does a scope have? Which scopes are kept?
//! - `dues`, `alarm`: whom does a scope wake once its lock is released, and when is it looked at again?
//! - `gate`: how does a call pass one scope, several, or none?
//! - `timer`: which clock and timer does a runtime lend? `seeds` numbers its calls.
//! - `observer`, `metrics`, `trace`: who is told what happens to calls?
//! - `sync`: which locks are used, so that models can replace them?

mod active_call;
mod alarm;
mod breather;
mod dues;
mod gate;
#[cfg(feature = "metrics")]
mod metrics;
mod new_call;
mod observer;
mod options;
mod routes;
mod rules;
mod scope;
mod scopes;
mod seeds;
mod sync;
mod timer;
mod trace;
mod waiting;

pub use self::active_call::{ActiveCall, Step};
pub use self::alarm::Alarm;
pub use self::breather::{Breather, BreatherBuilder};
#[cfg(feature = "metrics")]
pub use self::metrics::Metrics;
pub use self::new_call::NewCall;
pub use self::observer::{Event, EventKind, Observer};
pub use self::options::CallOptions;
pub use self::scopes::Scopes;
pub use self::seeds::Seeds;
pub use self::timer::Timer;
pub use self::waiting::SleepSlot;
