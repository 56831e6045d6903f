//! Shares a policy and the pacers of all scopes among tasks and threads.
//!
//! | module | contents |
//! |---|---|
//! | `breather` | the handle that callers clone, and its builder |
//! | `active_call`, `waiting` | the call that an adapter drives, and the sleep of a waiting call |
//! | `new_call`, `options`, `routes`, `scopes` | settings and scopes of one request |
//! | `rules` | default settings of a scope's calls |
//! | `scope` | a scope's lock and wakers, and the table of scopes |
//! | `dues`, `alarm` | wake-ups after a scope's lock is released, and at a later time |
//! | `gate` | passes a call through one scope, several, or none |
//! | `timer`, `seeds` | a runtime's clock and timer, and the random seeds of calls |
//! | `observer`, `metrics`, `trace` | report events of calls |
//! | `sync` | the locks, which models replace |

mod active_call;
mod alarm;
mod breather;
mod cost_slot;
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
pub use self::cost_slot::CostSlot;
#[cfg(feature = "metrics")]
pub use self::metrics::Metrics;
pub use self::new_call::NewCall;
pub use self::observer::{Event, EventKind, Observer};
pub use self::options::CallOptions;
pub use self::scopes::Scopes;
pub use self::seeds::Seeds;
pub use self::timer::Timer;
pub use self::waiting::SleepSlot;
