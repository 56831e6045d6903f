//! Many clients of breather and a limited server, in virtual time.
//!
//! The very state machines that the adapters drive, [`breather::driver::Call`] and [`breather::driver::Pacer`], are
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
//!
//! Two processes that don't know of one another, against a server with a quota for the user and one for the
//! organisation, half of which others use; from the third minute on, it has less:
//!
//! ```
//! use breather_sim::{Limiter, Load, Server, run};
//! use std::time::Duration;
//!
//! let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
//! let server = Server::unlimited()
//!     .with_limiter(Limiter::sliding_log(300, minute))
//!     .with_limiter(Limiter::fixed_window(3_000, hour))
//!     .with_others(0.5)
//!     .with_quota_from(minute * 2, 200);
//! let run = run(&server, &Load::spike(400).with_processes(2), 1);
//!
//! assert_eq!(run.ok(), 400);
//! assert_eq!(run.leaks(), [(0, 0), (0, 0)]);
//! ```
//!
//! # Does my policy survive my API?
//!
//! Say what the API limits, what it tells, and what its bad days are like; say how many calls there are; and play
//! the policy with some seeds, since one run may be luck. This API gives 100 calls in 10 s, tells nothing before it
//! throttles, and is restarted in the second window:
//!
//! ```
//! use breather::Policy;
//! use breather_sim::{Headers, Load, Outage, Server, run};
//! use std::time::Duration;
//!
//! let seconds = Duration::from_secs;
//! let api = Server::default()
//!     .with_quota(100, seconds(10))
//!     .with_cap(Some(20))
//!     .with_headers(Headers::RetryAfter)
//!     .with_outage(seconds(12), seconds(15), Outage::Unavailable(None));
//! let survives = |policy| {
//!     let load = Load::spike(500).with_policy(policy);
//!     (1..=20).all(|seed| run(&api, &load, seed).ok() == load.calls())
//! };
//!
//! // Whoever repeats a failure only once loses calls to the restart.
//! assert!(!survives(Policy::new().with_max_retries(1)));
//! assert!(survives(Policy::new().with_max_retries(10)));
//! // The fifth window begins after 40 s, so that nobody can be done before.
//! assert!(!survives(Policy::new().with_max_retries(10).with_deadline(seconds(40))));
//! ```
//!
//! What is it worth that all calls share a pacer? Without it, this policy gives up in the second window, though it
//! repeats each call five times:
//!
//! ```
//! use breather::Policy;
//! use breather_sim::{Client, Load, Server, run_client};
//!
//! let mine = Policy::default().with_max_retries(5).with_max_throttles(5);
//! let (server, load) = (Server::default(), Load::spike(1_000).with_policy(mine));
//! let alone = run_client(&server, &load, &Client::Unpaced, 1);
//! let paced = run_client(&server, &load, &Client::Breather, 1);
//!
//! assert!(alone.ok() < 1_000 && alone.sends_per_call() > 2.0);
//! assert_eq!(paced.ok(), 1_000);
//! ```
//!
//! # The parts
//!
//! - A [`Server`] has any number of [`Limiter`]s and a cap on calls in flight. Its setters say what it tells of them,
//!   how truly, and what befalls it.
//! - A [`Load`] says how many calls start when, by how many processes.
//! - A [`Client`] is who makes them: breather, one of the baselines, or any other by [`Callers`].
//! - [`run_client`] plays them ([`run()`] plays breather), and a [`Run`] is what came of it; an [`Ideal`] is what could have.
//! - A [`Scenario`] is a server and a load drawn from a seed, and [`check()`] holds its run to every [`Rule`], as does
//!   whoever [`Watch`]es a run.
//! - The [`table`] has servers of every kind, and what breather is to reach against each of them.
//!
//! # In the repository
//!
//! `cargo run --release -p breather-sim --example table` prints what breather reaches against the servers of the
//! [`table`]. `… --example fuzz -- --seeds 100000` checks so many scenarios in half a minute, and `… -- --seed N` tells
//! all of one.
//!
//! `cargo run --release -p breather-storm` plays breather and the baselines and prints a table, or JSON, or draws a
//! chart; `-- --help` lists servers, what befalls them, loads and policies. The API above is `-- --quota 100 --window 10
//! --cap 20 --headers retry-after --outage 12:15:503`.

mod baseline;
mod callers;
mod changes;
mod check;
mod client;
mod ideal;
mod limiter;
mod limits;
mod load;
mod meter;
mod quantile;
mod run;
mod scenario;
mod server;
mod service_times;
mod state;
pub mod table;
mod watch;
mod world;

pub use callers::{Admission, Callers, Failure, Retries};
pub use check::{Rule, Violation, check};
pub use client::{Client, Custom};
pub use ideal::Ideal;
pub use limiter::Limiter;
pub use load::Load;
pub use quantile::quantile;
pub use run::{Fate, Run};
pub use scenario::Scenario;
pub use server::{Headers, Outage, ResetForm, Rounding, Server};
pub use service_times::ServiceTimes;
pub use watch::{Happening, Watch};
pub use world::{run, run_client, run_client_watched, run_watched};
