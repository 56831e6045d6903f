//! What a server limits calls by.

use std::time::Duration;

use crate::meter::{Bucket, FixedWindow, Meter, SlidingCounter, SlidingLog};

/// One quota of a server, and by which rule it is counted.
///
/// A [`Server`](crate::Server) has any number of them at once, as for a user and for the user's organisation; a
/// call is let in if all of them let it in.
///
/// What each says of itself in headers is what such servers say:
///
/// | limiter | remaining | reset | `Retry-After` |
/// |---|---|---|---|
/// | [`fixed_window`](Self::fixed_window) | of this window | its end | its end |
/// | [`sliding_log`](Self::sliding_log) | now | when the oldest entry leaves | the same |
/// | [`sliding_counter`](Self::sliding_counter) | now | the end of this window | the same, and too early |
/// | [`token_bucket`](Self::token_bucket) | whole tokens | when the bucket is full | when the next token comes |
/// | [`leaky_bucket`](Self::leaky_bucket) | nothing | nothing | when there is a place in its queue |
///
/// # Example
///
/// ```
/// use breather_sim::{Limiter, Server};
/// use std::time::Duration;
///
/// let user = Limiter::token_bucket(300, Duration::from_secs(60), 50);
/// let organisation = Limiter::fixed_window(10_000, Duration::from_secs(3_600));
/// let server = Server::unlimited().with_limiter(user).with_limiter(organisation);
/// # let _ = server;
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Limiter {
    rule: Rule,
    quota: u64,
    window: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    FixedWindow,
    SlidingLog,
    SlidingCounter,
    TokenBucket { burst: u64, resets_at_next: bool },
    LeakyBucket { queue: u64 },
}

impl Limiter {
    /// `quota` calls in each window; windows follow one another from the start of the run.
    pub const fn fixed_window(quota: u64, window: Duration) -> Self {
        Self::new(Rule::FixedWindow, quota, window)
    }

    /// `quota` calls in any time as long as `window`, by a list of when each came.
    pub const fn sliding_log(quota: u64, window: Duration) -> Self {
        Self::new(Rule::SlidingLog, quota, window)
    }

    /// `quota` calls in any time about as long as `window`, by the counts of two fixed windows: that of the one
    /// before counts by the share of it that a window ending now would cover, rounded down.
    ///
    /// So does Cloudflare
    /// (<https://blog.cloudflare.com/counting-things-a-lot-of-different-things/>), and so do Upstash's clients.
    pub const fn sliding_counter(quota: u64, window: Duration) -> Self {
        Self::new(Rule::SlidingCounter, quota, window)
    }

    /// A bucket of `burst` tokens, full at first, to which `quota` come in each `window`, evenly. A call takes
    /// one.
    pub const fn token_bucket(quota: u64, window: Duration, burst: u64) -> Self {
        let resets_at_next = false;
        let rule = Rule::TokenBucket {
            burst,
            resets_at_next,
        };
        Self::new(rule, quota, window)
    }

    /// `quota` calls in each `window`, evenly. Whoever comes too early is kept waiting by the server, behind no
    /// more than `queue` others; past that, it is throttled.
    pub const fn leaky_bucket(quota: u64, window: Duration, queue: u64) -> Self {
        Self::new(Rule::LeakyBucket { queue }, quota, window)
    }

    /// Lets a token bucket state as its reset when the next token comes, instead of when it is full. Changes no
    /// other limiter.
    pub const fn with_reset_at_next(mut self) -> Self {
        if let Rule::TokenBucket { resets_at_next, .. } = &mut self.rule {
            *resets_at_next = true;
        }
        self
    }

    /// How many calls a [`window`](Self::window) gives.
    #[must_use]
    pub const fn quota(&self) -> u64 {
        self.quota
    }

    /// The time in which it gives its [`quota`](Self::quota).
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    const fn new(rule: Rule, quota: u64, window: Duration) -> Self {
        Self {
            rule,
            quota: if quota == 0 { 1 } else { quota },
            window: if window.is_zero() {
                Duration::from_nanos(1)
            } else {
                window
            },
        }
    }

    /// A meter by this rule, at the start of a run.
    pub(crate) fn meter(&self) -> Box<dyn Meter> {
        let Self { quota, window, .. } = *self;
        match self.rule {
            Rule::FixedWindow => Box::new(FixedWindow::new(quota, window)),
            Rule::SlidingLog => Box::new(SlidingLog::new(quota, window)),
            Rule::SlidingCounter => Box::new(SlidingCounter::new(quota, window)),
            Rule::TokenBucket {
                burst,
                resets_at_next,
            } => Box::new(Bucket::tokens(quota, window, burst, resets_at_next)),
            Rule::LeakyBucket { queue } => Box::new(Bucket::queue(quota, window, queue)),
        }
    }
}
