//! The locks of what calls share: std's, and shuttle's in the models.

#[cfg(all(test, breather_shuttle))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, RwLock};
#[cfg(not(all(test, breather_shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard, RwLock};
