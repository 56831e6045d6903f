//! What becomes of a response that nobody will read.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use breather::driver::Timer as _;
use reqwest::Response;

use crate::timer::PlatformTimer;

/// Waits for `ready`, and reads the rest of `response` meanwhile, so that its connection can be used again: HTTP/1 has no other
/// way to get to the end of a response. A long or a slow one is dropped, and its connection with it.
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
    // Most came with their head, and take no timer.
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

/// In a browser, connections are the browser's; it reads or closes them as it sees fit.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
async fn read(_: Response) {}

/// In bytes. An error page is some kilobytes; a new connection costs several round trips, in which more could have been
/// read.
const LONGEST: u64 = 64 * 1024;

/// A server that takes longer for the rest of an answer keeps a connection, and a place at the server, for nothing.
const LONGEST_TIME: Duration = Duration::from_secs(1);
