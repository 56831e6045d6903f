//! Many clients of breather and a limited server, in virtual time.
//!
//! The very state machines that the adapters drive, [`breather::Call`] and [`breather::Pacer`], are
//! driven here by discrete events. No clock is read and nothing is slept: a run of a thousand calls
//! over four windows of a minute takes milliseconds, and the same seed gives the same run.
//!
//! # Example
//!
//! A thousand callers start at once against 300 calls a minute and 50 in flight:
//!
//! ```
//! use breather_sim::{Load, Server, run};
//!
//! let (server, load) = (Server::default(), Load::spike(1_000));
//! let run = run(&server, &load, 1);
//! let best = server.ideal(&load, 1);
//!
//! assert_eq!(run.ok(), 1_000);
//! assert!(run.sends_per_call() <= 1.05);
//! assert!(run.makespan().as_secs_f64() <= 1.02 * best.makespan().as_secs_f64());
//! ```

mod ideal;
mod limiter;
mod limits;
mod load;
mod meter;
mod quantile;
mod run;
mod server;
mod service_times;
mod state;
mod world;

pub use ideal::Ideal;
pub use limiter::Limiter;
pub use load::Load;
pub use quantile::quantile;
pub use run::Run;
pub use server::{Headers, Outage, ResetForm, Rounding, Server};
pub use service_times::ServiceTimes;
pub use world::run;
