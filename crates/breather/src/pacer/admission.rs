//! The pacer's answer to a call.

use super::permit::Permit;
use crate::instant::Instant;

/// The pacer's answer to a call that wants to send.
///
/// This enum is exhaustive on purpose, because a driver has to handle every answer.
#[expect(clippy::exhaustive_enums)]
#[derive(Debug)]
#[must_use = "a granted permit has to be handed back"]
pub enum Admission {
    /// Send now.
    Send(Permit),
    /// Ask again when [`Pacer::poll_offer`](super::Pacer::poll_offer) names the call's place. Nothing will be sent before
    /// `opens`, if the server stated such an instant. A call that does not wait for it has to
    /// [`leave`](super::Pacer::leave).
    Wait {
        /// The end of a hold that the server stated.
        opens: Option<Instant>,
    },
    /// The queue is full. The call has no place in it.
    QueueFull,
    /// The server has rejected every probe for a long time, more often than the call accepts. The call has left the queue.
    Rejected {
        /// The end of a hold that the server stated.
        opens: Option<Instant>,
    },
}
