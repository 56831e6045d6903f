//! Tests retry policies against a simulated rate-limited server, in virtual time.
//!
//! You describe the server and the load, and the simulator plays many callers of breather against
//! that server. The simulator drives [`breather::driver::Call`] and [`breather::driver::Pacer`],
//! the same state machines that the adapters drive, with discrete events. It reads no clock and
//! never sleeps. A run of a thousand calls over four windows of a minute takes milliseconds, and
//! the same seed gives the same run.
//!
//! # Example
//!
//! A thousand callers start at once. The server allows 300 calls a minute and 50 in flight:
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
//! In the next run, two processes share a server without knowing of each other. The server has a
//! limit per minute and one per hour. Programs outside of this run use half of the limit per
//! minute. After two minutes, that limit shrinks from 300 to 200 calls:
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
//! // At the end, each process counts no call in flight and no waiting call.
//! assert_eq!(run.leaks(), [(0, 0), (0, 0)]);
//! ```
//!
//! # Does my policy survive my API?
//!
//! Describe the limits of the API, the headers that it sends and its outages. Say how many calls
//! you make. Then play your policy with several seeds, because one run may be luck. The API in this
//! example allows 100 calls in 10 s and says nothing about its quota until it throttles. In the
//! second window, from second 12 to second 15, it restarts, and refuses connections:
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
//!     .with_outage(seconds(12), seconds(15), Outage::Lost);
//! let survives = |policy| {
//!     let load = Load::spike(500).with_policy(policy);
//!     (1..=20).all(|seed| run(&api, &load, seed).ok() == load.calls())
//! };
//!
//! // A policy with a single retry loses calls to the restart.
//! assert!(!survives(Policy::new().with_max_retries(1)));
//! assert!(survives(Policy::new().with_max_retries(10)));
//! // The fifth window begins after 40 s, so no client can be done before.
//! assert!(!survives(Policy::new().with_max_retries(10).with_deadline(seconds(40))));
//! ```
//!
//! Compare two clients to see the value of a shared pacer. Without the pacer, this policy gives up
//! in the second window, although it retries each call five times:
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
//! - A [`Server`] has any number of [`Limiter`]s and a cap on calls in flight. Its setters choose
//!   the headers that it sends, how accurate they are, and its faults, such as outages and
//!   brownouts.
//! - A [`Load`] sets the number of calls, when they start, and the number of processes that make
//!   them.
//! - A [`Client`] makes the calls. It is breather, one of the baselines, or your own with
//!   [`Callers`].
//! - [`run_client`] plays a client, and [`run()`] plays breather. Both return a [`Run`], the
//!   result. An [`Ideal`] is the best result that is possible.
//! - A [`Scenario`] is a server and a load drawn from a seed. [`check()`] plays it and checks every
//!   [`Rule`]. Implement [`Watch`] to observe a run yourself.
//! - The [`table`] has servers of every kind, with the target that breather has to meet against
//!   each.
//!
//! # In the repository
//!
//! `cargo run --release -p breather-sim --example table` prints breather's results against the
//! servers of the [`table`]. `… --example fuzz -- --seeds 100000` checks 100,000 scenarios in
//! half a minute, and `… -- --seed N` prints all events of one.
//!
//! `cargo run --release -p breather-storm` plays breather and the baselines. It prints a table or
//! JSON, or draws a chart. `-- --help` lists the options for servers, faults, loads and policies.
//! The server of *Does my policy survive my API?* is
//! `-- --quota 100 --window 10 --cap 20 --headers retry-after --outage 12:15:503`.

mod baseline;
mod callers;
mod changes;
mod check;
mod client;
mod demand;
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
