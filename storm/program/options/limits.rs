//! The server's limits.

use std::time::Duration;

use breather_sim::Server;
use breather_storm::thousands;
use clap::Args;

use crate::limit::{Kind, Limit};
use crate::number::{OrNone, count, millis, places, seconds, share, up_to};

#[derive(Args, Debug)]
pub(crate) struct Limits {
    /// Rule that limits the calls besides the cap
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Kind::Fixed)]
    server: Kind,

    /// Calls that the server accepts in each window
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = count)]
    quota: u32,

    /// Length of a window, from 0.001 to 86400
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    window: Duration,

    /// Size of the token bucket, or of the leaky bucket's queue [default: the quota]
    #[arg(long, value_name = "N", value_parser = count)]
    burst: Option<u32>,

    /// Make token buckets state the next token as their reset, instead of when they are full
    #[arg(long)]
    reset_at_next: bool,

    /// An additional limit, for example `fixed:3000:3600` or `token-bucket:100:1:10`; may be
    /// repeated
    #[arg(long, value_name = "KIND:QUOTA:SECONDS[:BURST]", value_parser = Limit::parse)]
    limiter: Vec<Limit>,

    /// Calls that the server allows in flight, or `none` for any number
    #[arg(long, value_name = "N", default_value = "50", value_parser = places)]
    cap: OrNone,

    /// Make throttled calls cost quota, too
    #[arg(long)]
    count_throttled: bool,

    /// Make calls cost quota when they end, instead of when they arrive
    #[arg(long)]
    count_at_response: bool,

    /// Share of the first limit's quota that other users take evenly, up to 0.9
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share(0.9))]
    others: f64,

    /// Median time of an accepted call
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = up_to(3_600_000))]
    service_ms: u32,

    /// Time of a throttled call, all of it in the network
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = up_to(3_600_000))]
    rejection_ms: u32,

    /// Longest additional network delay of a request or a response; they may overtake each other
    #[arg(long, value_name = "MS", default_value = "0", value_parser = millis)]
    network_jitter_ms: Duration,
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.burst.is_some() && !self.server.is_bucket() {
            return Err("--burst expects --server token-bucket or leaky-bucket".to_owned());
        }
        if self.server == Kind::CapOnly && self.cap == OrNone(None) {
            return Err("--server cap-only expects a --cap".to_owned());
        }
        if self.reset_at_next && !self.all().any(|it| it.kind() == Kind::TokenBucket) {
            return Err("--reset-at-next expects a token bucket".to_owned());
        }
        if self.count_at_response && self.all().any(|it| it.kind() == Kind::LeakyBucket) {
            return Err("--count-at-response expects no leaky bucket".to_owned());
        }
        self.expect_quota("--others", self.others > 0.0)?;
        self.expect_quota("--count-throttled", self.count_throttled)?;
        self.expect_quota("--count-at-response", self.count_at_response)
    }

    /// Returns an error if an option about a quota is set and there is no quota.
    pub(crate) fn expect_quota(&self, option: &str, is_set: bool) -> Result<(), String> {
        if is_set && self.all().next().is_none() {
            return Err(format!("{option} expects a --server with a quota"));
        }
        Ok(())
    }

    /// Returns how many calls of the first limit other users make in a window.
    pub(crate) fn used_by_others(&self) -> f64 {
        let first = self.all().next().map_or(0, |it| it.limiter().quota());
        first as f64 * self.others
    }

    pub(crate) fn server(&self) -> Server {
        let limiters = self.all().map(|it| {
            if self.reset_at_next {
                it.limiter().with_reset_at_next()
            } else {
                it.limiter()
            }
        });
        limiters
            .fold(Server::unlimited(), Server::with_limiter)
            .with_cap(self.cap.0)
            .with_throttled_counted(self.count_throttled)
            .with_counting_at_response(self.count_at_response)
            .with_others(self.others)
            .with_service(Duration::from_millis(self.service_ms.into()))
            .with_rejection(Duration::from_millis(self.rejection_ms.into()))
            .with_jitter(self.network_jitter_ms)
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.server
    }

    pub(crate) const fn window(&self) -> Duration {
        self.window
    }

    /// Returns the rate of the quota, in calls a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.quota) / self.window.as_secs_f64()
    }

    /// Returns a short description.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words: Vec<_> = self.all().map(|it| it.name().to_owned()).collect();
        if words.is_empty() {
            words.push("no quota".to_owned());
        }
        words.push(match self.cap.0 {
            Some(cap) => format!("{} in flight", thousands(cap.into())),
            None => "any number in flight".to_owned(),
        });
        if self.reset_at_next {
            words.push("reset at the next token".to_owned());
        }
        if self.count_throttled {
            words.push("throttled calls cost quota".to_owned());
        }
        if self.count_at_response {
            words.push("calls are counted when they are done".to_owned());
        }
        if self.others > 0.0 {
            words.push(format!("others use {:.0} %", self.others * 100.0));
        }
        if !self.network_jitter_ms.is_zero() {
            let most = self.network_jitter_ms.as_millis();
            words.push(format!("up to {most} ms more each way"));
        }
        words
    }

    fn all(&self) -> impl Iterator<Item = Limit> {
        let first = Limit::new(self.server, self.quota, self.window, self.burst);
        first.into_iter().chain(self.limiter.iter().cloned())
    }
}
