//! The servers and loads of the table, with the pacer's targets.

use std::time::Duration;

use breather::{Pace, Pacing, Priority, Unit};

use crate::limiter::Limiter;
use crate::load::Load;
use crate::server::{Headers, Outage, ResetForm, Rounding, Server};

use super::reached::Target;

/// A server, a load, and the target for breather.
///
/// # Example
///
/// Play another client against the server of a row. This one sends more than the target allows:
///
/// ```
/// use breather_sim::table::rows;
/// use breather_sim::{Client, run_client};
///
/// let row = rows().into_iter().find(|row| row.name == "fixed window").unwrap();
/// let run = run_client(&row.server, &row.load, &Client::LoopCapped, 1);
/// assert_eq!(run.ok(), row.load.calls());
/// assert!(run.sends_per_call() > row.target.unwrap().sends);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// The distinctive feature of the server or the load.
    ///
    /// Rows with different loads may share a name.
    pub name: &'static str,
    /// The server.
    pub server: Server,
    /// The load.
    pub load: Load,
    /// The target, or `None` if there is none yet.
    pub target: Option<Target>,
}

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// Returns all rows.
#[must_use]
pub fn rows() -> Vec<Row> {
    [
        fixed_window(),
        less_than_a_window(),
        less_than_a_window_with_retry_after(),
        other_limiters(),
        no_cap(),
        two_processes(),
        rejections_cost_quota(),
        rounded_down(),
        skewed_clocks(),
        retry_after_alone(),
        bare_429(),
        sizes(),
        early_hints(),
        changing_quota(),
        changing_cap(),
        others(),
        beyond_the_table(),
        tokens(),
        language_models(),
        per_second(),
        small_bucket(),
        overtaking(),
        overage(),
        overloads(),
        sliding_counters(),
        orders(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn fixed_window() -> Vec<Row> {
    let row = |calls| spike("fixed window", Server::default(), calls, 1.01, 1.02);
    vec![row(1_000), row(5_000)]
}

fn less_than_a_window() -> Vec<Row> {
    let server = Server::default().with_cap_retry_after(None);
    let row = |calls| spike("less than a window", server.clone(), calls, 1.10, 1.05);
    vec![row(50), row(200)]
}

fn less_than_a_window_with_retry_after() -> Vec<Row> {
    let name = "less than a window, cap with Retry-After: 1";
    vec![spike(name, Server::default(), 200, 1.40, 1.05)]
}

fn sliding_log() -> Vec<Row> {
    let server = Server::default().limited_by(Limiter::sliding_log(300, MINUTE));
    let row = |calls| spike("sliding log", server.clone(), calls, 1.012, 1.015);
    vec![row(1_000), row(5_000)]
}

fn token_bucket() -> Vec<Row> {
    let bucket = Limiter::token_bucket(300, MINUTE, 300);
    let name = "token bucket, reset when full";
    let server = Server::default().limited_by(bucket);
    let row = |calls| spike(name, server.clone(), calls, 1.02, 1.05);
    vec![row(1_000), row(5_000)]
}

fn token_bucket_with_reset_at_next() -> Vec<Row> {
    let bucket = Limiter::token_bucket(300, MINUTE, 300).with_reset_at_next();
    let name = "token bucket, reset at the next token";
    let server = Server::default().limited_by(bucket);
    let row = |calls| spike(name, server.clone(), calls, 1.02, 1.05);
    vec![row(1_000), row(5_000)]
}

fn other_limiters() -> Vec<Row> {
    let mut rows = sliding_log();
    rows.extend(token_bucket());
    rows.extend(token_bucket_with_reset_at_next());
    rows
}

fn no_cap() -> Vec<Row> {
    let server = Server::default().with_cap(None);
    vec![spike("no cap", server, 1_000, 1.02, 1.05)]
}

fn two_processes() -> Vec<Row> {
    let load = Load::spike(1_000).with_processes(2);
    vec![row("two processes", Server::default(), load, 1.02, 1.05)]
}

fn rejections_cost_quota() -> Vec<Row> {
    let server = Server::default().with_throttled_counted(true);
    vec![spike(
        "throttled calls cost quota",
        server,
        1_000,
        1.02,
        1.03,
    )]
}

fn rounded_down() -> Vec<Row> {
    let server = Server::default().with_rounding(Rounding::Down);
    vec![spike("headers rounded down", server, 1_000, 1.02, 1.03)]
}

fn skewed_clocks() -> Vec<Row> {
    let row = |name, seconds| {
        let form = ResetForm::Epoch { date: true };
        let server = Server::default().with_reset_form(form).with_skew(seconds);
        spike(name, server, 1_000, 1.02, 1.03)
    };
    vec![
        row("epoch and Date, clock 3 s ahead", 3),
        row("epoch and Date, clock 3 s behind", -3),
    ]
}

fn retry_after_alone() -> Vec<Row> {
    let server = Server::default().with_headers(Headers::RetryAfter);
    vec![spike("Retry-After alone", server, 1_000, 1.02, 1.05)]
}

fn bare_429() -> Vec<Row> {
    let server = Server::default().with_headers(Headers::None);
    vec![spike("nothing but the 429", server, 1_000, 1.10, 1.15)]
}

fn caps() -> Vec<Row> {
    let row = |name, cap, quota, seconds, calls| {
        let server = window(quota, seconds).with_cap(Some(cap));
        with_start_up(name, server, calls)
    };
    vec![
        row("cap of 5, 150 in 10 s", 5, 150, 10, 800),
        row("cap of 20, 600 in 10 s", 20, 600, 10, 3_000),
        row("cap of 100, 600 a minute", 100, 600, 60, 3_000),
        row("cap of 500, 3,000 a minute", 500, 3_000, 60, 15_000),
    ]
}

fn services() -> Vec<Row> {
    let row = |name, millis| {
        let server = Server::default().with_service(Duration::from_millis(millis));
        with_start_up(name, server, 1_500)
    };
    vec![row("service of 20 ms", 20), row("service of 2 s", 2_000)]
}

fn tiny_quota() -> Vec<Row> {
    vec![with_start_up("10 in 10 s", window(10, 10), 50)]
}

fn sizes() -> Vec<Row> {
    let mut rows = caps();
    rows.extend(services());
    rows.extend(tiny_quota());
    rows
}

fn early_hints() -> Vec<Row> {
    let server = Server::default().with_early_hints(SECOND);
    vec![spike("hints 1 s too early", server, 1_000, 1.05, 1.08)]
}

fn changing_quota() -> Vec<Row> {
    let row = |name, at, quota| {
        let server = Server::default().with_quota_from(at, quota);
        spike(name, server, 1_500, 1.05, 1.08)
    };
    vec![
        row("quota halves in a hold", 90 * SECOND, 150),
        row("quota halves in a burst", 60 * SECOND + SECOND / 2, 150),
        row("quota halves at a reset", 120 * SECOND, 150),
        row("quota doubles in a burst", 60 * SECOND + SECOND / 2, 600),
        row("quota doubles at a reset", 120 * SECOND, 600),
    ]
}

fn changing_cap() -> Vec<Row> {
    let row = |name, at, cap| {
        let server = Server::default().with_cap_from(at, Some(cap));
        spike(name, server, 1_500, 1.05, 1.08)
    };
    vec![
        row("cap from 50 to 10 in a burst", 60 * SECOND + SECOND / 2, 10),
        row("cap from 50 to 10 in a hold", 90 * SECOND, 10),
        row("cap from 50 to 200", 90 * SECOND, 200),
        spike(
            "cap from 10 to 40, where it is what limits",
            window(3_000, 60)
                .with_cap(Some(10))
                .with_cap_from(60 * SECOND, Some(40)),
            5_000,
            1.05,
            1.08,
        ),
        spike(
            "cap from 40 to 10, where it is what limits",
            window(3_000, 60)
                .with_cap(Some(40))
                .with_cap_from(65 * SECOND, Some(10)),
            5_000,
            1.05,
            1.08,
        ),
    ]
}

fn others() -> Vec<Row> {
    let server = Server::default().with_others(0.5);
    vec![spike(
        "half the quota used by others",
        server,
        1_000,
        1.05,
        1.08,
    )]
}

/// Returns rows without a target.
fn beyond_the_table() -> Vec<Row> {
    let at = |seconds| Duration::from_secs(seconds);
    let limited = |limiter| Server::default().limited_by(limiter);
    let row = |name, server, load| Row {
        name,
        server,
        load,
        target: None,
    };
    let spike = |name, server| row(name, server, Load::spike(1_000));
    let bucket = Limiter::token_bucket(300, MINUTE, 300);
    let log = Limiter::sliding_log(300, MINUTE);
    let epoch = Server::default().with_reset_form(ResetForm::Epoch { date: false });
    let bare = Headers::None;
    vec![
        // The ideal knows of the new quota immediately. A client that obeys the stated reset learns
        // of it then.
        row(
            "quota doubles in a hold",
            Server::default().with_quota_from(at(90), 600),
            Load::spike(1_500),
        ),
        spike(
            "sliding log, half used by others",
            limited(log).with_others(0.5),
        ),
        spike(
            "token bucket, half used by others",
            limited(bucket).with_others(0.5),
        ),
        spike(
            "sliding counter",
            limited(Limiter::sliding_counter(300, MINUTE)),
        ),
        spike(
            "sliding log, Retry-After alone",
            limited(log).with_headers(Headers::RetryAfter),
        ),
        spike("sliding log, bare", limited(log).with_headers(bare)),
        spike(
            "token bucket, Retry-After alone",
            limited(bucket).with_headers(Headers::RetryAfter),
        ),
        spike("token bucket, bare", limited(bucket).with_headers(bare)),
        spike(
            "token bucket, 100 a second, burst of 10",
            limited(Limiter::token_bucket(100, SECOND, 10)),
        ),
        spike(
            "leaky bucket, 50 a second, queue of 20",
            limited(Limiter::leaky_bucket(50, SECOND, 20)),
        ),
        spike(
            "leaky bucket, bare",
            limited(Limiter::leaky_bucket(50, SECOND, 20)).with_headers(bare),
        ),
        spike("cap alone", Server::unlimited().with_cap(Some(50))),
        spike(
            "cap alone, bare 503",
            Server::unlimited()
                .with_cap(Some(50))
                .with_cap_status(503)
                .with_cap_retry_after(None),
        ),
        spike(
            "cap alone, 503 with Retry-After",
            Server::unlimited().with_cap(Some(50)).with_cap_status(503),
        ),
        spike(
            "300 a minute, and 3,000 an hour",
            Server::default().with_limiter(Limiter::fixed_window(3_000, 60 * MINUTE)),
        ),
        spike(
            "300 a minute, and 60 in 10 s",
            Server::default().with_limiter(Limiter::fixed_window(60, at(10))),
        ),
        spike(
            "sliding log, throttled calls cost quota",
            limited(log).with_throttled_counted(true),
        ),
        // The ideal exploits this, because calls that arrive before the last of the quota is
        // counted are accepted.
        spike(
            "counted at response",
            Server::default().with_counting_at_response(true),
        ),
        spike(
            "epoch without Date, clock 3 s ahead",
            epoch.clone().with_skew(3),
        ),
        spike("epoch without Date, clock 3 s behind", epoch.with_skew(-3)),
        spike(
            "hints 1 s too early, Retry-After alone",
            Server::default()
                .with_early_hints(SECOND)
                .with_headers(Headers::RetryAfter),
        ),
        spike(
            "first reset 5 s late",
            Server::default().with_closed(at(60), at(65)),
        ),
        spike(
            "10 s of lost connections",
            Server::default().with_outage(at(60), at(70), Outage::Lost),
        ),
        spike(
            "10 s of bare 503",
            Server::default().with_outage(at(60), at(70), Outage::Unavailable(None)),
        ),
        spike(
            "10 s of 503 with Retry-After: 2",
            Server::default().with_outage(at(60), at(70), Outage::Unavailable(Some(2))),
        ),
        spike(
            "10 times as slow in the second window",
            Server::default().with_brownout(at(60), at(120), 10.0),
        ),
        spike(
            "requests overtake one another (50 ms)",
            Server::default().with_jitter(Duration::from_millis(50)),
        ),
        row(
            "4 processes",
            Server::default(),
            Load::spike(1_000).with_processes(4),
        ),
        row(
            "10 processes",
            Server::default(),
            Load::spike(1_000).with_processes(10),
        ),
        row(
            "an even pace",
            Server::default(),
            Load::spike(1_000).with_pacing(Pacing::new().with_pace(Pace::Even)),
        ),
        row(
            "ramp over 2 minutes",
            Server::default(),
            Load::ramp(1_000, at(120)),
        ),
        row(
            "open, 4 a second",
            Server::default(),
            Load::open(4.0, at(300)),
        ),
        row(
            "open, 6 a second",
            Server::default(),
            Load::open(6.0, at(300)),
        ),
        row(
            "100 callers, 10 calls each",
            Server::default(),
            Load::sequential(100, 10),
        ),
    ]
}

/// Returns rows with tokens of an organisation that has 300 calls a minute. The ideal considers
/// only the organisation's quota.
fn tokens() -> Vec<Row> {
    let row = |name, tokens, quota, headers, target| {
        let server = Server::default()
            .with_token_limiter(Limiter::fixed_window(quota, MINUTE))
            .with_headers(headers);
        Row {
            name,
            server,
            load: Load::spike(1_000).with_tokens(tokens),
            target,
        }
    };
    let all = Headers::All;
    let target = Some(Target {
        makespan: 1.02,
        sends: 1.05,
    });
    vec![
        row("2 tokens of 200", 2, 200, all, target),
        row("4 tokens of 100", 4, 100, all, target),
        row("20 tokens of 20", 20, 20, all, None),
        row("4 tokens of 75, which is all there is", 4, 75, all, target),
        row(
            "4 tokens of 100, Retry-After alone",
            4,
            100,
            Headers::RetryAfter,
            None,
        ),
        row("4 tokens of 100, bare", 4, 100, Headers::None, None),
    ]
}

/// Returns rows with 500 requests and 200,000 tokens a minute, of which tokens are scarce.
fn language_models() -> Vec<Row> {
    let load = Load::spike(2_000).with_cost(Unit::Tokens, 800, 12_000);
    let limiters = |requests: Limiter, tokens: Limiter| {
        let tokens = tokens.with_unit(Unit::Tokens);
        let server = Server::unlimited().with_limiter(requests);
        server.with_limiter(tokens).with_headers(Headers::OpenAi)
    };
    let buckets = |tokens: fn(Limiter) -> Limiter| {
        let requests = Limiter::token_bucket(500, MINUTE, 500);
        let bucket = Limiter::token_bucket(200_000, MINUTE, 200_000);
        limiters(requests, tokens(bucket))
    };
    let plain = buckets(|it| it);
    let windows = limiters(
        Limiter::fixed_window(500, MINUTE),
        Limiter::fixed_window(200_000, MINUTE),
    );
    let with = |headers| plain.clone().with_headers(headers);
    let stated = Row {
        load: load.with_stated_costs(),
        ..row("LLM, costs stated", plain.clone(), load, 1.01, 1.02)
    };
    let at_response = buckets(Limiter::with_charge_at_response);
    let cap = plain.clone().with_cap(Some(50));
    let row = |name, server, makespan, sends| row(name, server, load, makespan, sends);
    vec![
        row("LLM, OpenAI's headers", plain.clone(), 1.02, 1.03),
        stated,
        row(
            "LLM, Anthropic's headers",
            with(Headers::Anthropic),
            1.02,
            1.03,
        ),
        row(
            "LLM, Retry-After alone",
            with(Headers::RetryAfter),
            1.05,
            1.12,
        ),
        row("LLM, cap of 50", cap, 1.05, 1.08),
        row("LLM, charged at the response", at_response, 1.05, 1.08),
        row("LLM, fixed windows", windows, 1.05, 1.08),
    ]
}

/// Returns rows with limits per second.
fn per_second() -> Vec<Row> {
    let second = Server::default().limited_by(Limiter::fixed_window(10, SECOND));
    let both = second
        .clone()
        .with_limiter(Limiter::fixed_window(300, MINUTE));
    let with = |server: &Server, headers| server.clone().with_headers(headers);
    let hundred = Server::default().limited_by(Limiter::fixed_window(100, SECOND));
    let row = |name, server, makespan, sends| spike(name, server, 1_000, makespan, sends);
    let alone = Headers::RetryAfter;
    vec![
        row("10 a second and 300 a minute", both.clone(), 1.02, 1.03),
        row(
            "10 a second and 300 a minute, the tightest told",
            with(&both, Headers::Tightest),
            1.05,
            1.08,
        ),
        row(
            "10 a second and 300 a minute, Retry-After alone",
            with(&both, alone),
            1.02,
            1.08,
        ),
        row(
            "10 a second, Retry-After alone",
            with(&second, alone),
            1.05,
            1.08,
        ),
        row(
            "10 a second, bare",
            with(&second, Headers::None),
            1.02,
            1.10,
        ),
        // The start is slow, because the server may be a bucket.
        row(
            "100 a second, Retry-After alone",
            with(&hundred, alone),
            1.75,
            1.08,
        ),
        row(
            "100 a second, bare",
            with(&hundred, Headers::None),
            1.40,
            1.10,
        ),
    ]
}

fn small_bucket() -> Vec<Row> {
    let bucket = Limiter::token_bucket(1, 5 * SECOND, 10);
    let server = Server::default().limited_by(bucket);
    let server = server.with_headers(Headers::None);
    vec![spike(
        "bucket of 10, one in 5 s, bare",
        server,
        200,
        1.02,
        1.80,
    )]
}

/// Returns rows in which requests or responses overtake each other.
fn overtaking() -> Vec<Row> {
    let slow = Server::default()
        .with_headers(Headers::None)
        .with_jitter(SECOND);
    // As over sockets to a server on the same machine.
    let fast = window(60, 6)
        .with_cap(None)
        .with_service(Duration::from_millis(4))
        .with_rejection(Duration::from_millis(2))
        .with_jitter(Duration::from_millis(2))
        .with_connect(Duration::from_millis(20));
    let name = "requests overtake one another (1 s), bare";
    vec![
        without_target(spike(name, slow, 1_000, 1.04, 1.59)),
        row(
            "new connections are overtaken",
            fast,
            Load::sequential(60, 4),
            1.05,
            1.02,
        ),
    ]
}

/// Returns rows whose quota is billed beyond its end, and not enforced. The ideal is not paced.
fn overage() -> Vec<Row> {
    let days = 22 * 24 * 60 * MINUTE;
    let limiter = Limiter::fixed_window(100, days).with_overage();
    let server = Server::default().limited_by(limiter).with_cap(None);
    let load = Load::sequential(20, 1_000);
    vec![row("overage is billed", server, load, 1.02, 1.05)]
}

fn window(quota: u64, seconds: u64) -> Server {
    Server::default().with_quota(quota, Duration::from_secs(seconds))
}

/// Creates a row that allows 40 additional sends, once, to find the cap.
fn with_start_up(name: &'static str, server: Server, calls: usize) -> Row {
    spike(name, server, calls, 1.03, 1.02 + 40.0 / calls as f64)
}

fn spike(name: &'static str, server: Server, calls: usize, makespan: f64, sends: f64) -> Row {
    row(name, server, Load::spike(calls), makespan, sends)
}

fn row(name: &'static str, server: Server, load: Load, makespan: f64, sends: f64) -> Row {
    let target = Some(Target { makespan, sends });
    Row {
        name,
        server,
        load,
        target,
    }
}

/// Removes the target of a row that does not reach it.
fn without_target(row: Row) -> Row {
    Row {
        target: None,
        ..row
    }
}

/// Returns rows with servers that shed load with a 503 that states nothing.
fn orders() -> Vec<Row> {
    let row = |name, load: Load| Row {
        name,
        server: Server::unlimited().with_quota(10, 10 * SECOND),
        load,
        target: Some(Target {
            makespan: 1.02,
            sends: 1.4,
        }),
    };
    let one_interactive = |call| match call {
        100 => Priority::Interactive,
        _ => Priority::Batch,
    };
    let beside = Load::spike(101).with_priorities(one_interactive);
    let two_tenants = |call| if call < 1_000 { 1 } else { 2 };
    vec![
        row("an interactive call beside 100 of a batch", beside),
        row(
            "5 calls of a tenant behind 1,000 of another",
            Load::spike(1_005).with_shares(two_tenants),
        ),
    ]
}

/// As HAProxy's rate tables and nginx Plus count.
fn sliding_counters() -> Vec<Row> {
    let server = Server::unlimited()
        .with_limiter(Limiter::sliding_counter(50, 10 * SECOND))
        .with_service(Duration::from_millis(20))
        .with_rejection(Duration::from_millis(1))
        .with_headers(Headers::None);
    let counted = server.clone().with_throttled_counted(true);
    let row = |name, server, makespan, sends| spike(name, server, 200, makespan, sends);
    vec![
        row("sliding counter, 50 in 10 s, bare", server, 1.02, 1.35),
        row(
            "HAProxy, 50 in 10 s, throttled calls counted",
            counted,
            1.42,
            1.45,
        ),
    ]
}

fn overloads() -> Vec<Row> {
    let row = |name, server: Server, load, makespan, sends| Row {
        name,
        server: server
            .with_headers(Headers::None)
            .with_cap_retry_after(None),
        load,
        target: Some(Target { makespan, sends }),
    };
    let rows = [
        row(
            "unlimited",
            Server::unlimited(),
            Load::spike(1_000),
            1.6,
            1.05,
        ),
        row(
            "unlimited, 500 callers",
            Server::unlimited(),
            Load::sequential(500, 20),
            // The ideal does not know which call is whose. A client without a pacer takes 1.10 of its time.
            1.16,
            1.05,
        ),
        row(
            "unlimited, 500 callers, 1 % fail",
            Server::unlimited().with_faults(0.01),
            Load::sequential(500, 20),
            1.2,
            1.05,
        ),
        row(
            "nginx, 10 a second and a queue of 20",
            Server::unlimited()
                .with_limiter(Limiter::leaky_bucket(10, SECOND, 20))
                .with_quota_status(503),
            Load::spike(1_000),
            1.05,
            1.35,
        ),
        row(
            "nginx, 10 a second and a burst of 20",
            Server::unlimited()
                .with_limiter(Limiter::token_bucket(10, SECOND, 20))
                .with_quota_status(503),
            Load::spike(1_000),
            1.05,
            1.35,
        ),
        row(
            "cap from 50 to 17 for 30 s, bare 503",
            Server::unlimited()
                .with_cap(Some(50))
                .with_cap_status(503)
                .with_cap_from(10 * SECOND, Some(17))
                .with_cap_from(40 * SECOND, Some(50)),
            Load::spike(12_000),
            1.1,
            1.05,
        ),
    ];
    rows.into()
}
