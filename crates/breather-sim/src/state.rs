//! The state of a server during a run.

use std::time::{Duration, SystemTime};

use breather::hint::Unit;
use breather::{
    AttemptResult, ClassifyHttp, DefaultClassifier, ErrorKind, Hint, Outcome,
    driver::{Instant, Moment, UnixTime},
};
use http::{Method, StatusCode};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::demand::Demand;
use crate::limits::Limits;
use crate::server::{Headers, Outage, ResetForm, Rounding, Server};
use crate::service_times::ServiceTimes;

/// The state of a server during a run. Times are since the start of the run.
#[derive(Debug)]
pub(crate) struct State {
    server: Server,
    limits: Limits,
    service_times: ServiceTimes,
    in_flight: usize,
    random: Xoshiro256PlusPlus,
}

/// The server's verdict on a request, and the response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) verdict: Verdict,
    pub(crate) answer: Answer,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Accepted. The server finishes the request after this time.
    Accepted(Duration),
    ThrottledQuota,
    ThrottledCap,
    Failed,
}

/// The response that the caller gets.
#[derive(Debug)]
pub(crate) struct Answer {
    result: Result<StatusCode, ErrorKind>,
    /// The header lines.
    lines: Vec<(&'static str, String)>,
}

impl Default for Answer {
    /// Returns an empty response.
    fn default() -> Self {
        Self::new(200, Vec::new())
    }
}

impl Answer {
    fn new(status: u16, lines: Vec<(&'static str, String)>) -> Self {
        let status = StatusCode::from_u16(status);
        Self {
            result: Ok(status.unwrap_or(StatusCode::TOO_MANY_REQUESTS)),
            lines,
        }
    }

    /// Returns the status, or `None` if the connection failed.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.result.ok()
    }

    /// Reads the hint for a caller that receives the response at `received`, when its clock shows
    /// `clock`.
    pub(crate) fn hint(&self, received: Instant, clock: &UnixTime) -> Hint<'_> {
        let lines = self.lines.iter();
        let lines = lines.map(|(name, value)| (*name, value.as_bytes()));
        Hint::read(lines, Moment::new(received).with_wall_clock(clock))
    }

    /// Classifies the response with the default classifier.
    pub(crate) fn outcome(&self, hint: &Hint<'_>) -> Outcome {
        DefaultClassifier.classify(&AttemptResult::new(&Method::GET, self.result, hint))
    }
}

impl State {
    pub(crate) fn new(server: &Server, seed: u64) -> Self {
        Self {
            limits: Limits::new(server),
            service_times: server.service_times(seed),
            server: server.clone(),
            in_flight: 0,
            random: Xoshiro256PlusPlus::seed_from_u64(seed.rotate_left(32)),
        }
    }

    /// Handles the arrival of a request.
    pub(crate) fn on_request(&mut self, now: Duration, demand: Demand) -> Reply {
        self.limits.advance(now);
        self.limits.meet(demand.token);
        let mut outages = self.server.outages.iter();
        if let Some(&(_, outage)) = outages.find(|(spell, _)| spell.contains(now)) {
            let verdict = Verdict::Failed;
            let answer = failure(outage);
            return Reply { verdict, answer };
        }
        if demand.is_barred {
            let retry_after = self.server.barred_retry_after;
            let line = retry_after.map(|seconds| ("retry-after", seconds.to_string()));
            let verdict = Verdict::ThrottledQuota;
            let answer = Answer::new(429, line.into_iter().collect());
            return Reply { verdict, answer };
        }
        if self.server.faults > 0.0 && self.random.random_bool(self.server.faults.min(1.0)) {
            let verdict = Verdict::Failed;
            let answer = failure(Outage::Unavailable(None));
            return Reply { verdict, answer };
        }
        let verdict = match self.limits.admits(now, demand) {
            None => Verdict::ThrottledQuota,
            Some(_) if self.in_flight >= self.limits.places() => Verdict::ThrottledCap,
            Some(start) => {
                self.in_flight += 1;
                self.limits.take(start, demand);
                let service = self.service_times.next().unwrap_or_default();
                // Callers see the network as a part of the service time.
                let network = self.server.one_way() * 2;
                let service = self.server.slowed(start, service).saturating_sub(network);
                Verdict::Accepted(start - now + service)
            }
        };
        let status = match verdict {
            Verdict::Accepted(_) => 200,
            Verdict::ThrottledCap => self.server.cap_status,
            Verdict::ThrottledQuota => self.server.quota_status,
            Verdict::Failed => 503,
        };
        if verdict == Verdict::ThrottledQuota {
            self.limits.on_throttled(now, demand);
        }
        if status != 200 && self.server.counts_throttled {
            self.limits.charge(now, demand);
        }
        let mut answer = Answer::new(status, self.lines(now, demand, verdict));
        if status != 200 {
            self.date(now, &mut answer);
        }
        Reply { verdict, answer }
    }

    /// Returns whether a request that arrived now would be accepted.
    pub(crate) fn is_open(&mut self, now: Duration) -> bool {
        self.limits.advance(now);
        let is_out = self.server.outages.iter().any(|(it, _)| it.contains(now));
        let has_place = self.in_flight < self.limits.places();
        !is_out && has_place && self.limits.admits(now, Demand::default()).is_some()
    }

    /// Ends an accepted call and sends its response.
    pub(crate) fn on_done(&mut self, now: Duration, demand: Demand, answer: &mut Answer) {
        self.in_flight -= 1;
        self.limits.advance(now);
        if self.limits.charges_at_response() {
            self.limits.take_at_response(now, demand);
            answer.lines = self.lines(now, demand, Verdict::Accepted(Duration::ZERO));
        }
        self.date(now, answer);
    }

    fn date(&self, now: Duration, answer: &mut Answer) {
        if self.server.reset_form == (ResetForm::Epoch { date: true }) {
            let seconds = self.server.clock(now).as_micros().div_euclid(1_000_000);
            let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
            answer.lines.push(("date", httpdate::fmt_http_date(date)));
        }
    }

    /// Returns the headers about the limits, for a call with its verdict at `now`.
    fn lines(
        &self,
        now: Duration,
        demand: Demand,
        verdict: Verdict,
    ) -> Vec<(&'static str, String)> {
        let statements = self.limits.statements(now, demand);
        let windows = statements.filter_map(|(unit, it)| Some((unit, it.window?)));
        let windows: Vec<_> = windows.collect();
        let mut lines = Vec::new();
        match self.server.headers {
            Headers::All => {
                for (&(_, window), family) in windows.iter().zip(FAMILIES) {
                    self.state(now, window, family, &mut lines);
                }
            }
            Headers::Tightest => {
                if let Some(&(_, window)) = windows.iter().min_by_key(|(_, (_, left, _))| left) {
                    self.state(now, window, FAMILIES[0], &mut lines);
                }
            }
            Headers::OpenAi => {
                for &(unit, (limit, remaining, reset)) in &windows {
                    let names = if unit == Unit::Requests { 0 } else { 1 };
                    let [limits, remainings, resets] = OPENAI[names];
                    lines.push((limits, limit.to_string()));
                    lines.push((remainings, remaining.to_string()));
                    lines.push((resets, go_duration(reset.saturating_sub(now))));
                }
            }
            Headers::Anthropic => {
                for &(unit, (limit, remaining, reset)) in &windows {
                    let is_requests = unit == Unit::Requests;
                    let [limits, remainings, resets] = ANTHROPIC[usize::from(!is_requests)];
                    // Tokens are rounded to the nearest thousand.
                    let remaining = match is_requests {
                        true => remaining,
                        false => (remaining + 500) / 1_000 * 1_000,
                    };
                    lines.push((limits, limit.to_string()));
                    lines.push((remainings, remaining.to_string()));
                    lines.push((resets, self.timestamp(reset)));
                }
            }
            Headers::RetryAfter | Headers::None => {}
        }
        if self.server.headers != Headers::None {
            let retry_after = match verdict {
                Verdict::Accepted(_) | Verdict::Failed => None,
                Verdict::ThrottledQuota => Some(self.delay(now, self.limits.retry(now, demand))),
                Verdict::ThrottledCap => self.server.cap_retry_after,
            };
            lines.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        }
        lines
    }

    /// States a window in the headers of a family.
    fn state(
        &self,
        now: Duration,
        (limit, remaining, reset): (u64, u64, Duration),
        family: [&'static str; 3],
        lines: &mut Vec<(&'static str, String)>,
    ) {
        // The last family reports the used quota.
        let is_used = family[1] == "inin-ratelimit-count";
        let count = if is_used {
            limit - remaining.min(limit)
        } else {
            remaining
        };
        lines.push((family[0], limit.to_string()));
        lines.push((family[1], count.to_string()));
        lines.push((family[2], self.reset(now, reset).to_string()));
    }

    /// Returns a time on the server's clock as RFC 3339 writes it, in whole seconds.
    fn timestamp(&self, at: Duration) -> String {
        let micros = self.server.clock(at).as_micros();
        let seconds = match self.server.rounding {
            Rounding::Up => -(-micros).div_euclid(1_000_000),
            Rounding::Down => micros.div_euclid(1_000_000),
        };
        jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |it| it.to_string())
    }

    fn reset(&self, now: Duration, reset: Duration) -> u64 {
        match self.server.reset_form {
            ResetForm::Delta => self.delay(now, reset),
            ResetForm::Epoch { .. } => {
                let at = self.server.clock(reset.saturating_sub(self.server.early));
                let micros = Duration::from_micros(at.as_micros().unsigned_abs());
                self.rounded(micros)
            }
        }
    }

    fn delay(&self, now: Duration, at: Duration) -> u64 {
        let delay = at.saturating_sub(now).saturating_sub(self.server.early);
        self.rounded(delay)
    }

    fn rounded(&self, time: Duration) -> u64 {
        let is_whole = time.subsec_nanos() == 0;
        match self.server.rounding {
            Rounding::Up if !is_whole => time.as_secs() + 1,
            Rounding::Up | Rounding::Down => time.as_secs(),
        }
    }
}

/// Writes a duration as Go does, rounded up to milliseconds.
fn go_duration(duration: Duration) -> String {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let seconds = millis % 60_000;
    let fraction = format!("{}.{:03}", seconds / 1_000, seconds % 1_000);
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    match millis / 60_000 {
        0 => format!("{fraction}s"),
        minutes => format!("{minutes}m{fraction}s"),
    }
}

fn failure(outage: Outage) -> Answer {
    match outage {
        Outage::Lost => Answer {
            result: Err(ErrorKind::Connect),
            lines: Vec::new(),
        },
        Outage::Unavailable(retry_after) => {
            let retry_after = retry_after.map(|seconds| ("retry-after", seconds.to_string()));
            Answer::new(503, retry_after.into_iter().collect())
        }
    }
}

/// The headers for limit, remaining and reset of each limiter.
const FAMILIES: [[&str; 3]; 3] = [
    [
        "x-rate-limit-limit",
        "x-rate-limit-remaining",
        "x-rate-limit-reset",
    ],
    [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ],
    [
        "inin-ratelimit-allowed",
        "inin-ratelimit-count",
        "inin-ratelimit-reset",
    ],
];

/// OpenAI's headers for requests and for tokens.
const OPENAI: [[&str; 3]; 2] = [
    [
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ],
    [
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    ],
];

/// Anthropic's headers for requests and for tokens.
const ANTHROPIC: [[&str; 3]; 2] = [
    [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
    [
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations() {
        let written = [0, 17, 1_000, 1_500, 59_999, 60_000, 86_430];
        let written = written.map(|millis| go_duration(Duration::from_millis(millis)));
        assert_eq!(
            written,
            ["0ms", "17ms", "1s", "1.5s", "59.999s", "1m0s", "1m26.43s"]
        );
    }
}
