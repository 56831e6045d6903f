//! Compares breather with the ideal against servers of every kind.
//!
//! Each row has a server, a load and a target. Play your own client against the same servers to
//! compare it.
//!
//! # Example
//!
//! ```
//! use breather_sim::table::{Reached, rows};
//!
//! let rows = rows();
//! let row = rows.iter().find(|row| row.name == "two processes").unwrap();
//! let reached = Reached::of(&row.server, &row.load, 1..=5);
//! assert_eq!(reached.failed, 0);
//! assert!(row.target.unwrap().is_met_by(&reached));
//! ```

mod reached;
mod rows;

pub use self::reached::{Reached, Target};
pub use self::rows::{Row, rows};
