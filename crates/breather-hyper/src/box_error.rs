//! The boxed error type.

/// The boxed error type that tower's layers use.
///
/// # Example
///
/// [`hyper_error_kind`](crate::hyper_error_kind()) looks through the box.
///
/// ```
/// use breather_hyper::{BoxError, breather::ErrorKind, hyper_error_kind};
/// use std::io;
///
/// let error: BoxError = io::Error::from(io::ErrorKind::ConnectionRefused).into();
/// assert_eq!(hyper_error_kind(&*error), ErrorKind::Connect);
/// ```
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
