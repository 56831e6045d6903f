//! The status and metrics pages.

use std::time::{Duration, Instant as StdInstant};

use breather::{
    Breather, Snapshot,
    driver::{Instant, Timer},
};
use breather_examples::gateway::series::Columns;
use breather_tokio::TokioTimer;
use http::{
    HeaderName, HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, VARY},
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    answer::{Reply, page},
    ledger::{Ledger, Tally},
    queue::Queue,
    shutdown::Stage,
    upstream::Upstream,
};

/// Serves the gateway's own pages, below `/-/`.
#[derive(Debug)]
pub(crate) struct Status {
    upstream: Upstream,
    breather: Breather,
    ledger: Ledger,
    queue: Queue,
    stage: watch::Receiver<Stage>,
    prometheus: PrometheusHandle,
    start: StdInstant,
}

/// The JSON status, which the HTML page also draws.
#[derive(Debug, Serialize)]
struct View {
    upstream: String,
    uptime_s: u64,
    draining: bool,
    waiting: usize,
    queue: usize,
    total: Tally,
    scopes: Vec<Scope>,
    series: Columns,
}

/// The status of one scope.
#[derive(Debug, Serialize)]
struct Scope {
    name: String,
    in_flight: u32,
    concurrency: u32,
    cap: Option<u32>,
    waiting: usize,
    limit: Option<u64>,
    remaining: Option<u64>,
    reset_ms: Option<u64>,
    hold: Option<Hold>,
    #[serde(flatten)]
    tally: Tally,
}

#[derive(Debug, Serialize)]
struct Hold {
    for_ms: u64,
    why: String,
    /// The scope sends one attempt at a time to find out whether the hold is over.
    probing: bool,
}

impl Status {
    pub(crate) fn new(
        upstream: Upstream,
        breather: Breather,
        ledger: Ledger,
        queue: Queue,
        stage: watch::Receiver<Stage>,
        prometheus: PrometheusHandle,
    ) -> Self {
        let start = StdInstant::now();
        Self {
            upstream,
            breather,
            ledger,
            queue,
            stage,
            prometheus,
            start,
        }
    }

    /// Returns the page for `request`, or `None` if the gateway has no such page.
    pub(crate) fn reply<B>(&self, request: &Request<B>) -> Option<Reply> {
        let wants_json = || {
            let accept = request
                .headers()
                .get(ACCEPT)
                .and_then(|accept| accept.to_str().ok());
            accept.is_some_and(|accept| accept.contains("application/json"))
        };
        let path = request.uri().path();
        if !["/-/status", "/-/status.json", "/-/metrics"].contains(&path) {
            return None;
        }
        let mut reply = if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut reply = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
            let methods = HeaderValue::from_static("GET, HEAD");
            reply.headers_mut().insert(ALLOW, methods);
            reply
        } else if path == "/-/metrics" {
            page(StatusCode::OK, PROMETHEUS, self.prometheus.render())
        } else if path == "/-/status.json" || wants_json() {
            let view = serde_json::to_string(&self.view()).expect("the view has only JSON types");
            page(StatusCode::OK, "application/json", view)
        } else {
            page(StatusCode::OK, "text/html; charset=utf-8", PAGE)
        };
        let headers = reply.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        headers.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(ONLY_ITSELF),
        );
        Some(reply)
    }

    fn view(&self) -> View {
        let now = TokioTimer.now();
        let scopes = self.breather.snapshots().into_iter();
        let mut scopes: Vec<_> = scopes
            .map(|(name, scope)| self.scope(name, &scope, now))
            .collect();
        // The busiest scopes come first.
        scopes.sort_by(|one, other| {
            let weight = |scope: &Scope| scope.waiting + scope.in_flight as usize;
            weight(other)
                .cmp(&weight(one))
                .then_with(|| one.name.cmp(&other.name))
        });
        View {
            upstream: self.upstream.to_string(),
            uptime_s: self.start.elapsed().as_secs(),
            draining: *self.stage.borrow() > Stage::Open,
            waiting: self.queue.waiting(),
            queue: self.queue.most(),
            total: self.ledger.total(),
            scopes,
            series: self.ledger.series(now),
        }
    }

    fn scope(&self, name: String, scope: &Snapshot, now: Instant) -> Scope {
        let left = |until: Instant| millis(until.duration_since(now));
        let hold = scope.held_until().zip(scope.hold_reason());
        let hold = hold.map(|(until, reason)| Hold {
            for_ms: left(until),
            why: reason.to_string(),
            probing: scope.is_probing(),
        });
        Scope {
            in_flight: scope.in_flight(),
            concurrency: scope.concurrency(),
            cap: scope.cap(),
            waiting: scope.queued(),
            limit: scope.limit(),
            remaining: scope.remaining(),
            reset_ms: scope.reset().map(left),
            hold: hold.filter(|hold| hold.for_ms > 0 || hold.probing),
            tally: self.ledger.scope(&name),
            name,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

const PAGE: &str = include_str!("page.html");

const TEXT: &str = "text/plain; charset=utf-8";

const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

const NOSNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

/// Forbids the page to load anything from elsewhere, and other sites to frame it.
const ONLY_ITSELF: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                           connect-src 'self'; frame-ancestors 'none'";
