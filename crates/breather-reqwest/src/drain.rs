//! Drains responses that the caller will not see, to reuse their connections.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use breather::driver::Timer as _;
use reqwest::Response;

use crate::timer::PlatformTimer;

/// Waits for `ready`, and reads the rest of `response` meanwhile.
///
/// The client can then reuse the connection. HTTP/1 has no other way to get to the end of a
/// response. A long or slow response is dropped, which closes its connection.
pub(crate) async fn drain_until<F: Future>(response: Response, ready: F) -> F::Output {
    let mut ready = pin!(ready);
    let mut draining = pin!(drain(response));
    let mut is_drained = false;
    poll_fn(|cx| {
        is_drained = is_drained || draining.as_mut().poll(cx).is_ready();
        ready.as_mut().poll(cx)
    })
    .await
}

async fn drain(response: Response) {
    if response
        .content_length()
        .is_some_and(|length| length > LONGEST)
    {
        return;
    }
    let mut reading = pin!(read(response));
    // Most bodies arrive with the head and need no timer.
    if poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx).is_ready())).await {
        return;
    }
    let mut time_is_up = pin!(PlatformTimer.sleep_until(PlatformTimer.now() + LONGEST_TIME));
    poll_fn(|cx| match reading.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => time_is_up.as_mut().poll(cx),
    })
    .await;
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
async fn read(mut response: Response) {
    let mut left = LONGEST;
    while let Ok(Some(chunk)) = response.chunk().await {
        match left.checked_sub(chunk.len() as u64) {
            Some(less) => left = less,
            None => break,
        }
    }
}

/// Does nothing, because the browser manages its connections.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
async fn read(_: Response) {}

/// The longest body to drain, in bytes.
///
/// An error page has some kilobytes. A new connection costs several round trips, in which the
/// client could have read more than that.
const LONGEST: u64 = 64 * 1024;

/// The longest time to drain a body. A slower response would occupy a connection for no gain.
const LONGEST_TIME: Duration = Duration::from_secs(1);
